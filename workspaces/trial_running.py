"""Asks the questions of one run and saves what each brings, so that it can go on after a break."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from sqlalchemy import select

from rag.errors import InvalidInput, ModelError
from rag.prompts import Offer
from rag.protocols import ChatModel
from rag.types import Answered, AnswerEvent, Citation, Evidence, Interrupted, Passage, Refused, Retrieval
from workspaces import indexes, trial_result_rows
from workspaces.database import Database
from workspaces.scoring import is_gold, values_of
from workspaces.tables import texts
from workspaces.trial_figures import measured
from workspaces.trial_values import Place, TrialRun

DEPTH = 10
_EXPECTED = "expected"
"""What a passage is called in a run line when it is the one that was expected."""

Line = dict[str, Any]


class Asker(Protocol):
    """What a run needs of workspaces.searching.Searching."""

    def retrieve(self, workspace_id: str, question: str, *, limit: int = 10) -> Retrieval:
        """The best passages."""

    def answer(
        self,
        workspace_id: str,
        question: str,
        *,
        model: ChatModel | None,
        stop: Callable[[], bool] = lambda: False,
        offer: Offer = ...,
    ) -> Iterator[AnswerEvent]:
        """The events of an answer."""


class Running:
    """One run, from its first waiting question to its last."""

    def __init__(self, database: Database, asker: Asker, run: TrialRun, *, stop: Callable[[], bool]) -> None:
        self._database = database
        self._asker = asker
        self._run = run
        self._stop = stop

    def ask_all(self, model: ChatModel | None) -> bool:
        """Ask what waits; False when it was stopped before the end.

        Raises:
            InvalidInput: the search index is not the one that the run began with.
            ModelError, EmbedderError, StorageError: asking failed; what was asked is kept.
        """
        while True:
            with self._database.read() as connection:
                waiting = trial_result_rows.next_waiting(connection, self._run.id)
                index = indexes.current(connection, self._run.workspace_id)
            if waiting is None:
                return True
            if self._stop():
                return False
            if index.id != self._run.index_id:
                raise InvalidInput(
                    "The search index of this workspace was replaced meanwhile.",
                    hint="Start another run; the two can be compared.",
                )
            question_id, text, answerable, place = waiting
            asked = _Asked(text, answerable, place)
            if not self._ask(asked, model):
                return False
            self._save(question_id, asked)

    def _ask(self, asked: _Asked, model: ChatModel | None) -> bool:
        """Fill in what a question brings; False when it was stopped in between."""
        started = time.perf_counter()
        if not self._run.settings.answers:
            retrieval = self._asker.retrieve(self._run.workspace_id, asked.text, limit=DEPTH)
            asked.took(retrieval, started)
            asked.refused = not retrieval.sufficient or not retrieval.passages
            return True
        events = self._asker.answer(
            self._run.workspace_id, asked.text, model=model, stop=self._stop, offer=self._run.settings.offer
        )
        for event in events:
            if isinstance(event, Evidence):
                asked.took(event.retrieval, started)
            elif isinstance(event, Answered):
                asked.answer, asked.citations = event.answer.text, event.answer.grounds
            elif isinstance(event, Refused):
                asked.refused = True
            elif isinstance(event, Interrupted):
                if event.error is None:
                    return False
                raise ModelError(event.error, hint=event.hint or "Start the model, then go on with the run.")
        asked.answer_ms = _milliseconds(started)
        return True

    def _save(self, question_id: str, asked: _Asked) -> None:
        values = values_of(self._cited_texts(asked.citations), [asked.expectation], [asked.line])
        rows = [
            trial_result_rows.address(item, role="found", number=number, expected=asked.is_expected(item))
            for number, item in enumerate(asked.passages, 1)
        ]
        rows += [
            trial_result_rows.address(
                item, role="cited", number=item.number, expected=is_gold(_citation(item), asked.evidence)
            )
            for item in asked.citations
        ]
        kept = measured(values, answers=self._run.settings.answers, placed=asked.place is not None)
        with self._database.write() as connection:
            trial_result_rows.save_result(
                connection,
                self._run.id,
                question_id,
                rows,
                refused=asked.refused,
                answer=asked.answer,
                figures=kept,
            )

    def _cited_texts(self, citations: Sequence[Citation]) -> list[Line]:
        """The texts that quotes are compared with, as lines of a corpus."""
        versions = {citation.version_id: citation.document_id for citation in citations}
        query = select(texts.c.version_id, texts.c.text).where(texts.c.version_id.in_(versions))
        with self._database.read() as connection:
            return [{"id": versions[row.version_id], "text": row.text} for row in connection.execute(query)]


class _Asked:
    """A question, what is expected of it, and what it has brought so far, in the scorer's form."""

    def __init__(self, text: str, answerable: bool, place: Place | None) -> None:
        self.text = text
        self.place = place if answerable else None
        self.evidence = _evidence(self.place)
        self.expectation: Line = {"id": "", "answerable": answerable, "evidence": self.evidence}
        self.passages: tuple[Passage, ...] = ()
        self.citations: tuple[Citation, ...] = ()
        self.answer = ""
        self.refused = False
        self.answer_ms: float | None = None
        self._evidence_ms: float | None = None

    def took(self, retrieval: Retrieval, started: float) -> None:
        """The evidence is there."""
        self._evidence_ms = _milliseconds(started)
        self.passages = retrieval.passages

    def is_expected(self, passage: Passage) -> bool:
        """Whether a passage is the expected one, or stands at the expected place where no passage is named."""
        return is_gold(self._item(passage), self.evidence)

    @property
    def line(self) -> Line:
        """As a run of `footnote eval` has it."""
        return {
            "id": "",
            "retrieved": [self._item(passage) for passage in self.passages],
            "answer": self.answer,
            "refused": self.refused,
            "citations": [_citation(citation) for citation in self.citations],
            "evidence_ms": self._evidence_ms,
            "answer_ms": self.answer_ms,
        }

    def _item(self, passage: Passage) -> Line:
        """Where a passage is expected, passages are compared, else pages and documents."""
        if self.place is None or self.place.span is None:
            return {"doc": passage.document_id, "page": passage.page}
        return {"passage_id": _EXPECTED if _holds(passage, self.place) else passage.chunk_id}


def _evidence(place: Place | None) -> list[Line]:
    """What is expected: the passage, where it is known, and the page or document, to which a footnote is held."""
    if place is None:
        return []
    where = {"doc": place.document_id, "page": place.page}
    return [{"passage_id": _EXPECTED}, where] if place.span is not None else [where]


def _holds(passage: Passage, place: Place) -> bool:
    """Whether a passage has part of the expected span; in another version, the same text."""
    if passage.document_id != place.document_id or place.span is None:
        return False
    if passage.version_id == place.version_id:
        return passage.span.overlap(place.span) > 0
    here, there = " ".join(passage.text.split()), " ".join(place.quote.split())
    return bool(there) and (there in here or here in there)


def _citation(citation: Citation) -> Line:
    return {"doc": citation.document_id, "page": citation.page, "quote": citation.quote}


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
