"""Members: files inside a document (a container) that became documents of their own.

The same bytes are the same document, whatever they lie in; so a member may have several containers, and a document that
somebody added may be a member too. What `members` says is a graph without cycles: a file is never inside itself.
Every function takes the caller's connection.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from workspaces.batches import batches
from workspaces.models import FINAL_STATES, DocumentRecord, SourceKind
from workspaces.tables import documents, members, versions

DEEPEST = 4
"""Levels of files inside files that are taken in."""
MOST = 10_000
"""Most members of one container."""
_TWO_LISTS = 400
"""Ids in one list where two stand in one query (see workspaces/batches.py)."""
_container = documents.alias("container")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a document lies in."""

    depth: int
    """Containers around it by the shortest way out, 0 for what was added by itself; DEEPEST at most."""
    ids: frozenset[str]
    """Itself and all its containers, theirs too."""


def surroundings(connection: Connection, document_id: str) -> Surroundings:
    """What a document lies in."""
    seen, frontier, depth = {document_id}, [document_id], 0
    outside: int | None = None  # the depth at which the first document was met that stands for itself
    while frontier:
        around: set[str] = set()
        for some in _batches(frontier):
            own = select(func.count()).where(documents.c.id.in_(some), documents.c.source_kind != "member")
            if outside is None and connection.execute(own).scalar_one():
                outside = depth
            containers = select(members.c.container_id).where(members.c.document_id.in_(some))
            around.update(connection.execute(containers).scalars())
        frontier = sorted(around - seen)
        seen |= around
        depth += 1
    return Surroundings(min(depth - 1 if outside is None else outside, DEEPEST), frozenset(seen))


def at(connection: Connection, container_id: str, path: str) -> str | None:
    """The live document at a path inside a container."""
    query = (
        select(documents.c.id)
        .join(members, members.c.document_id == documents.c.id)
        .where(members.c.container_id == container_id, members.c.path == path, documents.c.deleted_at.is_(None))
    )
    found: str | None = connection.execute(query).scalar()
    return found


def same_bytes(connection: Connection, workspace_id: str, sha256: str) -> str | None:
    """The live document of a workspace that has these bytes, or gets them when its newer version has been read; the
    oldest where there are several."""
    query = (
        select(documents.c.id)
        .join(versions, versions.c.document_id == documents.c.id)
        .where(
            documents.c.workspace_id == workspace_id,
            documents.c.deleted_at.is_(None),
            versions.c.sha256 == sha256,
            or_(versions.c.id == documents.c.version_id, versions.c.state.not_in(FINAL_STATES)),
        )
        .order_by(documents.c.created_at)
    )
    found: str | None = connection.execute(query).scalars().first()
    return found


def put(connection: Connection, container_id: str, path: str, document_id: str) -> None:
    """Note that a document lies at a path inside a container."""
    row = sqlite_insert(members).values(container_id=container_id, path=path, document_id=document_id)
    key = [members.c.container_id, members.c.path]
    connection.execute(row.on_conflict_do_update(index_elements=key, set_={"document_id": document_id}))


def forget(connection: Connection, document_id: str) -> None:
    """Remove what is said of a document, as container and as member."""
    mine = (members.c.container_id == document_id) | (members.c.document_id == document_id)
    connection.execute(delete(members).where(mine))


def adopt(connection: Connection, document_id: str, *, kind: SourceKind, source: str) -> None:
    """A member that a person adds too stands for itself from now on: it outlives its containers. Others stay."""
    mine = update(documents).where(documents.c.id == document_id, documents.c.source_kind == "member")
    connection.execute(mine.values(source_kind=kind, source=source))


def going_along(connection: Connection, document_id: str) -> list[str]:
    """Live documents that go when a document is deleted: members, theirs too, that nobody added and that lie in no
    container that stays."""
    doomed, frontier = {document_id}, [document_id]
    while frontier:
        inside = _members_of(connection, frontier) - doomed
        kept = {member for member, container in _containers_of(connection, inside) if container not in doomed}
        frontier = sorted(inside - kept)
        doomed.update(frontier)
    return sorted(doomed - {document_id})


def purged_with(connection: Connection, document_id: str) -> list[str]:
    """Deleted documents inside a deleted one, at any depth."""
    found, frontier = dict[str, None](), [document_id]
    while frontier:
        frontier = sorted(_members_of(connection, frontier, deleted=True) - found.keys() - {document_id})
        found.update(dict.fromkeys(frontier))
    return list(found)


def inside(connection: Connection, container_ids: Sequence[str]) -> list[str]:
    """Live documents inside these, at any depth."""
    found, frontier = dict[str, None](), list(container_ids)
    while frontier:
        inner: set[str] = set()
        for some in _batches(frontier):
            query = (
                select(members.c.document_id)
                .join(documents, documents.c.id == members.c.document_id)
                .where(members.c.container_id.in_(some), documents.c.deleted_at.is_(None))
            )
            inner.update(connection.execute(query).scalars())
        frontier = sorted(inner - found.keys() - set(container_ids))
        found.update(dict.fromkeys(frontier))
    return list(found)


def directly_in(connection: Connection, container_id: str, *, offset: int, limit: int) -> list[tuple[str, str]]:
    """A piece of the live documents in this one, not those deeper inside: (where it lies, document id), by place."""
    query = (
        select(members.c.path, members.c.document_id)
        .join(documents, documents.c.id == members.c.document_id)
        .where(members.c.container_id == container_id, documents.c.deleted_at.is_(None))
        .order_by(members.c.path)
        .offset(offset)
        .limit(limit)
    )
    return [(row.path, row.document_id) for row in connection.execute(query)]


def described_all(connection: Connection, workspace_id: str, records: Sequence[DocumentRecord]) -> list[DocumentRecord]:
    """Records of a workspace with what they hold and the first container each lies in; one query."""
    return _described(records, connection.execute(_links(_container.c.workspace_id == workspace_id)).all())


def described(connection: Connection, records: Sequence[DocumentRecord]) -> list[DocumentRecord]:
    """Some records with what they hold and the first container each lies in."""
    links: list[Row[Any]] = []
    for some in _batches([record.id for record in records]):
        touching = members.c.container_id.in_(some) | members.c.document_id.in_(some)
        links += connection.execute(_links(touching)).all()
    links.sort(key=lambda link: (link.created_at, link.container_id, link.path))
    return _described(records, links)


def _links(which: ColumnElement[bool]) -> Select[Any]:
    """Which live document lies where in which live one, the oldest container first."""
    return (
        select(members, _container.c.title, _container.c.source, _container.c.created_at)
        .join(_container, _container.c.id == members.c.container_id)
        .join(documents, documents.c.id == members.c.document_id)
        .where(which, _container.c.deleted_at.is_(None), documents.c.deleted_at.is_(None))
        .order_by(_container.c.created_at, _container.c.id, members.c.path)
    )


def _described(records: Sequence[DocumentRecord], links: Sequence[Row[Any]]) -> list[DocumentRecord]:
    held: dict[str, set[str]] = {}
    places: dict[str, Row[Any]] = {}
    for link in links:
        held.setdefault(link.container_id, set()).add(link.document_id)
        places.setdefault(link.document_id, link)
    return [_with_members(record, held.get(record.id, set()), places.get(record.id)) for record in records]


def _with_members(record: DocumentRecord, held: Collection[str], place: Row[Any] | None) -> DocumentRecord:
    if place is None:
        return replace(record, members=len(held)) if held else record
    title = place.title or place.source
    return replace(record, members=len(held), container_id=place.container_id, container_title=title, path=place.path)


def _members_of(connection: Connection, container_ids: Iterable[str], *, deleted: bool = False) -> set[str]:
    """Documents inside these: those of nobody's own that are live, or all that are deleted."""
    state = documents.c.deleted_at.is_not(None) if deleted else documents.c.deleted_at.is_(None)
    found: set[str] = set()
    for some in _batches(list(container_ids)):
        query = (
            select(documents.c.id)
            .join(members, members.c.document_id == documents.c.id)
            .where(members.c.container_id.in_(some), documents.c.source_kind == "member", state)
        )
        found.update(connection.execute(query).scalars())
    return found


def _containers_of(connection: Connection, document_ids: Iterable[str]) -> list[tuple[str, str]]:
    """(member, container) for every live container of these."""
    found: list[tuple[str, str]] = []
    for some in _batches(list(document_ids)):
        query = (
            select(members.c.document_id, members.c.container_id)
            .join(documents, documents.c.id == members.c.container_id)
            .where(members.c.document_id.in_(some), documents.c.deleted_at.is_(None))
        )
        found += [(member, container) for member, container in connection.execute(query)]
    return found


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return batches(ids, _TWO_LISTS)
