"""The version that a newer one of a document is read after: its pages are taken over where they stay as they are.

As with what was recognised (workspaces/recognitions.py) this is between the versions of one document and no others: a
hostile file that takes over the process that reads it can have anything remembered of its pages.
"""

from __future__ import annotations

from bisect import bisect_left

from sqlalchemy import Connection, insert, select

from ingest.protocols import PageLoaded
from ingest.wordboxes import PackedWords
from rag.types import Block, Page, Span
from workspaces.database import Database
from workspaces.tables import documents, memories, pages, texts, versions


class FormerVersion:
    """The current version of a document while a newer one is read; see `ingest.protocols.Former`."""

    def __init__(self, database: Database, version_id: str) -> None:
        """`version_id` is that of the newer one. What is remembered of the current one is read now, at one moment."""
        self._memory = self._new = b""
        self._pages: dict[int, Page] = {}
        self._text = ""
        self._blocks: list[Block] = []
        self._starts: list[int] = []
        with database.read() as connection:
            self._read(connection, version_id)

    def memory(self) -> bytes:
        """See `ingest.protocols.Former`."""
        return self._memory

    def page(self, number: int) -> PageLoaded:
        """See `ingest.protocols.Former`."""
        page = self._pages.get(number)
        if page is None:
            raise ValueError("there is no such page")
        first, last = (bisect_left(self._starts, place) for place in (page.span.start, page.span.end))
        return PageLoaded(self._text[page.span.start : page.span.end], tuple(self._blocks[first:last]), page)

    def remember(self, data: bytes) -> None:
        """See `ingest.protocols.Former`."""
        self._new = data

    def settle(self, connection: Connection, version_id: str) -> None:
        """The newer version was read to its end: keep what is remembered of it."""
        if self._new:
            connection.execute(insert(memories).values(version_id=version_id, data=self._new))

    def _read(self, connection: Connection, version_id: str) -> None:
        mine = select(versions.c.document_id).where(versions.c.id == version_id).scalar_subquery()
        current = (
            select(memories.c.version_id, memories.c.data, texts.c.text, texts.c.blocks)
            .join(documents, documents.c.version_id == memories.c.version_id)
            .join(texts, texts.c.version_id == memories.c.version_id)
            .where(documents.c.id == mine, documents.c.version_id != version_id)
        )
        row = connection.execute(current).one_or_none()
        if row is None:
            return
        self._memory, self._text = row.data, row.text
        self._blocks = [Block(kind, Span(start, end), level) for kind, start, end, level in row.blocks]
        self._starts = [block.span.start for block in self._blocks]
        for page in connection.execute(select(pages).where(pages.c.version_id == row.version_id)):
            words = PackedWords(page.words)
            span = Span(page.start, page.end)
            self._pages[page.number] = Page(page.number, span, page.label, page.width, page.height, words)
