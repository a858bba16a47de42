"""The question line: retrieve, show the evidence, decide, ask the model, check what it writes.

What a person may rely on is decided here and not by the model: whether there is evidence at all, which passages carry a
sentence, and whether the answer stands.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Protocol

from rag.alignment import Aligner
from rag.checking import Checker
from rag.citations import Footnotes, PageSource
from rag.drafting import Draft
from rag.errors import ModelError
from rag.followups import standalone
from rag.languages import detect
from rag.modes import Mode, settled
from rag.pace import ReadingPace
from rag.prompts import SOURCE_TOKENS, Budget, build_messages
from rag.protocols import ChatModel, Embedder
from rag.receipts import Receipt, Request, receipt_of
from rag.spelling import told
from rag.types import (
    Answer,
    Answered,
    AnswerEvent,
    Evidence,
    Exchange,
    Finished,
    Interrupted,
    ModelEvent,
    Passage,
    Refused,
    Retrieval,
    Sentence,
    SentenceChecked,
    Span,
    Timings,
    Token,
)

PASSAGES = 10
"""Passages retrieved, shown as evidence and offered to the prompt."""

EXTRACTED = 3
"""Sentences of an answer without a model."""


class Retriever(Protocol):
    """Finds the passages for a question and judges whether they are enough."""

    def retrieve(self, workspace_id: str, question: str, *, limit: int) -> Retrieval:
        """At most `limit` passages, best first."""


class Answering:
    """Answers questions from the documents of a workspace."""

    def __init__(
        self,
        retriever: Retriever,
        embedder: Embedder,
        *,
        pages: PageSource | None = None,
        source_tokens: int = SOURCE_TOKENS,
        offered: int = PASSAGES,
        pace: ReadingPace | None = None,
    ) -> None:
        """`source_tokens` bounds what the model reads of the sources, `offered` are the most passages that it is given
        of those that are shown; `pace` makes both fewer for a model that reads slowly."""
        self._retriever = retriever
        self._embedder = embedder
        self._pages = pages
        self._source_tokens = source_tokens
        self._offered = offered
        self._pace = pace

    def answer(
        self,
        workspace_id: str,
        question: str,
        *,
        history: Sequence[Exchange] = (),
        model: ChatModel | None,
        stop: Callable[[], bool] = lambda: False,
        as_typed: bool = False,
        mode: Mode = "strict",
    ) -> Iterator[AnswerEvent]:
        """Evidence first, then what comes of it; the last event is Answered, Refused or Interrupted, with its receipt.

        * Evidence too weak: Refused with the nearest passages; the model is not asked. In open mode it is, but not told
          of them.
        * No model: the sentences that answer best, each with its footnote.
        * A model: Token and SentenceChecked while it writes. The tokens joined are the answer's text, and what was left
          out of it.
        * A model that writes nothing: as without a model (`Answer.model` is None).
        * No sentence found in the passages, although they could be compared: Refused, in strict mode. Until the last
          event the text on screen is a draft; a front end replaces it.
        * Sentences that are not found: see rag/modes.py.
        * Stopped: Interrupted without an error. A failing model: Interrupted with what to do next. Both keep the text.

        A follow-up is searched with the topic that it leans on, unless `as_typed`.

        Raises:
            EmbedderError, StorageError: retrieval itself failed.
        """
        run = _Run(stop, mode)
        searched = question if as_typed else standalone(question, history)
        retrieval = self._retriever.retrieve(workspace_id, searched, limit=PASSAGES)
        run.evidence_shown()
        yield Evidence(retrieval)
        with closing(self._concluded(question, history, retrieval, model=model, run=run)) as events:
            for event in events:
                match event:
                    case Answered() | Interrupted():
                        receipt = run.receipt(question, retrieval, timings=event.answer.timings)
                        notes = (event.answer.left_out, told(retrieval.respelled))
                        answer = replace(event.answer, left_out=" ".join(filter(None, notes)) or None)
                        yield replace(event, answer=answer, receipt=replace(receipt, removed=answer.removed))
                    case Refused():
                        yield replace(event, receipt=run.receipt(question, retrieval, timings=event.timings))
                    case _:
                        yield event

    def _concluded(
        self,
        question: str,
        history: Sequence[Exchange],
        retrieval: Retrieval,
        *,
        model: ChatModel | None,
        run: _Run,
    ) -> Generator[AnswerEvent]:
        """What comes of the evidence."""
        if not retrieval.sufficient or not retrieval.passages:
            if run.mode == "open" and model is not None:
                yield from self._write(question, history, replace(retrieval, passages=()), model=model, run=run)
                return
            yield Refused(Footnotes(self._pages).nearest(retrieval.passages), run.timings())
        elif model is None:
            yield from self._extract(retrieval.passages, run)
        else:
            yield from self._write(question, history, retrieval, model=model, run=run)

    def _write(
        self, question: str, history: Sequence[Exchange], retrieval: Retrieval, *, model: ChatModel, run: _Run
    ) -> Iterator[AnswerEvent]:
        pace = self._pace
        budget = Budget(
            model.context_window,
            sources=self._source_tokens,
            prompt=pace.prompt_tokens(model.name) if pace else None,
        )
        passages = retrieval.passages[: self._offered]
        try:
            prompt = build_messages(
                question,
                passages=passages,
                history=history,
                count_tokens=model.count_tokens,
                budget=budget,
                mode=run.mode,
            )
        except ModelError as error:  # counting tokens may already ask the model's process
            nothing = Answer("", (), (), model.name, run.timings())
            yield Interrupted(nothing, error.message, error.hint or None)
            return
        aligner = Aligner(self._embedder, question=question, passages=prompt.passages)
        checker = Checker(aligner, Footnotes(self._pages), language=detect(question))
        draft = Draft(checker, prompt=prompt, model=model.name)
        run.asked(Request(prompt, model, budget.window, dict(model.parameters(prompt.max_tokens))), draft)
        try:
            stream = model.stream(prompt.messages, max_tokens=prompt.max_tokens, stop=run.stop)
            yield from _follow(stream, draft, run)
        except ModelError as error:
            draft.error = error
        yield from draft.finish()
        if pace and (waited := run.waited_for_the_first_word()) is not None:
            pace.note(model.name, tokens=prompt.last_message_tokens, seconds=waited)
        yield from self._conclude(draft, passages, run)

    def _conclude(self, draft: Draft, passages: Sequence[Passage], run: _Run) -> Iterator[AnswerEvent]:
        """The last event, or what replaces an empty answer."""
        timings = run.timings()
        if draft.stopped:
            yield Interrupted(draft.answer(timings), error=None)
        elif draft.error is not None:
            yield Interrupted(draft.answer(timings), draft.error.message, draft.error.hint or None)
        elif draft.finished is None:
            yield Interrupted(draft.answer(timings), "The model stopped before its answer was complete.", "Ask again.")
        elif draft.empty:
            yield from self._extract(passages, run)
        elif draft.unfounded and run.mode == "strict":
            yield Refused(Footnotes(self._pages).nearest(passages), timings)
        else:
            yield Answered(settled(draft.answer(timings), run.mode, comparable=draft.comparable))

    def _extract(self, passages: Sequence[Passage], run: _Run) -> Iterator[AnswerEvent]:
        """The answer without a model: the best sentence of each of the first passages, quoted."""
        citations = Footnotes(self._pages).nearest(passages)[:EXTRACTED]
        text = ""
        written: list[Sentence] = []
        for citation in citations:
            piece = ("\n\n" if text else "") + " ".join(citation.quote.split())
            start = len(text) + (2 if text else 0)
            text += piece
            written.append(Sentence(text[start:], Span(start, len(text)), "supported", (citation.number,)))
            yield Token(piece)
            yield SentenceChecked(written[-1], (citation,))
        yield Answered(Answer(text, tuple(written), citations, model=None, timings=run.timings()))


class _Run:
    """The stop flag and the clock of one answer, and the model that was asked for it."""

    def __init__(self, stop: Callable[[], bool], mode: Mode) -> None:
        self.stop = stop
        self.mode = mode
        self._began = time.perf_counter()
        self._evidence: float | None = None
        self._first_token: float | None = None
        self._asked = 0.0
        self._request: Request | None = None
        self._draft: Draft | None = None

    def asked(self, request: Request, draft: Draft) -> None:
        self._request, self._draft = request, draft
        self._asked = time.perf_counter() - self._began

    def waited_for_the_first_word(self) -> float | None:
        """Seconds between the model's question and its first word; None where none came."""
        return None if self._first_token is None else self._first_token - self._asked

    def evidence_shown(self) -> None:
        self._evidence = time.perf_counter() - self._began

    def token_shown(self) -> None:
        if self._first_token is None:
            self._first_token = time.perf_counter() - self._began

    def timings(self) -> Timings:
        return Timings(self._evidence, self._first_token, time.perf_counter() - self._began)

    def receipt(self, question: str, retrieval: Retrieval, *, timings: Timings) -> Receipt:
        finished = self._draft.finished if self._draft else None
        return receipt_of(question, retrieval, timings=timings, request=self._request, finished=finished)


def _follow(stream: Iterator[ModelEvent], draft: Draft, run: _Run) -> Iterator[AnswerEvent]:
    """Pass a model's stream on, cleaned and checked, until it ends or a person stops it."""
    try:
        while not run.stop():
            event = next(stream, None)
            if event is None:
                return
            if isinstance(event, Finished):
                draft.finished = event
                return
            run.token_shown()
            yield from draft.take(event.text)
        draft.finished = Finished("stopped")
    finally:
        close = getattr(stream, "close", None)  # generators have one: the model's side ends at once
        if close is not None:
            close()
