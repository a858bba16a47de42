"""Cuts what is longer than the window: sentences at words, table rows at the borders of their cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from rag.types import CELL_BORDER, Span

_WORD = re.compile(r"\S+")
_CELL = re.compile(r"(?:(?! \| ).)+(?: \|(?= ))?| \|(?= )", re.DOTALL)
"""A cell with the border behind it: what is cut off keeps its border, so that no character is lost."""


@dataclass(frozen=True, slots=True)
class Cutter:
    """Cuts texts into pieces of at most `room` tokens and `longest` characters.

    `count` is the length of a text in tokens, special tokens excluded.
    """

    count: Callable[[str], int]
    room: int
    longest: int

    def words(self, text: str) -> Iterator[Span]:
        """Spans of `text` cut at white space, and inside a word only where the word alone is longer."""
        start, end, used = 0, 0, 0
        for match in _WORD.finditer(text):
            tokens = self.count(match.group())
            if end > start and (used + tokens > self.room or match.end() - start > self.longest):
                yield Span(start, end)
                start = end
            if end == start:
                start, used = match.start(), 0
            if tokens <= self.room and len(match.group()) <= self.longest:
                end, used = match.end(), used + tokens
                continue
            step = max(1, self.room // 4)
            yield from (Span(at, min(at + step, match.end())) for at in range(match.start(), match.end(), step))
            start = end = match.end()
        if end > start:
            yield Span(start, end)

    def cells(self, text: str, header: str) -> Iterator[tuple[Span, str, bool]]:
        """Spans of a row cut between cells, inside a cell only where the cell alone is longer.

        With each comes the part of the table's header that stands above it (one line a header row; both together have
        at most `room` tokens), and whether it begins a cell.
        """
        above = _Labels(header)
        first = number = int(_opens_empty(text))
        start, end, used = 0, 0, 0
        for number, match in enumerate(_CELL.finditer(text), start=_opens_empty(text)):
            tokens = self.count(match.group())
            needed = tokens + self.count(above.between(number, number + 1))
            if end > start and (used + needed > self.room or match.end() - start > self.longest):
                yield from self._piece(text, Span(start, end), above.between(first, number))
                first, start, used = number, end, 0
            if needed <= self.room and len(match.group()) <= self.longest:
                end, used = match.end(), used + needed
                continue
            label = self._shortened(above.between(number, number + 1))
            inside = Cutter(self.count, max(1, self.room - self.count(label)), self.longest)
            for index, span in enumerate(inside.words(match.group())):
                yield Span(match.start() + span.start, match.start() + span.end), label, index == 0
            first, start, end, used = number + 1, match.end(), match.end(), 0
        if end > start:
            yield from self._piece(text, Span(start, end), above.between(first, number + 1))

    def _piece(self, text: str, span: Span, label: str) -> Iterator[tuple[Span, str, bool]]:
        piece = text[span.start : span.end]
        if piece and not piece.isspace():
            start = span.start + len(piece) - len(piece.lstrip())
            yield Span(start, start + len(piece.strip())), label, True

    def _shortened(self, label: str) -> str:
        """A label that leaves at least half of the room to its cell, cut at a word."""
        if self.count(label) <= self.room // 2:
            return label
        whole = Cutter(self.count, max(1, self.room // 2 - 1), self.longest)
        rows = label.split("\n")
        span = next(whole.words(rows[-1]), Span(0, 0))
        return "\n".join(["" for _ in rows[:-1]] + [f"{rows[-1][span.start : span.end]}…"])


class _Labels:
    """The header rows of a table, by column. What spans columns in a row above the last stands in the first of them."""

    def __init__(self, header: str) -> None:
        rows = [
            [cell.strip(" |") for cell in (" " * _opens_empty(row) + row).split(CELL_BORDER)]
            for row in header.split("\n")
        ]
        for row in rows[:-1]:
            row += [""] * (len(rows[-1]) - len(row))
            for column in range(1, len(row)):
                row[column] = row[column] or row[column - 1]
        self._rows = rows

    def between(self, first: int, last: int) -> str:
        """The labels of columns from `first` to before `last`, one line a header row; one that spans columns once."""
        *spanning, own = (row[first:last] for row in self._rows)
        once = [[label for label, _ in groupby(row)] for row in spanning]
        return "\n".join(CELL_BORDER.join(row) for row in (*once, own))


def _opens_empty(row: str) -> bool:
    """Whether the first cell of a row is empty: the space before its border is no part of the row's text."""
    return row.startswith("| ")
