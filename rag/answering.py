"""The question line: retrieve, show the evidence, decide, ask the model, check what it writes.

What a person may rely on is decided here and not by the model: whether there is evidence at all, which passages carry a
sentence, and whether the answer stands.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from rag.alignment import Aligner
from rag.checking import Checker
from rag.citations import Footnotes, PageSource
from rag.digest import Digest
from rag.drafting import BROKE_OFF, Draft
from rag.errors import ModelError
from rag.languages import detect
from rag.modes import Mode, settled
from rag.pace import ReadingPace
from rag.prompts import SOURCE_TOKENS, Budget, build_messages
from rag.protocols import ChatModel, Embedder, FirstWords, Retriever
from rag.quoting import quoted
from rag.reader import Reader, asking, denies, held, reader_for
from rag.receipts import Request
from rag.rephrasing import retrieve_follow_up
from rag.running import Run, follow
from rag.selection import near
from rag.spelling import told
from rag.types import (
    Answer,
    Answered,
    AnswerEvent,
    Evidence,
    Exchange,
    Interrupted,
    Passage,
    Refused,
    Retrieval,
)

PASSAGES = 10
"""Passages retrieved and shown as evidence; those near the best are offered to the prompt."""

EXTRACTED = 3
"""Sentences of an answer without a model."""


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
        self._digest = Digest(retriever, embedder, pages=pages, source_tokens=source_tokens, pace=pace)

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
          of them. A model that can be asked whether it found the answer is given more of the doubtful ones.
        * No model: the sentences that answer best, each with its footnote.
        * A model that has read them and denies that they answer: Refused too (rag/reader.py).
        * A model: Token and SentenceChecked while it writes. The tokens joined are the answer's text, and what was left
          out of it.
        * A model that writes nothing: as without a model (`Answer.model` is None).
        * No sentence found in the passages, although they could be compared: Refused, in strict mode. Until the last
          event the text on screen is a draft; a front end replaces it.
        * Sentences that are not found: see rag/modes.py.
        * Stopped: Interrupted without an error. A failing model: Interrupted with what to do next. Both keep the text.

        A summary, a complete list or a comparison is read in parts (rag/digest.py), with Progress before each.

        A follow-up is searched with the topic that it leans on, or as the model completes it (rag/rephrasing.py),
        unless `as_typed`.

        Raises:
            EmbedderError, StorageError: retrieval itself failed.
        """
        run = Run(stop, mode)
        leans = bool(history) and not as_typed
        plan = self._digest.plan(workspace_id, question, leans=leans, model=model)
        if plan is not None:
            retrieval = plan.retrieval
            concluded = self._digest.events(plan, question, workspace_id=workspace_id, model=model, run=run)
        else:
            earlier = () if as_typed else history
            retrieval = retrieve_follow_up(
                self._retriever, workspace_id, question, earlier, limit=PASSAGES, model=model, stop=stop
            )
            concluded = self._concluded(question, history, retrieval, model=model, run=run)
        run.evidence_shown()
        yield Evidence(retrieval)
        with closing(concluded) as events:
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
        run: Run,
    ) -> Generator[AnswerEvent]:
        """What comes of the evidence."""
        reader = _reader(question, retrieval, model, run)
        doubtful = reader is not None and retrieval.evidence >= reader.doubtful
        if not (retrieval.sufficient or doubtful) or not retrieval.passages:
            if run.mode == "open" and model is not None:
                yield from self._write(question, history, replace(retrieval, passages=()), model=model, run=run)
                return
            yield Refused(Footnotes(self._pages).nearest(retrieval.passages), run.timings())
        elif model is None:
            yield from quoted(Footnotes(self._pages).nearest(retrieval.passages)[:EXTRACTED], run)
        else:
            yield from self._write(question, history, retrieval, model=model, run=run, reader=reader)

    def _write(
        self,
        question: str,
        history: Sequence[Exchange],
        retrieval: Retrieval,
        *,
        model: ChatModel,
        run: Run,
        reader: Reader | None = None,
    ) -> Iterator[AnswerEvent]:
        pace = self._pace
        budget = Budget(
            model.context_window,
            sources=self._source_tokens,
            prompt=pace.prompt_tokens(model.name) if pace else None,
        )
        passages = near(retrieval.passages)[: self._offered]
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
        request = Request(prompt, model, budget.window, dict(model.parameters(prompt.max_tokens)))
        run.asked(request, draft)
        try:
            if reader is not None and isinstance(model, FirstWords):
                evidence = retrieval.evidence
                run.held = held(reader, prompt, question, evidence=evidence, model=model, stop=run.stop)
                if denies(run.held):
                    run.asked(replace(request, prompt=asking(reader, prompt, question)), draft)
                    yield Refused(Footnotes(self._pages).nearest(passages), run.timings())
                    return
            stream = model.stream(prompt.messages, max_tokens=prompt.max_tokens, stop=run.stop)
            yield from follow(stream, draft, run)
        except ModelError as error:
            draft.error = error
        yield from draft.finish()
        run.note_pace(pace)
        yield from self._conclude(draft, passages, run)

    def _conclude(self, draft: Draft, passages: Sequence[Passage], run: Run) -> Iterator[AnswerEvent]:
        """The last event, or what replaces an empty answer."""
        timings = run.timings()
        if draft.stopped:
            yield Interrupted(draft.answer(timings), error=None)
        elif draft.error is not None:
            yield Interrupted(draft.answer(timings), draft.error.message, draft.error.hint or None)
        elif draft.finished is None:
            yield Interrupted(draft.answer(timings), BROKE_OFF, "Ask again.")
        elif draft.empty:
            yield from quoted(Footnotes(self._pages).nearest(passages)[:EXTRACTED], run)
        elif draft.unfounded and run.mode == "strict":
            yield Refused(Footnotes(self._pages).nearest(passages), timings)
        else:
            yield Answered(settled(draft.answer(timings), run.mode, comparable=draft.comparable))


def _reader(question: str, retrieval: Retrieval, model: ChatModel | None, run: Run) -> Reader | None:
    """How what the model says after reading is to be read; None where it is not asked: in open mode, on whole
    documents, and of a follow-up, which does not stand alone in the prompt."""
    stands = retrieval.question == question and retrieval.evidence < 1
    asked = model is not None and run.mode == "strict" and stands
    return reader_for(model.identity(), question) if asked and isinstance(model, FirstWords) else None
