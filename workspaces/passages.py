"""Chunks and pages read back for retrieval and display; implements rag.protocols.PassageSource."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, bindparam, func, select, tuple_

from ingest.outline import headings_at
from rag.places import Clipper, locate
from rag.scope import Within
from rag.types import Contents, Language, Passage, Span
from workspaces.batches import batches
from workspaces.database import Database
from workspaces.extracts import places_of, read_text
from workspaces.models import DocumentRecord
from workspaces.tables import chunks, documents, entries, pages, texts, versions, workspaces
from workspaces.truth import among, in_versions

_PAGE_AT = (
    select(pages.c.number, pages.c.label)
    .where(pages.c.version_id == bindparam("version"), pages.c.start <= bindparam("offset"))
    .order_by(pages.c.number.desc())
    .limit(1)
)
"""Made once, as all that a search asks: putting a query together takes longer than asking it."""
_TEXT_AT = select(func.substr(texts.c.text, bindparam("first"), bindparam("length"))).where(
    texts.c.version_id == bindparam("version")
)
_LANGUAGES = (
    select(versions.c.language)
    .distinct()
    .join(documents, documents.c.version_id == versions.c.id)
    .join(entries, entries.c.version_id == versions.c.id)
    .where(
        entries.c.index_id == bindparam("index"),
        documents.c.deleted_at.is_(None),
        versions.c.state == "ready",
        versions.c.language != "",
    )
)

_DOCUMENTS = (
    select(versions.c.id, versions.c.document_id, documents.c.title, documents.c.source, entries.c.chunk_count)
    .join(documents, documents.c.version_id == versions.c.id)
    .join(entries, entries.c.version_id == versions.c.id)
    .where(
        entries.c.index_id == bindparam("index"),
        entries.c.chunk_count > 0,
        documents.c.deleted_at.is_(None),
        versions.c.state == "ready",
    )
    .order_by(documents.c.title, documents.c.id)
)

_OPENING_CHARACTERS = 700
"""Of a document, where it says what it is: a title page."""
_OPENING_CHUNKS = 8
_OPENINGS = (
    select(chunks.c.version_id, chunks.c.text)
    .join(entries, (entries.c.version_id == chunks.c.version_id) & (entries.c.index_id == chunks.c.index_id))
    .where(
        chunks.c.version_id.in_(bindparam("versions", expanding=True)),
        chunks.c.index_id == bindparam("index"),
        chunks.c.ordinal < _OPENING_CHUNKS,
        chunks.c.start < _OPENING_CHARACTERS,
        entries.c.chunk_count > _OPENING_CHUNKS,
    )
    .order_by(chunks.c.version_id, chunks.c.ordinal)
)


class StoredPassages:
    """Loads passages from SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def passages(self, index_id: str, chunk_ids: Sequence[str]) -> list[Passage]:
        """In the order of `chunk_ids`; ids that are deleted, foreign or unknown are left out."""
        found: dict[str, Passage] = {}
        with self._database.read() as connection:
            for some in batches(chunk_ids):
                rows = connection.execute(_BY_ID, {"index": index_id, "ids": list(some)})
                found.update((row.id, _passage(row)) for row in rows)
        return [found[chunk_id] for chunk_id in chunk_ids if chunk_id in found]

    def at_ordinals(self, index_id: str, ordinals: Sequence[tuple[str, int]]) -> list[Passage]:
        """The chunks of (version id, place of the chunk in it, from 0) that there are, in any order."""
        found: list[Passage] = []
        with self._database.read() as connection:
            for some in batches(ordinals):
                version_ids, numbers = {version_id for version_id, _ in some}, {number for _, number in some}
                wanted = {"versions": list(version_ids), "numbers": list(numbers), "ordinals": list(some)}
                found += [_passage(row) for row in connection.execute(_AT_ORDINALS, {"index": index_id, **wanted})]
        return found

    def documents(self, index_id: str, within: Within | None = None) -> list[Contents]:
        """The ready documents that have passages in the index, or those of these versions, by title."""
        query = _DOCUMENTS if within is None else _DOCUMENTS.where(in_versions("versions.id", within))
        with self._database.read() as connection:
            rows = connection.execute(query, {"index": index_id})
            return [Contents(row.document_id, row.id, row.title or row.source, row.chunk_count) for row in rows]

    def texts_at(self, spans: Sequence[tuple[str, Span]]) -> list[str]:
        """For each (version id, span) the document's text there."""
        with self._database.read() as connection:
            return [
                connection.execute(
                    _TEXT_AT, {"version": version_id, "first": span.start + 1, "length": len(span)}
                ).scalar_one()
                for version_id, span in spans
            ]

    def languages(self, index_id: str, within: Within | None = None) -> frozenset[Language]:
        """Languages of the ready documents that the index holds, of these versions only where they are given."""
        query = _LANGUAGES if within is None else _LANGUAGES.where(in_versions("versions.id", within))
        with self._database.read() as connection:
            return frozenset(connection.execute(query, {"index": index_id}).scalars())

    def openings(self, index_id: str, version_ids: Collection[str]) -> dict[str, str]:
        """The first lines, by version, of documents that are much longer."""
        found: dict[str, str] = {}
        with self._database.read() as connection:
            for some in batches(list(version_ids)):
                for row in connection.execute(_OPENINGS, {"index": index_id, "versions": some}):
                    found[row.version_id] = f"{found.get(row.version_id, '')}{row.text}\n"
        return {version_id: text[:_OPENING_CHARACTERS] for version_id, text in found.items()}

    def pages_at(self, places: Sequence[tuple[str, int]]) -> list[tuple[int | None, str | None]]:
        """For each (version id, offset) the page that holds this code point: (number, label), or (None, None)."""
        with self._database.read() as connection:
            return [page_at(connection, version_id, offset) for version_id, offset in places]


def passage_at(connection: Connection, version_id: str, offset: int) -> Passage | None:
    """The passage of a version that holds the code point at `offset`, or the last one before it."""
    query = _of_version(version_id).where(chunks.c.start <= offset).order_by(chunks.c.start.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return _passage(row) if row else None


def passages_of(
    connection: Connection, version_id: str, *, page: int | None = None, offset: int = 0, limit: int = 20
) -> list[Passage]:
    """The passages of a version in order, at most `limit`; where a page is given, those with a part on it only."""
    query = _of_version(version_id).order_by(chunks.c.ordinal).offset(offset).limit(limit)
    if page is not None:
        sheet = pages.alias("sheet")
        on_it = and_(sheet.c.version_id == version_id, sheet.c.number == page)
        query = query.join(sheet, on_it).where(chunks.c.start < sheet.c.end, chunks.c.end > sheet.c.start)
    found = (_passage(row) for row in connection.execute(query))
    return [replace(passage, locator=locate(passage, passage.span)) for passage in found]


def cited_passage(connection: Connection, record: DocumentRecord, span: Span) -> Passage:
    """What stands at a span of a version that has no passages any more, as one: with its headings and its places."""
    document = read_text(connection, record.version_id, record)
    path = headings_at(document, span.start)
    return Passage(
        chunk_id="",
        document_id=record.id,
        version_id=record.version_id,
        title=record.title,
        ordinal=0,
        span=span,
        text=document.text[span.start : span.end],
        language=record.language,
        heading_path=path[1:] if path and path[0].casefold() == record.title.casefold() else path,
        places=Clipper(document.places, document.text).clip(span),
    )


def _of_version(version_id: str) -> Select[Any]:
    """The chunks of a version in the index that is searched, with all columns that a passage shows."""
    return _shown(
        select(chunks.c.id)
        .join(versions, versions.c.id == chunks.c.version_id)
        .join(documents, documents.c.id == versions.c.document_id)
        .join(workspaces, workspaces.c.id == documents.c.workspace_id)
        .where(chunks.c.version_id == version_id, chunks.c.index_id == workspaces.c.index_id)
    )


def _shown(query: Select[Any]) -> Select[Any]:
    """A query over chunks, versions and documents, with all columns that a passage shows."""
    labelled = and_(pages.c.version_id == chunks.c.version_id, pages.c.number == chunks.c.page)
    return query.with_only_columns(
        chunks, documents.c.id.label("document_id"), documents.c.title, versions.c.language, pages.c.label
    ).outerjoin(pages, labelled)


def page_at(connection: Connection, version_id: str, offset: int) -> tuple[int | None, str | None]:
    """The page on which the code point at `offset` stands: (number, label), or (None, None) without pages."""
    row = connection.execute(_PAGE_AT, {"version": version_id, "offset": offset}).one_or_none()
    return (row.number, row.label) if row else (None, None)


def text_around(connection: Connection, version_id: str, span: Span, *, margin: int) -> tuple[str, str, str]:
    """(before, at, after) a span of a version's text, at most `margin` code points on each side."""
    start = max(0, span.start - margin)
    piece: str | None = connection.execute(
        select(func.substr(texts.c.text, start + 1, span.end + margin - start)).where(texts.c.version_id == version_id)
    ).scalar()
    piece = piece or ""
    return piece[: span.start - start], piece[span.start - start : span.end - start], piece[span.end - start :]


def _passage(row: Row[Any]) -> Passage:
    return Passage(
        chunk_id=row.id,
        document_id=row.document_id,
        version_id=row.version_id,
        title=row.title,
        ordinal=row.ordinal,
        span=Span(row.start, row.end),
        text=row.text,
        language=row.language,
        page=row.page,
        page_label=row.label,
        heading_path=tuple(row.heading_path),
        places=places_of(row.places),
        header=row.header,
    )


_BY_ID = _shown(among(bindparam("index"), chunks.c.id.in_(bindparam("ids", expanding=True))))
_AT_ORDINALS = _shown(
    among(
        bindparam("index"),
        and_(  # SQLite uses its index for columns, not for a tuple of them: 1 ms in place of 55 among 100,000 chunks
            chunks.c.version_id.in_(bindparam("versions", expanding=True)),
            chunks.c.index_id == bindparam("index"),
            chunks.c.ordinal.in_(bindparam("numbers", expanding=True)),
            tuple_(chunks.c.version_id, chunks.c.ordinal).in_(bindparam("ordinals", expanding=True)),
        ),
    )
)
