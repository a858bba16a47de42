"""Rows of tags. Every function takes the caller's connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, delete, select

from workspaces.batches import batches
from workspaces.models import DocumentRecord
from workspaces.tables import document_tags, tags


def described(connection: Connection, records: Sequence[DocumentRecord]) -> list[DocumentRecord]:
    """Records with their tags, by name."""
    found: dict[str, list[str]] = {}
    for some in batches([record.id for record in records]):
        query = (
            select(document_tags.c.document_id, tags.c.name)
            .join(tags, tags.c.id == document_tags.c.tag_id)
            .where(document_tags.c.document_id.in_(some))
            .order_by(tags.c.name_key)
        )
        for row in connection.execute(query):
            found.setdefault(row.document_id, []).append(row.name)
    return [replace(record, tags=tuple(found[record.id])) if record.id in found else record for record in records]


def forget_document(connection: Connection, document_id: str) -> None:
    """A document is deleted: it has no tags any more, and tags that only it had are gone."""
    if connection.execute(delete(document_tags).where(document_tags.c.document_id == document_id)).rowcount:
        sweep(connection)


def forget_workspace(connection: Connection, workspace_id: str) -> None:
    """A workspace is deleted, and its documents are gone already."""
    connection.execute(delete(tags).where(tags.c.workspace_id == workspace_id))


def sweep(connection: Connection) -> None:
    """Tags that no document has are gone."""
    connection.execute(delete(tags).where(tags.c.id.not_in(select(document_tags.c.tag_id))))
