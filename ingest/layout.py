"""From lines on a page to running text: paragraphs by gaps, words joined across line ends, headings, blocks.

Pure functions over plain values; what reads a format is in loaders/.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import sub
from statistics import median

from rag.types import Block, BlockKind, Span, WordBox

PlacedWord = tuple[str, float, float, float, float]
"""A word and its box: text, x0, y0, x1, y1 in points, origin bottom left of the page as shown."""

PARAGRAPH_GAP = 1.3
"""A line step this many times the page's usual one starts a paragraph."""
SIZE_STEP = 1.15
"""Lines whose heights differ by this factor do not belong to one paragraph."""
_BULLET = re.compile(r"[•◦▪‣●○■□–*-]$|\(?(?:\d{1,3}|[a-zA-Z])[.)]$")
_SENTENCE_END = (".", "!", "?", ":", "”", "“", '"', ")")
_PUNCTUATION = "()[]{}.,;:!?…„“”\"'»«›‹"
_STANDS_APART = frozenset({"und", "oder", "bzw.", "sowie", "bis", "and", "or", "to"})
"""After a hyphen at a line's end these are words of their own ("Vor- und Nachteile")."""


@dataclass(slots=True)
class Line:
    """One line of a page, in reading order; never without words."""

    words: list[PlacedWord]
    hyphenated: bool = False
    """Its last word is cut at a hyphen (which `words` leaves out) and goes on in the next line."""
    bold: bool = False
    left: float = field(init=False)
    """Smallest x in points."""
    bottom: float = field(init=False)
    """Usual lower edge of its words in points."""
    height: float = field(init=False)
    """Usual height of its words in points: a stand-in for the font size that no text matrix distorts."""

    def __post_init__(self) -> None:
        middle = len(self.words) // 2
        _, lefts, bottoms, _, tops = zip(*self.words, strict=True)
        self.left = min(lefts)
        self.bottom = sorted(bottoms)[middle]
        self.height = sorted(map(sub, tops, bottoms))[middle]

    @property
    def text(self) -> str:
        """The words with single spaces between them."""
        return " ".join(word[0] for word in self.words)


@dataclass(frozen=True, slots=True)
class Heading:
    """Lines `first` to `last` (inclusive) of a page are a heading."""

    first: int
    last: int
    level: int


TableRow = list[tuple[int, list[Line]]]
"""Cells of a row that hold something: number of the column from 0, and the cell's lines."""


@dataclass(frozen=True, slots=True)
class Table:
    """Lines `first` to `last` (inclusive) of a page are a table; `headers` of its rows are its head."""

    first: int
    last: int
    rows: tuple[TableRow, ...]
    headers: int = 0


@dataclass(frozen=True, slots=True)
class Composed:
    """A page's text; spans of words and blocks are absolute."""

    text: str
    words: tuple[WordBox, ...]
    blocks: tuple[Block, ...]


@dataclass(slots=True)
class _Piece:
    """A run of lines that become one block."""

    kind: BlockKind
    level: int = 0
    lines: list[Line] = field(default_factory=list)
    rows: Sequence[TableRow] = ()
    """Of a table, in place of lines."""


class _Writer:
    """Puts words after each other and keeps where they are."""

    def __init__(self, offset: int, vocabulary: Container[str]) -> None:
        self.parts: list[str] = []
        self.words: list[WordBox] = []
        self.position = offset
        self._vocabulary = vocabulary

    def write(self, text: str) -> None:
        """Put down what is not on the page."""
        self.parts.append(text)
        self.position += len(text)

    def lines(self, lines: Sequence[Line], joint: str) -> None:
        """Put down lines with `joint` between them, or with what a cut word asks for."""
        parts, words, position = self.parts, self.words, self.position
        separator = ""
        for index, line in enumerate(lines):
            for text, x0, y0, x1, y1 in line.words:
                start = position + len(separator)
                position = start + len(text)
                words.append(WordBox(start, position, x0, y0, x1, y1))
                parts += (separator, text)
                separator = " "
            separator = joint
            if line.hyphenated:
                following = lines[index + 1].words[0][0] if index + 1 < len(lines) else ""
                separator = hyphen(line.words[-1][0], following, self._vocabulary)
                if not following:
                    parts.append("-")
                    position += 1
        self.position = position

    def rows(self, rows: Sequence[TableRow]) -> None:
        """Put down a table: one row a line, " | " between cells."""
        for number, row in enumerate(rows):
            if number:
                self.write("\n")
            column = 0
            for place, lines in row:
                bars = "| " * (place - column)
                self.write(f" {bars}" if bars and lines is not row[0][1] else bars)
                self.lines(lines, " ")
                column = place


def compose(
    lines: Sequence[Line],
    headings: Sequence[Heading],
    tables: Sequence[Table] = (),
    *,
    offset: int,
    vocabulary: Container[str],
) -> Composed:
    """Join lines to text: "\\n" within a block, a blank line between blocks.

    Args:
        lines: in reading order.
        headings: ordered and disjoint.
        tables: the same, and disjoint from the headings.
        offset: where the text will stand in the document.
        vocabulary: hyphenated words seen elsewhere in the document; they keep their hyphen at a line's end.
    """
    writer = _Writer(offset, vocabulary)
    blocks: list[Block] = []
    for piece in _pieces(lines, headings, tables):
        if blocks:
            writer.write("\n\n")
        start = writer.position
        if piece.rows:
            writer.rows(piece.rows)
        else:
            writer.lines(piece.lines, "\n")
        blocks.append(Block(piece.kind, Span(start, writer.position), piece.level))
    return Composed("".join(writer.parts), tuple(writer.words), tuple(blocks))


def hyphen(before: str, after: str, vocabulary: Container[str]) -> str:
    """What stands between the two halves of a word cut at a line's end: "", "-" or "- ".

    A hyphen that was there before the line was broken stays: before a capital, a digit or a word of its own, after
    one, and in words that the document also writes with a hyphen elsewhere.
    """
    if after in _STANDS_APART:
        return "- "
    whole = f"{before}-{after}".strip(_PUNCTUATION).casefold()
    if not before[-1:].islower() or not after[:1].islower() or whole in vocabulary:
        return "-"
    return ""


def hyphenated_words(lines: Sequence[Line]) -> set[str]:
    """Words written with a hyphen in the middle of a line, for `vocabulary`."""
    return {word[0].strip(_PUNCTUATION).casefold() for line in lines for word in line.words if "-" in word[0]}


def _pieces(lines: Sequence[Line], headings: Sequence[Heading], tables: Sequence[Table]) -> Iterator[_Piece]:
    step = usual_step(lines)
    levels = {index: heading for heading in headings for index in range(heading.first, heading.last + 1)}
    rows = {index: table for table in tables for index in range(table.first, table.last + 1)}
    piece: _Piece | None = None
    for index, line in enumerate(lines):
        if table := rows.get(index):
            if index == table.first:
                if piece:
                    yield piece
                yield _Piece("table", table.headers, rows=table.rows)
            piece = None
            continue
        heading = levels.get(index)
        bulleted = bool(len(line.words) > 1 and _BULLET.match(line.words[0][0]))
        if piece is None or _starts_block(lines, index, levels, step) or (bulleted and piece.kind == "paragraph"):
            if piece:
                yield piece
            kind: BlockKind = "heading" if heading else "list" if bulleted else "paragraph"
            piece = _Piece(kind, heading.level if heading else 0)
        piece.lines.append(line)
    if piece:
        yield piece


def _starts_block(lines: Sequence[Line], index: int, levels: dict[int, Heading], step: float) -> bool:
    previous, line = lines[index - 1], lines[index]
    before, here = levels.get(index - 1), levels.get(index)
    if before or here:
        return before is not here
    if previous.hyphenated:
        return False
    down = previous.bottom - line.bottom
    if down > PARAGRAPH_GAP * step + 1.0:
        return True
    if down < 0.7 * step:  # beside the last line, or a new column: the sentence may go on
        return False
    heights = sorted((previous.height, line.height, 1.0))[1:]
    return heights[1] > SIZE_STEP * heights[0] or _indented(lines, index)


def _indented(lines: Sequence[Line], index: int) -> bool:
    """A first line set in, as books do it instead of a gap: the lines around it begin further left."""
    previous, line = lines[index - 1], lines[index]
    if index + 1 == len(lines) or not previous.words[-1][0].endswith(_SENTENCE_END):
        return False
    inset, height = line.left - previous.left, line.height
    return 0.5 * height < inset < 4 * height and line.left - lines[index + 1].left > 0.4 * height


def usual_step(lines: Sequence[Line]) -> float:
    """The usual distance from one line to the next in points; the line height where there is none."""
    steps = [
        step
        for above, below in pairwise(lines)
        if 0.5 * below.height < (step := above.bottom - below.bottom) < 3 * max(below.height, 1.0)
    ]
    if steps:
        return median(steps)
    return lines[0].height if lines else 0.0


def text_blocks(text: str, *, offset: int = 0) -> tuple[Block, ...]:
    """Blocks of plain text: blank lines end them; those whose first line begins with a bullet are lists."""
    blocks = []
    for match in re.finditer(r"(?m)^[^\S\n]*\S[^\n]*(?:\n[^\S\n]*\S[^\n]*)*", text):
        first = match.group().split(maxsplit=1)
        kind: BlockKind = "list" if len(first) > 1 and _BULLET.match(first[0]) else "paragraph"
        blocks.append(Block(kind, Span(offset + match.start(), offset + match.end())))
    return tuple(blocks)
