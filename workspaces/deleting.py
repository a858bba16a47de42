"""Marks a document deleted: out of every search, list and citation at once. Off the disk it comes with a purge
(workspaces/purging.py)."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, null, update

from workspaces import members
from workspaces.identifiers import now
from workspaces.tables import documents, turn_passages

CANDIDATE = "candidate"
"""Role of a passage that was read for a question and not shown."""


def mark_deleted(connection: Connection, document_id: str) -> None:
    """Mark a document deleted with what lies inside it and goes along (`members.going_along`), their quotes blanked."""
    moment = now()
    for id_ in (document_id, *members.going_along(connection, document_id)):
        connection.execute(update(documents).where(documents.c.id == id_).values(deleted_at=moment))
        blank_quotes(connection, id_)


def blank_quotes(connection: Connection, document_id: str) -> None:
    """Take a deleted document's text out of saved chats; that it was cited stays."""
    blank(connection, turn_passages.c.document_id == document_id)


def blank(connection: Connection, condition: ColumnElement[bool]) -> None:
    """Take the text out of rows of `turn_passages`; of what was only read, not even a title stays."""
    connection.execute(update(turn_passages).where(condition).values(quote="", detail={}))
    only_read = condition & (turn_passages.c.role == CANDIDATE)
    connection.execute(update(turn_passages).where(only_read).values(title="", page_label=None, locator=null()))
