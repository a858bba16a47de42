"""Questions, each to the search index that its workspace has at that moment, with the embedder of that index.

The index is looked up once a question: everything below works on it, so that an index which takes another's place in
between is never mixed with it. The former one stays whole until it is dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.prompts import Offer
from rag.protocols import ChatModel
from rag.scope import EVERYTHING, Scope, Within
from rag.types import Answered, AnswerEvent, Contents, Exchange, Interrupted, Matrix, Passage, Refused, Retrieval
from workspaces import indexes, repository, scopes, scoping, truth
from workspaces.database import Database
from workspaces.embedders import Embedders
from workspaces.together import Place

if TYPE_CHECKING:
    from rag.answering import Answering
    from rag.protocols import Embedder, Retriever
    from rag.retrieval import HybridRetriever

_BLINDLY = 200
"""Passages of an index, to see what cosine is usual: two milliseconds."""


class Searching:
    """Retrieval and answers for workspaces. Thread-safe."""

    def __init__(
        self,
        database: Database,
        embedders: Embedders,
        *,
        open_retriever: Callable[[Embedder], HybridRetriever],
        open_answering: Callable[[Retriever, Embedder, Offer | None], Answering],
        open_together: Callable[[Sequence[Place]], Retriever],
    ) -> None:
        """What opens is called once an embedder, and once an offer to the model; for each question where several
        workspaces, or a part of one, are searched."""
        self._database = database
        self._embedders = embedders
        self._open_retriever = open_retriever
        self._open_answering = open_answering
        self._open_together = open_together
        self._lock = threading.Lock()
        self._retrievers: dict[str, HybridRetriever] = {}
        self._answerings: dict[tuple[str, Offer | None], Answering] = {}

    def retrieve(self, workspace_id: str, question: str, *, limit: int = 10, scope: Scope = EVERYTHING) -> Retrieval:
        """The best passages of a workspace, as far as they lie in a scope.

        Raises:
            NotFound: no such workspace.
            EmbedderError: the embedder of its index is not at hand.
        """
        while True:
            index_id, embedder = self._index(workspace_id)
            retrieval = self._scoped(workspace_id, embedder, scope).retrieve(index_id, question, limit=limit)
            with self._database.read() as connection:
                index = indexes.get(connection, index_id)
            if index is not None and index.state != "dropped":
                return retrieval  # else passages of it were missing, and another has taken its place

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
        scope: Scope = EVERYTHING,
    ) -> Iterator[AnswerEvent]:
        """As `rag.answering.Answering.answer`, from what lies in a scope, in the workspace's mode; `offer` is what the
        model is given: where there is none the usual, as far as it is read in time. Raises as `retrieve` does."""
        index_id, embedder = self._index(workspace_id)
        with self._database.read() as connection:
            mode = repository.mode_of(connection, workspace_id)
        if scope == EVERYTHING:
            answering = self._answering(embedder, offer)
        else:
            answering = self._open_answering(self._scoped(workspace_id, embedder, scope), embedder, offer)
        events = answering.answer(
            index_id, question, history=history, model=model, stop=stop, as_typed=as_typed, mode=mode
        )
        if scope == EVERYTHING:
            return events
        with self._database.read() as connection:
            return _telling(events, scoping.limited_to(connection, workspace_id, scope))

    def _scoped(self, workspace_id: str, embedder: Embedder, scope: Scope) -> Retriever:
        """What finds passages within a scope, which is resolved here, once a question."""
        if scope == EVERYTHING:
            return self._retriever(embedder)
        searched = (workspace_id, *scope.also)
        with self._database.read() as connection:
            allowed = [scopes.within(connection, one, scope) for one in searched]
        if not scope.also:
            return _Within(self._retriever(embedder), allowed[0])
        return self._open_together([self._place(one, within) for one, within in zip(searched, allowed, strict=True)])

    def _place(self, workspace_id: str, within: Within | None) -> Place:
        index_id, embedder = self._index(workspace_id)
        return Place(index_id, embedder, within, sample=lambda: self._sample(index_id))

    def _sample(self, index_id: str) -> Matrix | None:
        with self._database.read() as connection:
            found = truth.sample(connection, index_id, size=_BLINDLY)
        return found[1] if found is not None else None

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


class _Within:
    """A retriever that sees some versions only."""

    def __init__(self, retriever: HybridRetriever, within: Within | None) -> None:
        self._retriever = retriever
        self._within = within

    def retrieve(self, index_id: str, question: str, *, limit: int) -> Retrieval:
        """The best passages within."""
        return self._retriever.retrieve(index_id, question, limit=limit, within=self._within)

    def documents(self, index_id: str) -> list[Contents]:
        """The documents within."""
        return self._retriever.documents(index_id, within=self._within)

    def at_ordinals(self, index_id: str, ordinals: Sequence[tuple[str, int]]) -> list[Passage]:
        """The passages of (version id, place in it), of documents within."""
        within = self._within
        return self._retriever.at_ordinals(index_id, [one for one in ordinals if within is None or one[0] in within])


def _telling(events: Iterator[AnswerEvent], limited_to: tuple[str, ...]) -> Iterator[AnswerEvent]:
    """The events of an answer; the receipt says where was looked."""
    for event in events:
        if isinstance(event, Answered | Refused | Interrupted) and event.receipt is not None:
            yield replace(event, receipt=replace(event.receipt, limited_to=limited_to))
        else:
            yield event
