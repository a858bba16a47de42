"""A page of the list of documents: found, filtered, counted and cut in SQL: ten thousand cost what twenty do."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from workspaces import members, repository, tag_rows
from workspaces.models import DocumentFilter, DocumentsPage
from workspaces.queueing import UNFINISHED, in_workspace
from workspaces.tables import document_tags, documents, tags, versions

_LONGEST_SEARCH = 200


def page(
    connection: Connection,
    workspace_id: str,
    *,
    search: str = "",
    only: DocumentFilter = "all",
    offset: int = 0,
    limit: int,
) -> DocumentsPage:
    """Live documents of a workspace, those that failed first, then the newest.

    Args:
        search: words that all stand in the title or the name, or as `#word` in a tag; case does not matter.
        only: those in this state.
        offset: how many to leave out.
        limit: how many.
    """
    counts = _counts(connection, workspace_id)
    fits = [_live(workspace_id), *_words(search), *_only(only)]
    if search.strip():
        found = connection.execute(select(func.count()).select_from(documents).where(*fits)).scalar_one()
    else:
        found = counts[only]
    ids = _failed_first(connection, fits, offset=offset, limit=limit)
    rows = connection.execute(repository.document_query().where(documents.c.id.in_(ids)))
    records = {row.document_id: repository.record_of(row) for row in rows}
    shown = members.described(connection, [records[id_] for id_ in ids if id_ in records])
    return DocumentsPage(tuple(tag_rows.described(connection, shown)), found, counts)


def _failed_first(connection: Connection, fits: list[ColumnElement[bool]], *, offset: int, limit: int) -> list[str]:
    """Ids in the order of the list. The failed ones are few, and the index on states finds them; the others come from
    the index that has the list's order."""
    failed = documents.c.version_id.in_(_in_state(("failed",)))
    first = _ids(connection, select(documents.c.id).where(*fits, failed), offset=offset, limit=limit)
    if len(first) == limit:
        return first
    count = connection.execute(select(func.count()).select_from(documents).where(*fits, failed)).scalar_one()
    others = select(documents.c.id).where(*fits, ~failed)
    return first + _ids(connection, others, offset=max(0, offset - count), limit=limit - len(first))


def _ids(connection: Connection, query: Select[Any], *, offset: int, limit: int) -> list[str]:
    ordered = query.order_by(*repository.NEWEST_FIRST).offset(offset).limit(limit)
    return list(connection.execute(ordered).scalars())


def _counts(connection: Connection, workspace_id: str) -> dict[DocumentFilter, int]:
    total = connection.execute(select(func.count()).select_from(documents).where(_live(workspace_id))).scalar_one()
    working, failed, unread = (
        _count(connection, workspace_id, states, current=current)
        for states, current in ((UNFINISHED, False), (("failed",), False), ((*UNFINISHED, "failed"), True))
    )
    return {"all": total, "working": working, "failed": failed, "ready": total - unread}


def _count(connection: Connection, workspace_id: str, states: tuple[str, ...], *, current: bool) -> int:
    """Documents with a version, or whose current version, is in one of these states."""
    mine = documents.c.version_id == versions.c.id if current else documents.c.id == versions.c.document_id
    query = (
        select(func.count(documents.c.id.distinct()))
        .select_from(versions)
        .join(documents, mine)
        .where(versions.c.state.in_(states), in_workspace(workspace_id))
    )
    return int(connection.execute(query).scalar_one())


def _only(only: DocumentFilter) -> list[ColumnElement[bool]]:
    if only == "working":
        return [documents.c.id.in_(select(versions.c.document_id).where(versions.c.state.in_(UNFINISHED)))]
    if only == "failed":
        return [documents.c.id.in_(select(versions.c.document_id).where(versions.c.state == "failed"))]
    if only == "ready":
        return [documents.c.version_id.not_in(_in_state((*UNFINISHED, "failed")))]
    return []


def _in_state(states: tuple[str, ...]) -> Select[tuple[str]]:
    return select(versions.c.id).where(versions.c.state.in_(states))


def _words(search: str) -> list[ColumnElement[bool]]:
    text = func.casefold(documents.c.title + " " + documents.c.source)  # workspaces/database.py defines it
    words = search[:_LONGEST_SEARCH].casefold().split()
    return [_tagged(word[1:]) if word[0] == "#" else func.instr(text, word) > 0 for word in words]


def _tagged(part: str) -> ColumnElement[bool]:
    having = select(document_tags.c.document_id).join(tags, tags.c.id == document_tags.c.tag_id)
    return documents.c.id.in_(having.where(func.instr(tags.c.name_key, part) > 0))


def _live(workspace_id: str) -> ColumnElement[bool]:
    return and_(documents.c.workspace_id == workspace_id, documents.c.deleted_at.is_(None))
