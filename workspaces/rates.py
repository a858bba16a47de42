"""How fast documents are read, by workspace, from what was finished in the last minutes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

_WINDOW_SECONDS = 300.0
_LEAST_SECONDS = 10.0
_LEAST_DOCUMENTS = 3
_EACH_BYTES = 20_000
"""What a document costs beside its bytes: opening, indexing and writing it take as long as reading that many."""


@dataclass(slots=True)
class _Record:
    since: float
    done: deque[tuple[float, int]] = field(default_factory=deque)  # (when, weight)


class Rates:
    """Thread-safe."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._records: dict[str, _Record] = {}

    def done(self, workspace_id: str, size: int) -> None:
        """A document of so many bytes was finished; the first one starts the clock."""
        with self._lock:
            moment = self._clock()
            if workspace_id in self._records:
                self._records[workspace_id].done.append((moment, size + _EACH_BYTES))
            else:
                self._records[workspace_id] = _Record(moment)

    def rest(self) -> None:
        """Nothing is in work any more: the time until there is must not count."""
        with self._lock:
            self._records.clear()

    def seconds_left(self, workspace_id: str, *, documents: int, size: int) -> float | None:
        """How long so many documents of so many bytes in all will take; None while there is too little to go by."""
        with self._lock:
            record = self._records.get(workspace_id)
            if record is None:
                return None
            start = max(record.since, self._clock() - _WINDOW_SECONDS)
            while record.done and record.done[0][0] < start:
                record.done.popleft()
            elapsed = self._clock() - start
            if elapsed < _LEAST_SECONDS or len(record.done) < _LEAST_DOCUMENTS:
                return None
            rate = sum(weight for _, weight in record.done) / elapsed
            return (size + documents * _EACH_BYTES) / rate
