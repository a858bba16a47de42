"""What was recognised in the pictures of a document (OCR), kept as soon as it is known: a page is recognised once,
however often the document's reading is cut short, and whichever of its versions show the page.

It serves the versions of one document and no other: a hostile file that takes over the process that reads it can put
wrong words under the name of any picture. Once a version is ready, what it does not show is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from ingest.ocr import MOST_PAGES
from ingest.protocols import RecognisedPicture
from workspaces.database import Database
from workspaces.tables import recognitions, versions

_MOST = 2 * MOST_PAGES
"""Readings that are kept of a document: of the current version and of a newer one, as long as both may be."""
_MOST_BYTES = 2**26
"""Taken by them; 2,000 dense pages take 17 million."""


class DocumentReadings:
    """The readings of a document while one of its versions is read; see `ingest.protocols.Readings`."""

    def __init__(
        self, database: Database, version_id: str, *, commit: Callable[[], AbstractContextManager[Connection]]
    ) -> None:
        """`commit` opens a transaction in which something may still be written for the version, or raises."""
        self._version_id = version_id
        self._commit = commit
        with database.read() as connection:
            rows = _of_document(connection, version_id)
        self._known = {row.picture: row.reading for row in rows}
        self._owners = {row.picture: row.version_id for row in rows}
        self._size = sum(map(len, self._known.values()))
        self._used: set[str] = set()

    def known(self) -> Mapping[str, bytes]:
        """See `ingest.protocols.Readings`."""
        return self._known

    def take(self, recognised: RecognisedPicture) -> None:
        """See `ingest.protocols.Readings`; past the limits nothing more is kept. Raises as `commit` does."""
        picture, reading = recognised.picture, recognised.reading
        self._used.add(picture)
        size = self._size + len(reading)
        if not reading or picture in self._known or len(self._known) >= _MOST or size > _MOST_BYTES:
            return
        with self._commit() as connection:
            values = {"version_id": self._version_id, "picture": picture, "reading": reading}
            connection.execute(insert(recognitions).values(values))
        self._known[picture], self._owners[picture], self._size = reading, self._version_id, size

    def settle(self, connection: Connection) -> None:
        """The version was read to its end: what it shows becomes its own, and what it does not show goes."""
        mine = self._version_id
        row = (recognitions.c.version_id == bindparam("owner")) & (recognitions.c.picture == bindparam("name"))
        pairs = [{"owner": owner, "name": picture} for picture, owner in self._owners.items()]
        taken = [pair for pair in pairs if pair["owner"] != mine and pair["name"] in self._used]
        unused = [pair for pair in pairs if pair["owner"] == mine and pair["name"] not in self._used]
        if taken:
            connection.execute(update(recognitions).where(row).values(version_id=mine), taken)
        if unused:
            connection.execute(delete(recognitions).where(row), unused)


def drop_others(connection: Connection, version_id: str) -> None:
    """Drop the readings of all other versions of a version's document."""
    mine = select(versions.c.document_id).where(versions.c.id == version_id).scalar_subquery()
    others = select(versions.c.id).where(versions.c.document_id == mine, versions.c.id != version_id)
    connection.execute(delete(recognitions).where(recognitions.c.version_id.in_(others)))


def _of_document(connection: Connection, version_id: str) -> list[Row[tuple[str, str, bytes]]]:
    """The readings of all versions of a version's document, those of the newest last."""
    mine = select(versions.c.document_id).where(versions.c.id == version_id).scalar_subquery()
    query = (
        select(recognitions.c.version_id, recognitions.c.picture, recognitions.c.reading)
        .join(versions, versions.c.id == recognitions.c.version_id)
        .where(versions.c.document_id == mine)
        .order_by(versions.c.number.desc(), recognitions.c.picture)
        .limit(_MOST)
    )
    return list(reversed(connection.execute(query).all()))
