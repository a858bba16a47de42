"""What the derived indexes have to hold, read from SQL, which alone decides.

A chunk is **searchable** when its version is `ready` and its document, and its workspace, nobody has deleted: every
index holds it, and searches may return it. Of a document one version at most is `ready`, the current one: the
transaction that makes a version `ready` makes the former one `superseded`. A chunk is **kept** from `embedded` on: an
index may hold it already, because the ingest enters vectors before it commits `ready`, and a rebuild in between enters
it too; and it may hold the chunks of a superseded version until these are gone. So for a whole index:
searchable ⊆ index ⊆ kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, literal_column, select

from rag.errors import StorageError
from rag.types import Matrix
from workspaces.batches import batches
from workspaces.models import State
from workspaces.tables import chunks, documents, embeddings, versions, workspaces

SEARCHABLE: tuple[State, ...] = ("ready",)
KEPT: tuple[State, ...] = ("embedded", "indexed", "ready", "superseded")

BLOCK_ROWS = 2_000
"""Vectors in memory at once: 3 MB of 384 numbers."""


def chunks_of(workspace_id: str, states: Sequence[State]) -> Select[Any]:
    """Chunks of a workspace's live documents whose version is in one of `states`, joined with all that says so."""
    return (
        select(chunks.c.id)
        .select_from(documents)
        .join(workspaces, workspaces.c.id == documents.c.workspace_id)
        .join(versions, versions.c.document_id == documents.c.id)
        .join(chunks, chunks.c.version_id == versions.c.id)
        .where(
            documents.c.workspace_id == workspace_id,
            documents.c.deleted_at.is_(None),
            workspaces.c.deleted_at.is_(None),
            versions.c.state.in_(states),
        )
    )


def among(workspace_id: str, chosen: ColumnElement[bool]) -> Select[Any]:
    """The searchable chunks among a few, `chosen` by a condition on chunks that an index serves.

    The unary plus keeps SQLite from reading every chunk of the workspace instead (sqlite.org/optoverview.html, "Manual
    control of query plans"): 100 ids among 100,000 chunks take 2 ms so, and 45 ms otherwise.
    """
    return (
        select(chunks.c.id)
        .join(versions, versions.c.id == chunks.c.version_id)
        .join(documents, documents.c.id == versions.c.document_id)
        .join(workspaces, workspaces.c.id == documents.c.workspace_id)
        .where(
            chosen,
            literal_column("+documents.workspace_id") == workspace_id,
            literal_column("+documents.deleted_at").is_(None),
            literal_column("+workspaces.deleted_at").is_(None),
            literal_column("+versions.state").in_(SEARCHABLE),
        )
    )


def live_workspaces(connection: Connection) -> list[str]:
    """Ids of the workspaces that nobody has deleted."""
    query = select(workspaces.c.id).where(workspaces.c.deleted_at.is_(None)).order_by(workspaces.c.created_at)
    return list(connection.execute(query).scalars())


def embedder_of(connection: Connection, workspace_id: str) -> str | None:
    """Name of the embedder whose vectors a workspace holds; None where there is no such live workspace."""
    query = select(workspaces.c.embedder).where(workspaces.c.id == workspace_id, workspaces.c.deleted_at.is_(None))
    name: str | None = connection.execute(query).scalar_one_or_none()
    return name


def all_embedders(connection: Connection) -> list[tuple[str, str]]:
    """(workspace id, embedder) of every workspace, those included that wait to be purged."""
    return [(row.id, row.embedder) for row in connection.execute(select(workspaces.c.id, workspaces.c.embedder))]


def with_vector(workspace_id: str, states: Sequence[State]) -> Select[Any]:
    """`chunks_of` that have a stored vector of their workspace's embedder."""
    return chunks_of(workspace_id, states).join(
        embeddings,
        and_(embeddings.c.hash == chunks.c.embedding_hash, embeddings.c.embedder == workspaces.c.embedder),
    )


def vector_ids(connection: Connection, workspace_id: str, states: Sequence[State]) -> set[str]:
    """Ids of the chunks that have a stored vector."""
    return set(connection.execute(with_vector(workspace_id, states)).scalars())


def searchable_among(connection: Connection, workspace_id: str, ids: Sequence[str]) -> set[str]:
    """Those of `ids` that a search may return."""
    found: set[str] = set()
    for some in batches(ids):
        found.update(connection.execute(among(workspace_id, chunks.c.id.in_(some))).scalars())
    return found


def vectors_among(connection: Connection, workspace_id: str, ids: Sequence[str]) -> tuple[list[str], Matrix]:
    """Those of `ids` that a search may return, with their stored vectors."""
    query = with_vector(workspace_id, SEARCHABLE).add_columns(embeddings.c.vector)
    rows: list[Row[Any]] = []
    for some in batches(ids):
        rows += connection.execute(query.where(chunks.c.id.in_(some))).all()
    return _block(rows) if rows else ([], np.empty((0, 0), dtype=np.float32))


def count_stored(connection: Connection, workspace_id: str, states: Sequence[State]) -> int:
    """Number of chunks that have a stored vector."""
    return int(connection.execute(with_vector(workspace_id, states).with_only_columns(func.count())).scalar_one())


def blocks(connection: Connection, workspace_id: str, states: Sequence[State]) -> Iterator[tuple[list[str], Matrix]]:
    """Stored vectors, BLOCK_ROWS at a time, streamed: memory does not grow with the workspace.

    Raises:
        StorageError: vectors of one workspace differ in length, so the database is damaged.
    """
    query = with_vector(workspace_id, states).add_columns(embeddings.c.vector).execution_options(yield_per=BLOCK_ROWS)
    for rows in connection.execute(query).partitions():
        yield _block(rows)


def sample(connection: Connection, workspace_id: str, *, size: int) -> tuple[list[str], Matrix] | None:
    """The first `size` searchable chunks by id, with vectors: ids are hashes, so the choice is fair and lasting."""
    query = with_vector(workspace_id, SEARCHABLE).add_columns(embeddings.c.vector).order_by(chunks.c.id).limit(size)
    rows = connection.execute(query).all()
    return _block(rows) if rows else None


def _block(rows: Iterable[Row[Any]]) -> tuple[list[str], Matrix]:
    ids, vectors = [row.id for row in rows], [row.vector for row in rows]
    if len({len(vector) for vector in vectors}) != 1:
        raise StorageError(
            "The stored vectors of a workspace do not fit together.",
            hint="Run `footnote doctor`; delete the documents that it names and add them again.",
        )
    return ids, np.frombuffer(b"".join(vectors), dtype="<f4").reshape(len(ids), -1)
