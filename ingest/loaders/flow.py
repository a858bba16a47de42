"""The text of a document that flows: paragraphs, lists, tables and notes as a reader meets them, made into blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ingest.protocols import PageLoaded
from rag.errors import NoText, TooLarge
from rag.types import CELL_BORDER, HIDDEN_SAMPLE, Block, BlockKind, Place, PlaceKind, Report, Span

MOST = 1_000_000
"""Paragraphs, rows and cells in one document. 10,000 full pages have about 100,000."""
LONGEST_HEADING = 250
"""Characters; what is styled as a heading and longer is a paragraph that was given its numbering by that style."""
BULLET = "- "
_HEADING_LEVELS = 6
_REPEATED = 200
"""Characters of a cell merged with those below that each of their rows repeats, so that a row alone can be understood;
a longer one stands in its first row only."""
_MOST_COLUMNS = 64
"""Columns that one cell may span: Word's own limit is 63."""
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff\u00ad]")
_FIGURE = re.compile(r"[\d.,\s%€$£()+-]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """One block before it has its place in the text."""

    kind: BlockKind
    text: str
    level: int = 0


@dataclass(slots=True)
class _Cell:
    pieces: list[Piece] = field(default_factory=list)
    columns: int = 1
    continues: bool = False

    @property
    def text(self) -> str:
        return " ".join(piece.text.replace("\n", " ") for piece in self.pieces)


@dataclass(slots=True)
class _Row:
    header: bool
    cells: list[_Cell] = field(default_factory=list)


@dataclass(slots=True)
class _Table:
    rows: list[_Row] = field(default_factory=list)


def tidy(text: str) -> str:
    """Storable text without blank lines: white space runs become one space, line ends stay."""
    lines = (" ".join(line.split()) for line in _UNSTORABLE.sub("", text).split("\n"))
    return "\n".join(line for line in lines if line)


class Flow:
    """Takes what a document holds in the order in which it holds it, and gives the document's text and blocks."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0
        self._tables: list[_Table] = []
        self._cells: list[tuple[_Table | None, _Cell]] = []
        self._notes: list[str] = []
        self._places: list[tuple[Place, int]] = []
        """Each with the number of its first block; the span is known at the end."""
        self._taken = 0
        self.tables = 0
        """How many tables there are so far."""
        self.hidden_characters = 0
        self.hidden_sample = ""

    # --- what a document holds -------------------------------------------------------------------

    def paragraph(self, text: str) -> None:
        """A paragraph; one without text is left out, as in all that follows."""
        self._paragraph("paragraph", tidy(text))

    def heading(self, text: str, level: int) -> None:
        """A heading, levels from 1; those past 6 count as 6."""
        line = tidy(text).replace("\n", " ")
        if len(line) > LONGEST_HEADING:
            self._paragraph("paragraph", line)
        else:
            self._paragraph("heading", line, max(1, min(level, _HEADING_LEVELS)))

    def item(self, text: str, depth: int = 0) -> None:
        """An item of a list, `depth` levels down; items that follow one another are one list."""
        line = tidy(text).replace("\n", " ")
        if line:
            self._paragraph("list", "  " * max(0, min(depth, 8)) + BULLET + line)

    def note(self, text: str) -> None:
        """A footnote, endnote or comment: stands after the paragraph, item or table that is being read."""
        if line := tidy(text).replace("\n", " "):
            self._notes.append(line)

    def hide(self, text: str) -> None:
        """Text that a person does not see."""
        text = " ".join(_UNSTORABLE.sub("", text).split())
        self.hidden_characters += len(text)
        if text and len(self.hidden_sample) < HIDDEN_SAMPLE:
            self.hidden_sample = f"{self.hidden_sample} {text}".strip()[:HIDDEN_SAMPLE]

    def mark_notes(self, text: str) -> None:
        """What a speaker notes down for a slide, marked as such."""
        if line := tidy(text):
            self.paragraph(f"Notes: {line}")

    def begin_table(self) -> None:
        """A table begins; it may stand in a cell of another."""
        self._tables.append(_Table())

    def begin_row(self, *, header: bool = False) -> None:
        """The next row; `header` rows count as such as long as only such rows came before."""
        self._count()
        if self._tables:
            self._tables[-1].rows.append(_Row(header))

    def row(self, cells: Iterable[str], *, header: bool = False) -> None:
        """The next row as a whole, its cells as text."""
        self.begin_row(header=header)
        for cell in cells:
            self.begin_cell()
            self.paragraph(cell)
            self.end_cell()

    def mark_row(self, *, header: bool) -> None:
        """Say only now what the row that is being read is."""
        if self._tables and self._tables[-1].rows:
            self._tables[-1].rows[-1].header = header

    def drop_row(self) -> None:
        """The row that is being read does not count after all."""
        if self._tables and self._tables[-1].rows:
            self._tables[-1].rows.pop()

    def begin_cell(self) -> None:
        """The next cell; paragraphs go into it up to its end."""
        self._count()
        self._cells.append((self._tables[-1] if self._tables else None, _Cell()))

    def end_cell(self, *, columns: int = 1, continues: bool = False) -> None:
        """The cell ends; it spans some columns, or continues the cell above."""
        if not self._cells:
            return
        table, cell = self._cells.pop()
        cell.columns, cell.continues = max(1, min(columns, _MOST_COLUMNS)), continues
        if table is not None and table.rows:
            table.rows[-1].cells.append(cell)
        else:
            self._add(cell.pieces)

    def end_table(self, *, headed: bool = False) -> None:
        """The table ends; `headed` says that its first row is set off from the others."""
        if self._tables:
            self._add(list(self._written(self._tables.pop(), headed=headed)))
            self._add_notes()

    # --- what comes of it ------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._texts)

    def begin_place(self, kind: PlaceKind, name: str, number: int) -> None:
        """A slide or the like begins; it reaches up to the next one."""
        self._add_notes()
        self._places.append((Place(kind, Span(0, 0), name, number), len(self._blocks)))

    def absorb(self, other: Flow) -> None:
        """All that another flow has taken, as if it had been said here."""
        other._add_notes()
        text = other.text
        self._add([Piece(block.kind, text[block.span.start : block.span.end], block.level) for block in other._blocks])
        self._taken += other._taken
        self._count()
        self.tables += other.tables
        self.absorb_hidden(other)

    def absorb_hidden(self, other: Flow) -> None:
        """What another flow has left out, and nothing else of it."""
        if other.hidden_characters:
            self.hide(other.hidden_sample)
            self.hidden_characters += other.hidden_characters - len(other.hidden_sample)

    def loaded(self) -> PageLoaded:
        """The whole as one piece, its place counted in paragraphs where no other places were begun.

        Raises:
            NoText: there is none, or none that a person sees.
        """
        self._add_notes()
        text = self.text
        if not text:
            raise NoText(
                "All of its text is hidden." if self.hidden_characters else "It holds no text.",
                hint="If its pages are pictures, save it as PDF, make its text readable (OCR) and add that.",
            )
        places = tuple(self._placed()) if self._places else (Place("paragraphs", Span(0, len(text))),)
        return PageLoaded(text, tuple(self._blocks), places=places)

    def report(self, *, skipped: Sequence[str] = (), warnings: Sequence[str] = ()) -> Report:
        """What was met and what was left out."""
        return Report(
            tables=self.tables,
            hidden_characters=self.hidden_characters,
            hidden_sample=self.hidden_sample,
            skipped=tuple(skipped),
            warnings=tuple(warnings),
        )

    def _placed(self) -> Iterator[Place]:
        ends = [first for _, first in self._places[1:]] + [len(self._blocks)]
        for (place, first), end in zip(self._places, ends, strict=True):
            if end > first:
                span = Span(self._blocks[first].span.start, self._blocks[end - 1].span.end)
                yield replace(place, span=span)

    def _paragraph(self, kind: BlockKind, text: str, level: int = 0) -> None:
        self._count()
        if text:
            self._add([Piece(kind, text, level)])
        if not self._tables:
            self._add_notes()

    def _count(self) -> None:
        self._taken += 1
        if self._taken > MOST:
            raise TooLarge(
                f"It has more than {MOST:,} paragraphs and cells.",
                hint="Split the document into smaller files and add those.",
            )

    def _add_notes(self) -> None:
        notes, self._notes = self._notes, []
        self._add([Piece("paragraph", note) for note in notes])

    def _add(self, pieces: Sequence[Piece]) -> None:
        if self._cells:
            self._cells[-1][1].pieces.extend(pieces)
            return
        for piece in pieces:
            self._write(piece)

    def _write(self, piece: Piece) -> None:
        last = self._blocks[-1] if self._blocks else None
        begun = self._places[-1][1] if self._places else 0
        same_list = last is not None and last.kind == piece.kind == "list" and len(self._blocks) > begun
        separator = "" if last is None else "\n" if same_list else "\n\n"
        start = self._length + len(separator)
        self._length = start + len(piece.text)
        self._texts += (separator, piece.text) if separator else (piece.text,)
        if same_list and last is not None:
            self._blocks[-1] = Block("list", Span(last.span.start, self._length))
        else:
            self._blocks.append(Block(piece.kind, Span(start, self._length), piece.level))

    def _written(self, table: _Table, *, headed: bool) -> Iterator[Piece]:
        """A table as one block; one that only arranges larger things (a box, columns) as what it holds."""
        cells = [cell for row in table.rows for cell in row.cells]
        larger = any(piece.kind in ("heading", "table") for cell in cells for piece in cell.pieces)
        if larger or max((len(row.cells) for row in table.rows), default=0) < 2:
            for cell in cells:
                yield from cell.pieces
            return
        lines = list(_lines(table.rows))
        if any(lines):
            self.tables += 1
            headers = _headers(table.rows, lines, headed=headed)
            yield Piece("table", "\n".join(line for line in lines if line), headers)


def _lines(rows: Sequence[_Row]) -> Iterator[str]:
    """A line for each row, "" for one without text."""
    above: dict[int, str] = {}
    for row in rows:
        texts: list[str] = []
        for cell in row.cells:
            column = len(texts)
            if not cell.continues:
                above[column] = cell.text
            text = above.get(column, "")
            texts.append(text if not cell.continues or len(text) <= _REPEATED else "")
            texts += [""] * (cell.columns - 1)
        own = any(cell.pieces for cell in row.cells if not cell.continues)
        yield CELL_BORDER.join(texts).rstrip() if own else ""


def _headers(rows: Sequence[_Row], lines: Sequence[str], *, headed: bool) -> int:
    """How many rows of text are the header: those marked, else a first row that is set off and reads like one."""
    kept = [row for row, line in zip(rows, lines, strict=True) if line]
    marked = next((number for number, row in enumerate(kept) if not row.header), len(kept))
    if not marked and headed and all(cell.text and not _FIGURE.fullmatch(cell.text) for cell in kept[0].cells):
        marked = 1
    return min(marked, len(kept) - 1)
