"""Runs: attempts at ingesting a version. Whoever deletes, stops or restarts a document ends its run, and a run that has
ended writes nothing any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, select

from rag.errors import Cancelled, NotFound
from workspaces import repository
from workspaces.database import Database
from workspaces.models import FINAL_STATES, DocumentRecord, State
from workspaces.problems import NO_PROBLEM
from workspaces.tables import documents, indexes, versions, workspaces

_PROGRESS_SECONDS = 0.3
_TURN_SECONDS = 0.5
PAUSED = select(workspaces.c.id).where(workspaces.c.paused_at.is_not(None)).scalar_subquery()
_CLOSED = (
    select(workspaces.c.id)
    .join(indexes, indexes.c.id == workspaces.c.index_id)
    .where(indexes.c.closed.is_(True))
    .scalar_subquery()
)
WAITING = (versions.c.state == "parsed") & documents.c.workspace_id.in_(_CLOSED)
"""A condition on versions and documents: for the next search index, because the present one cannot be extended."""


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt at ingesting a version. A retry is another run, and the older one cannot write any more."""

    version_id: str
    attempt: int = 1


class Runs:
    """What the steps of a run ask and write through."""

    def __init__(self, database: Database, *, closing: threading.Event) -> None:
        """`closing` ends every run at its next look; it goes on at the next start."""
        self._database = database
        self.closing = closing

    def record(self, run: Run, *states: State) -> DocumentRecord | None:
        """The document if it is in one of these states; None where the step was done before.

        Raises:
            NotFound: the run has ended.
        """
        with self._database.read() as connection:
            found = document_in_work(connection, run)
        return found if found.state in states else None

    @contextmanager
    def commit(self, run: Run) -> Iterator[Connection]:
        """A transaction of a run. Raises NotFound, writing nothing, where the run has ended."""
        with self._database.write() as connection:
            document_in_work(connection, run)
            yield connection

    def check(self, run: Run) -> None:
        """Raise NotFound where the run has ended, Cancelled where the application ends."""
        if self.closing.is_set():
            raise Cancelled("Footnote is closing.")
        with self._database.read() as connection:
            document_in_work(connection, run)

    def may_go_on(self, run: Run) -> bool:
        """Whether `check` raises nothing."""
        try:
            self.check(run)
        except (NotFound, Cancelled):
            return False
        return True

    def turn(self, lock: threading.Lock, run: Run) -> AbstractContextManager[None]:
        """Hold a lock that others may hold for long; a run that has ended gives up waiting. Raises as `check` does."""
        return turn(lock, lambda: self.check(run))

    def work(self, run: Run) -> RunWork:
        """A run as what enters documents into an index asks it."""
        return RunWork(self, run)

    def progress(self, run: Run) -> Callable[[int, int], None]:
        """A callback that writes progress now and then, for every write is a synced commit. Raises as `commit` does."""
        last = time.monotonic()

        def report(done: int, total: int) -> None:
            nonlocal last
            if time.monotonic() - last < _PROGRESS_SECONDS:
                return
            last = time.monotonic()
            with self.commit(run) as connection:
                repository.set_version(connection, run.version_id, progress_done=done, progress_total=total)

        return report


@contextmanager
def turn(lock: threading.Lock, check: Callable[[], None]) -> Iterator[None]:
    """Hold a lock that others may hold for long; `check` raises where waiting has no point any more."""
    check()
    while not lock.acquire(timeout=_TURN_SECONDS):
        check()
    try:
        yield
    finally:
        lock.release()


class RunWork:
    """A run as what enters documents into an index asks it (workspaces.indexing.Work)."""

    def __init__(self, all_: Runs, run: Run) -> None:
        self._runs = all_
        self._run = run

    def commit(self) -> AbstractContextManager[Connection]:
        """As `Runs.commit`."""
        return self._runs.commit(self._run)

    def check(self) -> None:
        """As `Runs.check`."""
        self._runs.check(self._run)


def document_in_work(connection: Connection, run: Run) -> DocumentRecord:
    """The version that a run works on, as its document would be if this were the current one.

    Raises:
        NotFound: the run has ended: the document was deleted, stopped, finished, or begun anew, or its workspace is
            paused.
    """
    query = repository.version_query().where(
        versions.c.id == run.version_id,
        versions.c.attempt == run.attempt,
        versions.c.state.not_in(FINAL_STATES),
        documents.c.deleted_at.is_(None),
        documents.c.workspace_id.not_in(PAUSED),
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("This document is not in work any more.")
    return repository.record_of(row)


def is_unfinished(connection: Connection, run: Run) -> bool:
    """Whether a run is its version's present one, and the version is neither ready, failed nor superseded."""
    mine = versions.c.id == run.version_id, versions.c.attempt == run.attempt, versions.c.state.not_in(FINAL_STATES)
    return connection.execute(select(versions.c.id).where(*mine)).scalar() is not None


def restart(connection: Connection, version_id: str) -> Run:
    """Put a failed version back to its beginning: to `stored` if its bytes are there, else to `received`."""
    row = connection.execute(select(versions.c.sha256, versions.c.attempt).where(versions.c.id == version_id)).one()
    repository.set_version(
        connection,
        version_id,
        state="received" if row.sha256 is None else "stored",
        attempt=row.attempt + 1,
        cancelled=False,
        notes=[],
        tries=0,
        next_try_at=None,
        **NO_PROBLEM,
    )
    return Run(version_id, row.attempt + 1)
