"""The SQLite database: many readers, one writer, schema by Alembic.

One writer connection behind one lock is also the only connection that checkpoints the write-ahead log: SQLite before
3.51.3 can corrupt a database when two connections write or checkpoint at the same moment (the WAL-reset bug).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool, StaticPool

from rag.errors import DiskFull, StorageError

SCHEMA_REVISION = "0013"
"""The revision this code works with; workspaces/migrations/versions brings a database there."""

_COPY = ".before-"
"""Between the database's name and the revision that it was to be brought to, in the name of a copy."""

_BUSY_MILLISECONDS = 15_000
_CHECKPOINT_PAGES = 1_000


class Database:
    """Opens `path` (made if missing) and hands out SQLAlchemy Core connections."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._writer: Engine | None = None
        self._readers: Engine | None = None

    def open(self) -> None:
        """Connect and bring the schema up to date; doing it again does nothing.

        Raises:
            StorageError: the file is damaged, locked, not writable, or from a newer Footnote.
        """
        with self._lock:
            if self._writer is not None:
                return
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self.path.exists():
                self.path.touch(mode=0o600)
            url = f"sqlite:///{self.path}"
            writer = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
            event.listen(writer, "connect", _prepare_writer)
            event.listen(writer, "begin", _begin_immediate)
            readers = create_engine(url, poolclass=QueuePool, pool_size=8, max_overflow=24)
            event.listen(readers, "connect", _prepare_reader)
            event.listen(readers, "begin", _begin_deferred)
            with _speaking():
                _migrate(writer, self.path)
            self._writer, self._readers = writer, readers

    def close(self) -> None:
        """Close every connection; the last one checkpoints."""
        with self._lock:
            for engine in (self._readers, self._writer):
                if engine is not None:
                    engine.dispose()
            self._writer = self._readers = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one consistent state and cannot write."""
        with _speaking(), self._engine(self._readers).connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """The one writing connection, in a transaction that commits when the block ends without an error."""
        with self._lock, _speaking(), self._engine(self._writer).begin() as connection:
            yield connection

    def compact(self) -> bool:
        """Fold the write-ahead log back, so that deleted content is gone from it as it is from the pages, which
        `secure_delete` zeroes; give free pages back to the disk when they are more than a quarter of the file. A copy
        from before a migration goes, for it holds what was deleted since.

        Returns:
            Whether it is done: a reader who sees an old state for longer than 15 seconds holds it up.
        """
        with self._lock, _speaking():
            _forget_copies(self.path)
            raw = self._engine(self._writer).raw_connection()
            try:
                cursor = raw.cursor()
                free = cursor.execute("PRAGMA freelist_count").fetchone()[0]
                if free > cursor.execute("PRAGMA page_count").fetchone()[0] / 4:
                    cursor.execute("VACUUM")
                busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                cursor.close()
            finally:
                raw.close()
        return not busy

    def _engine(self, engine: Engine | None) -> Engine:
        """Once closed it stays closed: a thread that is late must not write where another process may be the owner."""
        if engine is None:
            raise StorageError("The database is closed.", hint="Start Footnote again.")
        return engine


def _prepare_writer(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin with BEGIN IMMEDIATE below, not when sqlite3 thinks so
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "secure_delete=ON",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_MILLISECONDS}",
        f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _prepare_reader(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.create_function("casefold", 1, str.casefold, deterministic=True)  # SQLite's own knows ASCII only
    for pragma in (f"busy_timeout={_BUSY_MILLISECONDS}", "wal_autocheckpoint=0", "query_only=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_deferred(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _migrate(engine: Engine, path: Path) -> None:
    revision = _revision(engine)
    if revision == SCHEMA_REVISION:
        _forget_copies(path)  # the migration was a while ago, and all is well
        return
    if revision is not None and revision > SCHEMA_REVISION:
        raise StorageError(
            "The data directory was written by a newer version of Footnote.", hint="Start the newer version."
        )
    if revision is not None:
        _copy(path)
    from alembic import command  # 0.3 s, and needed only when the schema differs
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, SCHEMA_REVISION)


def _copy(path: Path) -> None:
    """Keep the database as it is beside it, until the next start; a migration is one transaction, and may be wrong."""
    _forget_copies(path)
    copy = path.with_name(f"{path.name}{_COPY}{SCHEMA_REVISION}")
    partial = copy.with_name(f"{copy.name}.partial")
    partial.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as target:
        source.backup(target)
    partial.replace(copy)


def _forget_copies(path: Path) -> None:
    for copy in path.parent.glob(f"{path.name}{_COPY}*"):
        copy.unlink(missing_ok=True)


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        known = connection.execute(text("SELECT name FROM sqlite_master WHERE name = 'alembic_version'")).scalar()
        if known is None:
            return None
        revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return revision


@contextmanager
def _speaking() -> Iterator[None]:
    """Turn SQLite's own errors into words for people."""
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError) as error:
        told = _told(error.orig if isinstance(error, DatabaseError) else error)
        if told is None:
            raise
        raise told from error


def _told(error: BaseException | None) -> StorageError | None:
    reason = str(error).lower()
    if type(error) is sqlite3.DatabaseError:
        return StorageError(
            "The database is damaged.",
            hint="Restore it from a backup, or add your documents to a new data directory (FOOTNOTE_DATA_DIR); "
            "the originals are stored apart from it and are not affected.",
        )
    if not isinstance(error, sqlite3.OperationalError):
        return None
    if "full" in reason:
        return DiskFull("The disk is full.", hint="Free some space, then try again.")
    if "disk" in reason:
        return StorageError(
            "The data directory cannot be written.", hint="Check the disk and its free space, then try again."
        )
    if "readonly" in reason or "unable to open" in reason:
        return StorageError(
            "The data directory cannot be written.", hint="Check its permissions, or set FOOTNOTE_DATA_DIR."
        )
    if "locked" in reason:
        return StorageError("Another program has locked the database.", hint="Close it and try again.")
    return None
