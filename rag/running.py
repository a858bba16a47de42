"""One answer on its way: its stop flag, its clock, and what its model has been asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from rag.drafting import Draft
from rag.modes import Mode
from rag.pace import ReadingPace
from rag.receipts import Reading, Receipt, Request, receipt_of
from rag.types import AnswerEvent, Finished, ModelEvent, Retrieval, Timings


class Run:
    """The stop flag and the clock of one answer, and the model that was asked for it."""

    def __init__(self, stop: Callable[[], bool], mode: Mode) -> None:
        self.stop = stop
        self.mode = mode
        self.readings: list[Reading] = []
        """The requests before the last."""
        self.held: float | None = None
        """How likely one of the first sources holds the answer after the model has read them, where it was asked."""
        self._began = time.perf_counter()
        self._evidence: float | None = None
        self._first_token: float | None = None
        self._asked = 0.0
        self._heard: float | None = None
        self._request: Request | None = None
        self._draft: Draft | None = None

    def asked(self, request: Request, draft: Draft) -> None:
        """A request is on its way."""
        self._request, self._draft = request, draft
        self._asked, self._heard = time.perf_counter() - self._began, None

    def heard(self, *, shown: bool) -> None:
        """The model has written a word."""
        if self._heard is None:
            self._heard = time.perf_counter() - self._began
        if shown:
            self.token_shown()

    def note_pace(self, pace: ReadingPace | None) -> None:
        """Tell how fast the model read the last request, where a word of its answer came."""
        if pace is not None and self._request is not None and self._heard is not None:
            tokens = self._request.prompt.last_message_tokens
            pace.note(self._request.model.name, tokens=tokens, seconds=self._heard - self._asked)

    def evidence_shown(self) -> None:
        """The passages are on the screen."""
        self._evidence = time.perf_counter() - self._began

    def token_shown(self) -> None:
        """A word of the answer is on the screen."""
        if self._first_token is None:
            self._first_token = time.perf_counter() - self._began

    def timings(self) -> Timings:
        """Up to now."""
        return Timings(self._evidence, self._first_token, time.perf_counter() - self._began)

    def receipt(self, question: str, retrieval: Retrieval, *, timings: Timings) -> Receipt:
        """Of the answer as it ended."""
        finished = self._draft.finished if self._draft else None
        return receipt_of(
            question,
            retrieval,
            timings=timings,
            request=self._request,
            finished=finished,
            readings=self.readings,
            held=self.held,
        )


def follow(stream: Iterator[ModelEvent], draft: Draft, run: Run, *, shown: bool = True) -> Iterator[AnswerEvent]:
    """Pass a model's stream on, cleaned and checked, until it ends or a person stops it. `shown`: on the screen."""
    try:
        while not run.stop():
            event = next(stream, None)
            if event is None:
                return
            if isinstance(event, Finished):
                draft.finished = event
                return
            run.heard(shown=shown)
            yield from draft.take(event.text)
        draft.finished = Finished("stopped")
    finally:
        close = getattr(stream, "close", None)  # generators have one: the model's side ends at once
        if close is not None:
            close()
