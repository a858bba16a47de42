"""Versions: how a document changes, and stays what it was to those who cited it.

A document's current version serves until a newer one is completely indexed; that one is **pending** meanwhile, and
stays so when it fails. Then one transaction makes it current and its predecessor `superseded`: out of every search,
with text, pages and original for old citations. A current version that never became ready serves nobody, so a newer
one takes its place at once. Every function takes the caller's connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from ingest.loaders import READABLE, recipe
from rag.errors import FootnoteError, InvalidInput
from workspaces import repository, runs
from workspaces.identifiers import new_id, now
from workspaces.models import DocumentRecord, VersionRecord
from workspaces.problems import NO_PROBLEM
from workspaces.runs import Run
from workspaces.tables import documents, members, memories, versions


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done once the transaction has been committed."""

    run: Run | None = None
    """To be enqueued."""
    superseded: Sequence[str] = ()
    """Versions whose passages are to be removed."""


def of_document(connection: Connection, document_id: str) -> list[VersionRecord]:
    """All versions of a live document, the newest first. Raises NotFound."""
    current = repository.get_document(connection, document_id).version_id
    query = select(versions).where(versions.c.document_id == document_id).order_by(versions.c.number.desc())
    return [
        VersionRecord(
            id=row.id,
            number=row.number,
            added=row.created_at,
            size=row.size,
            state=row.state,
            is_current=row.id == current,
            has_original=row.sha256 is not None,
        )
        for row in connection.execute(query)
    ]


def named(connection: Connection, workspace_id: str, label: str) -> DocumentRecord | None:
    """The live document that was added as a file of this name, the latest where several were kept; files that came
    inside another document are not meant."""
    query = (
        repository.document_query()
        .where(
            documents.c.workspace_id == workspace_id,
            documents.c.deleted_at.is_(None),
            documents.c.source_kind == "file",
            documents.c.source == label,
            documents.c.id.not_in(select(members.c.document_id)),
        )
        .order_by(documents.c.created_at.desc(), documents.c.id)
    )
    row = connection.execute(query).first()
    return repository.record_of(row) if row else None


def again(connection: Connection, record: DocumentRecord, sha256: str, *, as_newest: bool = True) -> Change:
    """The bytes of a document's current or pending version have come again: a failed one is tried again.

    Args:
        as_newest: these bytes are what the document is now; a pending version that has others gives way.
    """
    pending = record.pending
    if pending is not None and repository.sha256_of(connection, pending.version_id) == sha256:
        return Change(runs.restart(connection, pending.version_id) if pending.state == "failed" else None)
    if pending is not None and as_newest:
        supersede(connection, pending.version_id)
        return Change(superseded=[pending.version_id])
    return Change(runs.restart(connection, record.version_id) if record.state == "failed" else None)


def renew(connection: Connection, record: DocumentRecord, original: tuple[str, int], *, title: str = "") -> Change:
    """Begin a newer version of a document with these bytes, (SHA-256, size).

    Args:
        title: of the new version, where the caller gives one.
    """
    version_id, superseded = _begun(connection, record)
    digest, size = original
    repository.attach_original(connection, version_id, sha256=digest, size=size)
    if title:
        repository.set_version(connection, version_id, title=title)
    return Change(_run(connection, version_id), superseded)


def stale(connection: Connection, workspace_id: str) -> list[DocumentRecord]:
    """Ready documents that other loaders have read than the present ones, and that nothing newer is in work for."""
    query = repository.document_query().add_columns(versions.c.parser)
    mine = (documents.c.workspace_id == workspace_id) & documents.c.deleted_at.is_(None) & (versions.c.state == "ready")
    rows = connection.execute(query.where(mine).order_by(documents.c.created_at, documents.c.id)).all()
    return [
        repository.record_of(row)
        for row in rows
        if row.newer_id is None and row.media_type in READABLE and row.parser != recipe(row.media_type)
    ]


def reread(connection: Connection, record: DocumentRecord) -> Change:
    """Begin a newer version of a ready document with the bytes that it has. Raises InvalidInput."""
    if record.state != "ready" or record.pending is not None:
        raise InvalidInput("This document is not ready, or it is being read already.", hint="Wait for it, or retry it.")
    row = connection.execute(select(versions).where(versions.c.id == record.version_id)).one()
    change = renew(connection, record, (row.sha256, row.size))
    if change.run is not None:
        kept = {"media_type": row.media_type, "fetched_at": row.fetched_at, "readable_sha256": row.readable_sha256}
        repository.set_version(connection, change.run.version_id, **kept)
    return change


def refuse(connection: Connection, record: DocumentRecord, error: FootnoteError) -> Change:
    """Note that a newer version of a document came, but its bytes could not be taken in."""
    version_id, superseded = _begun(connection, record)
    repository.set_failed(connection, version_id, error)
    return Change(superseded=superseded)


def make_current(connection: Connection, version_id: str) -> str | None:
    """Let a version be found: it becomes `ready` and its document's current one.

    Returns:
        The version that was current before; None where it was this one.
    """
    row = connection.execute(
        select(documents.c.id, documents.c.version_id, documents.c.title.label("shown"), versions.c.title)
        .join(versions, versions.c.document_id == documents.c.id)
        .where(versions.c.id == version_id)
    ).one()
    repository.set_state(connection, version_id, "ready")
    if row.version_id == version_id:
        return None
    former: str = row.version_id
    supersede(connection, former)
    repository.set_version(connection, former, title=row.shown)
    connection.execute(update(documents).where(documents.c.id == row.id).values(version_id=version_id, title=row.title))
    return former


def supersede(connection: Connection, version_id: str) -> None:
    """Take a version out of use: its run has ended, and its passages are found no more."""
    repository.set_state(connection, version_id, "superseded")
    repository.set_version(connection, version_id, **NO_PROBLEM)
    connection.execute(delete(memories).where(memories.c.version_id == version_id))  # no newer one is read after it


def _begun(connection: Connection, record: DocumentRecord) -> tuple[str, list[str]]:
    """(the version that newer bytes go into, those it supersedes): one that never got any bytes, or a new one."""
    last = connection.execute(
        select(versions.c.id, versions.c.number, versions.c.state, versions.c.sha256)
        .where(versions.c.document_id == record.id)
        .order_by(versions.c.number.desc())
        .limit(1)
    ).one()
    if last.state == "failed" and last.sha256 is None:
        runs.restart(connection, last.id)
        return last.id, []
    version_id, moment = new_id(), now()
    connection.execute(
        insert(versions).values(
            id=version_id,
            document_id=record.id,
            number=last.number + 1,
            state="received",
            created_at=moment,
            updated_at=moment,
        )
    )
    doomed = [record.pending.version_id] if record.pending else []
    if record.state != "ready":
        doomed.append(record.version_id)
        connection.execute(update(documents).where(documents.c.id == record.id).values(version_id=version_id))
    for superseded in doomed:
        supersede(connection, superseded)
    return version_id, doomed


def _run(connection: Connection, version_id: str) -> Run:
    attempt: int = connection.execute(select(versions.c.attempt).where(versions.c.id == version_id)).scalar_one()
    return Run(version_id, attempt)
