"""Questions, each to the search index that its workspace has at that moment, with the embedder of that index.

The index is looked up once a question: everything below works on it, so that an index which takes another's place in
between is never mixed with it. The former one stays whole until it is dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rag.prompts import Offer
from rag.protocols import ChatModel
from rag.types import AnswerEvent, Exchange, Retrieval
from workspaces import indexes
from workspaces.database import Database
from workspaces.embedders import Embedders

if TYPE_CHECKING:
    from rag.answering import Answering
    from rag.protocols import Embedder
    from rag.retrieval import HybridRetriever


class Searching:
    """Retrieval and answers for workspaces. Thread-safe."""

    def __init__(
        self,
        database: Database,
        embedders: Embedders,
        *,
        open_retriever: Callable[[Embedder], HybridRetriever],
        open_answering: Callable[[HybridRetriever, Embedder, Offer | None], Answering],
    ) -> None:
        """What opens is called once an embedder, and once an offer to the model."""
        self._database = database
        self._embedders = embedders
        self._open_retriever = open_retriever
        self._open_answering = open_answering
        self._lock = threading.Lock()
        self._retrievers: dict[str, HybridRetriever] = {}
        self._answerings: dict[tuple[str, Offer | None], Answering] = {}

    def retrieve(self, workspace_id: str, question: str, *, limit: int = 10) -> Retrieval:
        """The best passages of a workspace.

        Raises:
            NotFound: no such workspace.
            EmbedderError: the embedder of its index is not at hand.
        """
        index_id, embedder = self._index(workspace_id)
        return self._retriever(embedder).retrieve(index_id, question, limit=limit)

    def answer(
        self,
        workspace_id: str,
        question: str,
        *,
        history: Sequence[Exchange] = (),
        model: ChatModel | None,
        stop: Callable[[], bool] = lambda: False,
        as_typed: bool = False,
        offer: Offer | None = None,
    ) -> Iterator[AnswerEvent]:
        """As `rag.answering.Answering.answer`; `offer` is what the model is given: where there is none the usual, as
        far as it is read in time. Raises as `retrieve` does."""
        index_id, embedder = self._index(workspace_id)
        answering = self._answering(embedder, offer)
        return answering.answer(index_id, question, history=history, model=model, stop=stop, as_typed=as_typed)

    def _index(self, workspace_id: str) -> tuple[str, Embedder]:
        with self._database.read() as connection:
            index = indexes.current(connection, workspace_id)
        return index.id, self._embedders.of(index)

    def _retriever(self, embedder: Embedder) -> HybridRetriever:
        with self._lock:
            if embedder.name not in self._retrievers:
                self._retrievers[embedder.name] = self._open_retriever(embedder)
            return self._retrievers[embedder.name]

    def _answering(self, embedder: Embedder, offer: Offer | None) -> Answering:
        retriever = self._retriever(embedder)
        with self._lock:
            if (embedder.name, offer) not in self._answerings:
                self._answerings[embedder.name, offer] = self._open_answering(retriever, embedder, offer)
            return self._answerings[embedder.name, offer]
