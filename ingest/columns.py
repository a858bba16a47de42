"""Text set in columns, read down each column where a file gives it line by line across them.

A page is cut where white space runs down between columns of prose, and across where a line spans them (the XY-cut of
Nagy and Seth 1984, one level deep). Only pages whose order jumps between the columns are touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from ingest.layout import Line, PlacedWord

Interval = tuple[float, float]

CELL_GAP = 1.0
"""White space this many line heights wide parts two columns, or two cells of a table."""
_CROSSING = 0.1
"""Of the lines beside it, so many may cross the space between columns: titles do."""
_FEWEST_LINES = 6
_FEWEST_WORDS = 3
"""Of a usual line in a column of prose; the cells of a table have fewer, or do not fill it."""
_FILLED = 0.6
"""Of the column's width, by a usual line of it."""
_BALANCE = 0.5
"""All columns but the last have this share of the longest one's lines."""
_JUMPS = 0.5
"""Of the steps from one line to the next, so many lead into another column; a page in order has one or two."""


def in_reading_order(lines: list[Line]) -> list[Line]:
    """The same words; lines that run across columns are parted, and each column is read to its foot."""
    cut = [piece for line in lines for piece in parted(line)]
    ups = sum(1 for above, below in pairwise(cut) if below.bottom > above.bottom - 1)
    if ups < _FEWEST_LINES:
        return lines
    columns = _columns(cut)
    places = [_place(piece, columns) for piece in cut]
    sides = [place for place in places if place is not None]
    jumps = sum(1 for before, after in pairwise(sides) if before != after)
    if len(columns) < 2 or jumps < _JUMPS * len(sides):
        return lines
    return list(_down_the_columns(cut, places, len(columns)))


def parted(line: Line) -> list[Line]:
    """The pieces of a line between wide gaps; the line itself where there are none."""
    return pieces(line, wide_gaps(line.words, CELL_GAP * line.height))


def wide_gaps(words: Sequence[PlacedWord], width: float) -> list[int]:
    """Indexes of the words with at least so much space before them."""
    found = []
    right = words[0][3]
    for index, word in enumerate(words):
        if word[1] - right >= width and index:
            found.append(index)
        right = word[3]
    return found


def pieces(line: Line, starts: Sequence[int]) -> list[Line]:
    """A line cut before these words."""
    if not starts:
        return [line]
    found = [Line(line.words[start:end], bold=line.bold) for start, end in pairwise([0, *starts, len(line.words)])]
    found[-1].hyphenated = line.hyphenated
    return found


def span_of(line: Line) -> Interval:
    """Its left and right edge."""
    return line.left, max(word[3] for word in line.words)


def overlaps(span: Interval, column: Interval) -> bool:
    """Whether they share more than a point."""
    return min(span[1], column[1]) - max(span[0], column[0]) > 1.0


def gutters(spans: Sequence[Interval], *, crossing: float, width: float) -> list[Interval]:
    """Where fewer than this share of the spans lie, for at least this width, between the outermost of them."""
    changes = sorted([(left, 1) for left, _ in spans] + [(right, -1) for _, right in spans])
    most = crossing * len(spans)
    found: list[Interval] = []
    depth, start = 0, 0.0
    for place, change in changes:
        before, depth = depth, depth + change
        if before <= most < depth and start and place - start >= width:
            found.append((start, place))
        elif before > most >= depth:
            start = place
    return found


def _columns(pieces: Sequence[Line]) -> list[Interval]:
    """Columns of prose from left to right; none where what stands side by side is something else."""
    prose = [piece for piece in pieces if len(piece.words) >= _FEWEST_WORDS]
    if len(prose) < 2 * _FEWEST_LINES:
        return []
    height = median(piece.height for piece in prose)
    spans = [span_of(piece) for piece in prose]
    parting = gutters(spans, crossing=_CROSSING, width=0.8 * height)
    left, right = min(span[0] for span in spans), max(span[1] for span in spans)
    edges = [left, *(edge for gutter in parting for edge in gutter), right]
    columns = list(zip(edges[::2], edges[1::2], strict=True))
    members = [[piece for piece in pieces if _place(piece, columns) == index] for index in range(len(columns))]
    most = max(map(len, members))
    if any(len(inside) < most * _BALANCE for inside in members[:-1]):
        return []
    fits = all(_is_prose(inside, end - start) for inside, (start, end) in zip(members, columns, strict=True))
    return columns if fits else []


def _is_prose(pieces: Sequence[Line], width: float) -> bool:
    """Whether there are enough lines in a column, of enough words, that fill it."""
    if len(pieces) < _FEWEST_LINES or median(len(piece.words) for piece in pieces) < _FEWEST_WORDS:
        return False
    return median(end - start for start, end in map(span_of, pieces)) >= _FILLED * width


def _place(piece: Line, columns: Sequence[Interval]) -> int | None:
    """Which column a piece lies in; None for one that spans several."""
    span = span_of(piece)
    touched = [index for index, column in enumerate(columns) if overlaps(span, column)]
    return touched[0] if len(touched) == 1 else None


def _down_the_columns(pieces: Sequence[Line], places: Sequence[int | None], count: int) -> Iterator[Line]:
    """From the top: what lies between two lines that span the columns, column by column."""
    waiting: list[list[Line]] = [[] for _ in range(count)]
    for piece, place in sorted(zip(pieces, places, strict=True), key=lambda pair: (-pair[0].bottom, pair[0].left)):
        if place is None:
            yield from _emptied(waiting)
            yield piece
        else:
            waiting[place].append(piece)
    yield from _emptied(waiting)


def _emptied(waiting: list[list[Line]]) -> Iterator[Line]:
    for column in waiting:
        for line in column:
            _cut(line)
            yield line
        column.clear()


def _cut(line: Line) -> None:
    """A hyphen at the end of a line that the file runs on into the next column is a cut like any other."""
    text, *box = line.words[-1]
    if not line.hyphenated and len(text) > 2 and text.endswith("-") and text[-2].isalpha():
        line.words[-1] = (text[:-1], *box)  # type: ignore[assignment]  # a word again
        line.hyphenated = True
