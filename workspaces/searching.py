"""Questions, each to the search index that its workspace has at that moment, with the embedder of that index.

The index is looked up once a question: everything below works on it, so that an index which takes another's place in
between is never mixed with it. The former one stays whole until it is dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

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
        open_answering: Callable[[HybridRetriever, Embedder], Answering],
    ) -> None:
        """What opens is called once an embedder."""
        self._database = database
        self._embedders = embedders
        self._open_retriever = open_retriever
        self._open_answering = open_answering
        self._lock = threading.Lock()
        self._opened: dict[str, tuple[HybridRetriever, Answering]] = {}

    def retrieve(self, workspace_id: str, question: str, *, limit: int = 10) -> Retrieval:
        """The best passages of a workspace.

        Raises:
            NotFound: no such workspace.
            EmbedderError: the embedder of its index is not at hand.
        """
        index_id, (retriever, _) = self._line(workspace_id)
        return retriever.retrieve(index_id, question, limit=limit)

    def answer(
        self,
        workspace_id: str,
        question: str,
        *,
        history: Sequence[Exchange] = (),
        model: ChatModel | None,
        stop: Callable[[], bool] = lambda: False,
        as_typed: bool = False,
    ) -> Iterator[AnswerEvent]:
        """As `rag.answering.Answering.answer`. Raises as `retrieve` does."""
        index_id, (_, answering) = self._line(workspace_id)
        return answering.answer(index_id, question, history=history, model=model, stop=stop, as_typed=as_typed)

    def _line(self, workspace_id: str) -> tuple[str, tuple[HybridRetriever, Answering]]:
        with self._database.read() as connection:
            index = indexes.current(connection, workspace_id)
        embedder = self._embedders.of(index)
        with self._lock:
            if embedder.name not in self._opened:
                retriever = self._open_retriever(embedder)
                self._opened[embedder.name] = retriever, self._open_answering(retriever, embedder)
            return index.id, self._opened[embedder.name]
