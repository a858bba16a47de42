"""Running headers and footers: lines that come back at the same height of page after page.

They are told by comparing the outermost lines of neighbouring pages (Lin 2003, "Header and footer extraction by page
association"). The first one stays in the text; the others would only be found again and again, and stand between the
halves of a sentence that goes on overleaf.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

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


class OuterLine(NamedTuple):
    """A line at the top or bottom of a page."""

    line: int
    """Its index among the lines of the page."""
    top: bool
    row: int
    """From the outermost, which is 0."""
    height: float
    """Points from the edge of the page."""
    text: str


T = TypeVar("T")
Other = TypeVar("Other")


@dataclass(frozen=True, slots=True)
class PlacedPage(Generic[T]):
    """What decides about the running lines of a page: number from 1, printed number or "", outermost lines."""

    number: int
    label: str
    outer: Sequence[OuterLine]
    page: T
    """Passed on."""


@dataclass(slots=True)
class _Edge:
    """An outer line, and what it would be called on another page."""

    line: int
    row: int
    height: float
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


def running_lines(pages: Iterable[PlacedPage[T] | Other]) -> Iterator[tuple[T, frozenset[int]] | Other]:
    """With each page, the indexes of its lines that are headers and footers which an earlier page has.

    Reads a few pages ahead of what it yields; what is no page is passed on at once.
    """
    seen = _Seen()
    waiting: deque[tuple[PlacedPage[T], list[_Edge]]] = deque()
    for page in pages:
        if not isinstance(page, PlacedPage):
            yield page
            continue
        edges = [
            _Edge(o.line, o.row, o.height, tuple((o.top, name) for name in _names(o.text, page))) for o in page.outer
        ]
        seen.add(page.number, edges)
        waiting.append((page, edges))
        if len(waiting) > _AHEAD:
            yield _running(*waiting.popleft(), seen)
    while waiting:
        yield _running(*waiting.popleft(), seen)


def without(lines: Sequence[Line], dropped: Collection[int]) -> list[Line]:
    """The lines less those of these indexes."""
    return [line for index, line in enumerate(lines) if index not in dropped]


def outer_lines(lines: Sequence[Line], height: float) -> list[OuterLine]:
    """The outermost lines of a page of this height in points, from the outermost row inwards."""
    found = []
    for top in (True, False):
        distances = [(height - line.bottom if top else line.bottom, index) for index, line in enumerate(lines)]
        row, last = -1, -2 * _SAME
        for distance, index in sorted(entry for entry in distances if 0 <= entry[0] <= _MARGIN * height):
            if distance - last > _SAME:
                row, last = row + 1, distance
            if row == _ROWS:
                break
            found.append(OuterLine(index, top, row, distance, lines[index].text))
    return found


def _running(page: PlacedPage[T], edges: list[_Edge], seen: _Seen) -> tuple[T, frozenset[int]]:
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
    return page.page, frozenset(dropped)


def _edges(page: PlacedPage[T]) -> list[_Edge]:
    return [
        _Edge(outer.line, outer.row, outer.height, tuple((outer.top, name) for name in _names(outer.text, page)))
        for outer in page.outer
    ]


def _names(text: str, page: PlacedPage[T]) -> Iterator[str]:
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
