"""Fills a search index in the background, document by document, and lets it take the place of the one that serves.

What is finished stands in SQL (`entries`), so a build that was cut short goes on where it stopped. Documents that come
while it is built go to the index that serves and are caught up with; those that are deleted or changed leave both.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, select

from rag.errors import Cancelled, FootnoteError, InvalidInput, StorageError
from workspaces import indexes, repository
from workspaces.database import Database
from workspaces.indexes import Swap
from workspaces.indexing import Indexing
from workspaces.lexical import Fts5Index
from workspaces.models import DocumentRecord, SearchIndex
from workspaces.tables import documents, versions
from workspaces.tables import indexes as indexes_table
from workspaces.vectors import VectorIndex

_PORTION_SECONDS = 30.0
"""What one workflow does of a build: only what dies again and again within one portion is given up."""

Working = Callable[[str], AbstractContextManager[None]]
"""Makes the caller the only one at work on a version (workspaces.jobs)."""


@dataclass(frozen=True, slots=True)
class Build:
    """One attempt at building an index; an older attempt cannot write any more."""

    index_id: str
    attempt: int


class _Ended(Exception):
    """The index was dropped, paused, or its building begun anew: whoever did it always wins."""


class _Gone(Exception):
    """The version is not wanted any more."""


class Builder:
    """Builds; `workspaces.jobs` runs it, and `closing` ends it at its next look."""

    def __init__(
        self,
        database: Database,
        *,
        indexing: Indexing,
        lexical: Fts5Index,
        vectors: VectorIndex,
        closing: threading.Event,
    ) -> None:
        self._database = database
        self._indexing = indexing
        self._lexical = lexical
        self._vectors = vectors
        self._closing = closing

    def build(self, build: Build, *, working: Working) -> Build | Swap | None:
        """Work for a while on an index.

        Returns:
            The next attempt where there is more to do; what is to be done after it has been swapped in; None where the
            build has ended otherwise (dropped, paused, begun anew).

        Raises:
            FootnoteError: it cannot be built; `fail` records why.
            Cancelled: the application ends.
        """
        try:
            with self._database.write() as connection:
                index = self._index(connection, build)
                self._lexical.create(connection, index.id)
            if not self._fill(build, index, working):
                return self._next(build)
            self._check(index)
            with self._database.write() as connection:
                swap = indexes.swap(connection, self._index(connection, build))
        except _Ended:
            return None
        return swap or self._next(build)

    def fail(self, build: Build, error: FootnoteError) -> None:
        """Record why an index cannot be built; the one that serves goes on serving."""
        with self._database.write() as connection:
            try:
                index = self._index(connection, build)
            except _Ended:
                return
            indexes.set_problem(connection, index.id, error)

    # --- filling ---------------------------------------------------------------------------------

    def _fill(self, build: Build, index: SearchIndex, working: Working) -> bool:
        """Enter what the index lacks; False where the time is over before it lacks nothing."""
        started = time.monotonic()
        with self._database.read() as connection:
            lacking = indexes.missing(connection, index)
            total = indexes.count_ready(connection, index.workspace_id)
        self._report(build, total - len(lacking), total, None)
        left, read = sum(characters for _, characters in lacking), 0
        for number, (version_id, characters) in enumerate(lacking, 1):
            if time.monotonic() - started > _PORTION_SECONDS:
                return False
            with working(version_id):
                self._enter(build, index, version_id)
            read += characters
            pace = (time.monotonic() - started) / max(1, read)
            self._report(build, total - len(lacking) + number, total, pace * (left - read))
        with self._database.read() as connection:
            return not indexes.missing(connection, index)  # some may have come meanwhile

    def _enter(self, build: Build, index: SearchIndex, version_id: str) -> None:
        work = _BuildWork(self, build, version_id)
        try:
            with work.commit() as connection:
                record = repository.get_version(connection, version_id)
            self._enter_record(work, index, record)
        except _Gone:
            self._indexing.withdraw(index, version_id)

    def _enter_record(self, work: _BuildWork, index: SearchIndex, record: DocumentRecord) -> None:
        try:
            pieces = self._indexing.split(index, record)
            with work.commit() as connection:
                self._indexing.write_chunks(connection, index, record, pieces)
            self._indexing.embed(work, index, record)
            self._indexing.enter(work, index, record, half=lambda _: None, last=lambda _: None)
        except InvalidInput as error:  # the only one that lies in the document: its title is too long for the window
            raise InvalidInput(f"“{record.title or record.source}”: {error.message}", hint=error.hint) from error

    def _check(self, index: SearchIndex) -> None:
        """Compare the whole index with the documents. Raises StorageError where it is wrong and cannot be mended."""
        with self._database.write() as connection:
            wrong = indexes.incomplete(connection, index)
            for row in wrong:
                indexes.leave(connection, index.id, row.id)
            words = self._lexical.missing(connection, index.id) + self._lexical.foreign(connection, index.id)
            if words:
                self._lexical.rebuild(connection, index.id)
        if any(row.chunk_count is not None for row in wrong):
            raise StorageError(
                f"The new search index does not hold {len(wrong):,} documents completely.", hint="Build it again."
            )
        self._vectors.prove(index.id)

    def _report(self, build: Build, done: int, total: int, seconds_left: float | None) -> None:
        with self._database.write() as connection:
            index = self._index(connection, build)
            values = {"progress_done": done, "progress_total": total, "seconds_left": seconds_left}
            indexes.change(connection, index.id, **values)

    def _next(self, build: Build) -> Build | None:
        try:
            with self._database.write() as connection:
                again = indexes.restart(connection, self._index(connection, build))
        except _Ended:
            return None
        return Build(again.id, again.attempt)

    # --- whether it may go on --------------------------------------------------------------------

    def _index(self, connection: Connection, build: Build) -> SearchIndex:
        """The index while it is being built. Raises _Ended, or Cancelled where the application ends."""
        if self._closing.is_set():
            raise Cancelled("Footnote is closing.")
        found = indexes.get(connection, build.index_id)
        if found is None or found.state != "building" or found.paused or found.attempt != build.attempt:
            raise _Ended
        return found

    def look(self, connection: Connection, build: Build, version_id: str) -> None:
        """Raise where the build has ended, or the version is not wanted any more."""
        self._index(connection, build)
        query = (
            select(versions.c.id)
            .join(documents, documents.c.version_id == versions.c.id)
            .join(indexes_table, indexes_table.c.workspace_id == documents.c.workspace_id)
            .where(
                versions.c.id == version_id,
                versions.c.state == "ready",
                documents.c.deleted_at.is_(None),
                indexes_table.c.id == build.index_id,
            )
        )
        if connection.execute(query).scalar() is None:
            raise _Gone

    @contextmanager
    def commit(self, build: Build, version_id: str) -> Iterator[Connection]:
        """A transaction for a version. Raises as `look` does."""
        with self._database.write() as connection:
            self.look(connection, build, version_id)
            yield connection

    def check(self, build: Build, version_id: str) -> None:
        """Raises as `look` does."""
        with self._database.read() as connection:
            self.look(connection, build, version_id)


class _BuildWork:
    """A version that is entered for a build (workspaces.indexing.Work)."""

    def __init__(self, builder: Builder, build: Build, version_id: str) -> None:
        self._builder = builder
        self._build = build
        self._version_id = version_id

    def commit(self) -> AbstractContextManager[Connection]:
        """As `Builder.commit`."""
        return self._builder.commit(self._build, self._version_id)

    def check(self) -> None:
        """As `Builder.check`."""
        self._builder.check(self._build, self._version_id)
