"""What the doctor asks of rows: nothing twice, nothing forgotten, nothing left of what was deleted, reasons for people,
conversations without gaps."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, func, or_, select, union_all

from workspaces import indexes, runs, trial_result_rows
from workspaces.database import Database
from workspaces.deleting import CANDIDATE
from workspaces.identifiers import now
from workspaces.jobs import Jobs, build_id
from workspaces.models import FINAL_STATES
from workspaces.tables import chunks, conversations, documents, embeddings, sites, turn_passages, turns, versions
from workspaces.tables import indexes as indexes_table

STALLED = timedelta(minutes=10)
_UNSPEAKABLE = re.compile(r"Traceback|File \"|(?:^|\s)(?:/(?:home|root|tmp|usr|var|Users)/|[A-Za-z]:\\)|site-packages")
"""A trace, or a path of a machine."""

Findings = list[str]


def duplicates(connection: Connection) -> Findings:
    """I4: originals in several documents of a workspace, and versions in a wrong state."""
    twins = (
        select(func.count())
        .select_from(documents)
        .join(versions, versions.c.id == documents.c.version_id)
        .where(documents.c.deleted_at.is_(None), versions.c.sha256.is_not(None))
        .group_by(documents.c.workspace_id, versions.c.sha256)
        .having(func.count() > 1)
    )
    count = len(connection.execute(twins).all())
    crossed = connection.execute(
        select(func.count())
        .select_from(documents)
        .join(versions, versions.c.document_id == documents.c.id)
        .where(
            documents.c.deleted_at.is_(None),
            or_(
                (versions.c.state == "ready") & (versions.c.id != documents.c.version_id),
                (versions.c.state == "superseded") & (versions.c.id == documents.c.version_id),
            ),
        )
    ).scalar_one()
    found = [f"{count} originals belong to more than one document of a workspace"] if count else []
    return found + ([f"{crossed} versions are found, or not, that should not be so"] if crossed else [])


def unfinished(database: Database, jobs: Jobs) -> Findings:
    """I5: documents and indexes that nobody works on, and documents that make no progress. What waits for another try,
    for a new search index, or for a paused workspace to go on is neither."""
    forgotten = jobs.forgotten()
    live = jobs.live()
    with database.read() as connection:
        unbuilt = [index for index in indexes.being_built(connection) if build_id(index.id, index.attempt) not in live]
        stalled = connection.execute(_stalled()).scalar_one()
    found = [f"{forgotten} unfinished documents are not in work"] if forgotten else []
    found += [f"{len(unbuilt)} unfinished search indexes are not in work"] if unbuilt else []
    return found + ([f"{stalled} documents made no progress for 10 minutes"] if stalled else [])


def _stalled() -> Select[Any]:
    waits = ("received", "stored", *FINAL_STATES)  # those may wait for their turn
    return (
        select(func.count())
        .select_from(versions)
        .join(documents, documents.c.id == versions.c.document_id)
        .where(
            documents.c.deleted_at.is_(None),
            versions.c.state.not_in(waits),
            versions.c.updated_at < now() - STALLED,
            versions.c.next_try_at.is_(None),
            documents.c.workspace_id.not_in(runs.PAUSED),
            ~runs.WAITING,
        )
    )


def undeleted(connection: Connection) -> Findings:
    """I6: rows that should be gone with what was deleted."""
    vectors = connection.execute(select(func.count()).select_from(unused_vectors().subquery())).scalar_one()
    quotes = connection.execute(select(func.count()).select_from(turn_passages).where(unowned_quotes())).scalar_one()
    found = [f"{vectors} stored vectors are of texts that no document holds"] if vectors else []
    found += [f"{quotes} quotes of deleted documents stand in chats"] if quotes else []
    tested = len(trial_result_rows.left_behind(connection))
    return found + ([f"{tested} deleted documents stand in tests"] if tested else [])


def unused_vectors() -> Select[Any]:
    """(hash, embedder) of stored vectors that no index has a passage for."""
    used = (
        select(chunks.c.rowid)
        .join(indexes_table, indexes_table.c.id == chunks.c.index_id)
        .where(chunks.c.embedding_hash == embeddings.c.hash, indexes_table.c.embedder == embeddings.c.embedder)
        .exists()
    )
    return select(embeddings.c.hash, embeddings.c.embedder).where(~used)


def unowned_quotes() -> Any:
    """A condition on `turn_passages`: text of a document that is gone or deleted."""
    owned = select(documents.c.id).where(
        documents.c.id == turn_passages.c.document_id, documents.c.deleted_at.is_(None)
    )
    told = (turn_passages.c.quote != "") | ((turn_passages.c.role == CANDIDATE) & (turn_passages.c.title != ""))
    return told & ~owned.exists()


def unexplained(connection: Connection, data_dir: Path) -> Findings:
    """I8: what failed without a code, message or hint, or says it with a path of a machine or a trace."""
    rows = connection.execute(_problems()).all()
    silent = sum(not (row.problem_code and row.problem_message and row.problem_hint) for row in rows)
    leaking = sum(_leaks(row, data_dir) for row in rows)
    found = [f"{silent} failures do not say why, or what to do"] if silent else []
    return found + ([f"{leaking} failures name a path or a trace"] if leaking else [])


def _problems() -> Select[Any]:
    failed = (
        select(versions.c.problem_code, versions.c.problem_message, versions.c.problem_hint)
        .join(documents, documents.c.id == versions.c.document_id)
        .where(documents.c.deleted_at.is_(None), versions.c.state == "failed")
    )
    others = [
        select(table.c.problem_code, table.c.problem_message, table.c.problem_hint).where(
            table.c.problem_code.is_not(None)
        )
        for table in (indexes_table, sites, turns)
    ]
    return select(union_all(failed, *others).subquery())


def _leaks(row: Row[Any], data_dir: Path) -> bool:
    told = (row.problem_message or "", row.problem_hint or "")
    return any(_UNSPEAKABLE.search(part) or str(data_dir) in part for part in told)


def broken_chats(connection: Connection, *, running: frozenset[str]) -> Findings:
    """I9: answers that nobody writes any more, and conversations with gaps; `running` are the turns being answered."""
    written = connection.execute(select(turns.c.id).where(turns.c.state == "running")).scalars()
    left = len(set(written) - running)
    count = func.count()
    gaps = connection.execute(
        select(turns.c.conversation_id)
        .group_by(turns.c.conversation_id)
        .having((func.min(turns.c.ordinal) != 1) | (func.max(turns.c.ordinal) != count))
    ).all()
    lost = connection.execute(
        select(count).select_from(turns).outerjoin(conversations, conversations.c.id == turns.c.conversation_id)
        .where(conversations.c.id.is_(None) | ((turns.c.state == "answered") & (turns.c.answer == "")))
    ).scalar_one()  # fmt: skip
    found = [f"{left} answers are marked as being written, but nobody writes them"] if left else []
    found += [f"{len(gaps)} conversations lack a question"] if gaps else []
    return found + ([f"{lost} questions have lost their chat or their answer"] if lost else [])
