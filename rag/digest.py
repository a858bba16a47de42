"""Summaries, complete lists and comparisons: read in portions, notes of each, one answer from the notes.

Nothing that a model writes on the way is believed: each note is attributed to its portion and checked there, and what
the portion does not say is dropped before it can reach the answer. The answer's own sentences are attributed to the
passages that the notes rest on, so that every footnote leads to a document and never to a note.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

from rag import plans
from rag.alignment import Aligner
from rag.checking import Checker
from rag.citations import Footnotes, PageSource
from rag.digest_prompts import build_reduction, notes_ask
from rag.drafting import BROKE_OFF, Draft
from rag.errors import ModelError
from rag.modes import settled
from rag.notes import Notes
from rag.pace import ReadingPace
from rag.plans import Plan
from rag.portions import NOTE_TOKENS, Portion, most_left, room_for, thinned
from rag.prompts import Budget, Prompt, build_messages
from rag.protocols import ChatModel, Embedder, Retriever
from rag.quoting import central, quoted
from rag.receipts import Reading, Request, reading_of
from rag.running import Run, follow
from rag.tasks import task_of
from rag.types import Answer, Answered, AnswerEvent, Interrupted, Passage, Progress

QUOTED = 8
"""Sentences of an answer without a model."""
_TOGETHER = 2
"""Portions whose notes are the answer as they are."""
_ASKED_FOR = 4
"""Fewest sentences of a summary (rag/digest_prompts.py). Some models tell in one what the document is about."""


class Digest:
    """Plans what is read for a question that asks for more than a few passages, and answers it."""

    def __init__(
        self,
        retriever: Retriever,
        embedder: Embedder,
        *,
        pages: PageSource | None,
        source_tokens: int,
        pace: ReadingPace | None,
    ) -> None:
        self._retriever = retriever
        self._embedder = embedder
        self._pages = pages
        self._source_tokens = source_tokens
        self._pace = pace

    def plan(self, workspace_id: str, question: str, *, leans: bool, model: ChatModel | None) -> Plan | None:
        """What to read; None for a question that the best passages answer. `leans`: others came before it.

        Raises:
            EmbedderError, StorageError: retrieval failed.
        """
        task = task_of(question, leans=leans)
        if task is None:
            return None
        room = room_for(model, self._pace, self._source_tokens)
        return plans.plan(self._retriever, workspace_id, question, task=task, room=room)

    def events(
        self, plan: Plan, question: str, *, workspace_id: str, model: ChatModel | None, run: Run
    ) -> Generator[AnswerEvent]:
        """What comes of a plan; the last event is Answered or Interrupted."""
        if model is None:
            yield from self._quotes(plan, run)
            return
        reduced = plan.task.kind == "comparison" or (plan.task.kind == "summary" and len(plan.portions) > _TOGETHER)
        work = _Work(plan, question, workspace_id=workspace_id, model=model, run=run)
        while work.left:
            portion = work.left.pop(0)
            number, total = work.done + 1, work.done + 1 + len(work.left)
            yield Progress(work.done, total + reduced, f"Reading part {number} of {total}")
            for event in self._note(work, portion):
                if not reduced or isinstance(event, Interrupted):
                    yield event
            if work.ended:
                return
            work.part_done(portion)
        if work.notes.empty:
            yield from self._quotes(plan, run)
        elif reduced:
            yield Progress(work.done, work.done + 1, "Putting the notes together")
            yield from self._reduce(work)
        else:
            yield Answered(work.answer())

    # --- a portion -------------------------------------------------------------------------------

    def _note(self, work: _Work, portion: Portion) -> Iterator[AnswerEvent]:
        """Take notes of a portion; the last event is Interrupted where that is the end."""
        if work.run.stop():
            yield work.interrupted(None, None)
            return
        passages = self._present(work.workspace_id, portion.passages)
        if not passages:
            return
        try:
            prompt = build_messages(
                work.question,
                passages=passages,
                history=(),
                count_tokens=work.model.count_tokens,
                budget=self._budget(work.model, answer=NOTE_TOKENS),
                ask=notes_ask(work.plan.task, portion.about),
                language=work.plan.task.language,
            )
        except ModelError as error:  # counting tokens may already ask the model's process
            yield work.interrupted(None, error)
            return
        request, draft = self._asked(work, prompt, prompt.passages)
        for _ in self._written(work, request, draft, shown=False):
            pass  # a note is shown when it has been checked
        before = work.notes.dropped
        written = draft.answer(work.run.timings())
        cut_short = draft.broken or draft.cut_short
        yield from work.notes.add(
            portion.about, prompt.passages, written, comparable=draft.comparable, cut_short=cut_short
        )
        work.noted(request, draft, about=portion.about, dropped=work.notes.dropped - before)
        if draft.broken:
            yield work.interrupted(draft, draft.error)

    def _present(self, workspace_id: str, passages: Sequence[Passage]) -> list[Passage]:
        """Those whose documents nobody has deleted since the answer began."""
        places = [(one.version_id, one.ordinal) for one in passages]
        there = {(one.version_id, one.ordinal) for one in self._retriever.at_ordinals(workspace_id, places)}
        return [one for one, place in zip(passages, places, strict=True) if place in there]

    # --- the answer from the notes ---------------------------------------------------------------

    def _reduce(self, work: _Work) -> Iterator[AnswerEvent]:
        present = {one.version_id for one in self._retriever.documents(work.workspace_id)}
        noted = work.notes.noted(present)
        try:
            prompt = build_reduction(
                work.question,
                task=work.plan.task,
                notes=noted,
                count_tokens=work.model.count_tokens,
                budget=self._budget(work.model),
            )
        except ModelError as error:
            yield work.interrupted(None, error)
            return
        request, draft = self._asked(work, prompt, work.notes.passages(present))
        yield from self._written(work, request, draft, shown=True)
        answer = None if draft.empty or draft.unfounded else work.made(draft.answer(work.run.timings()))
        if draft.broken:
            yield work.interrupted(draft, draft.error, answer)
        elif answer is None or not work.holds(answer):
            yield Answered(work.answer())
        else:
            yield Answered(settled(answer, work.run.mode, comparable=draft.comparable))

    # --- both ------------------------------------------------------------------------------------

    def _budget(self, model: ChatModel, *, answer: int = 400) -> Budget:
        return Budget(model.context_window, answer=answer, sources=self._source_tokens)

    def _asked(self, work: _Work, prompt: Prompt, passages: Sequence[Passage]) -> tuple[Request, Draft]:
        """A request on its way, and what checks its answer against the passages."""
        model = work.model
        aligner = Aligner(self._embedder, question=work.question, passages=passages)
        checker = Checker(aligner, Footnotes(self._pages), language=work.plan.task.language)
        draft = Draft(checker, prompt=prompt, model=model.name)
        request = Request(prompt, model, model.context_window, dict(model.parameters(prompt.max_tokens)))
        work.asked(request, draft)
        return request, draft

    def _written(self, work: _Work, request: Request, draft: Draft, *, shown: bool) -> Iterator[AnswerEvent]:
        """What the model writes, checked; a failure is noted in the draft."""
        prompt, run = request.prompt, work.run
        try:
            stream = work.model.stream(prompt.messages, max_tokens=prompt.max_tokens, stop=run.stop)
            yield from follow(stream, draft, run, shown=shown)
        except ModelError as error:
            draft.error = error
        yield from draft.finish()
        run.note_pace(self._pace)

    def _quotes(self, plan: Plan, run: Run) -> Iterator[AnswerEvent]:
        """The answer without a model: for a summary the sentences nearest to what the document says as a whole, else
        those that fit the question best; in the order of the documents."""
        passages = plan.retrieval.passages
        if plan.task.kind == "summary":
            passages = tuple(central(passages, self._embedder))
        each = max(1, QUOTED // len({portion.about for portion in plan.portions}))
        if plan.task.kind == "comparison":
            chosen = {one.chunk_id for about in plan.abouts for one in plan.of(about)[:each]}
        else:
            chosen = {one.chunk_id for one in sorted(passages, key=lambda one: -one.score)[:QUOTED]}
        shown = [one for one in passages if one.chunk_id in chosen]
        yield from quoted(Footnotes(self._pages).nearest(shown, QUOTED), run, left_out=plan.told(len(shown), "quoted"))


class _Work:
    """One answer in the making: what it is made of, and how far it is."""

    def __init__(self, plan: Plan, question: str, *, workspace_id: str, model: ChatModel, run: Run) -> None:
        self.plan = plan
        self.question = question
        self.workspace_id = workspace_id
        self.model = model
        self.run = run
        self.notes = Notes(listed=plan.task.kind == "list")
        self.left = list(plan.portions)
        self.done = 0
        """Portions that are behind."""
        self.ended = False
        self._began = time.perf_counter()
        self._abouts: set[str] = set()
        self._read = 0
        self._reading: Reading | None = None
        """The last request, should another one follow."""

    def part_done(self, portion: Portion) -> None:
        """A portion is behind: of those ahead as many stay as the model has shown to read in time."""
        self.done += 1
        self._abouts.add(portion.about)
        most = most_left(self.done, time.perf_counter() - self._began)
        due = self.plan.abouts if self.plan.task.kind == "comparison" else ()
        self.left = thinned(self.left, most, due=set(due) - self._abouts)

    def asked(self, request: Request, draft: Draft) -> None:
        """A request is on its way."""
        if self._reading is not None:
            self.run.readings.append(self._reading)
            self._reading = None
        self.run.asked(request, draft)

    def noted(self, request: Request, draft: Draft, *, about: str, dropped: int) -> None:
        """The notes of a portion have been taken, or broke off."""
        finished = draft.finished
        if finished is not None:
            self.notes.prompt_tokens += finished.prompt_tokens or 0
            self.notes.output_tokens += finished.output_tokens or 0
            self._read += 0 if draft.stopped else len(request.prompt.passages)
        kept = len(draft.answer(self.run.timings()).sentences) - dropped
        self._reading = reading_of(request, finished, about=about, kept=kept, dropped=dropped)

    def answer(self) -> Answer:
        """The notes so far as the answer."""
        return self.notes.answer(self.model.name, self.run.timings(), self.told)

    def holds(self, answer: Answer) -> bool:
        """Whether an answer is better than its notes: most of it is in the documents, no sentence comes twice, a
        summary states about as much as was asked for, a comparison says something of each side of which there are
        notes."""
        notes = self.answer()
        if 2 * sum(one.verdict == "not_found" for one in answer.sentences) > len(answer.sentences):
            return False
        if len({one.text for one in answer.sentences}) < len(answer.sentences):
            return False
        if self.plan.task.kind != "comparison":
            return _carried(answer) >= min(_ASKED_FOR, _carried(notes))
        noted, told = ({one.chunk_id for one in each.citations} for each in (notes, answer))
        sides = ({one.chunk_id for one in self.plan.of(about)} for about in self.plan.abouts)
        return all(side & told for side in sides if side & noted)

    @property
    def told(self) -> str | None:
        """What was read of what there is."""
        return self.plan.told(self._read, "read by the model")

    def made(self, answer: Answer) -> Answer:
        """An answer that was written from the notes, with the tokens of all requests, and what was read."""
        return replace(
            answer,
            prompt_tokens=(answer.prompt_tokens or 0) + self.notes.prompt_tokens or None,
            output_tokens=(answer.output_tokens or 0) + self.notes.output_tokens or None,
            left_out=" ".join(filter(None, (self.told, answer.left_out))) or None,
        )

    def interrupted(self, draft: Draft | None, error: ModelError | None, answer: Answer | None = None) -> Interrupted:
        """The end, before the work was done; without an answer the notes are what is kept."""
        self.ended = True
        kept = answer or self.answer()
        if error is not None:
            return Interrupted(kept, error.message, error.hint or None)
        if draft is None or draft.stopped:
            return Interrupted(kept, error=None)
        return Interrupted(kept, BROKE_OFF, "Ask again.")


def _carried(answer: Answer) -> int:
    """Sentences that are in the documents."""
    return sum(one.verdict == "supported" for one in answer.sentences)
