"""Durable work in the background, by DBOS: ingest, crawl, building of search indexes, purge, recovery.

A workflow's id is the id of the version (with the number of the attempt after a retry), `crawl-` or `build-` with the
id of a section or of a search index and its attempt, or `purge-` and the id of what is purged; arguments and results
are ids only. The application's database and DBOS's own are never one transaction: rows come first, and `sweep` takes
up whatever has no live workflow. Of the documents only a few are enqueued at a time (workspaces/feeding.py); the others
wait in SQL.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import Cancelled, DiskFull, FootnoteError, NotFound, StorageError
from workspaces import frontier, indexes, queueing, repository, runs
from workspaces.building import Build
from workspaces.database import Database
from workspaces.feeding import AHEAD, Feeder
from workspaces.models import FINAL_STATES
from workspaces.rates import Rates
from workspaces.room import Room
from workspaces.runs import Run

if TYPE_CHECKING:
    from workspaces.building import Builder
    from workspaces.crawling import Crawling
    from workspaces.ingestion import Ingestion
    from workspaces.purging import Purging

QUEUE = "footnote"
CRAWL_QUEUE = "footnote-crawl"
BUILD_QUEUE = "footnote-build"
"""Of its own: a crawl waits most of its time, for hours where a site wants it so, and holds up no document."""

STEPS = ("receive", "parse", "chunk", "embed", "index")

_AT_ONCE = 8
"""Documents in work at once. They take turns where it matters (one is parsed, one embeds); more than the two that would
keep both busy, because the queue is looked at five times a second only, and small documents take less than that."""

_CRAWLS_AT_ONCE = 2
_BUILDS_AT_ONCE = 1
_POLLING_SECONDS = 0.2
_CLOSE_SECONDS = 10.0
_PURGE, _CRAWL, _BUILD = "purge-", "crawl-", "build-"
_REFUSALS = 3
"""How often the disk refuses a document although it has room for others, before that is the document's problem."""

_log = logging.getLogger("footnote.jobs")


class Closing(BaseException):
    """The application ends. Passes through DBOS, which records nothing: the workflow is taken up at the next start."""


class Jobs:
    """Runs the steps of `Ingestion`, `Crawling`, `Builder` and `Purging`. DBOS is one a process, and so is this."""

    _active: Jobs | None = None

    def __init__(
        self,
        folder: Path,
        database: Database,
        *,
        ingestion: Callable[[], Ingestion],
        building: Callable[[], Builder],
        purging: Callable[[], Purging],
        crawling: Callable[[], Crawling],
    ) -> None:
        self._path = folder / "jobs.db"
        self._database = database
        self._ingestion = ingestion
        self._building = building
        self._purging = purging
        self._crawling = crawling
        self._lock = threading.Lock()
        self._launched = False
        self._running: set[str] = set()  # versions, sections, and indexes that are built
        self._refusals: Counter[str] = Counter()  # by version
        self._suspects: set[str] = set()  # workflows that seemed abandoned at the last look
        self._changed = threading.Condition()
        self.closing = threading.Event()
        """Set when the application ends; every step looks at it."""
        self.room = Room(folder)
        self.rates = Rates()
        self._feeder = Feeder(database, self.room, enqueue=self._enqueue_run, tidy=self.sweep)

    def launch(self) -> None:
        """Start DBOS and pick up whatever a former process left unfinished; doing it again does nothing.

        Raises:
            StorageError: the data directory cannot be written.
        """
        with self._lock:
            if self._launched:
                return
            if Jobs._active is not None:
                raise RuntimeError("the jobs of another data directory run in this process")
            from workspaces import workflows  # imports DBOS: 0.4 s that only working processes pay

            Jobs._active = self  # what is resumed may begin at once
            try:
                queues = {QUEUE: _AT_ONCE, CRAWL_QUEUE: _CRAWLS_AT_ONCE, BUILD_QUEUE: _BUILDS_AT_ONCE}
                workflows.launch(self._path, queues=queues, polling_seconds=_POLLING_SECONDS)
            except BaseException:
                Jobs._active = None
                raise
            self._launched = True
        self.sweep()
        self._feeder.start(_run_of(id_) for id_ in filter(_is_run, workflows.live()))

    def close(self) -> None:
        """Stop working, within seconds; what is in work continues at the next start."""
        with self._lock:
            self.closing.set()
            if not self._launched:
                return
            from workspaces import workflows

            self._feeder.close()
            with self._changed:
                self._changed.notify_all()
                self._changed.wait_for(lambda: not self._running, _CLOSE_SECONDS)
            workflows.destroy()
            self._launched = False
            Jobs._active = None

    @classmethod
    def active(cls) -> Jobs:
        """The launched instance; workflows find their services through it."""
        if cls._active is None:
            raise Closing
        return cls._active

    def ingest(self, run: Run | None = None) -> None:
        """There is a run to be done, or there are several; their turn comes (workspaces/queueing.py)."""
        self._feeder.wake()

    def crawl(self, site_id: str, attempt: int) -> None:
        """Enqueue an attempt at a section; doing it again does nothing."""
        self._enqueue(CRAWL_QUEUE, crawl_id(site_id, attempt), site_id, attempt)

    def build(self, build: Build) -> None:
        """Enqueue the building of a search index; doing it again does nothing."""
        self._enqueue(BUILD_QUEUE, build_id(build.index_id, build.attempt), build.index_id, build.attempt)

    def purge(self, kind: str, item_id: str) -> None:
        """Enqueue the removal of a deleted "document" or "workspace" or a dropped "index" from disk, or of the passages
        of a superseded "version"; doing it again does nothing."""
        self._enqueue(QUEUE, f"{_PURGE}{kind}-{item_id}", item_id)

    def sweep(self) -> bool:
        """Take up every unfinished run and build and every unpurged deletion that has no live workflow, or one that
        nothing works on any more. Returns whether it is better to look again soon.

        Raises:
            StorageError: a database cannot be read or written.
        """
        if not self._launched:
            return False
        from workspaces import workflows

        suspects, self._suspects = self._suspects, workflows.abandoned()
        self._resume(suspects & self._suspects)
        exhausted = workflows.forget_finished()
        fed = self._feeder.fed()
        live = workflows.live()
        with self._database.read() as connection:
            builds = [Build(index.id, index.attempt) for index in indexes.being_built(connection)]
            crawls = frontier.unfinished(connection)
        for id_ in filter(_is_run, exhausted):
            self._park(_run_of(id_))
        self._feeder.forget([run for run in fed if workflow_id(run) not in live])
        for build in builds:
            if build_id(build.index_id, build.attempt) in exhausted:
                self._building().fail(build, _EXHAUSTED_BUILD)
            elif build_id(build.index_id, build.attempt) not in live:
                self.build(build)
        for site_id, attempt in crawls:
            if crawl_id(site_id, attempt) in exhausted:
                self._fail_crawl(site_id, attempt, _EXHAUSTED_CRAWL)
            elif crawl_id(site_id, attempt) not in live:
                self.crawl(site_id, attempt)
        for kind, item_id in self._purging().pending():
            if f"{_PURGE}{kind}-{item_id}" not in live:
                self.purge(kind, item_id)
        return bool(self._suspects)

    def _resume(self, ids: set[str]) -> None:
        from workspaces import workflows

        for prefix, queue in ((_CRAWL, CRAWL_QUEUE), (_BUILD, BUILD_QUEUE)):
            mine = {id_ for id_ in ids if id_.startswith(prefix)}
            workflows.resume(queue, mine)
            ids = ids - mine
        workflows.resume(QUEUE, ids)

    @property
    def is_working(self) -> bool:
        """Whether background work is done in this process."""
        return self._launched and not self.closing.is_set()

    def live(self) -> set[str]:
        """Ids of the workflows that are queued or running."""
        if not self._launched:
            return set()
        from workspaces import workflows

        return workflows.live()

    def forgotten(self) -> int:
        """How many unfinished documents nobody will ever work on: neither in the list of jobs nor waiting for a place
        in it, for their time, for room on the disk or for a paused workspace to go on."""
        self._feeder.settle(timeout=_CLOSE_SECONDS)
        if self._launched and self.room.is_short:
            return 0
        fed = self._feeder.fed()
        live = self.live()
        lost = {run for run in fed if workflow_id(run) not in live} & self._feeder.fed()
        with self._database.read() as connection:
            waiting = queueing.due(connection, without=fed - lost, limit=queueing.count_due(connection), served={})
        return len(lost) if len(fed) >= AHEAD else len(waiting)

    def at_work(self) -> set[str]:
        """Versions that are worked on, or will be in the next moment."""
        return {run.version_id for run in self._feeder.fed()}

    def is_whole(self) -> bool:
        """Whether the list of jobs can be read, or there is none yet."""
        return not self._path.exists() or is_intact(self._path)

    def wait_purged(self, *, timeout: float) -> bool:
        """Until everything deleted is off the disk; False where `timeout` seconds do not suffice or no work is done."""
        deadline = time.monotonic() + timeout
        while self._purging().pending() or self._purging().must_compact:
            if not self._launched or time.monotonic() > deadline or self.closing.wait(_POLLING_SECONDS / 2):
                return False
        return True

    # --- what workflows call ---------------------------------------------------------------------

    @contextmanager
    def working(self, item_id: str) -> Iterator[None]:
        """Be the only one at work on a version, on a section, or on an index that is built; another one waits here."""
        with self._changed:
            self._changed.wait_for(lambda: item_id not in self._running or self.closing.is_set())
            if self.closing.is_set():
                raise Closing
            self._running.add(item_id)
        try:
            yield
        finally:
            with self._changed:
                self._running.discard(item_id)
                self._changed.notify_all()

    @contextmanager
    def working_on(self, run: Run) -> Iterator[None]:
        """As `working`; afterwards there is a place for the next run."""
        try:
            with self.working(run.version_id):
                yield
        finally:
            if not self.closing.is_set():
                self._count(run)
                self._feeder.ended(run)

    def run_step(self, step: str, run: Run) -> bool:
        """Run one ingest step; False when the run has ended (failed, stopped, put off, paused or deleted). What a step
        raises is a state of the document, never of the workflow. Raises Closing."""
        try:
            if self.room.is_short:
                raise DiskFull("The disk is full.")
            getattr(self._ingestion(), step)(run)
        except (NotFound, Cancelled):
            self._raise_if_closing()
            self._let_go(run)  # or deleted, stopped or restarted meanwhile: whoever did it always wins
            return False
        except DiskFull as error:
            self._raise_if_closing()
            self._make_room(run, error)
            return False
        except FootnoteError as error:
            self._raise_if_closing()
            if not self._put_off(run, error):
                self._fail(run, error)
            return False
        except Exception:  # noqa: BLE001  # a fault of ours must end in a visible state, not in a document that works for ever
            self._raise_if_closing()
            _log.exception("step %s failed", step)
            self._fail(run, _INTERNAL)
            return False
        return True

    def run_build(self, build: Build) -> None:
        """As `Builder.build`, with what follows from it; what it raises is a state of the index. Raises Closing."""
        builder = self._building()
        try:
            with self.working(build.index_id):
                done = builder.build(build, working=self.working)
        except Cancelled as error:
            raise Closing from error
        except FootnoteError as error:
            self._fail_build(builder, build, error)
            return
        except Exception:  # noqa: BLE001  # a fault of ours must end in a visible state, not in an index that is never built
            self._raise_if_closing()
            _log.exception("building a search index failed")
            self._fail_build(builder, build, _INTERNAL_BUILD)
            return
        if isinstance(done, Build):
            self.build(done)
        elif done is not None:
            if done.runs:
                self.ingest()
            for index_id in done.dropped:
                self.purge("index", index_id)

    def _fail_build(self, builder: Builder, build: Build, error: FootnoteError) -> None:
        self._raise_if_closing()
        try:
            builder.fail(build, error)
        except StorageError as worse:  # not even this can be written: the next sweep tries again
            _log.warning("%s", worse.told)

    def run_crawl(self, site_id: str, attempt: int) -> None:
        """Visit what is left of a section. What goes wrong is a state of the section, never of the workflow. Raises
        Closing."""
        try:
            self._crawling().run(site_id, attempt)
        except (NotFound, Cancelled):
            self._raise_if_closing()  # else it was stopped, deleted or begun anew
        except FootnoteError as error:
            self._fail_crawl(site_id, attempt, error)
        except Exception:  # noqa: BLE001  # a fault of ours must end in a visible state, not in a crawl that runs for ever
            self._raise_if_closing()
            _log.exception("a crawl failed")
            self._fail_crawl(site_id, attempt, _INTERNAL_CRAWL)

    def run_purge(self, item_id: str) -> None:
        """As `Purging.purge`, once no run of it is at work any more. Raises Closing."""
        doomed = self._purging().versions_of(item_id)
        with self._changed:
            self._changed.wait_for(lambda: self._running.isdisjoint(doomed) or self.closing.is_set())
        self._raise_if_closing()
        try:
            self._purging().purge(item_id)
        except FootnoteError as error:
            self._raise_if_closing()
            _log.warning("%s is still on disk: %s", item_id, error.message)  # the next sweep tries again

    def retire(self, version_id: str) -> None:
        """Remove the passages of the versions whose place this one has taken. Raises Closing."""
        for superseded in self._purging().superseded_beside(version_id):
            self.run_purge(superseded)

    def _fail(self, run: Run, error: FootnoteError) -> None:
        self._raise_if_closing()
        try:
            gone = self._ingestion().fail(run, error)
            if gone is not None:
                self.purge("document", gone)
        except NotFound:
            self._let_go(run)
        except StorageError as worse:
            self._owe(run, worse)

    def _put_off(self, run: Run, error: FootnoteError) -> bool:
        """Let a run try again later; False where that is no use."""
        if not error.passing:
            return False
        try:
            with self._database.write() as connection:
                runs.document_in_work(connection, run)
                found = queueing.put_off(connection, run, error)
        except NotFound:
            self._let_go(run)
        except StorageError as worse:
            self._owe(run, worse)
        else:
            return found
        return True

    def _make_room(self, run: Run, error: DiskFull) -> None:
        """Let everything wait until there is room. A document that alone is too much for the disk is put off."""
        if not self.room.is_short:
            self.room.refused()
            with self._changed:
                self._refusals[run.version_id] += 1
                refusals = self._refusals[run.version_id]
            if refusals >= _REFUSALS:
                if not self._put_off(run, error):
                    self._fail(run, error)
                return
        self._let_go(run)

    def _let_go(self, run: Run) -> None:
        try:
            with self._database.write() as connection:
                queueing.let_go(connection, run)
        except StorageError as error:
            self._owe(run, error)

    def _owe(self, run: Run, error: StorageError) -> None:
        """Not even what became of a run can be written."""
        self._raise_if_closing()
        _log.warning("%s", error.told)
        self._feeder.owe(run)

    def _fail_crawl(self, site_id: str, attempt: int, error: FootnoteError) -> None:
        self._raise_if_closing()
        try:
            with suppress(NotFound):
                self._crawling().fail(site_id, attempt, error)
        except StorageError as worse:  # not even this can be written: the next sweep finds the section unfinished
            _log.warning("%s", worse.told)

    def _park(self, run: Run) -> None:
        with self._database.write() as connection:
            if runs.is_unfinished(connection, run):
                repository.set_failed(connection, run.version_id, _EXHAUSTED)

    def _count(self, run: Run) -> None:
        """Note for the rate of work that a document was finished."""
        with suppress(NotFound, StorageError), self._database.read() as connection:
            record = repository.get_version(connection, run.version_id)
            if record.state in FINAL_STATES:
                self.rates.done(record.workspace_id, record.size)
        if self._feeder.fed() <= {run}:
            self.rates.rest()

    def _enqueue_run(self, run: Run) -> None:
        """Raises StorageError: the list of jobs cannot be written."""
        from workspaces import workflows

        workflows.enqueue(QUEUE, workflow_id(run), run.version_id, run.attempt)

    def _raise_if_closing(self) -> None:
        if self.closing.is_set():
            raise Closing

    def _enqueue(self, queue: str, id_: str, *arguments: str | int) -> None:
        if not self._launched or self.closing.is_set():
            return  # the sweep of the next working process finds it
        from workspaces import workflows

        try:
            workflows.enqueue(queue, id_, *arguments)
        except StorageError as error:  # what is to be done is in the application's database: the next sweep finds it
            _log.warning("%s", error.told)


def is_intact(path: Path) -> bool:
    """Whether SQLite finds nothing wrong with a database file."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.DatabaseError:
        return False


def workflow_id(run: Run) -> str:
    """The version's own id; a retry is a workflow of its own, so that it never waits for its predecessor to end."""
    return run.version_id if run.attempt == 1 else f"{run.version_id}-{run.attempt}"


def _is_run(id_: str) -> bool:
    return not id_.startswith((_PURGE, _CRAWL, _BUILD))


def _run_of(id_: str) -> Run:
    version_id, _, attempt = id_.partition("-")
    return Run(version_id, int(attempt or 1))


def build_id(index_id: str, attempt: int) -> str:
    """Each attempt at a search index is a workflow of its own."""
    return f"{_BUILD}{index_id}-{attempt}"


def crawl_id(site_id: str, attempt: int) -> str:
    """Each resume and refresh of a section is a workflow of its own."""
    return f"{_CRAWL}{site_id}-{attempt}"


class JsonSerializer:
    """DBOS stores arguments and results with it instead of pickle."""

    def serialize(self, data: Any) -> str:
        """JSON; exceptions become their class name, because their text may hold what users wrote."""
        return json.dumps(data, default=lambda value: type(value).__name__)

    def deserialize(self, serialized_data: str) -> Any:
        """The value back."""
        return json.loads(serialized_data)

    def name(self) -> str:
        """How DBOS labels values of this form."""
        return "footnote_json"


_INTERNAL = FootnoteError(
    "Footnote met an internal fault while reading this document.",
    hint="Try it again; if it happens again, report it with the log of the terminal.",
)
_INTERNAL_BUILD = FootnoteError(
    "Footnote met an internal fault while building the search index.",
    hint="Try it again; if it happens again, report it with the log of the terminal.",
)
_EXHAUSTED_BUILD = FootnoteError(
    "Footnote was stopped again and again while it built the search index.", hint="Try it again."
)
_INTERNAL_CRAWL = FootnoteError(
    "Footnote met an internal fault while it fetched this section.",
    hint="Continue it; if it happens again, report it with the log of the terminal.",
)
_EXHAUSTED_CRAWL = FootnoteError(
    "Footnote was stopped again and again while it fetched this section.",
    hint="Continue it; if the program stops then too, this section is why.",
)
_EXHAUSTED = FootnoteError(
    "Footnote ended unexpectedly again and again while it read this document, so it is left out.",
    hint="The others are read. Try it again; if the program ends then too, this document is why.",
)
