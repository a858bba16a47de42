"""Marks a document deleted: out of every search, list and citation at once. Off the disk it comes with a purge
(workspaces/purging.py)."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, null, select, update

from workspaces import members, tag_rows, trial_result_rows
from workspaces.identifiers import now
from workspaces.tables import documents, turn_passages, turns
from workspaces.turns import CITATION

CANDIDATE = "candidate"
"""Role of a passage that was read for a question and not shown."""
_GONE = "(deleted)"
"""Stands where a quoted sentence was."""


def mark_deleted(connection: Connection, document_id: str) -> None:
    """Mark a document deleted with what lies inside it and goes along (`members.going_along`): their quotes are
    blanked, their tags gone, and the test of the workspace goes on without them."""
    moment = now()
    for id_ in (document_id, *members.going_along(connection, document_id)):
        connection.execute(update(documents).where(documents.c.id == id_).values(deleted_at=moment))
        blank_quotes(connection, id_)
        tag_rows.forget_document(connection, id_)
        trial_result_rows.forget_document(connection, id_)


def blank_quotes(connection: Connection, document_id: str) -> None:
    """Take a deleted document's text out of saved chats; that it was cited stays, and so does what a model wrote."""
    blank(connection, turn_passages.c.document_id == document_id)


def blank_quotes_of_workspace(connection: Connection, workspace_id: str) -> None:
    """Take the text of a deleted workspace's documents out of the chats of others, where it was searched as well."""
    mine = select(documents.c.id).where(documents.c.workspace_id == workspace_id)
    blank(connection, turn_passages.c.document_id.in_(mine))


def blank(connection: Connection, condition: ColumnElement[bool]) -> None:
    """Take the text out of rows of `turn_passages`; of what was only read, not even a title stays."""
    _blank_extracts(connection, condition)
    connection.execute(update(turn_passages).where(condition).values(quote="", detail={}))
    only_read = condition & (turn_passages.c.role == CANDIDATE)
    connection.execute(update(turn_passages).where(only_read).values(title="", page_label=None, locator=null()))


def _blank_extracts(connection: Connection, condition: ColumnElement[bool]) -> None:
    """Answers that no model wrote are the quotes themselves."""
    cited = select(turn_passages.c.turn_id, turn_passages.c.number).where(condition, turn_passages.c.role == CITATION)
    gone: dict[str, set[int]] = {}
    for row in connection.execute(cited):
        gone.setdefault(row.turn_id, set()).add(row.number)
    extracts = select(turns.c.id, turns.c.answer, turns.c.sentences).where(turns.c.model.is_(None))
    for turn_id, numbers in gone.items():
        for turn in connection.execute(extracts.where(turns.c.id == turn_id)).all():
            answer, sentences = _without(turn.answer, turn.sentences, numbers)
            connection.execute(update(turns).where(turns.c.id == turn_id).values(answer=answer, sentences=sentences))


def _without(
    answer: str, sentences: list[tuple[int, int, str, list[int]]], numbers: Collection[int]
) -> tuple[str, list[list[object]]]:
    """An answer and its sentences (start, end, verdict, footnotes) without those that only `numbers` carry."""
    text, end, kept = "", 0, []
    for start, stop, verdict, footnotes in sentences:
        text += answer[end:start]
        begin = len(text)
        text += _GONE if footnotes and set(footnotes) <= set(numbers) else answer[start:stop]
        kept.append([begin, len(text), verdict, footnotes])
        end = stop
    return text + answer[end:], kept
