"""Tables on a page, told by their looks: rows of short cells that stand below each other with white space between.

Cells are parted where white space runs down through most rows. What is not plainly a table stays a paragraph: prose,
lines of code, a few words that happen to be aligned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean, median, pstdev

from ingest.columns import CELL_GAP, Interval, gutters, overlaps, pieces, span_of, wide_gaps
from ingest.layout import Line, Table, TableRow

_FEWEST_ROWS = 3
"""With more than one cell."""
_BETWEEN = 3
"""Lines of one cell that may stand between two rows: labels, cells of several lines."""
_BESIDE = 3.0
"""Line heights to a line that still belongs to the last row."""
_STEP = 3.5
"""Line heights from one line of a table to the next, at most."""
_CROSSING = 0.2
"""Of the rows, so many may cross the space between two columns: heads that span columns do."""
_NARROW = 0.4
"""Line heights between two columns, at least."""
_LONGEST_CELL = 8
"""Words of a usual cell, at most, in all columns but one: more is prose."""
_LONGEST_LABEL = 14
"""Words of a line of one cell, at most."""
_SENTENCE = 5
"""Words, at least."""
_WRAP = 1.6
"""Line heights from one line of a cell to the next."""
_TALLEST = 6.0
"""Line heights from a row to the first line of a cell that belongs to it."""
_EVEN = 0.03
"""Widths of characters that vary less, relative to their mean, are a typewriter's: code."""
_MOST_HEADERS = 3
_OPENING, _CLOSING = frozenset(("$", "€", "£", "¥", "(", "($")), frozenset(("%", ")", ")%", "%)"))
"""Words that belong to the number on their right or left, whatever the space between."""
_LEADERS = frozenset((".", "..", "...", "…", "·"))


@dataclass(slots=True)
class _Run:
    """Lines of a page, one after the other, that may be a table."""

    first: int
    lines: list[Line]
    parts: list[list[Line]] = field(default_factory=list)
    """The pieces of each line between wide gaps."""


def find_tables(lines: Sequence[Line], taken: Collection[int]) -> list[Table]:
    """Tables in the lines of a page, in order.

    Args:
        lines: in reading order.
        taken: lines that are something else (headings).
    """
    return [table for run in _runs(lines, taken) if (table := _table(run))]


def _runs(lines: Sequence[Line], taken: Collection[int]) -> Iterator[_Run]:
    """From the first line of several cells to the last one near it."""
    parts = [[line] if index in taken else _cells(line) for index, line in enumerate(lines)]
    start = 0
    while start < len(lines):
        if len(parts[start]) == 1:
            start += 1
            continue
        end = _end(lines, parts, start, taken)
        if sum(1 for pieces in parts[start:end] if len(pieces) > 1) >= _FEWEST_ROWS:
            yield _Run(start, list(lines[start:end]), parts[start:end])
        start = end


def _end(lines: Sequence[Line], parts: Sequence[Sequence[Line]], start: int, taken: Collection[int]) -> int:
    """Where a run ends: after its last line of several cells, and what goes on in columns past the first."""
    edge = lines[start].left + 2 * lines[start].height
    end, between, lowest = start + 1, 0, lines[start].bottom
    for index in range(start + 1, len(lines)):
        line = lines[index]
        if index in taken or _far(lines[index - 1], line):
            break
        if len(parts[index]) > 1:
            end, between, lowest = index + 1, 0, line.bottom
            continue
        if _is_prose(line, lines[start]):
            break
        if line.left > edge and end == index and abs(lines[index - 1].bottom - line.bottom) < _BESIDE * line.height:
            end = index + 1
        elif line.bottom < lowest - 1:  # else it stands beside another
            between, lowest = between + 1, line.bottom
            if between > _BETWEEN:
                break
    return end


def _is_prose(line: Line, top: Line) -> bool:
    """A line too long for a label, or a sentence that begins where the table does."""
    count = len(line.words)
    sentence = count >= _SENTENCE and line.words[-1][0].endswith(".") and line.left <= top.left + 1
    return count > _LONGEST_LABEL or sentence


def _cells(line: Line) -> list[Line]:
    """The line's pieces between wide gaps; a line of dots leads to a page number and is one."""
    if sum(1 for word in line.words if word[0] in _LEADERS) >= _FEWEST_ROWS:
        return [line]
    return pieces(line, _starts(line, CELL_GAP * line.height))


def _starts(line: Line, width: float) -> list[int]:
    """Words before which there is so much space; marks stay with their numbers."""
    words = line.words
    found: set[int] = set()
    for index in wide_gaps(words, width):
        if words[index - 1][0] in _OPENING:
            found.add(index - 1)
        else:
            found.add(index + 1 if words[index][0] in _CLOSING else index)
    return sorted(found - {0, len(words)})


def _far(above: Line, below: Line) -> bool:
    return abs(above.bottom - below.bottom) > _STEP * max(above.height, below.height) + 1.0


def _table(run: _Run) -> Table | None:
    columns = _columns(run)
    if len(columns) < 2 or _typewritten(run.lines):
        return None
    rows = _closed_up(_rows(run, columns))
    if not _is_tabular(rows):
        return None
    return Table(run.first, run.first + len(run.lines) - 1, tuple(rows), _header_rows(rows))


def _is_tabular(rows: Sequence[TableRow]) -> bool:
    """Whether cells stand in most places and hold words or numbers, few of them long: else it is prose or a formula."""
    full = [row for row in rows if len(row) > 1]
    if len(full) < _FEWEST_ROWS or 2 * len(full) < len(rows):
        return False
    columns: dict[int, list[str]] = {}
    for place, cell in (entry for row in full for entry in row):
        columns.setdefault(place, []).append(" ".join(line.text for line in cell))
    cells = [text for texts in columns.values() for text in texts]
    telling = sum(1 for text in cells if sum(map(str.isalnum, text)) > 1)
    prose = sum(1 for texts in columns.values() if fmean(len(text.split()) for text in texts) > _LONGEST_CELL)
    return 2 * telling > len(cells) > len(full) * len(columns) / 2 and prose < 2


def _columns(run: _Run) -> list[Interval]:
    """From left to right."""
    height = median(line.height for line in run.lines)
    edge = run.lines[0].left + height
    rows = [parts for parts in run.parts if len(parts) > 1]
    spans = [span for parts in rows for part in parts for span in _joined(part, _NARROW * height)]
    beside = [part for (part, *more) in run.parts if not more and part.left > edge]
    spans += [span_of(part) for part in beside if len(part.words) <= _LONGEST_CELL]
    spaces = gutters(spans, crossing=_CROSSING * len(rows) / max(len(spans), 1), width=_NARROW * height)
    edges = [min(left for left, _ in spans), *(edge for space in spaces for edge in space), max(r for _, r in spans)]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _joined(part: Line, width: float) -> Iterator[Interval]:
    """The words of a piece, those with an ordinary space between them as one."""
    for start, end in pairwise([0, *_starts(part, width), len(part.words)]):
        yield part.words[start][1], part.words[end - 1][3]


def _rows(run: _Run, columns: Sequence[Interval]) -> list[TableRow]:
    """A line of several cells begins a row, and so does one in the first column; others go on in a cell of it."""
    rows: list[TableRow] = []
    for line, parts in zip(run.lines, run.parts, strict=True):
        cells: TableRow = []
        for part in parts:
            for place, piece in _placed(part, columns):
                if cells and cells[-1][0] >= place:
                    cells[-1][1].append(piece)
                else:
                    cells.append((place, [piece]))
        if len(cells) > 1:
            rows.append(cells)
        elif sum(1 for column in columns if overlaps(span_of(line), column)) > 1:
            rows.append([(0, [line])])  # a label across columns
        elif rows and _goes_on(rows[-1], cells[0][0], line):
            _add(rows[-1], cells[0])
        else:
            rows.append(cells)
    return rows


def _closed_up(rows: Sequence[TableRow]) -> list[TableRow]:
    """Columns counted without those that hold nothing."""
    used = sorted({place for row in rows for place, _ in row})
    return [[(used.index(place), cell) for place, cell in row] for row in rows]


def _placed(part: Line, columns: Sequence[Interval]) -> Iterator[tuple[int, Line]]:
    """The piece, parted once more where it runs on over the space between two columns."""
    starts = []
    for index in _starts(part, _NARROW * part.height):
        before, after = part.words[index - 1][3], part.words[index][1]
        if any(before <= right + 1 and after >= left - 1 for (_, left), (right, _) in pairwise(columns)):
            starts.append(index)
    for piece in pieces(part, starts):
        yield _column_of(piece, columns), piece


def _column_of(piece: Line, columns: Sequence[Interval]) -> int:
    left, right = span_of(piece)
    return max(range(len(columns)), key=lambda index: min(right, columns[index][1]) - max(left, columns[index][0]))


def _goes_on(row: TableRow, column: int, line: Line) -> bool:
    own = next((cell for place, cell in row if place == column), None)
    if own:
        return 0 < own[-1].bottom - line.bottom <= _WRAP * line.height and (column > 0 or own[-1].hyphenated)
    return column > 0 and abs(row[0][1][0].bottom - line.bottom) <= _TALLEST * line.height


def _add(row: TableRow, cell: tuple[int, list[Line]]) -> None:
    for place, lines in row:
        if place == cell[0]:
            lines += cell[1]
            return
    row.append(cell)
    row.sort(key=lambda entry: entry[0])


def _typewritten(lines: Sequence[Line]) -> bool:
    widths = [(x1 - x0) / len(text) for line in lines for text, x0, _, x1, _ in line.words if len(text) > 1]
    return len(widths) > 2 and pstdev(widths) < _EVEN * fmean(widths)


def _header_rows(rows: Sequence[TableRow]) -> int:
    """Rows at the top without a cell in the first column, in bold, or without numbers above columns of numbers."""
    numeric = [_numeric(row) for row in rows]
    count = 0
    for row in rows:
        bold = len(row) > 1 and all(line.bold for _, cell in row for line in cell)
        if not bold and row[0][0] == 0:
            break
        count += 1
    if not count and len(rows[0]) > 1 and not numeric[0] and 2 * sum(numeric[1:]) > len(numeric) - 1:
        return 1
    return count if count <= _MOST_HEADERS else 0


def _numeric(row: TableRow) -> bool:
    """Whether a cell past the first is a number."""
    texts = ["".join(line.text for line in cell) for _, cell in row[1:]]
    return any(sum(c.isdigit() for c in text) * 2 >= sum(not c.isspace() for c in text) for text in texts)
