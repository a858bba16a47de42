"""From recognised words to lines in reading order, with boxes in points, as `ingest.layout` takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from ingest.layout import Line, PlacedWord
from ingest.ocr import Recognised, RecognisedWord

_DOUBTFUL = 0.35
"""Lines trusted less are specks and pictures, not text."""
_USUAL = (0.65, 1.35)
"""Lines so many times as high as the usual one differ by their letters only ("aus" and "Äpfel"), not by their size."""
_SAME_ROW = 0.5
"""Pieces that share this part of the lower one's height stand beside each other."""
_GUTTER = 0.8
"""Line heights between two columns, at least."""
_COLUMN_WIDTH = 8.0
"""Line heights that the usual line of a column is wide, at least: what is narrower is a cell of a table."""
_FEWEST = 4
"""Lines in a column."""
_MOST_ACROSS = 0.34
"""The part of all lines that may cross a gutter (titles, figures' captions)."""
_HYPHENS = "-\u2010\u00ac"


@dataclass(frozen=True, slots=True)
class _Row:
    """Words on one line with the box around them; pixels, origin top left."""

    words: tuple[RecognisedWord, ...]
    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def of(cls, words: Sequence[RecognisedWord]) -> _Row:
        ordered = tuple(sorted(words, key=lambda word: word.box[0]))
        sides = list(zip(*(word.box for word in ordered), strict=True))
        return cls(ordered, min(sides[0]), min(sides[1]), max(sides[2]), max(sides[3]))

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def placed_lines(recognised: Recognised, *, scale: float, height: float) -> list[Line]:
    """Lines in reading order: rows from top to bottom, columns of running text one after the other.

    Args:
        scale: points per pixel.
        height: of the page as shown, in points.
    """
    rows = [_Row.of(words) for words in recognised.lines if _trust(words) >= _DOUBTFUL]
    if not rows:
        return []
    usual = median(row.height for row in rows)
    return [_line(row, usual, scale, height) for row in _in_order(rows)]


def _trust(words: Sequence[RecognisedWord]) -> float:
    return sum(word.confidence for word in words) / len(words)


def _line(row: _Row, usual: float, scale: float, height: float) -> Line:
    """All words get one height: that of letters without ups and downs would make every line look different."""
    half = (usual if _USUAL[0] <= row.height / max(usual, 1.0) <= _USUAL[1] else row.height) / 2
    low, high = height - (row.middle + half) * scale, height - (row.middle - half) * scale
    words: list[PlacedWord] = [(word.text, word.box[0] * scale, low, word.box[2] * scale, high) for word in row.words]
    text = words[-1][0]
    hyphenated = len(text) > 2 and text[-1] in _HYPHENS and text[-2].isalpha()
    if hyphenated:
        words[-1] = (text[:-1], *words[-1][1:])
    return Line(words, hyphenated=hyphenated)


def _in_order(rows: Sequence[_Row]) -> Iterator[_Row]:
    """Rows that cross the gutter part the page into bands; in each band the left column comes before the right."""
    gutter = _gutter(rows)
    if gutter is None:
        yield from _joined(rows)
        return
    left: list[_Row] = []
    right: list[_Row] = []
    for row in sorted(rows, key=lambda row: row.middle):
        if row.right <= gutter:
            left.append(row)
        elif row.left >= gutter:
            right.append(row)
        else:
            yield from (*_in_order(left), *_in_order(right), row)
            left, right = [], []
    yield from (*_in_order(left), *_in_order(right))


def _gutter(rows: Sequence[_Row]) -> float | None:
    """Where a gap runs down between two columns of running text, if there are two."""
    if len(rows) < 2 * _FEWEST:
        return None
    height = median(row.height for row in rows)
    best: tuple[int, float] | None = None
    for candidate in {row.left for row in rows}:
        right = [row for row in rows if row.left >= candidate]
        left = [row for row in rows if row.right <= candidate - _GUTTER * height]
        across = len(rows) - len(left) - len(right)
        if across > _MOST_ACROSS * len(rows) or not (_is_column(left, height) and _is_column(right, height)):
            continue
        if best is None or across < best[0]:
            best = across, candidate - _GUTTER * height / 2
    return best[1] if best else None


def _is_column(rows: Sequence[_Row], height: float) -> bool:
    if len(rows) < _FEWEST:
        return False
    return median(row.right - row.left for row in rows) >= _COLUMN_WIDTH * height


def _joined(rows: Sequence[_Row]) -> Iterator[_Row]:
    """Top to bottom; pieces of one row (cells, words far apart) become one."""
    ordered = sorted(rows, key=lambda row: row.middle)
    while ordered:
        row = ordered.pop(0)
        for other in [other for other in ordered if other.top < row.bottom]:
            if _beside(row, other):
                ordered.remove(other)
                row = _Row.of((*row.words, *other.words))
        yield row


def _beside(row: _Row, other: _Row) -> bool:
    shared = min(row.bottom, other.bottom) - max(row.top, other.top)
    apart = all(word.box[2] <= other.left or word.box[0] >= other.right for word in row.words)
    return apart and shared >= _SAME_ROW * min(row.height, other.height)
