"""PDF: text, boxes and structure, all by PDFium. Run it only where a crash does no harm: in the parser's helper.

Outline, page labels and metadata come from PDFium too: on 43 files they equalled pypdf's entry by entry, 12 to 20 times
as fast and without a second parser that hostile files could reach. pypdf rewrites files that PDFium refuses.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from ingest.columns import in_reading_order
from ingest.headings import FontProfile, find_titles
from ingest.layout import Heading, Line, compose, hyphenated_words
from ingest.loaders.pdf_attachments import attached_files
from ingest.loaders.pdf_findings import Findings
from ingest.loaders.pdf_ocr import is_scan, picture
from ingest.loaders.pdf_strings import metadata, outline_title, page_label
from ingest.loaders.pdf_text import PageText, read_text
from ingest.loaders.titles import clean, sensible_title
from ingest.ocr.engines import AGAIN_HINT, INSTALL_HINT, installed
from ingest.ocr.pages import RecognisedPages
from ingest.protocols import Drawing, Loaded, LoadEvent, PageLoaded, PictureEvent
from ingest.running_lines import PlacedLines, drop_running_lines
from ingest.tables import find_tables
from rag.errors import DamagedSource, NoText, PasswordNeeded
from rag.types import Page, Span

PAGE_SEPARATOR = "\n\n"
_A4 = (595.0, 842.0)
"""Points; stands in for the size of a page that cannot be opened."""
_SAMPLED_PAGES = 12
"""Pages looked at to learn which font size is usual, when there is no outline."""
_FEWEST_TITLES = 3
"""A shorter outline is a bookmark or two, not a table of contents."""
_MOST_TITLES = 20_000
_TITLE_PAGES = 3
"""A heading further in names a chapter, not the document."""


class PdfLoader:
    """Reads PDFs page by page; keeps no state between files."""

    def __init__(self, password: str | None = None, *, known: Mapping[str, bytes] | None = None) -> None:
        """`password` opens a protected one; None is the empty password. `known` are readings of its pictures from
        before (see ingest/ocr/readings.py)."""
        self._password = password
        self._known = known or {}

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            PasswordNeeded: it does not open with the password, or the empty one.
            DamagedSource: neither PDFium nor a repair can open it, or none of its pages.
            NoText: it opens, but no page holds text.
        """
        with open_pdf(path, self._password) as document:
            yield from _Reading(document, self._known).events(title)


def open_pdf(path: Path, password: str | None = None) -> pdfium.PdfDocument:
    """Open with a password, or with the empty one; repaired if need be.

    Raises:
        PasswordNeeded, DamagedSource
    """
    try:
        return pdfium.PdfDocument(path, password)
    except pdfium.PdfiumError as error:
        if error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
            raise PasswordNeeded(
                "The PDF is protected with a password.", hint="Type the password, or add a copy without one."
            ) from error
        return _repaired(path)


def unlocked(path: Path, password: str) -> bytes:
    """The same PDF without its protection, as PDFium writes it.

    Raises:
        PasswordNeeded: that is not its password.
        DamagedSource: it cannot be opened, or not written.
    """
    copy = BytesIO()
    with open_pdf(path, password) as document:
        try:
            document.save(copy, flags=raw.FPDF_REMOVE_SECURITY)
        except pdfium.PdfiumError as error:
            raise DamagedSource("The PDF is damaged and cannot be written without its password.") from error
    return copy.getvalue()


def _repaired(path: Path) -> pdfium.PdfDocument:
    import pypdf  # only here: most helpers never need it

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    copy = BytesIO()
    try:
        pypdf.PdfWriter(clone_from=pypdf.PdfReader(path, strict=False)).write(copy)
        return pdfium.PdfDocument(copy.getvalue())
    except Exception as error:  # a broken file makes pypdf raise anything; each time it means: cannot be repaired
        raise DamagedSource(
            "The PDF is damaged and cannot be opened.",
            hint="Open it in a PDF viewer, save it again and add the new file.",
        ) from error


@dataclass(frozen=True, slots=True)
class _ReadPage:
    """A page's own text, its size in points, and whether more text is to be recognised in its picture."""

    text: PageText
    size: tuple[float, float]
    scan: bool


class _Reading:
    """One pass over one PDF."""

    def __init__(self, document: pdfium.PdfDocument, known: Mapping[str, bytes]) -> None:
        self._document = document
        self._total = len(document)
        self._outline = _outline(document)
        self._position = 0
        self._vocabulary: set[str] = set()
        self._recognised = RecognisedPages(dict(known))
        self._findings = Findings()
        self._first_heading = ""
        self._has_fields = document.get_formtype() == raw.FORMTYPE_ACRO_FORM
        if self._has_fields:
            document.init_forms()
        self._peeked: dict[int, _ReadPage] = {}
        self._outlined = False
        self._outlined = self._outline_fits()
        self._fonts = None if self._outlined else self._font_profile()

    def events(self, title: str | None) -> Iterator[LoadEvent]:
        """A PageLoaded for every page, what is told of its picture before it, the files attached, then Loaded."""
        placed: Iterator[tuple[PlacedLines, int] | PictureEvent] = drop_running_lines(self._placed_pages())
        for found in placed:
            if not isinstance(found, tuple):
                yield found
                continue
            page, repeated = found
            self._findings.repeated_lines += repeated
            yield self._page(page)
        if len(self._findings.unreadable) == self._total:
            raise DamagedSource(
                "None of the PDF's pages can be read.",
                hint="Open it in a PDF viewer, save it again and add the new file.",
            )
        if not self._position:
            raise self._no_text()
        yield from attached_files(self._document, self._findings.attached)
        yield self._head(title)

    def _placed_pages(self) -> Iterator[PlacedLines | PictureEvent]:
        for number in range(1, self._total + 1):
            lines, size, scan = self._lines(number)
            if scan:
                yield Drawing()
                lines = yield from self._recognised_lines(number, lines, size)
            if not lines and number not in self._findings.unreadable[-1:]:
                self._findings.without_text.append(number)
            label = clean(page_label(self._document, number - 1))[:40]
            yield PlacedLines(number, label, size, list(lines))

    def _page(self, page: PlacedLines) -> PageLoaded:
        number, lines = page.number, in_reading_order(page.lines)
        separator = PAGE_SEPARATOR if lines and self._position else ""
        self._vocabulary |= hyphenated_words(lines)
        headings = self._headings(number, lines)
        start = self._position + len(separator)
        tables = find_tables(lines, {index for each in headings for index in range(each.first, each.last + 1)})
        self._findings.tables += len(tables)
        composed = compose(lines, headings, tables, offset=start, vocabulary=self._vocabulary)
        if headings and number <= _TITLE_PAGES and not self._first_heading:
            self._first_heading = " ".join(line.text for line in lines[headings[0].first : headings[0].last + 1])
        if lines:
            self._position = start + len(composed.text)
        span = Span(start, self._position) if lines else Span(self._position, self._position)
        label = page.label if page.label not in ("", str(number)) else None
        return PageLoaded(
            text=separator + composed.text,
            blocks=composed.blocks,
            page=Page(number, span, label, *page.size, composed.words),
            total=self._total,
        )

    def _no_text(self) -> NoText:
        pages = "1 page" if self._total == 1 else f"{self._total} pages"
        if hidden := self._findings.hidden_characters:
            return NoText(
                f"All text of the PDF ({hidden:,} characters) stands where a person does not see it.",
                hint="Open it and compare. Save it anew from the program it comes from and add that.",
            )
        if not installed():
            return NoText(f"The PDF has {pages} but holds no text; it looks like a scan.", hint=INSTALL_HINT)
        if self._recognised.failed:
            return NoText(f"The PDF has {pages}, and their text could not be recognised.", hint=AGAIN_HINT)
        return NoText(f"The PDF has {pages} but shows no text.", hint="Open it and check that its pages can be read.")

    def _headings(self, number: int, lines: Sequence[Line]) -> list[Heading]:
        if self._fonts is None:
            return find_titles(lines, self._outline.get(number, ()))
        fonts = FontProfile.of([lines]) if self._recognised.has(number) else self._fonts  # measured otherwise
        return fonts.headings(lines)

    def _lines(self, number: int) -> tuple[Sequence[Line], tuple[float, float], bool]:
        """The page's own lines, its size in points, and whether its text is to be recognised in its picture."""
        read = self._peeked.pop(number, None) or self._read(number)
        if read is None:  # the page is told of in the notes; the others are read
            self._findings.unreadable.append(number)
            return [], _A4, False
        self._findings.add(number, read.text)
        return read.text.lines, read.size, read.scan

    def _read(self, number: int) -> _ReadPage | None:
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
        return _ReadPage(text, size, scan)

    def _recognised_lines(
        self, number: int, own: Sequence[Line], size: tuple[float, float]
    ) -> Generator[PictureEvent, None, Sequence[Line]]:
        """The lines in the page's picture, or its own where these say as much."""
        try:
            page = self._document[number - 1]
            shown, dpi = picture(page)
        except pdfium.PdfiumError:  # it could be read, if not drawn
            return own
        page.close()
        return (yield from self._recognised.lines(number, shown, dpi=dpi, points=size, own=own))

    def _outline_fits(self) -> bool:
        """Whether there is an outline worth the name, and its titles stand where it says."""
        if sum(map(len, self._outline.values())) < _FEWEST_TITLES:
            return False
        first = sorted(self._outline.items())[:_SAMPLED_PAGES]
        return any(find_titles(self._peek(number), titles) for number, titles in first)

    def _font_profile(self) -> FontProfile:
        every = max(1, -(-self._total // _SAMPLED_PAGES))
        return FontProfile.of([self._peek(number) for number in range(1, self._total + 1, every)])

    def _peek(self, number: int) -> list[Line]:
        """The lines of a page before its turn; it is not read twice."""
        if number not in self._peeked and (read := self._read(number)):
            self._peeked[number] = read
        return self._peeked[number].text.lines if number in self._peeked else []

    def _head(self, title: str | None) -> Loaded:
        return Loaded(
            title=title or sensible_title(metadata(self._document, "Title")) or clean(self._first_heading)[:200],
            author=clean(metadata(self._document, "Author"))[:200] or None,
            date=_iso_date(metadata(self._document, "CreationDate")),
            notes=(*self._recognised.notes(), *self._findings.notes(scanned=not installed())),
            page_count=self._total,
            report=replace(
                self._findings.report(),
                ocr_pages=tuple(self._recognised.read),
                ocr_engine=self._recognised.engine,
            ),
        )


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


def _iso_date(value: str) -> str | None:
    """The day in a PDF date ("D:20230204115901-00'00'", ISO 32000-1, 7.9.4), if it is one."""
    match = re.match(r"D:(\d{4})(?:(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])?)?", value)
    return "-".join(part for part in match.groups() if part) if match else None
