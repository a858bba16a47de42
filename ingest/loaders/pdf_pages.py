"""Pages of a PDF, read one by one, and how headings are told in them: by the outline, or by the size of letters."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from ingest.headings import FontProfile, find_titles
from ingest.layout import Heading, Line
from ingest.loaders.pdf_ocr import is_scan, picture
from ingest.loaders.pdf_strings import outline_title
from ingest.loaders.pdf_text import PageText, read_text
from ingest.loaders.titles import clean
from ingest.ocr.pages import RecognisedPages
from ingest.protocols import Drawing, PictureEvent

_SAMPLED_PAGES = 12
"""Pages looked at to learn which font size is usual, when there is no outline."""
_FEWEST_TITLES = 3
"""A shorter outline is a bookmark or two, not a table of contents."""
_MOST_TITLES = 20_000


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A page's own text, its size in points, and whether more text is to be recognised in its picture."""

    text: PageText
    size: tuple[float, float]
    scan: bool


class PdfPages:
    """The pages of an open document; numbers count from 1."""

    def __init__(self, document: pdfium.PdfDocument, recognised: RecognisedPages) -> None:
        """Some pages are read now, to learn what is usual in the document. `recognised` knows which were scans."""
        self._document = document
        self._recognised = recognised
        self._has_fields = document.get_formtype() == raw.FORMTYPE_ACRO_FORM
        if self._has_fields:
            document.init_forms()
        self._outline = _outline(document)
        self._peeked: dict[int, ReadPage] = {}
        self._outlined = False
        self._outlined = self._outline_fits()
        self._fonts = None if self._outlined else self._font_profile()
        self.looked_at = frozenset(self._peeked)
        """Pages that were read before their turn."""

    def read(self, number: int) -> ReadPage | None:
        """A page, each at its turn; None where it is damaged."""
        return self._peeked.pop(number, None) or self._read(number)

    def recognised_lines(
        self, number: int, read: ReadPage, into: RecognisedPages
    ) -> Generator[PictureEvent, None, Sequence[Line]]:
        """The lines in the page's picture, or its own where these say as much."""
        yield Drawing()
        own = read.text.lines
        try:
            page = self._document[number - 1]
            shown, dpi = picture(page)
        except pdfium.PdfiumError:  # it could be read, if not drawn
            into.last = None
            return own
        page.close()
        return (yield from into.lines(number, shown, dpi=dpi, points=read.size, own=own))

    def headings(self, number: int, lines: Sequence[Line]) -> list[Heading]:
        """Which lines of a page are headings."""
        if self._fonts is None:
            return find_titles(lines, self._outline.get(number, ()))
        fonts = FontProfile.of([lines]) if self._recognised.has(number) else self._fonts  # measured otherwise
        return fonts.headings(lines)

    def context(self, number: int) -> str:
        """What decides which lines of a page are headings, and whether its letters' weight was looked at."""
        told = self._outline.get(number) if self._fonts is None else (self._fonts, self._recognised.has(number))
        bold = not self._outlined or number in self.looked_at
        return hashlib.sha256(repr((told, bold)).encode()).hexdigest()[:32]

    def _read(self, number: int) -> ReadPage | None:
        try:
            page = self._document[number - 1]
            if self._has_fields and page.flatten() == raw.FLATTEN_SUCCESS:  # what is filled in becomes text
                page.close()
                page = self._document[number - 1]
            size: tuple[float, float] = page.get_size()
            text = read_text(page, fonts=not self._outlined)
            scan = self._recognised.possible() and is_scan(page, text.lines)
        except pdfium.PdfiumError:
            return None
        page.close()
        return ReadPage(text, size, scan)

    def _outline_fits(self) -> bool:
        """Whether there is an outline worth the name, and its titles stand where it says."""
        if sum(map(len, self._outline.values())) < _FEWEST_TITLES:
            return False
        first = sorted(self._outline.items())[:_SAMPLED_PAGES]
        return any(find_titles(self._peek(number), titles) for number, titles in first)

    def _font_profile(self) -> FontProfile:
        every = max(1, -(-len(self._document) // _SAMPLED_PAGES))
        return FontProfile.of([self._peek(number) for number in range(1, len(self._document) + 1, every)])

    def _peek(self, number: int) -> list[Line]:
        """The lines of a page before its turn; it is not read twice."""
        if number not in self._peeked and (read := self._read(number)):
            self._peeked[number] = read
        return self._peeked[number].text.lines if number in self._peeked else []


def _outline(document: pdfium.PdfDocument) -> dict[int, list[tuple[str, int]]]:
    """Page number → (title, level) of the outline entries that lead there."""
    outline: dict[int, list[tuple[str, int]]] = {}
    for count, bookmark in enumerate(document.get_toc(max_depth=6)):
        if count >= _MOST_TITLES:
            break
        destination = bookmark.get_dest()
        index = destination.get_index() if destination else None
        text = clean(outline_title(bookmark))
        if index is not None and text:
            outline.setdefault(index + 1, []).append((text[:300], min(bookmark.level + 1, 6)))
    return outline
