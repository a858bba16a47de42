"""What the derived indexes have to hold, read from SQL, which alone decides.

All that is derived for searching belongs to a **search index**: chunks, words and vectors of one splitter and one
embedder, its fingerprint. A chunk is **searchable** in its index when its version is `ready` and entered there
completely, and its document, and its workspace, nobody has deleted: the stores hold it, and searches may return it. Of
a document one version at most is `ready`, the current one: the transaction that makes a version `ready` makes the
former one `superseded`. A chunk is **kept** from `embedded` on: a store may hold it already, because vectors are
entered before the version is, and a rebuild in between enters it too; and it may hold the chunks of a superseded
version until these are gone. So for a whole index: searchable ⊆ store ⊆ kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    column,
    func,
    literal_column,
    select,
)

from rag.errors import StorageError
from rag.scope import Within
from rag.types import Matrix
from workspaces.batches import batches
from workspaces.models import State
from workspaces.tables import chunks, documents, embeddings, entries, indexes, versions, workspaces

SEARCHABLE: tuple[State, ...] = ("ready",)
KEPT: tuple[State, ...] = ("embedded", "indexed", "ready", "superseded")

BLOCK_ROWS = 2_000
"""Vectors in memory at once: 3 MB of 384 numbers."""


def chunks_of(index_id: str, states: Sequence[State]) -> Select[Any]:
    """An index's chunks of live documents whose version is in one of `states`, joined with all that says so; those
    that are searchable only where the version is entered completely."""
    query = (
        select(chunks.c.id)
        .select_from(indexes)
        .join(workspaces, workspaces.c.id == indexes.c.workspace_id)
        .join(documents, documents.c.workspace_id == workspaces.c.id)
        .join(versions, versions.c.document_id == documents.c.id)
        .join(chunks, (chunks.c.version_id == versions.c.id) & (chunks.c.index_id == indexes.c.id))
        .where(
            indexes.c.id == index_id,
            indexes.c.state != "dropped",
            documents.c.deleted_at.is_(None),
            workspaces.c.deleted_at.is_(None),
            versions.c.state.in_(states),
        )
    )
    return query.join(entries, _entered()) if states == SEARCHABLE else query


def among(index_id: str | BindParameter[str], chosen: ColumnElement[bool]) -> Select[Any]:
    """The searchable chunks among a few, `chosen` by a condition on chunks that an index serves.

    The unary plus keeps SQLite from reading every chunk of the workspace instead (sqlite.org/optoverview.html, "Manual
    control of query plans"): 100 ids among 100,000 chunks take 2 ms so, and 45 ms otherwise.
    """
    return (
        select(chunks.c.id)
        .join(versions, versions.c.id == chunks.c.version_id)
        .join(documents, documents.c.id == versions.c.document_id)
        .join(workspaces, workspaces.c.id == documents.c.workspace_id)
        .join(indexes, indexes.c.id == chunks.c.index_id)
        .join(entries, _entered())
        .where(
            chosen,
            literal_column("+chunks.index_id") == index_id,
            literal_column("+indexes.workspace_id") == literal_column("+documents.workspace_id"),
            literal_column("+indexes.state") != "dropped",
            literal_column("+documents.deleted_at").is_(None),
            literal_column("+workspaces.deleted_at").is_(None),
            literal_column("+versions.state").in_(SEARCHABLE),
        )
    )


def _entered() -> ColumnElement[bool]:
    return (entries.c.index_id == chunks.c.index_id) & (entries.c.version_id == chunks.c.version_id)


def in_versions(name: str, within: Within) -> ColumnElement[bool]:
    """The column `name` holds one of these ids, however many they are: they travel as one value."""
    listed = func.json_each(json.dumps(sorted(within))).table_valued(column("value"))
    return literal_column(name).in_(select(listed.c.value))


def count_within(connection: Connection, index_id: str, within: Within) -> int:
    """Number of chunks that an index holds of these versions."""
    mine = (entries.c.index_id == index_id) & in_versions("entries.version_id", within)
    query = select(func.coalesce(func.sum(entries.c.chunk_count), 0)).where(mine)
    return int(connection.execute(query).scalar_one())


def count_entered(connection: Connection, index_id: str) -> int:
    """Number of chunks that an index holds completely entered, those of deleted documents included."""
    query = select(func.coalesce(func.sum(entries.c.chunk_count), 0)).where(entries.c.index_id == index_id)
    return int(connection.execute(query).scalar_one())


def live_indexes(connection: Connection) -> list[str]:
    """Ids of the indexes of workspaces that nobody has deleted: those that are searched first."""
    query = (
        select(indexes.c.id)
        .join(workspaces, workspaces.c.id == indexes.c.workspace_id)
        .where(workspaces.c.deleted_at.is_(None), indexes.c.state != "dropped")
        .order_by(indexes.c.id != workspaces.c.index_id, workspaces.c.created_at, indexes.c.id)
    )
    return list(connection.execute(query).scalars())


def embedder_of(connection: Connection, index_id: str) -> str | None:
    """Name of the embedder whose vectors an index holds; None where there is no such live index."""
    name: str | None = connection.execute(_EMBEDDER_OF, {"index": index_id}).scalar_one_or_none()
    return name


def all_embedders(connection: Connection) -> list[tuple[str, str]]:
    """(index id, embedder) of every index, those included that wait to be purged."""
    return [(row.id, row.embedder) for row in connection.execute(select(indexes.c.id, indexes.c.embedder))]


def with_vector(index_id: str, states: Sequence[State]) -> Select[Any]:
    """`chunks_of` that have a stored vector of their index's embedder."""
    return chunks_of(index_id, states).join(
        embeddings,
        and_(embeddings.c.hash == chunks.c.embedding_hash, embeddings.c.embedder == indexes.c.embedder),
    )


def vector_ids(connection: Connection, index_id: str, states: Sequence[State]) -> set[str]:
    """Ids of the chunks that have a stored vector."""
    return set(connection.execute(with_vector(index_id, states)).scalars())


def searchable_among(
    connection: Connection, index_id: str, ids: Sequence[str], within: Within | None = None
) -> set[str]:
    """Those of `ids` that a search may return, of these versions only where they are given."""
    found: set[str] = set()
    for some in batches(ids):
        rows = connection.execute(_AMONG, {"index": index_id, "ids": some})
        found.update(row.id for row in rows if within is None or row.version_id in within)
    return found


def vectors_among(connection: Connection, index_id: str, ids: Sequence[str]) -> tuple[list[str], Matrix]:
    """Those of `ids` that a search may return, with their stored vectors."""
    query = with_vector(index_id, SEARCHABLE).add_columns(embeddings.c.vector)
    rows: list[Row[Any]] = []
    for some in batches(ids):
        rows += connection.execute(query.where(chunks.c.id.in_(some))).all()
    return _block(rows) if rows else ([], np.empty((0, 0), dtype=np.float32))


def count_stored(connection: Connection, index_id: str, states: Sequence[State]) -> int:
    """Number of chunks that have a stored vector."""
    return int(connection.execute(with_vector(index_id, states).with_only_columns(func.count())).scalar_one())


def blocks(
    connection: Connection, index_id: str, states: Sequence[State], within: Within | None = None
) -> Iterator[tuple[list[str], Matrix]]:
    """Stored vectors, of these versions only where they are given, BLOCK_ROWS at a time, streamed: memory does not grow
    with the workspace.

    Raises:
        StorageError: vectors of one index differ in length, so the database is damaged.
    """
    query = with_vector(index_id, states).add_columns(embeddings.c.vector).execution_options(yield_per=BLOCK_ROWS)
    if within is not None:
        query = query.where(in_versions("versions.id", within))
    for rows in connection.execute(query).partitions():
        yield _block(rows)


def sample(connection: Connection, index_id: str, *, size: int) -> tuple[list[str], Matrix] | None:
    """The first `size` searchable chunks by id, with vectors: ids are hashes, so the choice is fair and lasting."""
    query = with_vector(index_id, SEARCHABLE).add_columns(embeddings.c.vector).order_by(chunks.c.id).limit(size)
    rows = connection.execute(query).all()
    return _block(rows) if rows else None


def _block(rows: Iterable[Row[Any]]) -> tuple[list[str], Matrix]:
    ids, vectors = [row.id for row in rows], [row.vector for row in rows]
    if len({len(vector) for vector in vectors}) != 1:
        raise StorageError(
            "The stored vectors of a search index do not fit together.",
            hint="Run `footnote reindex`, which builds the search index of the workspace anew.",
        )
    return ids, np.frombuffer(b"".join(vectors), dtype="<f4").reshape(len(ids), -1)


_EMBEDDER_OF = (
    select(indexes.c.embedder)
    .join(workspaces, workspaces.c.id == indexes.c.workspace_id)
    .where(indexes.c.id == bindparam("index"), indexes.c.state != "dropped", workspaces.c.deleted_at.is_(None))
)
"""Made once, as all that a search asks: putting a query together takes longer than asking it."""
_AMONG = among(bindparam("index"), chunks.c.id.in_(bindparam("ids", expanding=True))).add_columns(chunks.c.version_id)
