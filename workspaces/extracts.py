"""What ingest steps leave for one another in SQL: text, pages, chunks, vectors. Each takes the caller's connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from ingest.loaders import recipe
from ingest.wordboxes import pack
from rag.types import Block, Chunk, Document, Matrix, Page, Place, Span
from workspaces import repository
from workspaces.identifiers import chunk_id, text_hash
from workspaces.models import DocumentRecord
from workspaces.names import printable
from workspaces.tables import chunks, documents, embeddings, indexes, memories, pages, texts

_TITLE_CHARACTERS = 150
"""A title is embedded with every chunk; a longer one would leave no room for text."""


def write_parsed(
    connection: Connection, record: DocumentRecord, document: Document, *, media_type: str, read_as: str = ""
) -> None:
    """Store what was read of a version, with all that is known of it now: state `parsed`.

    `read_as` is the type of what its bytes were converted to before they were read, if they were.
    """
    name = PurePath(record.source).stem if record.source_kind == "file" else record.source
    title = printable(document.title)[:_TITLE_CHARACTERS] or record.title or name[:_TITLE_CHARACTERS]
    write_text(connection, record.version_id, document)
    shown = update(documents).where(documents.c.version_id == record.version_id)
    connection.execute(shown.values(title=title))  # another version's title is shown until this one is current
    repository.set_version(
        connection,
        record.version_id,
        title=title,
        media_type=media_type,
        parser=recipe(read_as or media_type),
        language=document.language,
        author=document.author,
        date=document.date,
        notes=list(document.notes),
        report=asdict(document.report),
        page_count=len(document.pages),
        character_count=len(document.text),
    )
    repository.set_state(connection, record.version_id, "parsed")


def write_text(connection: Connection, version_id: str, document: Document) -> None:
    """Store a version's text and pages in the place of earlier ones."""
    for table in (memories, pages, texts):
        connection.execute(delete(table).where(table.c.version_id == version_id))
    blocks = [[block.kind, block.span.start, block.span.end, block.level] for block in document.blocks]
    values = {"text": document.text, "blocks": blocks, "places": place_values(document.places)}
    connection.execute(insert(texts).values(version_id=version_id, **values))
    if document.pages:
        connection.execute(
            insert(pages),
            [
                {
                    "version_id": version_id,
                    "number": page.number,
                    "start": page.span.start,
                    "end": page.span.end,
                    "label": page.label,
                    "width": page.width,
                    "height": page.height,
                    "words": pack(page.words),
                }
                for page in document.pages
            ],
        )


def read_text(connection: Connection, version_id: str, record: DocumentRecord) -> Document:
    """The document as the splitter needs it: without the boxes of its words."""
    row = connection.execute(select(texts).where(texts.c.version_id == version_id)).one()
    found = connection.execute(
        select(pages.c.number, pages.c.start, pages.c.end, pages.c.label, pages.c.width, pages.c.height)
        .where(pages.c.version_id == version_id)
        .order_by(pages.c.number)
    )
    return Document(
        text=row.text,
        title=record.title,
        language=record.language,
        pages=tuple(Page(p.number, Span(p.start, p.end), p.label, p.width, p.height) for p in found),
        blocks=tuple(Block(kind, Span(start, end), level) for kind, start, end, level in row.blocks),
        places=places_of(row.places),
    )


def place_values(places: Sequence[Place]) -> list[list[object]]:
    """Places as JSON."""
    return [[place.kind, place.span.start, place.span.end, place.name, place.number] for place in places]


def places_of(values: Sequence[Sequence[Any]]) -> tuple[Place, ...]:
    """The inverse of `place_values`."""
    return tuple(Place(kind, Span(start, end), name, number) for kind, start, end, name, number in values)


def write_chunks(
    connection: Connection, index_id: str, version_id: str, pieces: Sequence[Chunk], *, title: str
) -> None:
    """Store a version's chunks in an index in the place of earlier ones."""
    connection.execute(delete(chunks).where(_of(index_id, version_id)))
    if pieces:
        rows = [_chunk_row(index_id, version_id, piece, title) for piece in pieces]
        connection.execute(insert(chunks), rows)


def read_chunks(connection: Connection, index_id: str, version_id: str, *, title: str) -> list[Chunk]:
    """A version's chunks in an index, in order; none where they were made under another title."""
    rows = connection.execute(select(chunks).where(_of(index_id, version_id)).order_by(chunks.c.ordinal)).all()
    found = [
        Chunk(
            ordinal=row.ordinal,
            span=Span(row.start, row.end),
            text=row.text,
            page=row.page,
            heading_path=tuple(row.heading_path),
            places=places_of(row.places),
            header=row.header,
        )
        for row in rows
    ]
    same = found and text_hash(found[0].embedding_text(title)) == rows[0].embedding_hash
    return found if same else []


def unembedded(
    connection: Connection, index_id: str, version_id: str, *, after: int, limit: int
) -> list[Row[*tuple[Any, ...]]]:
    """The next chunks after ordinal `after` whose text the index's embedder has never embedded, in order."""
    query = (
        select(chunks.c.ordinal, chunks.c.embedding_hash, chunks.c.heading_path, chunks.c.header, chunks.c.text)
        .join(indexes, indexes.c.id == chunks.c.index_id)
        .outerjoin(embeddings, _VECTOR)
        .where(_of(index_id, version_id), chunks.c.ordinal > after, embeddings.c.hash.is_(None))
        .order_by(chunks.c.ordinal)
        .limit(limit)
    )
    return list(connection.execute(query).all())


def count_unembedded(connection: Connection, index_id: str, version_id: str) -> tuple[int, int]:
    """(chunks of a version in an index, those of them without a vector of its embedder)."""
    query = (
        select(func.count(), func.count(embeddings.c.hash))
        .select_from(chunks)
        .join(indexes, indexes.c.id == chunks.c.index_id)
        .outerjoin(embeddings, _VECTOR)
        .where(_of(index_id, version_id))
    )
    total, found = connection.execute(query).one()
    return total, total - found


def write_vectors(connection: Connection, hashes: Sequence[str], embedder: str, matrix: Matrix) -> None:
    """Store vectors by the hash of the embedded text; those that are known stay."""
    rows = matrix.astype("<f4")
    connection.execute(
        sqlite_insert(embeddings).on_conflict_do_nothing(),
        [
            {"hash": digest, "embedder": embedder, "vector": vector.tobytes()}
            for digest, vector in zip(hashes, rows, strict=True)
        ],
    )


def vectors_of(
    connection: Connection, index_id: str, version_id: str, *, block: int
) -> Iterator[tuple[list[str], Matrix]]:
    """A version's chunk ids and vectors in an index, `block` at a time: memory does not grow with the document."""
    query = (
        select(chunks.c.id, embeddings.c.vector)
        .join(indexes, indexes.c.id == chunks.c.index_id)
        .join(embeddings, _VECTOR)
        .where(_of(index_id, version_id))
        .order_by(chunks.c.ordinal)
        .execution_options(yield_per=block)
    )
    for rows in connection.execute(query).partitions():
        vectors = b"".join(row.vector for row in rows)
        yield [row.id for row in rows], np.frombuffer(vectors, dtype="<f4").reshape(len(rows), -1)


def chunk_ids(connection: Connection, index_id: str, version_id: str) -> list[str]:
    """Ids of a version's chunks in an index."""
    return list(connection.execute(select(chunks.c.id).where(_of(index_id, version_id))).scalars())


def chunks_by_index(connection: Connection, version_ids: Sequence[str]) -> dict[str, list[Row[*tuple[Any, ...]]]]:
    """The chunks of some versions by the index they belong to: (rowid, id, embedding_hash)."""
    query = select(chunks.c.index_id, chunks.c.rowid, chunks.c.id, chunks.c.embedding_hash)
    found: dict[str, list[Row[*tuple[Any, ...]]]] = {}
    for version_id in version_ids:
        for row in connection.execute(query.where(chunks.c.version_id == version_id)):
            found.setdefault(row.index_id, []).append(row)
    return found


def words_of(index_id: str, version_id: str) -> Select[Any]:
    """A version's chunks in an index as its words need them: rowid, heading path, table header, text."""
    return (
        select(chunks.c.rowid, chunks.c.heading_path, chunks.c.header, chunks.c.text)
        .where(_of(index_id, version_id))
        .order_by(chunks.c.ordinal)
    )


def _of(index_id: str, version_id: str) -> ColumnElement[bool]:
    return (chunks.c.version_id == version_id) & (chunks.c.index_id == index_id)


_VECTOR = (embeddings.c.hash == chunks.c.embedding_hash) & (embeddings.c.embedder == indexes.c.embedder)


def _chunk_row(index_id: str, version_id: str, piece: Chunk, title: str) -> dict[str, object]:
    return {
        "id": chunk_id(index_id, version_id, piece.ordinal, piece.text),
        "version_id": version_id,
        "index_id": index_id,
        "ordinal": piece.ordinal,
        "start": piece.span.start,
        "end": piece.span.end,
        "page": piece.page,
        "heading_path": list(piece.heading_path),
        "places": place_values(piece.places),
        "header": piece.header,
        "text": piece.text,
        "embedding_hash": text_hash(piece.embedding_text(title)),
    }
