"""What a fetch leaves on a version of a document: when, from where, and what the server said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from ingest.answers import Validators
from workspaces.tables import versions

if TYPE_CHECKING:
    from ingest.answers import Fetched


def values_of(page: Fetched) -> dict[str, object]:
    """Columns of the version that holds what was fetched."""
    return {
        "media_type": page.media_type,
        "fetched_at": page.fetched_at.replace(tzinfo=None),
        "final_url": page.final_url,
        "etag": page.validators.etag,
        "last_modified": page.validators.last_modified,
    }


def validators_of(connection: Connection, version_id: str) -> Validators:
    """What the server said when a version was fetched."""
    query = select(versions.c.etag, versions.c.last_modified).where(versions.c.id == version_id)
    row = connection.execute(query).one_or_none()
    return Validators() if row is None else Validators(row.etag, row.last_modified)
