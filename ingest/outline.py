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
    TOP = 5
    """A heading of the document's highest level."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, a table row or a heading, with the headings its text stands under; a heading counts to its text."""

    span: Span
    path: tuple[str, ...]
    before: Break


@dataclass(frozen=True, slots=True)
class _Region:
    kind: BlockKind
    span: Span
    level: int


_WRAPPED = re.compile(r"\s+")
_MARKDOWN = re.compile(r"^#{1,6}\s+|\s+#+$|\s*\n\s*[=-]+\s*$")
_LINE = re.compile(r"\S(?:[^\n]*\S)?")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


def units(document: Document) -> list[Unit]:
    """All units of a document in order; together they hold every character that is not white space.

    Text that no block covers counts as paragraphs; blocks that overlap are cut at the end of the earlier one.
    """
    regions = list(_regions(document))
    top = min((region.level for region in regions if region.kind == "heading"), default=0)
    page_starts = [page.span.start for page in document.pages]
    open_headings: list[tuple[int, str]] = []
    path: tuple[str, ...] = ()
    found: list[Unit] = []
    after_heading = False
    end = 0
    for region in regions:
        if region.kind == "heading":
            open_headings = [entry for entry in open_headings if entry[0] < region.level]
            open_headings.append((region.level, heading_text(document.text[region.span.start : region.span.end])))
            path = tuple(text for _, text in open_headings if text)
        for span in _pieces(document, region):
            before = _break_before(
                document.text[end : span.start], region, first=span.start == region.span.start, top=top
            )
            if before < Break.PARAGRAPH and _page(page_starts, span.start) != _page(page_starts, end):
                before = Break.PARAGRAPH
            found.append(Unit(span, path, Break.NEVER if after_heading else before))
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
    """A heading as a person reads it: on one line, without Markdown's marks."""
    return _WRAPPED.sub(" ", _MARKDOWN.sub("", text.strip())).strip()


def page_at(pages: Sequence[Page], position: int) -> int | None:
    """Number of the page that holds `position`; None in a document without pages."""
    index = _page([page.span.start for page in pages], position)
    return pages[max(index, 0)].number if pages else None


def _page(starts: Sequence[int], position: int) -> int:
    return bisect_right(starts, position) - 1


def _break_before(gap: str, region: _Region, *, first: bool, top: int) -> Break:
    if region.kind == "heading":
        if not first:
            return Break.NEVER
        return Break.TOP if region.level == top else Break.HEADING
    if first or region.kind in ("table", "code") or _BLANK_LINE.search(gap):
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
        for match in _LINE.finditer(text):
            yield Span(start + match.start(), start + match.end())
    else:
        for span in sentences(text, document.language):
            yield Span(start + span.start, start + span.end)
