"""Rows to values and back, for workspaces and documents. Every function takes the caller's connection, so that the use
case decides what is one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, delete, func, insert, or_, select, update

from rag.errors import FootnoteError, NotFound
from rag.modes import Mode
from rag.types import Report
from workspaces import members, tag_rows
from workspaces.batches import batches
from workspaces.identifiers import new_id, now
from workspaces.models import FINAL_STATES, DocumentRecord, Pending, SourceKind, State, Workspace
from workspaces.problems import problem_of, problem_values
from workspaces.tables import conversations, documents, indexes, originals, versions, workspaces

READABLE = func.coalesce(versions.c.readable_sha256, versions.c.sha256)
"""SHA-256 of the bytes that a version is read and drawn from: its original, or the copy of it without a password."""

NEWEST_FIRST = (documents.c.created_at.desc(), documents.c.id.desc())
"""The order of lists; an index has it."""


def list_workspaces(connection: Connection, *, workspace_id: str | None = None) -> list[Workspace]:
    """Live workspaces with their figures, by name."""
    current = versions.c.id == documents.c.version_id
    figures = (
        select(
            documents.c.workspace_id,
            func.sum(case((current, 1), else_=0)).label("documents"),  # a sum of truths would come back as a truth
            func.sum(case((versions.c.state.not_in(FINAL_STATES), 1), else_=0)).label("working"),
            func.sum(case((versions.c.state == "failed", 1), else_=0)).label("failed"),
            func.sum(case((current, versions.c.chunk_count), else_=0)).label("chunks"),
        )
        .join(versions, versions.c.document_id == documents.c.id)
        .where(documents.c.deleted_at.is_(None), versions.c.state != "superseded")
        .group_by(documents.c.workspace_id)
        .subquery()
    )
    chats = (
        select(conversations.c.workspace_id, func.count().label("conversations"))
        .group_by(conversations.c.workspace_id)
        .subquery()
    )
    query = (
        select(workspaces, figures, chats.c.conversations)
        .outerjoin(figures, figures.c.workspace_id == workspaces.c.id)
        .outerjoin(chats, chats.c.workspace_id == workspaces.c.id)
        .where(workspaces.c.deleted_at.is_(None))
        .order_by(workspaces.c.name_key)
    )
    if workspace_id is not None:
        query = query.where(workspaces.c.id == workspace_id)
    return [_workspace_of(row) for row in connection.execute(query)]


def _workspace_of(row: Row[Any]) -> Workspace:
    return Workspace(
        id=row.id,
        name=row.name,
        created_at=row.created_at,
        documents=row.documents or 0,
        working=row.working or 0,
        failed=row.failed or 0,
        chunks=row.chunks or 0,
        conversations=row.conversations or 0,
        paused=row.paused_at is not None,
        mode=row.mode,
    )


def workspace_id_of(connection: Connection, name_or_id: str) -> str:
    """The id of a live workspace by its id or name.

    Raises:
        NotFound: there is none; the hint names those that exist.
    """
    query = select(workspaces.c.id).where(
        workspaces.c.deleted_at.is_(None),
        (workspaces.c.id == name_or_id) | (workspaces.c.name_key == name_or_id.strip().casefold()),
    )
    found: str | None = connection.execute(query).scalar()
    if found is None:
        names = connection.execute(
            select(workspaces.c.name).where(workspaces.c.deleted_at.is_(None)).order_by(workspaces.c.name_key).limit(5)
        ).scalars()
        known = ", ".join(names)
        raise NotFound(
            f"There is no workspace “{name_or_id}”.",
            hint=f"Existing workspaces: {known}." if known else "Create one first.",
        )
    return found


def mode_of(connection: Connection, workspace_id: str) -> Mode:
    """The mode of a workspace's answers."""
    mode: Mode = connection.execute(select(workspaces.c.mode).where(workspaces.c.id == workspace_id)).scalar_one()
    return mode


_newer = versions.alias("newer")


def version_query() -> Select[Any]:
    """Versions with their documents; `id` is the version's, `document_id` the document's.

    At most one version of a document is newer than its current one and not superseded: the pending one, as `newer_…`.
    """
    pending = [
        column.label(f"newer_{column.name}")
        for column in (
            _newer.c.id,
            _newer.c.number,
            _newer.c.state,
            _newer.c.media_type,
            _newer.c.progress_done,
            _newer.c.progress_total,
            _newer.c.problem_code,
            _newer.c.problem_message,
            _newer.c.problem_hint,
            _newer.c.next_try_at,
        )
    ]
    return (
        select(
            versions,
            documents.c.workspace_id,
            title_of_version().label("shown_title"),
            documents.c.source_kind,
            documents.c.source,
            documents.c.created_at.label("added_at"),
            indexes.c.closed,
            indexes.c.splitter,
            documents.c.site_id,
            *pending,
        )
        .join(documents, documents.c.id == versions.c.document_id)
        .join(workspaces, workspaces.c.id == documents.c.workspace_id)
        .outerjoin(indexes, indexes.c.id == workspaces.c.index_id)
        .outerjoin(
            _newer,
            and_(
                _newer.c.document_id == versions.c.document_id,
                _newer.c.number > versions.c.number,
                _newer.c.state != "superseded",
                documents.c.version_id == versions.c.id,
            ),
        )
    )


def document_query() -> Select[Any]:
    """As `version_query`, the current versions only."""
    return version_query().where(documents.c.version_id == versions.c.id)


def title_of_version() -> ColumnElement[str]:
    """A version's title in a query over `versions` and `documents`: its document's where it has none of its own."""
    own = (documents.c.version_id != versions.c.id) & (versions.c.title != "")
    return case((own, versions.c.title), else_=documents.c.title)


def title_to_keep(connection: Connection, version_id: str) -> str | None:
    """The title that a version has whatever its file says: one that was given, or found before. None where there is
    none; a newer version may bring another title than its document has."""
    row = connection.execute(
        select(versions.c.title.label("own"), versions.c.number, documents.c.title, documents.c.title_given)
        .join(documents, documents.c.id == versions.c.document_id)
        .where(versions.c.id == version_id)
    ).one()
    shown: str | None = row.title if row.number == 1 or row.title_given else None
    return row.own or shown or None


def list_documents(connection: Connection, workspace_id: str) -> list[DocumentRecord]:
    """Live documents of a workspace, newest first."""
    query = (
        document_query()
        .where(documents.c.workspace_id == workspace_id, documents.c.deleted_at.is_(None))
        .order_by(*NEWEST_FIRST)
    )
    records = [record_of(row) for row in connection.execute(query)]
    records = members.described_all(connection, workspace_id, records)
    return tag_rows.described_all(connection, workspace_id, records)


def get_document(connection: Connection, document_id: str) -> DocumentRecord:
    """One live document.

    Raises:
        NotFound: it does not exist or was deleted.
    """
    query = document_query().where(documents.c.id == document_id, documents.c.deleted_at.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise _gone()
    return tag_rows.described(connection, members.described(connection, [record_of(row)]))[0]


def get_version(connection: Connection, version_id: str) -> DocumentRecord:
    """A version of a live document, be it the current one or not. Raises NotFound."""
    query = version_query().where(versions.c.id == version_id, documents.c.deleted_at.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise _gone()
    return record_of(row)


def get_documents(connection: Connection, document_ids: Sequence[str]) -> list[DocumentRecord]:
    """Those of the given documents that are live."""
    found: list[DocumentRecord] = []
    for some in batches(document_ids):
        query = document_query().where(documents.c.id.in_(some), documents.c.deleted_at.is_(None))
        found += [record_of(row) for row in connection.execute(query)]
    return tag_rows.described(connection, members.described(connection, found))


def find_by_bytes(connection: Connection, workspace_id: str, sha256: str) -> list[DocumentRecord]:
    """Live documents of a workspace whose current version, or the pending one, has these bytes, the oldest first."""
    mine = select(versions.c.document_id).where(versions.c.sha256 == sha256, versions.c.state != "superseded")
    query = document_query().where(
        documents.c.workspace_id == workspace_id, documents.c.deleted_at.is_(None), documents.c.id.in_(mine)
    )
    return [record_of(row) for row in connection.execute(query.order_by(documents.c.created_at, documents.c.id))]


def find_by_address(connection: Connection, workspace_id: str, address: str) -> list[DocumentRecord]:
    """The live documents of a workspace that came from a web address, the oldest first."""
    query = document_query().where(
        documents.c.workspace_id == workspace_id,
        documents.c.deleted_at.is_(None),
        documents.c.source_kind == "url",
        documents.c.source == address,
    )
    return [record_of(row) for row in connection.execute(query.order_by(documents.c.created_at))]


def find_failed(connection: Connection, workspace_id: str, *, kind: SourceKind, source: str) -> DocumentRecord | None:
    """The live document of this source that failed before it had any bytes, for good or until it is tried again."""
    query = document_query().where(
        documents.c.workspace_id == workspace_id,
        documents.c.deleted_at.is_(None),
        documents.c.source_kind == kind,
        documents.c.source == source,
        or_(versions.c.state == "failed", versions.c.next_try_at.is_not(None)),
        versions.c.sha256.is_(None),
    )
    row = connection.execute(query).first()
    return record_of(row) if row else None


def add_document(
    connection: Connection, workspace_id: str, *, title: str, kind: SourceKind, source: str
) -> tuple[str, str]:
    """Insert a document with its first version in state `received`; returns (document id, version id)."""
    document_id, version_id, moment = new_id(), new_id(), now()
    connection.execute(
        insert(documents).values(
            id=document_id,
            workspace_id=workspace_id,
            version_id=version_id,
            title=title,
            title_given=bool(title),
            source_kind=kind,
            source=source,
            created_at=moment,
        )
    )
    connection.execute(
        insert(versions).values(
            id=version_id, document_id=document_id, number=1, state="received", created_at=moment, updated_at=moment
        )
    )
    return document_id, version_id


def attach_original(connection: Connection, version_id: str, *, sha256: str, size: int, media_type: str = "") -> None:
    """Record that a version's bytes are on disk: state `stored`. The media type is found out when it is parsed."""
    note_original(connection, sha256=sha256, size=size)
    set_version(connection, version_id, sha256=sha256, size=size, media_type=media_type, state="stored")


def note_original(connection: Connection, *, sha256: str, size: int) -> None:
    """Record that bytes are on disk; doing it again does nothing."""
    known = connection.execute(select(originals.c.sha256).where(originals.c.sha256 == sha256)).scalar()
    if known is None:
        connection.execute(insert(originals).values(sha256=sha256, size=size, created_at=now()))


def sha256_of(connection: Connection, version_id: str) -> str | None:
    """The SHA-256 of a version's bytes; None where there are none, or no such version."""
    digest: str | None = connection.execute(
        select(versions.c.sha256).where(versions.c.id == version_id)
    ).scalar_one_or_none()
    return digest


def readable_of(connection: Connection, version_id: str) -> str | None:
    """The SHA-256 of the bytes that a version is read from; None where there are none, or no such version."""
    digest: str | None = connection.execute(select(READABLE).where(versions.c.id == version_id)).scalar_one_or_none()
    return digest


def added_at(connection: Connection, version_id: str) -> datetime:
    """When a version came (UTC, without a zone)."""
    found: datetime = connection.execute(select(versions.c.created_at).where(versions.c.id == version_id)).scalar_one()
    return found


def set_version(connection: Connection, version_id: str, **values: object) -> None:
    """Update columns of a version and its `updated_at`."""
    connection.execute(update(versions).where(versions.c.id == version_id).values(updated_at=now(), **values))


def set_state(connection: Connection, version_id: str, state: State) -> None:
    """Move a version to its next state; its progress starts anew."""
    set_version(connection, version_id, state=state, progress_done=0, progress_total=0)


def set_failed(connection: Connection, version_id: str, error: FootnoteError) -> None:
    """End a version in `failed(reason)`."""
    set_version(
        connection,
        version_id,
        state="failed",
        **problem_values(error),
        progress_done=0,
        progress_total=0,
        next_try_at=None,
    )


def forget_document(connection: Connection, document_id: str) -> None:
    """Remove a document that holds nothing yet but its address."""
    tag_rows.forget_document(connection, document_id)
    connection.execute(delete(versions).where(versions.c.document_id == document_id))
    connection.execute(delete(documents).where(documents.c.id == document_id))


def record_of(row: Row[Any]) -> DocumentRecord:
    """A row of `document_query` as a value."""
    return DocumentRecord(
        id=row.document_id,
        workspace_id=row.workspace_id,
        version_id=row.id,
        title=row.shown_title,
        source_kind=row.source_kind,
        source=row.source,
        media_type=row.media_type,
        size=row.size,
        state=row.state,
        created_at=row.added_at,
        problem=problem_of(row.problem_code, row.problem_message, row.problem_hint),
        notes=tuple(row.notes),
        language=row.language,
        pages=row.page_count,
        characters=row.character_count,
        chunks=row.chunk_count,
        progress_done=row.progress_done,
        progress_total=row.progress_total,
        author=row.author,
        date=row.date,
        fetched_at=row.fetched_at,
        final_url=row.final_url,
        checked_at=row.checked_at,
        gone_at=row.gone_at,
        site_id=row.site_id,
        report=report_of(row.report),
        parser=row.parser,
        splitter=row.splitter if row.chunk_count else "",
        number=row.number,
        waiting=bool(row.closed) and (row.newer_state or row.state) == "parsed",
        pending=_pending(row),
        next_try_at=row.next_try_at,
    )


def _pending(row: Row[Any]) -> Pending | None:
    if row.newer_id is None:
        return None
    return Pending(
        version_id=row.newer_id,
        number=row.newer_number,
        state=row.newer_state,
        progress_done=row.newer_progress_done,
        progress_total=row.newer_progress_total,
        problem=problem_of(row.newer_problem_code, row.newer_problem_message, row.newer_problem_hint),
        media_type=row.newer_media_type,
        next_try_at=row.newer_next_try_at,
    )


def _gone() -> NotFound:
    return NotFound("This document does not exist any more.", hint="Reload the list of documents.")


def report_of(values: dict[str, Any]) -> Report:
    """A report from its JSON; what an older version did not write has its default."""
    known = {field.name for field in fields(Report)}
    pairs = {name: _frozen(value) for name, value in values.items() if name in known}
    return Report(**pairs)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
