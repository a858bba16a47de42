"""One background thread that works off what is due, key by key, and rests in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_REST_SECONDS = 60.0


class Upkeep:
    """Calls `work(key)` for every scheduled key once it is due. `work` must not raise.

    The thread starts with the first key. After a piece of work it rests twenty times as long (a minute at most), unless
    what comes next is urgent.
    """

    def __init__(self, work: Callable[[str], None], *, name: str) -> None:
        self._work = work
        self._name = name
        self._changed = threading.Condition()
        self._due: dict[str, float] = {}
        self._rest_until = 0.0
        self._busy = False
        self._closing = False
        self._thread: threading.Thread | None = None

    def schedule(self, key: str, *, after: float = 0.0) -> None:
        """Work on `key` in `after` seconds; 0 is urgent. The earlier of two wishes counts."""
        with self._changed:
            if self._closing:
                return
            moment = time.monotonic() + after
            if after > 0:
                moment = max(moment, self._rest_until)
            self._due[key] = min(moment, self._due.get(key, moment))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self, *, timeout: float) -> bool:
        """Until nothing is due or in work; False when that takes longer than `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._due and not self._busy, timeout)

    def close(self, *, still: Callable[[str], bool], seconds: float) -> None:
        """End the thread: what is in work, and those due keys that `still` names, are finished within `seconds`."""
        deadline = time.monotonic() + seconds
        with self._changed:
            self._closing = True
            self._due = {key: 0.0 for key in self._due if still(key)}
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._due and not self._busy, seconds)
            self._due.clear()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(max(0.1, deadline - time.monotonic()))

    def _run(self) -> None:
        while (key := self._next()) is not None:
            started = time.monotonic()
            self._work(key)
            with self._changed:
                self._busy = False
                self._rest_until = time.monotonic() + min(_REST_SECONDS, 20 * (time.monotonic() - started))
                self._changed.notify_all()

    def _next(self) -> str | None:
        with self._changed:
            while True:
                if self._due:
                    key, moment = min(self._due.items(), key=lambda item: item[1])
                    patience = moment - time.monotonic()
                    if patience <= 0:
                        del self._due[key]
                        self._busy = True
                        return key
                    self._changed.wait(patience)
                elif self._closing:
                    return None
                else:
                    self._changed.wait()
