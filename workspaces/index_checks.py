"""What the doctor asks of search indexes: complete, nothing foreign, exact, and true to their fingerprint."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from workspaces import indexes, truth
from workspaces.database import Database
from workspaces.jobs import Jobs
from workspaces.lexical import Fts5Index
from workspaces.models import SearchIndex
from workspaces.reindexing import Reindexing
from workspaces.tables import chunks, documents, embeddings, versions, workspaces
from workspaces.tables import indexes as indexes_table
from workspaces.vectors import VectorIndex

_BUILD_SECONDS = 120.0
_LOOK_SECONDS = 0.1

Findings = list[str]


class IndexChecks:
    """Looks at the indexes of all live workspaces: those that serve, are built, or served before."""

    def __init__(
        self, database: Database, jobs: Jobs, *, lexical: Fts5Index, vectors: VectorIndex, reindexing: Reindexing
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._lexical = lexical
        self._vectors = vectors
        self._reindexing = reindexing

    def incomplete(self) -> Findings:
        """I2: ready documents that are not found completely."""
        return [finding for index in self._live() for finding in self._incomplete(index)]

    def foreign(self) -> Findings:
        """I3: what stands in words or vectors and belongs to no passage."""
        found = []
        for index in self._live():
            _, vectors = self._vectors.differences(index.id)
            if vectors:
                found.append(f"{vectors} vectors without a passage")
            with self._database.read() as connection:
                words = self._lexical.foreign(connection, index.id)
            if words:
                found.append(f"{words} entries of the word index without a passage")
        return found + [f"collection {name[:12]} belongs to no search index" for name in self._vectors.strays()]

    def inexact(self) -> Findings:
        """I10: what a search of the store would miss."""
        return [finding for index in self._live() for finding in self._vectors.verify(index.id)]

    def mixed(self) -> Findings:
        """I15: indexes that hold what their fingerprint did not make."""
        found = []
        with self._database.read() as connection:
            for index in indexes.all_live(connection):
                if not index.splitter and not index.closed and not indexes.is_empty(connection, index.id):
                    found.append("a search index does not say what made it")
                wrong = _of_other_length(connection, index)
                if wrong:
                    found.append(f"{wrong} vectors have not the {index.dimension} numbers of their search index")
            astray = _astray(connection)
            unserved = _unserved(connection)
        found += [f"{astray} passages stand in the search index of another workspace"] if astray else []
        return found + ([f"{unserved} workspaces have no search index that serves"] if unserved else [])

    def mend(self) -> None:
        """Where passages or stored vectors are lost, build a new index; make words and vectors anew from SQL."""
        self._build_anew(lost=True)
        for index in self._live():
            with self._database.write() as connection:
                if self._lexical.missing(connection, index.id) or self._lexical.foreign(connection, index.id):
                    self._lexical.rebuild(connection, index.id)
        self._vectors.rebuild()

    def build_anew(self) -> None:
        """Build new indexes in the place of those that are not true to their fingerprint."""
        with self._database.write() as connection:
            for index in indexes.all_live(connection):
                _forget_other_lengths(connection, index)
        self._build_anew(lost=False)
        self._vectors.rebuild()

    def _build_anew(self, *, lost: bool) -> None:
        """`lost`: only where something is lost; else also where the index does not say what made it."""
        with self._database.read() as connection:
            doomed = [
                index.workspace_id
                for index in indexes.all_live(connection)
                if index.state == "current"
                and (indexes.incomplete(connection, index) or not (lost or index.splitter or index.closed))
            ]
        for workspace_id in doomed:
            self._reindexing.reindex(workspace_id)
        deadline = time.monotonic() + _BUILD_SECONDS
        while doomed and self._jobs.is_working and time.monotonic() < deadline:
            with self._database.read() as connection:
                if not {index.workspace_id for index in indexes.being_built(connection)}.intersection(doomed):
                    return
            time.sleep(_LOOK_SECONDS)

    def _incomplete(self, index: SearchIndex) -> Iterator[str]:
        with self._database.read() as connection:
            if index.state == "current":  # others are still being filled, or are caught up with before they serve
                for row in indexes.incomplete(connection, index):
                    wanted = row.chunk_count or 0
                    yield f"“{row.title}”: {wanted} passages, {row.found} stored, {row.embedded} with a vector"
            missing = self._lexical.missing(connection, index.id)  # in the same state of the database
        if missing:
            yield f"{missing} passages are not in the word index"
        missing_vectors, _ = self._vectors.differences(index.id)
        if missing_vectors:
            yield f"{missing_vectors} passages are not in the vector index"

    def _live(self) -> list[SearchIndex]:
        with self._database.read() as connection:
            live = set(truth.live_indexes(connection))
            return [index for index in indexes.all_live(connection) if index.id in live]


def _of_other_length(connection: Connection, index: SearchIndex) -> int:
    if not index.dimension:
        return 0
    query = truth.with_vector(index.id, truth.KEPT).with_only_columns(func.count())
    other = func.length(embeddings.c.vector) != 4 * index.dimension
    return int(connection.execute(query.where(other)).scalar_one())


def _forget_other_lengths(connection: Connection, index: SearchIndex) -> None:
    if index.dimension:
        other = func.length(embeddings.c.vector) != 4 * index.dimension
        connection.execute(embeddings.delete().where(embeddings.c.embedder == index.embedder, other))


def _astray(connection: Connection) -> int:
    query = (
        select(func.count())
        .select_from(chunks)
        .join(versions, versions.c.id == chunks.c.version_id)
        .join(documents, documents.c.id == versions.c.document_id)
        .join(indexes_table, indexes_table.c.id == chunks.c.index_id)
        .where(indexes_table.c.workspace_id != documents.c.workspace_id)
    )
    return int(connection.execute(query).scalar_one())


def _unserved(connection: Connection) -> int:
    serving = select(indexes_table.c.id).where(
        indexes_table.c.id == workspaces.c.index_id,
        indexes_table.c.workspace_id == workspaces.c.id,
        indexes_table.c.state == "current",
    )
    query = select(func.count()).where(workspaces.c.deleted_at.is_(None), ~serving.exists())
    return int(connection.execute(query.select_from(workspaces)).scalar_one())
