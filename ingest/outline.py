"""From blocks to units: the pieces that a splitter may keep together or part, and how they hang together."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from rag.sentences import sentences
from rag.types import Block, BlockKind, Document, Page, Span


class Break(IntEnum):
    """How strongly the text itself parts before a unit."""

    NEVER = 0
    """Directly after a heading: it belongs to what follows."""
    WORD = 1
    """Inside a sentence that is longer than the window."""
    SENTENCE = 2
    PARAGRAPH = 3
    """Also a new page, list item or row of a table."""
    HEADING = 4
    """Also a new slide, table of a sheet, chapter or message."""
    TOP = 5
    """A heading of the document's highest level."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, a table row or a heading, with the headings its text stands under; a heading counts to its text."""

    span: Span
    path: tuple[str, ...]
    before: Break
    table: int = 0
    """Which table of the document the row is in, from 1; 0 for all that is no row."""
    header: str = ""
    """The header rows of that table, one a line; "" for all but the rows below them."""


@dataclass(frozen=True, slots=True)
class _Region:
    kind: BlockKind
    span: Span
    level: int


_WRAPPED = re.compile(r"\s+")
_LEAD = re.compile(r"^(?:[^\S\n]*(?:#(?!#+\s)|//|/\*|\*|@|--|;|\[[^\n]*\](?=\n))[^\n]*\n)+(?=[^\n]*\w)")
"""Comments and decorators above a definition."""
_MARKS = re.compile(r"^(?:#{1,6}|={1,6}|\*+)\s+|\s+[#=]+$|^([^\w\s])\1+\s*\n|\s*\n\s*(?:[=-]+|([^\w\s])\2+)\s*$|\s*\{$")
"""Before, behind, above and below a heading in Markdown, reStructuredText, AsciiDoc and Org; behind a definition."""
_LINE = re.compile(r"\S(?:[^\n]*\S)?")
_CODE = re.compile(r"\S(?:[^\n]{0,198}(?:(?=\n)|\Z|[,;>})\] \t])|[^\n]{0,199})")
"""A line of code, or a part of a longer one that ends where something ends."""
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_DELIMITER = re.compile(r"[|:\s-]*-[|:\s-]*")
"""The line of a Markdown table that parts its header from its rows."""


def units(document: Document) -> list[Unit]:
    """All units of a document in order; together they hold every character that is not white space.

    Text that no block covers counts as paragraphs; blocks that overlap are cut at the end of the earlier one.
    """
    regions = list(_regions(document))
    joints = _Joints(document, top=min((region.level for region in regions if region.kind == "heading"), default=0))
    open_headings: list[tuple[int, str]] = []
    path: tuple[str, ...] = ()
    found: list[Unit] = []
    after_heading = False
    end = tables = 0
    for region in regions:
        if region.kind == "heading":
            open_headings = [entry for entry in open_headings if entry[0] < region.level]
            open_headings.append((region.level, heading_text(document.text[region.span.start : region.span.end])))
            path = tuple(text for _, text in open_headings if text)
        tables += region.kind == "table"
        header = ""
        for number, span in enumerate(_pieces(document, region)):
            if region.kind == "table" and number == region.level > 0:
                header = _header(document.text[region.span.start : end])
            before = Break.NEVER if after_heading else joints.before(span, region, number=number, end=end)
            found.append(Unit(span, path, before, tables if region.kind == "table" else 0, header))
            after_heading = region.kind == "heading"
            end = span.end
    for index in range(len(found) - 2, -1, -1):
        if found[index + 1].before == Break.NEVER:
            found[index] = replace(found[index], path=found[index + 1].path)
    return found


def headings_at(document: Document, position: int) -> tuple[str, ...]:
    """The headings that the text at `position` stands under, the outermost first; a heading counts to its text."""
    open_headings: list[tuple[int, str]] = []
    for block in document.blocks:
        if block.span.start > position:
            break
        if block.kind == "heading":
            open_headings = [entry for entry in open_headings if entry[0] < block.level]
            open_headings.append((block.level, heading_text(document.text[block.span.start : block.span.end])))
    return tuple(text for _, text in open_headings if text)


def heading_text(text: str) -> str:
    """A heading as a person reads it: on one line, without the marks of markup; of a definition, its first line."""
    return _WRAPPED.sub(" ", _MARKS.sub("", _LEAD.sub("", text.strip(), count=1).strip())).strip()


def page_at(pages: Sequence[Page], position: int) -> int | None:
    """Number of the page that holds `position`; None in a document without pages."""
    index = bisect_right(pages, position, key=lambda page: page.span.start) - 1
    return pages[max(index, 0)].number if pages else None


def _index(starts: Sequence[int], position: int) -> int:
    return bisect_right(starts, position) - 1


def _header(text: str) -> str:
    return "\n".join(line.strip() for line in text.split("\n") if line.strip() and not _DELIMITER.fullmatch(line))


class _Joints:
    """How strongly a document parts at each place where one piece ends and the next begins."""

    def __init__(self, document: Document, *, top: int) -> None:
        self._text = document.text
        self._top = top
        self._pages = [page.span.start for page in document.pages]
        self._places = [place.span.start for place in document.places]

    def before(self, span: Span, region: _Region, *, number: int, end: int) -> Break:
        """What parts a region's piece `number` (from 0) from the text before it, which ends at `end`."""
        if region.kind == "heading":
            return Break.TOP if region.level == self._top else Break.HEADING
        if region.kind == "table" and 0 < number <= region.level:
            return Break.NEVER
        inside = region.kind == "table" and number > 0  # rows that are hidden part places, but not the table
        if not inside and _index(self._places, span.start) != _index(self._places, end):
            return Break.HEADING
        if (
            number == 0
            or region.kind == "table"
            or _BLANK_LINE.search(self._text, end, span.start)
            or _index(self._pages, span.start) != _index(self._pages, end)
        ):
            return Break.PARAGRAPH
        return Break.SENTENCE


def _regions(document: Document) -> Iterator[_Region]:
    """Blocks and the gaps between them, in order, without overlap, trimmed of white space, never empty."""
    end = 0
    blocks: list[Block] = sorted(document.blocks, key=lambda block: (block.span.start, -block.span.end))
    for block in blocks:
        if block.span.end <= end:
            continue
        yield from _trimmed(document.text, Block("paragraph", Span(end, block.span.start)))
        yield from _trimmed(
            document.text, Block(block.kind, Span(max(end, block.span.start), block.span.end), block.level)
        )
        end = block.span.end
    yield from _trimmed(document.text, Block("paragraph", Span(end, len(document.text))))


def _trimmed(text: str, block: Block) -> Iterator[_Region]:
    piece = text[block.span.start : block.span.end]
    if piece and not piece.isspace():
        start = block.span.start + len(piece) - len(piece.lstrip())
        yield _Region(block.kind, Span(start, start + len(piece.strip())), block.level)


def _pieces(document: Document, region: _Region) -> Iterator[Span]:
    start = region.span.start
    text = document.text[start : region.span.end]
    if region.kind == "heading":
        yield region.span
    elif region.kind in ("table", "code"):
        for match in (_LINE if region.kind == "table" else _CODE).finditer(text):
            yield Span(start + match.start(), start + match.start() + len(match.group().rstrip()))
    else:
        for span in sentences(text, document.language):
            yield Span(start + span.start, start + span.end)
