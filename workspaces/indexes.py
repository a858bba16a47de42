"""Search indexes: which one a workspace is searched by, and how another takes its place. Every function takes the
caller's connection.

A workspace has one **current** index. A **building** one, its shadow, is filled beside it; when it holds every document
it becomes current in one transaction, and its predecessor is the **previous** one until the next change, unless this
program could not extend it any more. A **dropped** one waits to be taken off the disk.

An index never holds what another splitter or embedder made than those of its fingerprint. Where an update of the
program has changed the splitter, the current index is **closed**: it is searched as before, a shadow is begun by
itself, and documents that come meanwhile are read and wait in `parsed` until the shadow has taken its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from rag.errors import FootnoteError, NotFound
from workspaces.identifiers import new_id, now
from workspaces.models import IndexState, SearchIndex
from workspaces.problems import NO_PROBLEM, problem_of, problem_values
from workspaces.runs import Run
from workspaces.tables import chunks, documents, embeddings, entries, indexes, versions, workspaces


@dataclass(frozen=True, slots=True)
class Swap:
    """What is to be done once the transaction has been committed."""

    dropped: Sequence[str]
    """Indexes to be taken off the disk."""
    runs: Sequence[Run]
    """To be enqueued: documents in work begin again with the new index."""


def add(
    connection: Connection, workspace_id: str, *, state: IndexState, embedder: tuple[str, str, int], splitter: str = ""
) -> str:
    """Insert an index; returns its id. `embedder` is (name, key, dimension)."""
    index_id, (name, key, dimension) = new_id(), embedder
    connection.execute(
        insert(indexes).values(
            id=index_id,
            workspace_id=workspace_id,
            embedder=name,
            embedder_key=key,
            dimension=dimension,
            splitter=splitter,
            state=state,
            created_at=now(),
            served_at=now() if state == "current" else None,
        )
    )
    return index_id


def change(connection: Connection, index_id: str, **values: object) -> None:
    """Update columns of an index."""
    connection.execute(update(indexes).where(indexes.c.id == index_id).values(**values))


def current(connection: Connection, workspace_id: str) -> SearchIndex:
    """The index that a live workspace is searched by. Raises NotFound."""
    row = connection.execute(_CURRENT, {"workspace": workspace_id}).first()
    if row is None:
        raise NotFound("This workspace does not exist any more.", hint="Reload the page.")
    return _index_of(row)


def get(connection: Connection, index_id: str) -> SearchIndex | None:
    """An index of a live workspace; None where there is none."""
    row = connection.execute(_BY_ID, {"index": index_id}).first()
    return _index_of(row) if row else None


def of_workspace(connection: Connection, workspace_id: str) -> dict[IndexState, SearchIndex]:
    """The indexes of a live workspace by their state; there is at most one of each. Those dropped are left out."""
    found = _found(connection, (workspaces.c.id == workspace_id) & (indexes.c.state != "dropped"))
    return {index.state: index for index in found}


def being_built(connection: Connection) -> list[SearchIndex]:
    """Those that are to be built: neither paused nor failed."""
    wanted = indexes.c.paused.is_(False) & indexes.c.problem_code.is_(None)
    return _found(connection, (indexes.c.state == "building") & wanted)


def all_live(connection: Connection) -> list[SearchIndex]:
    """Those of all live workspaces, but for the dropped."""
    return _found(connection, indexes.c.state != "dropped")


def restart(connection: Connection, index: SearchIndex) -> SearchIndex:
    """Let an index be built (further); a former attempt ends. Raises NotFound."""
    values = {"state": "building", "paused": False, "attempt": index.attempt + 1, "seconds_left": None}
    change(connection, index.id, **values, **NO_PROBLEM)
    found = get(connection, index.id)
    if found is None:
        raise NotFound("This search index does not exist any more.", hint="Reload the page.")
    return found


def set_problem(connection: Connection, index_id: str, error: FootnoteError) -> None:
    """Building failed, and why; the current index goes on serving."""
    change(connection, index_id, **problem_values(error), seconds_left=None)


def end(connection: Connection, index: SearchIndex) -> list[str]:
    """Give a building index up: one that has served before is the previous one again, another is dropped (its id)."""
    change(connection, index.id, state="previous" if index.served_at else "dropped", seconds_left=None)
    return [] if index.served_at else [index.id]


def drop(connection: Connection, index_id: str) -> list[str]:
    """An index is not wanted any more; returns its id, to be taken off the disk."""
    change(connection, index_id, state="dropped", seconds_left=None)
    return [index_id]


# --- what is in it -------------------------------------------------------------------------------


def is_empty(connection: Connection, index_id: str) -> bool:
    """Whether no document has been cut for it."""
    workspace = select(indexes.c.workspace_id).where(indexes.c.id == index_id).scalar_subquery()
    query = (
        select(chunks.c.rowid)
        .join(versions, versions.c.id == chunks.c.version_id)
        .join(documents, documents.c.id == versions.c.document_id)
        .where(documents.c.workspace_id == workspace, chunks.c.index_id == index_id)
        .limit(1)
    )
    return connection.execute(query).scalar() is None


def enter(connection: Connection, index_id: str, version_id: str, *, chunk_count: int) -> None:
    """An index holds a version completely now."""
    statement = sqlite_insert(entries).values(index_id=index_id, version_id=version_id, chunk_count=chunk_count)
    keys = ["index_id", "version_id"]
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={"chunk_count": chunk_count}))


def leave(connection: Connection, index_id: str, version_id: str) -> None:
    """An index does not hold a version completely any more."""
    connection.execute(delete(entries).where(entries.c.index_id == index_id, entries.c.version_id == version_id))


def missing(connection: Connection, index: SearchIndex) -> list[tuple[str, int]]:
    """(version id, characters) of the ready documents that it lacks, in the order in which they came."""
    held = select(entries.c.version_id).where(entries.c.index_id == index.id)
    query = (
        select(versions.c.id, versions.c.character_count)
        .where(_ready(index.workspace_id), versions.c.id.not_in(held))
        .join(documents, documents.c.version_id == versions.c.id)
        .order_by(versions.c.created_at, versions.c.id)
    )
    return [(row.id, row.character_count) for row in connection.execute(query)]


def count_ready(connection: Connection, workspace_id: str) -> int:
    """How many documents of a workspace are ready."""
    query = select(func.count()).select_from(versions).join(documents, documents.c.version_id == versions.c.id)
    return int(connection.execute(query.where(_ready(workspace_id))).scalar_one())


def incomplete(connection: Connection, index: SearchIndex) -> list[Row[Any]]:
    """(id, title, chunk_count, found, embedded) of the ready documents that it does not hold as it says it does, or
    lacks altogether."""
    chunk = (chunks.c.version_id == versions.c.id) & (chunks.c.index_id == index.id)
    vector = (embeddings.c.hash == chunks.c.embedding_hash) & (embeddings.c.embedder == index.embedder)
    entry = (entries.c.version_id == versions.c.id) & (entries.c.index_id == index.id)
    found, embedded = func.count(chunks.c.rowid), func.count(embeddings.c.hash)
    query = (
        select(
            versions.c.id,
            documents.c.title,
            entries.c.chunk_count,
            found.label("found"),
            embedded.label("embedded"),
        )
        .select_from(documents)
        .join(versions, versions.c.id == documents.c.version_id)
        .outerjoin(entries, entry)
        .outerjoin(chunks, chunk)
        .outerjoin(embeddings, vector)
        .where(_ready(index.workspace_id))
        .group_by(versions.c.id)
        .having(entries.c.chunk_count.is_(None) | (entries.c.chunk_count != found) | (found != embedded))
    )
    return list(connection.execute(query))


def _ready(workspace_id: str) -> ColumnElement[bool]:
    return (documents.c.workspace_id == workspace_id) & documents.c.deleted_at.is_(None) & (versions.c.state == "ready")


# --- taking the place of another -----------------------------------------------------------------


def swap(connection: Connection, index: SearchIndex) -> Swap | None:
    """Let a building index be searched from now on; None where documents have come that it lacks.

    Documents in work, and those that waited, go back to `parsed` as new runs: what they wrote was for the former index.
    """
    if missing(connection, index):
        return None
    moment, dropped = now(), list[str]()
    for state, other in of_workspace(connection, index.workspace_id).items():
        if state == "previous" or (state == "current" and (other.closed or not other.splitter)):
            dropped += drop(connection, other.id)
        elif state == "current":
            change(connection, other.id, state="previous")
    change(connection, index.id, state="current", closed=False, seconds_left=None, served_at=moment, checked_at=moment)
    connection.execute(update(workspaces).where(workspaces.c.id == index.workspace_id).values(index_id=index.id))
    counts = select(entries.c.chunk_count).where(entries.c.index_id == index.id, entries.c.version_id == versions.c.id)
    held = select(entries.c.version_id).where(entries.c.index_id == index.id)
    counted = update(versions).where(versions.c.id.in_(held))
    connection.execute(counted.values(chunk_count=counts.scalar_subquery()))
    return Swap(dropped, _begun_again(connection, index.workspace_id))


def _begun_again(connection: Connection, workspace_id: str) -> list[Run]:
    mine = select(documents.c.id).where(documents.c.workspace_id == workspace_id, documents.c.deleted_at.is_(None))
    half = versions.c.state.in_(("parsed", "chunked", "embedded", "indexed")) & versions.c.document_id.in_(mine)
    rows = connection.execute(select(versions.c.id, versions.c.attempt).where(half)).all()
    values = {"state": "parsed", "attempt": versions.c.attempt + 1, "progress_done": 0, "progress_total": 0}
    connection.execute(update(versions).where(half).values(**values))
    return [Run(row.id, row.attempt + 1) for row in rows]


def _found(connection: Connection, condition: ColumnElement[bool]) -> list[SearchIndex]:
    return [_index_of(row) for row in connection.execute(_live(condition))]


def _live(condition: ColumnElement[bool]) -> Select[Any]:
    """Indexes of live workspaces."""
    return (
        select(indexes)
        .join(workspaces, workspaces.c.id == indexes.c.workspace_id)
        .where(condition, workspaces.c.deleted_at.is_(None))
        .order_by(workspaces.c.created_at, indexes.c.created_at, indexes.c.id)
    )


_CURRENT = _live((workspaces.c.id == bindparam("workspace")) & (indexes.c.id == workspaces.c.index_id))
"""Made once, as all that a search asks: putting a query together takes longer than asking it."""
_BY_ID = _live(indexes.c.id == bindparam("index"))


def _index_of(row: Row[Any]) -> SearchIndex:
    return SearchIndex(
        id=row.id,
        workspace_id=row.workspace_id,
        embedder=row.embedder,
        embedder_key=row.embedder_key,
        dimension=row.dimension,
        splitter=row.splitter,
        state=row.state,
        closed=row.closed,
        paused=row.paused,
        attempt=row.attempt,
        done=row.progress_done,
        total=row.progress_total,
        seconds_left=row.seconds_left,
        problem=problem_of(row.problem_code, row.problem_message, row.problem_hint),
        checked_at=row.checked_at,
        served_at=row.served_at,
    )
