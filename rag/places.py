"""Where a quote stands in a document without pages: slides, rows of a sheet, lines, paragraphs, chapters, messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rag.types import Locator, Passage, Place, Span

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
_NAME = 80
"""Characters of a name that are shown."""


class Clipper:
    """Cuts a document's places to one chunk after the other; every row, line or paragraph is counted once.

    Args:
        places: of the whole document, in order and disjoint.
        text: of the whole document.
    """

    def __init__(self, places: Sequence[Place], text: str) -> None:
        self._places = places
        self._text = text
        self._next = 0
        self._current: Place | None = None
        """The rest of the place before `_next`, as far as the last span left it."""

    def clip(self, span: Span) -> tuple[Place, ...]:
        """The places inside `span`, cut to it, their numbers moved on to where it begins.

        Spans must come in the order of their starts.
        """
        found: list[Place] = []
        while place := self._reached(span):
            found.append(replace(place, span=Span(place.span.start, min(place.span.end, span.end))))
            if place.span.end >= span.end:
                break
            self._current = None
        return tuple(found)

    def _reached(self, span: Span) -> Place | None:
        """The first place that is not behind `span`, its beginning moved into it; None when that is after it."""
        while self._current is None or self._current.span.end <= span.start:
            if self._next == len(self._places):
                return None
            self._current = self._places[self._next]
            self._next += 1
        place = self._current
        if place.span.start >= span.end:
            return None
        if place.span.start < span.start:
            moved = _steps(place, self._text[place.span.start : span.start])
            place = replace(place, span=Span(span.start, place.span.end), number=place.number + moved)
            self._current = place
        return place


def part_of(passage: Passage, span: Span) -> Passage:
    """A piece of a passage, `span` in code points of its document; its places are cut to it."""
    cut = []
    for place in passage.places:
        begin, end = max(place.span.start, span.start), min(place.span.end, span.end)
        if begin < end:
            cut.append(replace(place, span=Span(begin, end), number=_number(passage, place, begin)))
    start = passage.span.start
    return replace(passage, span=span, text=passage.text[span.start - start : span.end - start], places=tuple(cut))


def locate(passage: Passage, span: Span) -> Locator | None:
    """Where `span` of a passage's document stands; None in a document with pages or without places."""
    touched = [place for place in passage.places if place.span.overlap(span) or _holds(place, span)]
    if not touched:
        return None
    first, last = touched[0], touched[-1]
    if last.kind != first.kind or last.name != first.name:
        last = first  # a quote that runs over into the next sheet or chapter is found where it begins
    begin = max(span.start, first.span.start)
    end = max(begin, min(span.end, last.span.end) - 1)
    return Locator(first.kind, _name(passage, first), _number(passage, first, begin), _number(passage, last, end))


def describe(locator: Locator | None) -> str:
    """A locator in the words of a person ("Prices, rows 12–14"); "" for None."""
    if locator is None:
        return ""
    name = locator.name if len(locator.name) <= _NAME else locator.name[: _NAME - 1].rstrip() + "…"
    match locator.kind:
        case "slide":
            place = _counted("slide", locator)
            return f"{place}, {name}" if name else place
        case "chapter" | "message":
            return name or f"{locator.kind} {locator.first}"
        case "rows":
            place = _counted("row", locator)
        case "lines":
            place = _counted("line", locator)
        case "paragraphs":
            place = _counted("paragraph", locator)
    return f"{name}, {place}" if name else place


def _counted(what: str, locator: Locator) -> str:
    if locator.last > locator.first:
        return f"{what}s {locator.first:,}–{locator.last:,}"
    return f"{what} {locator.first:,}"


def _holds(place: Place, span: Span) -> bool:
    return place.span.start <= span.start < place.span.end


def _number(passage: Passage, place: Place, position: int) -> int:
    start = passage.span.start
    return place.number + _steps(place, passage.text[place.span.start - start : position - start])


def _steps(place: Place, text: str) -> int:
    """How many rows, lines or paragraphs end in a text that begins where the place does."""
    if place.kind in ("rows", "lines"):
        return text.count("\n")
    if place.kind == "paragraphs":
        return sum(1 for _ in _BLANK_LINE.finditer(text))
    return 0


def _name(passage: Passage, place: Place) -> str:
    """A paragraph's number means more under its heading."""
    if place.kind == "paragraphs" and passage.heading_path:
        return passage.heading_path[-1]
    return place.name
