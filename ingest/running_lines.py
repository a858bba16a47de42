"""Running headers and footers: lines that come back at the same height of page after page.

They are told by comparing the outermost lines of neighbouring pages (Lin 2003, "Header and footer extraction by page
association"). The first one stays in the text; the others would only be found again and again, and stand between the
halves of a sentence that goes on overleaf.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ingest.layout import Line

_FEWEST = 4
"""On so many pages it is no coincidence."""
_APART = 2
"""Pages from one to the next at most: left and right pages have headers of their own."""
_AHEAD = (_FEWEST - 1) * _APART
"""Pages that must be known to decide about one."""
_MARGIN = 0.12
"""The share of a page's height, at its top and at its bottom, in which they stand."""
_ROWS = 3
"""Rows of them at the top and at the bottom, at most."""
_SAME = 2.0
"""Points by which their height on the page may differ."""
_NUMBERS = 4
"""A line with more numbers is a row of a table."""
_NUMBER = re.compile(r"(?<![\d.,])\d{1,5}(?![\d,]|\.\d)")

_Key = tuple[bool, str]
Other = TypeVar("Other")


@dataclass(frozen=True, slots=True)
class PlacedLines:
    """A page's lines, and where they stand: size of the page in points, number from 1, printed number or ""."""

    number: int
    label: str
    size: tuple[float, float]
    lines: list[Line]


@dataclass(slots=True)
class _Edge:
    """A line at the top or bottom of a page, and what it would be called on another."""

    line: int
    row: int
    height: float
    """Points from the edge of the page."""
    keys: tuple[_Key, ...]


@dataclass(slots=True)
class _Seen:
    """Where each key has been met: (page, points from the edge), pages ascending."""

    places: dict[_Key, list[tuple[int, float]]] = field(default_factory=dict)
    running: set[_Key] = field(default_factory=set)

    def add(self, number: int, edges: Iterable[_Edge]) -> None:
        """Remember a page; pages come in order."""
        for edge in edges:
            for key in edge.keys:
                places = self.places.setdefault(key, [])
                if not places or places[-1][0] < number:
                    places.append((number, edge.height))

    def runs(self, number: int, edge: _Edge) -> bool:
        """Whether the line comes back on the pages around this one, or is known to."""
        for key in edge.keys:
            if key in self.running or self._chain(key, number) >= _FEWEST:
                self.running.add(key)
                return True
        return False

    def first(self, number: int, edge: _Edge) -> bool:
        """Whether this is the one that stays."""
        return all(self.places[key][0][0] == number for key in edge.keys if key in self.running)

    def _chain(self, key: _Key, number: int) -> int:
        places = self.places[key]
        if len(places) < _FEWEST:
            return 0
        here = bisect_left(places, number, key=lambda place: place[0])
        return 1 + _steps(places[here:]) + _steps(places[here::-1])


def drop_running_lines(pages: Iterable[PlacedLines | Other]) -> Iterator[tuple[PlacedLines, int] | Other]:
    """Each page without the headers and footers that an earlier page has, and how many lines these were.

    Reads a few pages ahead of what it yields; what is no page is passed on at once.
    """
    seen = _Seen()
    waiting: deque[tuple[PlacedLines, list[_Edge]]] = deque()
    for page in pages:
        if not isinstance(page, PlacedLines):
            yield page
            continue
        edges = _edges(page)
        seen.add(page.number, edges)
        waiting.append((page, edges))
        if len(waiting) > _AHEAD:
            yield _stripped(*waiting.popleft(), seen)
    while waiting:
        yield _stripped(*waiting.popleft(), seen)


def _stripped(page: PlacedLines, edges: list[_Edge], seen: _Seen) -> tuple[PlacedLines, int]:
    stays: set[bool] = set()
    dropped: set[int] = set()
    for edge in edges:
        top = edge.keys[0][0]
        if top in stays:
            continue
        row = [other for other in edges if other.row == edge.row and other.keys[0][0] == top]
        if not all(seen.runs(page.number, other) for other in row):
            stays.add(top)  # what lies further in is the page's own
        elif not seen.first(page.number, edge):
            dropped.add(edge.line)
    if not dropped:
        return page, 0
    kept = [line for index, line in enumerate(page.lines) if index not in dropped]
    return replace(page, lines=kept), len(dropped)


def _edges(page: PlacedLines) -> list[_Edge]:
    """From the outermost row inwards."""
    height = page.size[1]
    found = []
    for top in (True, False):
        distances = [(height - line.bottom if top else line.bottom, index) for index, line in enumerate(page.lines)]
        row, last = -1, -2 * _SAME
        for distance, index in sorted(entry for entry in distances if 0 <= entry[0] <= _MARGIN * height):
            if distance - last > _SAME:
                row, last = row + 1, distance
            if row == _ROWS:
                break
            keys = tuple((top, name) for name in _names(page.lines[index].text, page))
            found.append(_Edge(index, row, distance, keys))
    return found


def _names(text: str, page: PlacedLines) -> Iterator[str]:
    """The line itself, and with one number in it told by its distance from the page's."""
    yield text
    words = text.split(" ")
    if page.label and page.label in words:
        yield " ".join("#" if word == page.label else word for word in words)
    numbers = list(_NUMBER.finditer(text))
    for match in numbers if len(numbers) <= _NUMBERS else ():
        yield f"{text[: match.start()]}#{int(match.group()) - page.number}{text[match.end() :]}"


def _steps(places: list[tuple[int, float]]) -> int:
    """How many pages follow on the first without a gap, at its height; no more than it takes."""
    page, height = places[0]
    steps = 0
    for other, there in places[1:_FEWEST]:
        if abs(other - page) > _APART or abs(there - height) > _SAME:
            break
        page, steps = other, steps + 1
    return steps
