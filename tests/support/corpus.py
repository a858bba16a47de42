"""Documents put straight into SQL, as an ingest leaves them: for tests of what is derived from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import delete, insert, update

from rag.types import Matrix
from workspaces.database import Database
from workspaces.identifiers import chunk_id, new_id, now, text_hash
from workspaces.lexical import Fts5Index
from workspaces.tables import chunks, documents, embeddings, entries, indexes, versions, workspaces

EMBEDDER = "test-embedder"


@dataclass(frozen=True)
class Planted:
    """One document and its chunks, in order."""

    workspace_id: str
    id: str
    version_id: str
    ids: list[str]
    rowids: list[int]
    matrix: Matrix


class Corpus:
    """Makes workspaces, each with a search index of the same id, and documents.

    A chunk's vector is random, but always the same for the same text."""

    def __init__(self, database: Database, *, dimension: int = 32) -> None:
        self.database = database
        self.lexical = Fts5Index(database)
        self.dimension = dimension

    def workspace(self) -> str:
        workspace_id = new_id()
        with self.database.write() as connection:
            connection.execute(
                insert(workspaces).values(
                    id=workspace_id, name=workspace_id, name_key=workspace_id, index_id=workspace_id, created_at=now()
                )
            )
            connection.execute(
                insert(indexes).values(
                    id=workspace_id, workspace_id=workspace_id, embedder=EMBEDDER, dimension=self.dimension,
                    splitter="test", state="current", created_at=now(),
                )
            )  # fmt: skip
            self.lexical.create(connection, workspace_id)
        return workspace_id

    def document(
        self, workspace_id: str, texts: Sequence[str], *, title: str = "A title", state: str = "ready",
        language: str = "en", headings: Sequence[str] = (), source: str = "a.txt", media_type: str = "",
        date: str | None = None,
    ) -> Planted:  # fmt: skip
        document_id, version_id = new_id(), new_id()
        matrix = np.stack([vector_of(text, self.dimension) for text in texts])
        hashes = [text_hash(text) for text in texts]
        with self.database.write() as connection:
            connection.execute(
                insert(documents).values(
                    id=document_id, workspace_id=workspace_id, version_id=version_id, title=title,
                    source_kind="file", source=source, created_at=now(),
                )
            )  # fmt: skip
            connection.execute(
                insert(versions).values(
                    id=version_id, document_id=document_id, number=1, state=state, language=language,
                    chunk_count=len(texts), created_at=now(), updated_at=now(), media_type=media_type, date=date,
                )
            )  # fmt: skip
            rows = [
                {"id": chunk_id(workspace_id, version_id, number, text), "version_id": version_id,
                 "index_id": workspace_id, "ordinal": number, "start": 0, "end": len(text),
                 "heading_path": list(headings), "text": text, "embedding_hash": digest}
                for number, (text, digest) in enumerate(zip(texts, hashes, strict=True))
            ]  # fmt: skip
            connection.execute(insert(chunks), rows)
            connection.execute(
                insert(entries).values(index_id=workspace_id, version_id=version_id, chunk_count=len(texts))
            )
            connection.execute(
                insert(embeddings).prefix_with("OR IGNORE"),
                [
                    {"hash": digest, "embedder": EMBEDDER, "vector": vector.tobytes()}
                    for digest, vector in zip(hashes, matrix.astype("<f4"), strict=True)
                ],
            )
            found = connection.execute(
                chunks.select().where(chunks.c.version_id == version_id).order_by(chunks.c.ordinal)
            ).all()
            heads = " ".join(headings)
            self.lexical.insert(
                connection, workspace_id, [(row.rowid, title, heads, row.text, language) for row in found]
            )
        return Planted(
            workspace_id, document_id, version_id, [row.id for row in found], [row.rowid for row in found], matrix
        )

    def set_state(self, planted: Planted, state: str) -> None:
        with self.database.write() as connection:
            connection.execute(update(versions).where(versions.c.id == planted.version_id).values(state=state))

    def bury(self, planted: Planted) -> None:
        """The tombstone that a deletion begins with."""
        with self.database.write() as connection:
            connection.execute(update(documents).where(documents.c.id == planted.id).values(deleted_at=now()))

    def purge(self, planted: Planted) -> None:
        """The rows, off the disk."""
        with self.database.write() as connection:
            self.lexical.delete(connection, planted.workspace_id, planted.rowids)
            connection.execute(delete(chunks).where(chunks.c.version_id == planted.version_id))
            connection.execute(delete(entries).where(entries.c.version_id == planted.version_id))
            connection.execute(delete(versions).where(versions.c.id == planted.version_id))
            connection.execute(delete(documents).where(documents.c.id == planted.id))


def vector_of(text: str, dimension: int) -> Matrix:
    """A unit vector by the text's hash: shape (dimension,)."""
    seed = int(text_hash(text)[:12], 16)
    vector = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
    return vector / np.linalg.norm(vector)


def numbered(prefix: str, count: int) -> list[str]:
    """Texts that differ."""
    return [f"{prefix} number {number}" for number in range(count)]
