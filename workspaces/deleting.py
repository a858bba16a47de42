"""Marks a document deleted: out of every search, list and citation at once. Off the disk it comes with a purge
(workspaces/purging.py)."""

from __future__ import annotations

from sqlalchemy import Connection, update

from workspaces import members, trial_result_rows
from workspaces.identifiers import now
from workspaces.tables import documents, turn_passages


def mark_deleted(connection: Connection, document_id: str) -> None:
    """Mark a document deleted with what lies inside it and goes along (`members.going_along`): their quotes are
    blanked, and the test of the workspace goes on without them."""
    moment = now()
    for id_ in (document_id, *members.going_along(connection, document_id)):
        connection.execute(update(documents).where(documents.c.id == id_).values(deleted_at=moment))
        blank_quotes(connection, id_)
        trial_result_rows.forget_document(connection, id_)


def blank_quotes(connection: Connection, document_id: str) -> None:
    """Take a deleted document's text out of saved chats; that it was cited stays."""
    mine = turn_passages.c.document_id == document_id
    connection.execute(update(turn_passages).where(mine).values(quote="", detail={}))
