"""PDF: text, boxes and structure, all by PDFium. Run it only where a crash does no harm: in the parser's helper.

Outline, page labels and metadata come from PDFium too: on 43 files they equalled pypdf's entry by entry, 12 to 20 times
as fast and without a second parser that hostile files could reach. pypdf rewrites files that PDFium refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pypdfium2 as pdfium

from ingest import media
from ingest.columns import in_reading_order
from ingest.layout import Line, compose, hyphenated_words
from ingest.loaders import pdf_fingerprints, recipe
from ingest.loaders.pdf_attachments import attached_files
from ingest.loaders.pdf_findings import Findings, PageFindings
from ingest.loaders.pdf_fingerprints import NO_PRINT
from ingest.loaders.pdf_memory import PageFacts, PageMemory, Vocabulary, pack, unpack
from ingest.loaders.pdf_ocr import is_garbled
from ingest.loaders.pdf_open import open_pdf, opened
from ingest.loaders.pdf_pages import PdfPages
from ingest.loaders.pdf_strings import metadata, page_label
from ingest.loaders.titles import clean, sensible_title
from ingest.ocr import engines
from ingest.ocr.engines import AGAIN_HINT, INSTALL_HINT, installed
from ingest.ocr.pages import RecognisedPages
from ingest.protocols import (
    Loaded,
    LoadEvent,
    PageKept,
    PageLoaded,
    PictureEvent,
    RecognisedPicture,
    Remembered,
)
from ingest.running_lines import PlacedPage, outer_lines, running_lines, without
from ingest.tables import find_tables
from rag.errors import DamagedSource, NoText
from rag.types import Page, Span

PAGE_SEPARATOR = "\n\n"
_A4 = (595.0, 842.0)
"""Points; stands in for the size of a page that cannot be opened."""
_TITLE_PAGES = 3
"""A heading further in names a chapter, not the document."""


class PdfLoader:
    """Reads PDFs page by page; keeps no state between files."""

    def __init__(
        self,
        password: str | None = None,
        *,
        known: Mapping[str, bytes] | None = None,
        memory: bytes = b"",
        fingerprints: Callable[[Path], Sequence[bytes]] | None = None,
    ) -> None:
        """`password` opens a protected one; None is the empty password. `known` are readings of its pictures from
        before (see ingest/ocr/readings.py), `memory` is what was remembered of a former version's pages, and
        `fingerprints` is called in place of ingest/loaders/pdf_fingerprints.py."""
        self._password = password
        self._known = known or {}
        self._memory = memory
        self._fingerprints = fingerprints or pdf_fingerprints.fingerprints

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            PasswordNeeded: it does not open with the password, or the empty one.
            DamagedSource: neither PDFium nor a repair can open it, or none of its pages.
            NoText: it opens, but no page holds text.
        """
        sound = opened(path, self._password)
        prints = () if sound is None else self._fingerprints(path)
        with open_pdf(path, self._password) if sound is None else sound as document:
            yield from _Reading(document, self._known, prints, self._memory).events(title)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A page whose turn to become text has come, as far as is known of it."""

    number: int
    label: str
    facts: PageFacts
    lines: Sequence[Line] | None
    """None where it was not read."""
    alike: Sequence[PageMemory] = ()
    """Pages of the former version that it may be."""
    lasting: bool = True
    """Whether it would be read the same another time."""


class _Reading:
    """One pass over one PDF."""

    def __init__(
        self, document: pdfium.PdfDocument, known: Mapping[str, bytes], prints: Sequence[bytes], memory: bytes
    ) -> None:
        self._document = document
        self._total = len(document)
        self._position = 0
        self._vocabulary = Vocabulary()
        self._recognised = RecognisedPages(dict(known))
        self._findings = Findings()
        self._first_heading = ""
        self._prints = prints if len(prints) == self._total else [NO_PRINT] * self._total
        self._recipe = f"{recipe(media.PDF)}; {engines.recipe()}"
        self._former = unpack(memory, self._recipe) if set(self._prints) != {NO_PRINT} else {}
        self._remembered: list[tuple[bytes, PageMemory]] = []
        self._pages = PdfPages(document, self._recognised)

    def events(self, title: str | None) -> Iterator[LoadEvent]:
        """A page for every page, what is told of its picture before it, the files attached, then Loaded."""
        turns: Iterator[tuple[_Turn, frozenset[int]] | PictureEvent] = running_lines(self._turns())
        for found in turns:
            if isinstance(found, tuple):
                yield from self._page(*found)
            else:
                yield found
        if len(self._findings.unreadable) == self._total:
            raise DamagedSource(
                "None of the PDF's pages can be read.",
                hint="Open it in a PDF viewer, save it again and add the new file.",
            )
        if not self._position:
            raise self._no_text()
        yield from attached_files(self._document, self._findings.attached)
        if self._remembered:
            yield Remembered(pack(self._recipe, self._remembered))
        yield self._head(title)

    def _turns(self) -> Iterator[PlacedPage[_Turn] | PictureEvent]:
        for number in range(1, self._total + 1):
            label = clean(page_label(self._document, number - 1))[:40]
            turn = self._known_turn(number, label) or (yield from self._read_turn(number, label))
            self._findings.add(number, turn.facts.findings)
            if turn.facts.empty and number not in self._findings.unreadable[-1:]:
                self._findings.without_text.append(number)
            yield PlacedPage(number, label, turn.facts.outer, turn)

    def _known_turn(self, number: int, label: str) -> _Turn | None:
        """A page with the fingerprint of a former one, unless it has been read already."""
        alike = self._former.get(self._prints[number - 1], ()) if number not in self._pages.looked_at else ()
        if not alike:
            return None
        facts = alike[0].facts
        if facts.scan and not self._recognised.again(number, facts.scan):
            return None
        return _Turn(number, label, facts, None, alike)

    def _read_turn(self, number: int, label: str) -> Generator[PictureEvent, None, _Turn]:
        read = self._pages.read(number)
        if read is None:  # the page is told of in the notes; the others are read
            self._findings.unreadable.append(number)
            return _Turn(number, label, PageFacts(_A4, PageFindings(), (), empty=True), [], lasting=False)
        lines: Sequence[Line] = read.text.lines
        scan = None
        if read.scan:
            lines = yield from self._pages.recognised_lines(number, read, self._recognised)
            scan = self._recognised.last
        outer = tuple(outer_lines(lines, read.size[1]))
        facts = PageFacts(
            read.size, PageFindings.of(read.text, garbled=is_garbled(lines)), outer, empty=not lines, scan=scan
        )
        return _Turn(number, label, facts, list(lines), lasting=not read.scan or scan is not None)

    def _page(self, turn: _Turn, dropped: frozenset[int]) -> Iterator[PictureEvent | PageLoaded | PageKept]:
        self._findings.repeated_lines += len(dropped)
        context = self._pages.context(turn.number)
        for former in turn.alike:
            if former.dropped == dropped and former.context == context and self._vocabulary.agrees(former):
                if turn.facts.scan and turn.facts.scan.picture:
                    yield RecognisedPicture(turn.facts.scan.picture)
                self._vocabulary.add(former.words)
                separator, page = self._placed(turn, former)
                yield PageKept(former.number, separator, page, self._total)
                return
        lines = (yield from self._lines_after_all(turn.number)) if turn.lines is None else turn.lines
        lines = in_reading_order(without(lines, dropped))
        words = hyphenated_words(lines)
        self._vocabulary.add(words)
        headings = self._pages.headings(turn.number, lines)
        tables = find_tables(lines, {index for each in headings for index in range(each.first, each.last + 1)})
        start = self._position + len(self._separator(bool(lines)))
        composed = compose(lines, headings, tables, offset=start, vocabulary=self._vocabulary)
        heading = " ".join(line.text for line in lines[headings[0].first : headings[0].last + 1]) if headings else ""
        asked, found = self._vocabulary.asked, frozenset(words)
        length = len(composed.text)
        made = PageMemory(turn.number, turn.facts, context, dropped, found, asked, length, len(tables), heading)
        separator, page = self._placed(turn, made)
        page = replace(page, words=composed.words)
        yield PageLoaded(separator + composed.text, composed.blocks, page, self._total)

    def _placed(self, turn: _Turn, made: PageMemory) -> tuple[str, Page]:
        """What stands before a page and where it stands, its words left out; what is known of it is taken down."""
        if turn.lasting and self._prints[turn.number - 1] != NO_PRINT:
            self._remembered.append((self._prints[turn.number - 1], replace(made, number=turn.number)))
        self._findings.tables += made.tables
        if turn.number <= _TITLE_PAGES and not self._first_heading:
            self._first_heading = made.heading
        separator = self._separator(made.length > 0)
        start = self._position + len(separator)
        self._position = start + made.length
        label = turn.label if turn.label not in ("", str(turn.number)) else None
        return separator, Page(turn.number, Span(start, self._position), label, *turn.facts.size, ())

    def _separator(self, has_text: bool) -> str:
        return PAGE_SEPARATOR if has_text and self._position else ""

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

    def _lines_after_all(self, number: int) -> Generator[PictureEvent, None, Sequence[Line]]:
        """The lines of a page that is as it was, but becomes another text."""
        read = self._pages.read(number)
        if read is None:
            self._findings.unreadable.append(number)
            return []
        if not read.scan:
            return read.text.lines
        return (yield from self._pages.recognised_lines(number, read, RecognisedPages(self._recognised.known)))

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


def _iso_date(value: str) -> str | None:
    """The day in a PDF date ("D:20230204115901-00'00'", ISO 32000-1, 7.9.4), if it is one."""
    match = re.match(r"D:(\d{4})(?:(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])?)?", value)
    return "-".join(part for part in match.groups() if part) if match else None
