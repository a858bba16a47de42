"""Rows of cells as text with tables and places: what spreadsheets and separated values have in common."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.loaders.table_header import LOOK, header_rows
from ingest.protocols import PageLoaded
from rag.types import CELL_BORDER, Block, Place, Span

_ROWS_A_PIECE = 4000
_CHARACTERS_A_PIECE = 2**20
_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")


def cell_text(text: str) -> str:
    """A cell's text on one line, as it can be stored."""
    return _UNSTORABLE.sub("", " ".join(text.split()))


@dataclass(slots=True)
class _Table:
    """The table that is being written."""

    start: int
    level: int
    first_column: int
    width: int
    last_row: int
    place_start: int
    place_number: int


class RowWriter:
    """Writes rows in their order as text, in pieces of some thousand rows, so that memory does not grow with the file.

    A row that is empty parts two tables, unless what follows goes on as before: as wide, and without a header.
    """

    def __init__(self) -> None:
        self.tables = 0
        """Tables that are complete."""
        self._name = ""
        self._parts: list[str] = []
        self._length = self._flushed = self._rows = self._pieces = 0
        self._blocks: list[Block] = []
        self._places: list[Place] = []
        self._waiting: list[tuple[int, Sequence[str]]] = []
        """The first rows of a run, until enough are there to find the header."""
        self._table: _Table | None = None
        self._last = 0
        """Number of the last row that was written, waits or is hidden; 0 before the first of a sheet."""
        self._running = False
        """The run's header is found: its rows need not wait."""

    def sheet(self, name: str) -> None:
        """Begin a sheet, with its name as heading."""
        self._end_run()
        self._close()
        self._last, self._name = 0, cell_text(name)
        start = self._part()
        self._write(self._name)
        if self._length > start:
            self._blocks.append(Block("heading", Span(start, self._length), 1))

    def row(self, number: int, cells: Sequence[str]) -> None:
        """Add the row that the spreadsheet program shows under `number`, its cells as `cell_text` gives them."""
        if not any(cells):
            return
        if number != self._last + 1:
            self._end_run()
        self._last = number
        if self._running:
            self._line(number, cells)
            return
        self._waiting.append((number, cells))
        if len(self._waiting) >= LOOK:
            self._begin_run()

    def hidden(self, number: int) -> None:
        """A row that is not shown: it is left out, and does not part what stands above and below it."""
        if number == self._last + 1:
            self._last = number

    def full(self) -> PageLoaded | None:
        """The next piece, as soon as there is enough for one."""
        if self._rows < _ROWS_A_PIECE and self._length - self._flushed < _CHARACTERS_A_PIECE:
            return None
        return self._piece(more=1)

    def rest(self) -> PageLoaded:
        """The last piece."""
        self._end_run()
        self._close()
        return self._piece(more=0)

    @property
    def empty(self) -> bool:
        """Whether nothing has been written at all."""
        return not self._length and not self._waiting

    def _piece(self, *, more: int) -> PageLoaded:
        self._pieces += 1
        piece = PageLoaded(
            "".join(self._parts), tuple(self._blocks), total=self._pieces + more, places=tuple(self._places)
        )
        self._parts, self._blocks, self._places = [], [], []
        self._flushed, self._rows = self._length, 0
        return piece

    def _begin_run(self) -> None:
        """Find the header of the rows that wait and write them, as a table or as the rest of the last one."""
        waiting, self._waiting = self._waiting, []
        level = header_rows([cells for _, cells in waiting])
        first = min(_first_column(cells) for _, cells in waiting)
        width = max(_width(cells) for _, cells in waiting)
        table = self._table
        number = waiting[0][0]
        if not (
            table
            and table.level > level == 0
            and number == table.last_row + 2
            and (first, width) == (table.first_column, table.width)
        ):
            self._close()
            start = self._part()
            self._table = _Table(start, level, first, width, number - 1, start, number)
        for row_number, cells in waiting:
            self._line(row_number, cells)
        self._running = True

    def _end_run(self) -> None:
        if self._waiting:
            self._begin_run()
        self._running = False

    def _line(self, number: int, cells: Sequence[str]) -> None:
        table = self._table
        if table is None:
            return
        if self._length > table.start:
            if number != table.last_row + 1:
                self._place(table)
            self._write("\n")
            if number != table.last_row + 1:
                table.place_start, table.place_number = self._length, number
        self._write(CELL_BORDER.join(cells[min(table.first_column, _first_column(cells)) : _width(cells)]))
        table.last_row = number
        self._rows += 1

    def _close(self) -> None:
        table, self._table = self._table, None
        if table:
            self._blocks.append(Block("table", Span(table.start, self._length), table.level))
            self._place(table)
            self.tables += 1

    def _place(self, table: _Table) -> None:
        self._places.append(Place("rows", Span(table.place_start, self._length), self._name, table.place_number))

    def _part(self) -> int:
        """Leave a blank line after what is there; where the next part begins."""
        if self._length:
            self._write("\n\n")
        return self._length

    def _write(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


def _first_column(cells: Sequence[str]) -> int:
    return next(column for column, cell in enumerate(cells) if cell)


def _width(cells: Sequence[str]) -> int:
    return next(column for column in range(len(cells), 0, -1) if cells[column - 1])
