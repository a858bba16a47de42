"""How many of a table's first rows are its header, judged by what stands below them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

LOOK = 40
"""Rows that `header_rows` wants to see."""
_MOST = 3
_MOSTLY = 0.7
_COVERED = 0.6
"""Share of the columns that labels must name."""
_LONGEST_LABEL = 60

_Kind = Literal["empty", "number", "date", "flag", "text"]
Row = Sequence[str]

_NUMBER = re.compile(
    r"[-+−(]?\s*(?:[$€£¥]|[A-Z]{3})?\s*[-+−]?\d[\d.,'’   ]*(?:[eE][-+]?\d+)?\s*(?:%|‰|[$€£¥]|[A-Z]{3})?\)?"
)
_DATE = re.compile(r"(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{1,2}:\d{2})\b.*", re.DOTALL)
_FLAGS = frozenset({"true", "false", "yes", "no", "wahr", "falsch", "ja", "nein", "x"})
_NOTHING = frozenset({"", "-", "–", "—", "?", "n/a", "na", "nan", "null", "none", "k.a.", "k. a.", "#n/a"})
_YEAR = re.compile(r"(?:19|20)\d\d")
_NO_LABEL = re.compile(r"https?://|\S@\S|[.!?]$")


def header_rows(rows: Sequence[Row]) -> int:
    """Number of header rows, 0 to 3: titles and group labels above the row of labels, that row, units below it.

    Labels are texts, each of its own, over columns of numbers, dates or flags. In a table of nothing but text, a
    first row of short labels that do not come again below it counts as well: hardly any table has none.

    Args:
        rows: the first LOOK rows of a table, its cells as text; fewer if it has fewer.
    """
    for labels in range(min(_MOST, len(rows) - 1)):
        below = rows[labels + 1 :]
        if _are_labels(rows[labels], below) and all(_stands_above(row, rows[labels]) for row in rows[:labels]):
            units = labels + 1 < _MOST and len(below) > 2 and _are_units(below[0], below[1:])
            return labels + 2 if units else labels + 1
    return 0


def _are_labels(row: Row, below: Sequence[Row]) -> bool:
    labels = [cell for cell in row if cell]
    folded = [label.casefold() for label in labels]
    width = sum(1 for column in range(max(map(len, below))) if any(_cell(other, column) for other in below))
    if len(labels) < _COVERED * width or len(set(folded)) < len(folded):
        return False
    if any(_kind(label) != "text" and not _YEAR.fullmatch(label) for label in labels):
        return False
    if any(cell and _mostly(below, column) in ("number", "date", "flag") for column, cell in enumerate(row)):
        return any(_kind(label) == "text" for label in labels) or not any(map(_YEAR.fullmatch, map(_first, below)))
    return (
        len(labels) == width > 1
        and len(below) > 1
        and not any(len(label) > _LONGEST_LABEL or _NO_LABEL.search(label) for label in labels)
        and not any(_cell(other, column) == cell for column, cell in enumerate(row) if cell for other in below)
    )


def _stands_above(row: Row, labels: Row) -> bool:
    """A title or labels of groups of columns: fewer texts than there are labels."""
    cells = [cell for cell in row if cell]
    return len(cells) < sum(map(bool, labels)) and all(_kind(cell) == "text" or _YEAR.fullmatch(cell) for cell in cells)


def _are_units(row: Row, below: Sequence[Row]) -> bool:
    """Texts in every column of numbers that has a cell in this row."""
    measured = [cell for column, cell in enumerate(row) if cell and _mostly(below, column) == "number"]
    return bool(measured) and all(_kind(cell) == "text" for cell in measured)


def _mostly(rows: Sequence[Row], column: int) -> _Kind:
    kinds = Counter(_kind(_cell(row, column)) for row in rows)
    del kinds["empty"]
    kind, count = max(kinds.items(), key=lambda item: item[1], default=("empty", 0))
    return kind if count >= _MOSTLY * kinds.total() else "text"


def _kind(cell: str) -> _Kind:
    if cell.casefold() in _NOTHING or (cell.startswith("#") and cell.endswith(("!", "?"))):
        return "empty"
    if _DATE.fullmatch(cell):
        return "date"
    if _NUMBER.fullmatch(cell):
        return "number"
    return "flag" if cell.casefold() in _FLAGS else "text"


def _cell(row: Row, column: int) -> str:
    return row[column] if column < len(row) else ""


def _first(row: Row) -> str:
    return next(filter(None, row), "")
