"""Feeds the list of jobs: as many runs as keep it busy, the rest waits in SQL, where it costs nothing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable

from rag.errors import StorageError
from workspaces import queueing
from workspaces.database import Database
from workspaces.identifiers import now
from workspaces.room import Room
from workspaces.runs import Run

AHEAD = 32
"""Runs in the list of jobs at a time. The list is looked at five times a second and gives out eight at most, so half of
it keeps everybody busy; and what is added now waits behind no more than these."""

_REST_SECONDS = 60.0
"""The longest time between two looks at what waits."""

_SOON_SECONDS = 3.0
"""After the start, when the list of jobs has found out what it will not take up again."""

_TROUBLE_SECONDS = 10.0
_log = logging.getLogger("footnote.jobs")


class Feeder:
    """A thread that enqueues runs as places become free. Everything it knows it knows from SQL, so nothing that waits
    is lost with it."""

    def __init__(
        self, database: Database, room: Room, *, enqueue: Callable[[Run], None], tidy: Callable[[], bool]
    ) -> None:
        """`enqueue` puts a run into the list of jobs; doing it again must do nothing. `tidy` is called soon after the
        start and every minute, and soon again when it says so or goes wrong."""
        self._database = database
        self._room = room
        self._enqueue = enqueue
        self._tidy = tidy
        self._tidy_at = 0.0
        self._changed = threading.Condition()
        self._fed: set[Run] = set()
        self._owed: set[Run] = set()
        self._served: dict[str, int] = {}
        self._turn = 0
        self._woken = self._busy = self._closing = False
        self._thread: threading.Thread | None = None

    def start(self, live: Iterable[Run]) -> None:
        """Begin; `live` are the runs that the list of jobs holds already."""
        with self._changed:
            self._fed.update(live)
            self._woken = True
            self._tidy_at = time.monotonic() + _SOON_SECONDS
            self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def wake(self) -> None:
        """Something new waits, or may go on."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def ended(self, run: Run) -> None:
        """A run has left the list of jobs."""
        with self._changed:
            self._fed.discard(run)
            if len(self._fed) <= AHEAD // 2:
                self._woken = True
                self._changed.notify_all()

    def owe(self, run: Run) -> None:
        """A run ended, and that could not be written down: it is done as soon as it can."""
        with self._changed:
            self._owed.add(run)

    def fed(self) -> set[Run]:
        """The runs in the list of jobs."""
        with self._changed:
            return set(self._fed)

    def forget(self, lost: Collection[Run]) -> None:
        """These are not in the list of jobs after all."""
        with self._changed:
            self._fed.difference_update(lost)
        self.wake()

    def settle(self, *, timeout: float) -> None:
        """Wait until it has looked at everything that it was woken for."""
        with self._changed:
            if self._thread is not None:
                self._changed.wait_for(lambda: self._closing or not (self._woken or self._busy), timeout)

    def _run(self) -> None:
        patience = 0.0
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._woken or self._closing, patience)
                if self._closing:
                    return
                self._woken, self._busy = False, True
            try:
                if time.monotonic() >= self._tidy_at:
                    self._tidy_at = time.monotonic() + _SOON_SECONDS
                    if not self._tidy():
                        self._tidy_at = time.monotonic() + _REST_SECONDS
                patience = min(self._feed(), max(0.05, self._tidy_at - time.monotonic()))
            except StorageError as error:
                _log.warning("%s", error.told)
                patience = _TROUBLE_SECONDS
            except Exception:  # noqa: BLE001  # nothing would be read any more without this thread
                _log.exception("the list of jobs could not be fed")
                patience = _TROUBLE_SECONDS

    def _feed(self) -> float:
        """Enqueue what there are places for; returns the seconds until the next look."""
        with self._changed:
            owed, taken = set(self._owed), self._fed | self._owed
        if owed:
            with self._database.write() as connection:
                for run in owed:
                    queueing.let_go(connection, run)
            with self._changed:
                self._owed -= owed
        if self._room.is_short:
            return _TROUBLE_SECONDS
        if len(taken) < AHEAD:
            self._give(taken)
        with self._database.read() as connection:
            moment = queueing.next_time(connection)
        if moment is None:
            return _REST_SECONDS
        return min(_REST_SECONDS, max(0.05, (moment - now()).total_seconds()))

    def _give(self, taken: Collection[Run]) -> None:
        with self._database.read() as connection:
            runs = queueing.due(connection, without=taken, limit=AHEAD - len(taken), served=self._served)
        if not runs:
            return
        with self._database.write() as connection:
            batches = queueing.begin(connection, runs)
        self._turn += 1
        self._served.update(dict.fromkeys(batches, self._turn))
        for run in runs:
            with self._changed:
                if self._closing:
                    return
                self._fed.add(run)  # before: it may end at once
            try:
                self._enqueue(run)
            except BaseException:
                with self._changed:
                    self._fed.discard(run)
                raise
