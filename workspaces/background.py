"""One thing at a time in the background, by a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from rag.errors import FootnoteError, InvalidInput
from workspaces.models import Problem

FAILED = Problem("internal", "Something went wrong inside Footnote during the test.", "Try it again.")
_CLOSE_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Background:
    """Does what it is given unless something else is being done. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._doing: str | None = None
        self._stopped = threading.Event()
        self.closing = False
        """The program ends; what stops now may go on at the next start."""

    def begin(self, name: str, *, prepare: Callable[[], None], work: Callable[[], None]) -> None:
        """Prepare it here, then let a thread do it.

        Raises:
            InvalidInput: something else is being done.
            FootnoteError: whatever `prepare` raises; then nothing has begun.
        """
        with self._lock:
            if self._doing is not None or self.closing:
                raise InvalidInput(
                    "A test is being run, or questions are being made.", hint="Wait for it, or cancel it first."
                )
            self._doing = name
            self._stopped.clear()
            try:
                prepare()
            except BaseException:
                self._doing = None
                raise
            self._thread = threading.Thread(target=self._do, args=(work,), name="trial", daemon=True)
            self._thread.start()

    def is_doing(self, name: str) -> bool:
        """Whether this is what is being done."""
        return self._doing == name

    @property
    def busy(self) -> bool:
        """Whether anything is."""
        return self._doing is not None

    def stopping(self) -> bool:
        """Whether it is to end; what works asks often."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Let what is being done end."""
        self._stopped.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for what is being done; whether it has ended."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)
        return not self.busy

    def close(self) -> None:
        """Let it end, and wait a moment; nothing begins any more."""
        self.closing = True
        self.stop()
        self.wait(_CLOSE_SECONDS)

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            self._doing = None


def told(error: Exception) -> Problem:
    """An error of a thread as people read it; an unknown one goes to the log."""
    if isinstance(error, FootnoteError):
        return Problem(error.code, error.message, error.hint)
    _log.error("work in the background failed", exc_info=error)
    return FAILED
