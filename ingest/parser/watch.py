"""Wall time and memory of one request, as the application watches them."""

from __future__ import annotations

import time

import psutil

from ingest.parser.limits import ParserLimits

TICK_SECONDS = 0.1
"""How often memory, time and cancelling are looked at."""


class Watch:
    """What one request has taken and told; `pid` is who works on it."""

    def __init__(self, limits: ParserLimits) -> None:
        """The clock starts now."""
        self._limits = limits
        self._started = self._looked = time.monotonic()
        self.pid: int | None = None
        self.pages = 0
        self.recognised = 0
        self.drawn = 0

    def due(self) -> bool:
        """True once every tick."""
        now = time.monotonic()
        if now - self._looked < TICK_SECONDS:
            return False
        self._looked = now
        return True

    def rested(self, seconds: float) -> None:
        """So long nothing was taken from it: that does not count."""
        self._started += seconds

    def check(self) -> None:
        """Raise TooLarge past a limit."""
        counts = self.pages, self.recognised, self.drawn
        if time.monotonic() - self._started > self._limits.seconds_after(*counts):
            raise self._limits.too_slow(*counts)
        if self.pid is not None:
            try:
                used = psutil.Process(self.pid).memory_info().rss
            except psutil.Error:  # it has just ended
                return
            if used > self._limits.memory_bytes:
                raise self._limits.too_much_memory()
