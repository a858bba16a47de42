"""An answer while it is written: the model's stream, cleaned of its own marks and checked sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterator

from rag.checking import Checker
from rag.errors import ModelError
from rag.markers import MarkerFilter
from rag.prompts import Prompt
from rag.types import Answer, AnswerEvent, Finished, Timings, Token

CUT_SHORT = "The answer reached its length limit."
BROKE_OFF = "The model stopped before its answer was complete."


class Draft:
    """Collects what the model writes; `take` and `finish` give the events that follow from it."""

    def __init__(self, checker: Checker, *, prompt: Prompt, model: str) -> None:
        self._checker = checker
        self._prompt = prompt
        self._model = model
        self._filter = MarkerFilter(len(prompt.passages))
        self._marks = 0
        self.finished: Finished | None = None
        """The model's last word, if it came."""
        self.error: ModelError | None = None

    @property
    def stopped(self) -> bool:
        """Whether a person stopped it."""
        return self.finished is not None and self.finished.reason == "stopped"

    @property
    def broken(self) -> bool:
        """Whether it ended before the model was done: stopped, failed, or cut off without a last word."""
        return self.stopped or self.error is not None or self.finished is None

    @property
    def cut_short(self) -> bool:
        """Whether it reached the most that the model was to write."""
        return self.finished is not None and self.finished.reason == "length"

    @property
    def empty(self) -> bool:
        """Whether the model wrote nothing."""
        return not self._checker.text.strip()

    @property
    def comparable(self) -> bool:
        """Whether at least one sentence could be compared with a source in its own language."""
        return self._checker.comparable

    @property
    def unfounded(self) -> bool:
        """Whether no sentence is in the sources, although they were in a language to compare with."""
        verdicts = {sentence.verdict for sentence in self._checker.sentences}
        return verdicts <= {"not_found"} and (self._checker.comparable or not verdicts)

    def take(self, text: str) -> Iterator[AnswerEvent]:
        """One token of the model's."""
        yield from self._show(self._filter.feed(text))

    def finish(self) -> Iterator[AnswerEvent]:
        """The stream has ended: show what was held back and check the last sentence."""
        yield from self._show(self._filter.flush())
        yield from self._checker.finish()

    def answer(self, timings: Timings) -> Answer:
        """The answer as far as it goes."""
        notes = [note for note in (self._prompt.left_out, CUT_SHORT if self.cut_short else None) if note]
        cited = {number for sentence in self._checker.sentences for number in sentence.citations + sentence.conflicts}
        return Answer(
            text=self._checker.text,
            sentences=tuple(self._checker.sentences),
            citations=tuple(note for note in self._checker.citations if note.number in cited),
            model=self._model,
            timings=timings,
            prompt_tokens=self.finished.prompt_tokens if self.finished else None,
            output_tokens=self.finished.output_tokens if self.finished else None,
            left_out=" ".join(notes) or None,
        )

    def _show(self, text: str) -> Iterator[AnswerEvent]:
        if not self._checker.text:
            text = text.lstrip()  # models begin with a space or a line break
        marks = self._filter.marks[self._marks :]
        self._marks = len(self._filter.marks)
        if text:
            yield Token(text)
        yield from self._checker.feed(text, marks)
