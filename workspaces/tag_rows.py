"""Rows of tags. Every function takes the caller's connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, select

from workspaces.batches import batches
from workspaces.models import DocumentRecord
from workspaces.tables import document_tags, tags


def described(connection: Connection, records: Sequence[DocumentRecord]) -> list[DocumentRecord]:
    """Records with their tags, by name."""
    rows: list[Row[Any]] = []
    for some in batches([record.id for record in records]):
        rows += connection.execute(_tagged(document_tags.c.document_id.in_(some))).all()
    return _described(records, rows)


def described_all(connection: Connection, workspace_id: str, records: Sequence[DocumentRecord]) -> list[DocumentRecord]:
    """Records of a workspace with their tags; one query."""
    return _described(records, connection.execute(_tagged(tags.c.workspace_id == workspace_id)).all())


def _tagged(which: ColumnElement[bool]) -> Select[Any]:
    query = select(document_tags.c.document_id, tags.c.name).join(tags, tags.c.id == document_tags.c.tag_id)
    return query.where(which).order_by(tags.c.name_key)


def _described(records: Sequence[DocumentRecord], rows: Sequence[Row[Any]]) -> list[DocumentRecord]:
    found: dict[str, list[str]] = {}
    for row in rows:
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
