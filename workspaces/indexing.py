"""How one version of a document gets into one search index: split, embedded, entered. The ingest does it for the index
that is searched (workspaces/ingestion.py), the builder for one that is to be (workspaces/building.py).

Each method replaces what it wrote before, so doing it twice gives what doing it once gives. Only the splitter and the
embedder of the index's fingerprint ever work for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Connection, Row

from ingest.stretches import split_again
from rag.priority import in_background, rest
from rag.types import Chunk, embedding_text
from workspaces import extracts, indexes, repository
from workspaces.database import Database
from workspaces.embedders import Embedders
from workspaces.lexical import Fts5Index, StemmedRow, body_of, stemmed
from workspaces.models import DocumentRecord, SearchIndex
from workspaces.runs import turn
from workspaces.vectors import VectorIndex

_EMBED_BATCH = 16
"""Chunks between two commits while embedding, half a second: what a crash can cost, and what another document waits."""

_INDEX_BATCH = 256
"""Chunks entered into the indexes between two commits: a quarter of a second without other writers."""

_VECTOR_BLOCK = 2_000


class Work(Protocol):
    """On whose behalf a version is entered; whoever deletes, stops or restarts it always wins."""

    def commit(self) -> AbstractContextManager[Connection]:
        """A transaction. Raises, writing nothing, where the work has ended."""

    def check(self) -> None:
        """Raises where the work has ended."""


class Indexing:
    """Thread-safe; embedding is done for one version at a time."""

    def __init__(self, database: Database, *, embedders: Embedders, lexical: Fts5Index, vectors: VectorIndex) -> None:
        self._database = database
        self._embedders = embedders
        self._lexical = lexical
        self._vectors = vectors
        self._embedding = threading.Lock()

    def split(self, index: SearchIndex, record: DocumentRecord) -> list[Chunk]:
        """The chunks of a version's stored text. Raises EmbedderError where this program cuts otherwise."""
        splitter = self._embedders.splitter_of(index)
        with self._database.read() as connection:
            document = extracts.read_text(connection, record.version_id, record)
            former = repository.get_document(connection, record.id)
            chunks = []
            if former.version_id != record.version_id and former.state == "ready":
                chunks = extracts.read_chunks(connection, index.id, former.version_id, title=record.title)
            before = extracts.read_text(connection, former.version_id, former) if chunks else None
        return split_again(splitter, document, before, chunks) if before else splitter.split(document)

    def write_chunks(
        self, connection: Connection, index: SearchIndex, record: DocumentRecord, pieces: list[Chunk]
    ) -> None:
        """Store chunks in the place of earlier ones, whose words go too."""
        self.forget_words(connection, index, record.version_id)
        extracts.write_chunks(connection, index.id, record.version_id, pieces, title=record.title)

    def embed(
        self,
        work: Work,
        index: SearchIndex,
        record: DocumentRecord,
        *,
        report: Callable[[Connection, int, int], None] = lambda _connection, _done, _total: None,
    ) -> None:
        """Embed what the index's embedder has never embedded; `report` writes chunks done and in all."""
        embedder = self._embedders.of(index)
        with self._database.read() as connection:
            total, missing = extracts.count_unembedded(connection, index.id, record.version_id)
        done = total - missing
        for batch in self._unembedded(index.id, record.version_id):
            read = [embedding_text(record.title, row.heading_path, row.text, header=row.header) for row in batch]
            with turn(self._embedding, work.check), in_background():
                matrix = embedder.embed_documents(read)
            done += len(batch)
            with work.commit() as connection:
                extracts.write_vectors(connection, [row.embedding_hash for row in batch], embedder.name, matrix)
                report(connection, done, total)

    def enter(
        self,
        work: Work,
        index: SearchIndex,
        record: DocumentRecord,
        *,
        half: Callable[[Connection], None],
        last: Callable[[Connection], None],
    ) -> None:
        """Enter the stored vectors, then the words, which are stemmed while the store, another process, takes the
        vectors in. `half` is called in a transaction between the two, `last` in the one that completes the words."""
        with ThreadPoolExecutor(1, thread_name_prefix="vectors") as pool:
            entered = pool.submit(self.enter_vectors, work, index, record)
            words = self.words(work, index, record)
            entered.result()
        with work.commit() as connection:
            half(connection)
        self.enter_words(work, index, record, words, last=last)

    def enter_vectors(self, work: Work, index: SearchIndex, record: DocumentRecord) -> None:
        """Enter the stored vectors into the store."""
        with self._database.read() as connection:
            for ids, matrix in extracts.vectors_of(connection, index.id, record.version_id, block=_VECTOR_BLOCK):
                work.check()
                self._vectors.add(index.id, ids, matrix)

    def words(self, work: Work, index: SearchIndex, record: DocumentRecord) -> list[StemmedRow]:
        """A version's words, to be entered."""
        with self._database.read() as connection:
            rows = connection.execute(extracts.words_of(index.id, record.version_id)).all()
        found = []
        for number, row in enumerate(rows):
            if number % _INDEX_BATCH == 0:
                rest()  # stemming is Python's own work, which a page that is drawn would share its lock with
                work.check()
            headings = " ".join(row.heading_path)
            found.append(stemmed((row.rowid, record.title, headings, body_of(row), record.language)))
        return found

    def enter_words(
        self,
        work: Work,
        index: SearchIndex,
        record: DocumentRecord,
        rows: Sequence[StemmedRow],
        *,
        last: Callable[[Connection], None],
    ) -> None:
        """Enter the words; in the last transaction the index holds the version completely, and `last` is called."""
        for start in range(0, max(1, len(rows)), _INDEX_BATCH):
            some = rows[start : start + _INDEX_BATCH]
            with work.commit() as connection:
                self._lexical.delete(connection, index.id, [row["rowid"] for row in some])
                self._lexical.insert_stemmed(connection, index.id, some)
                if start + _INDEX_BATCH >= len(rows):
                    indexes.enter(connection, index.id, record.version_id, chunk_count=len(rows))
                    last(connection)

    def forget_words(self, connection: Connection, index: SearchIndex, version_id: str) -> None:
        """Take a version's words out, and what says that the index holds it."""
        rows = connection.execute(extracts.words_of(index.id, version_id)).all()
        self._lexical.delete(connection, index.id, [row.rowid for row in rows])
        indexes.leave(connection, index.id, version_id)

    def forget_everywhere(self, connection: Connection, version_id: str) -> None:
        """Take a superseded version's words out of every index."""
        for index_id, rows in extracts.chunks_by_index(connection, [version_id]).items():
            self._lexical.delete(connection, index_id, [row.rowid for row in rows])

    def withdraw(self, index: SearchIndex, version_id: str) -> None:
        """A version is not wanted any more: nothing of it stays in words and vectors."""
        with self._database.write() as connection:
            self.forget_words(connection, index, version_id)
            ids = extracts.chunk_ids(connection, index.id, version_id)
        self._vectors.remove(index.id, ids, erase=False)  # the purge of what was deleted erases

    def _unembedded(self, index_id: str, version_id: str) -> Iterator[list[Row[Any]]]:
        after = -1
        while True:
            with self._database.read() as connection:
                rows = extracts.unembedded(connection, index_id, version_id, after=after, limit=_EMBED_BATCH)
            if not rows:
                return
            after = rows[-1].ordinal
            yield list({row.embedding_hash: row for row in rows}.values())
