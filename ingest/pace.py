"""A polite distance between two requests to one host, for all that runs in this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LEAST_SECONDS = 1.0
_SLICE_SECONDS = 0.25
_REMEMBERED = 1_000


class Pace:
    """Keeps requests to one host apart. Thread-safe."""

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}

    def wait(self, host: str, *, seconds: float = LEAST_SECONDS, check: Callable[[], None]) -> None:
        """Return when `seconds` have passed since the last request to a host; `check` is called while it waits, and
        ends the wait by what it raises."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next.get(host, now))
            if len(self._next) > _REMEMBERED:
                self._next = {name: moment for name, moment in self._next.items() if moment > now}
            self._next[host] = turn + seconds
        self.sleep(turn - now, check=check)

    def sleep(self, seconds: float, *, check: Callable[[], None]) -> None:
        """Let some time pass; `check` ends it by what it raises."""
        end = self._clock() + seconds
        check()
        while (left := end - self._clock()) > 0:
            self._sleep(min(left, _SLICE_SECONDS))
            check()
