"""Use cases of looking: what a footnote opens, a page's image, an original to download."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from ingest import media
from ingest.wordboxes import boxes_of, unpack
from rag.errors import FootnoteError, NotFound, PasswordNeeded, StorageError
from rag.places import locate
from rag.types import Passage, Span
from workspaces import repository
from workspaces.database import Database
from workspaces.files import Files
from workspaces.models import DocumentRecord, PassageView
from workspaces.names import file_label
from workspaces.passages import cited_passage, page_at, passage_at, passages_of, text_around
from workspaces.tables import pages, versions

if TYPE_CHECKING:
    from ingest.parser.client import ParserClient

_MARGIN = 900
"""Code points shown before and after a quote: about one passage on each side."""

_IMAGES = 24
"""Page images kept in memory, about 200 kB each."""

DEFAULT_DPI = 110


@dataclass(frozen=True, slots=True)
class Original:
    """An original file as it was taken in."""

    name: str
    media_type: str
    path: Path


class Viewer:
    """Reads; never changes anything."""

    def __init__(self, database: Database, files: Files, *, parser: Callable[[], ParserClient]) -> None:
        self._database = database
        self._files = files
        self._parser = parser
        self._images: OrderedDict[tuple[str, int, int, Span | None], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def passage(
        self, version_id: str, span: Span, *, dpi: int = DEFAULT_DPI, password: str | None = None
    ) -> PassageView:
        """The quote at `span` in its surroundings, with its page highlighted; also of a superseded version.

        Args:
            version_id: of the version that was cited.
            span: of its text.
            dpi: of the page's image.
            password: for a document that is `locked` otherwise; used for this image only.

        Raises:
            NotFound: the document was deleted, or the span lies outside its text.
        """
        with self._database.read() as connection:
            record = repository.get_version(connection, version_id)
            before, quote, after = text_around(connection, version_id, span, margin=_MARGIN)
            if not quote:
                raise NotFound("This passage does not exist any more.", hint="Ask the question again.")
            page, label = page_at(connection, version_id, span.start)
            passage = passage_at(connection, version_id, span.start) or cited_passage(connection, record, span)
            added = repository.added_at(connection, version_id)
        image, locked = None, False
        try:
            if page is not None:
                image = self.page_image(version_id, page, dpi=dpi, span=span, password=password)
        except PasswordNeeded:
            locked = True
        return PassageView(
            document=record,
            quote=quote,
            before=before,
            after=after,
            page=page,
            page_label=label,
            page_image=image,
            page_count=record.pages,
            heading_path=passage.heading_path,
            header=passage.header,
            locator=locate(passage, span),
            number=record.number,
            added=added,
            superseded=record.state == "superseded",
            locked=locked,
        )

    def page_image(
        self,
        version_id: str,
        page: int,
        *,
        dpi: int = DEFAULT_DPI,
        span: Span | None = None,
        password: str | None = None,
    ) -> bytes | None:
        """PNG of a page, with `span` highlighted; None when it cannot be drawn (the text still can be read).

        Raises:
            NotFound: no such page, or the document was deleted.
            PasswordNeeded: it is locked, and `password` does not open it. What one opens is not remembered.
        """
        with self._database.read() as connection:
            repository.get_version(connection, version_id)
            row = connection.execute(
                select(repository.READABLE.label("sha256"), versions.c.media_type, pages.c.words)
                .join(pages, pages.c.version_id == versions.c.id)
                .where(versions.c.id == version_id, pages.c.number == page)
            ).one_or_none()
        if row is None:
            raise _no_page()
        key = (row.sha256, page, dpi, span)
        with self._lock:
            if key in self._images:
                self._images.move_to_end(key)
                return self._images[key]
        boxes = boxes_of(unpack(row.words), span) if span is not None else []
        try:
            path = self._files.path(row.sha256)
            image = self._parser().render(path, row.media_type, page, dpi=dpi, boxes=boxes, password=password)
        except PasswordNeeded:
            raise
        except FootnoteError:
            return None  # the text view stays usable without the picture
        if password is not None:
            return image
        with self._lock:
            self._images[key] = image
            while len(self._images) > _IMAGES:
                self._images.popitem(last=False)
        return image

    def version(self, version_id: str) -> DocumentRecord:
        """A document as it was in one of its versions. Raises NotFound where it was deleted."""
        with self._database.read() as connection:
            return repository.get_version(connection, version_id)

    def text(self, version_id: str, *, start: int = 0, limit: int = 20_000) -> str:
        """A piece of the extracted text, from code point `start`. Raises NotFound where the document was deleted."""
        with self._database.read() as connection:
            repository.get_version(connection, version_id)
            return text_around(connection, version_id, Span(start, start + limit), margin=0)[1]

    def page_text(self, version_id: str, page: int, *, limit: int = 20_000) -> str:
        """The text of one page, at most `limit` code points. Raises NotFound as `page_image` does."""
        with self._database.read() as connection:
            repository.get_version(connection, version_id)
            span = select(pages.c.start, pages.c.end).where(pages.c.version_id == version_id, pages.c.number == page)
            row = connection.execute(span).one_or_none()
            if row is None:
                raise _no_page()
            end = min(row.end, row.start + limit)
            return text_around(connection, version_id, Span(row.start, end), margin=0)[1]

    def passages(self, version_id: str, *, page: int | None = None, offset: int = 0, limit: int = 20) -> list[Passage]:
        """A piece of the passages in their order, those with a part on `page` if given. Raises NotFound as `text` does;
        a superseded version has none."""
        with self._database.read() as connection:
            repository.get_version(connection, version_id)
            return passages_of(connection, version_id, page=page, offset=offset, limit=limit)

    def original(self, document_id: str, version_id: str | None = None) -> Original:
        """The original of a document: of its current version, or of the one given.

        Raises:
            NotFound: the document was deleted, or its bytes were never received.
        """
        with self._database.read() as connection:
            record = repository.get_document(connection, document_id)
            current = record.version_id
            if version_id is not None:
                record = repository.get_version(connection, version_id)
                if record.id != document_id:
                    raise NotFound("This document has no such version.", hint="Reload the list of documents.")
            digest = repository.sha256_of(connection, record.version_id)
        if digest is None:
            raise NotFound("The original was never received.", hint="Add the document again.")
        path = self._files.path(digest)
        if not path.is_file():
            raise StorageError("The original is missing from the disk.", hint="Run `footnote doctor`.")
        media_type = record.media_type or "application/octet-stream"
        name = record.source if record.source_kind != "url" else file_label(_page_name(record, media_type))
        if record.version_id != current:
            stem, dot, ending = name.rpartition(".")
            name = f"{stem or ending} (version {record.number}){dot + ending if stem else ''}"
        return Original(name, media_type, path)


def _no_page() -> NotFound:
    return NotFound("This page does not exist.", hint="Reload the document.")


_ENDINGS = {kind: ending for ending, kind in reversed(list(media.EXTENSIONS.items())) if kind != media.CODE}


def _page_name(record: DocumentRecord, media_type: str) -> str:
    """A file name for a fetched page: its title, without what means something in names."""
    plain = "".join(c if c.isalnum() or c in " -_.,()" else " " for c in record.title or "page")
    return " ".join(plain.split())[:120] + _ENDINGS.get(media_type, "")
