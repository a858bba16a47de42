"""Takes bytes off the disk that were stored for a row that never came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import select

from rag.errors import StorageError
from workspaces.database import Database
from workspaces.files import Files
from workspaces.tables import originals


def drop_unnamed(database: Database, files: Files, sha256: str) -> None:
    """Remove an original, unless a row names it. Raises StorageError."""
    with files.guard:
        with database.read() as connection:
            known = connection.execute(select(originals.c.sha256).where(originals.c.sha256 == sha256)).scalar()
        if known is None:
            files.remove(sha256)


@contextmanager
def unless_named(database: Database, files: Files, sha256: str) -> Iterator[None]:
    """Bytes that were just stored go again where no row comes to name them, because what happens inside raises. Where
    not even that can be done, the next start does it."""
    try:
        yield
    except BaseException:
        with suppress(StorageError, OSError):
            drop_unnamed(database, files, sha256)
        raise
