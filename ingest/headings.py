"""Which lines of a page are headings: those that the outline names, else those set larger or bolder than the rest."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.layout import PARAGRAPH_GAP, SIZE_STEP, Heading, Line, usual_step

_NUMBERING = 12
"""Characters that may stand before a title on its line: "Chapter 12", "A.4.7.1"."""
_TRAILING = 3
"""Characters that may stand after it: a footnote mark, a stop."""
_LONGEST = 120
"""A heading's line is not longer, in characters."""
_MOST_LINES = 3
_COLUMN_JUMP = 6.0
"""Line heights from the foot of a column up to the head of the next, at least."""
_FEWEST_LETTERS = 3
_SIZES = 4
"""Levels told apart by size; bold lines of body size come one below."""


def find_titles(lines: Sequence[Line], titles: Sequence[tuple[str, int]]) -> list[Heading]:
    """Find outline titles in the lines of the page they lead to; a title that is not there is left out.

    Compared without white space, hyphens and case; a section number before the title is allowed.

    Args:
        titles: (title, level) in the order of the outline.
    """
    squeezed = [_squeeze(line.text) for line in lines]
    starts = [0]
    for text in squeezed:
        starts.append(starts[-1] + len(text))
    page = "".join(squeezed)
    found: dict[int, Heading] = {}
    for title, level in titles:
        wanted = _squeeze(title)
        position = page.find(wanted) if wanted else -1
        while position >= 0:
            end = position + len(wanted)
            first, last = (bisect_right(starts, place) - 1 for place in (position, end - 1))
            alone = position - starts[first] <= _NUMBERING and starts[last + 1] - end <= _TRAILING
            if alone and not any(line in found for line in range(first, last + 1)):
                found |= dict.fromkeys(range(first, last + 1), Heading(first, last, level))
                break
            position = page.find(wanted, position + 1)
    return sorted(set(found.values()), key=lambda heading: heading.first)


def _squeeze(text: str) -> str:
    return re.sub(r"[\s\-\u00ad\u2010\u2011]+", "", text).casefold()


@dataclass(frozen=True, slots=True)
class FontProfile:
    """What is usual in a document, so that the unusual can be seen. Heights in points, rounded to halves."""

    body: float
    larger: tuple[float, ...]
    """Heights of larger lines, largest first; the place gives the level."""

    @classmethod
    def of(cls, pages: Sequence[Sequence[Line]]) -> FontProfile:
        """The body is the height in which most characters are set; a size met on one page only is a cover's."""
        characters: Counter[float] = Counter()
        titles: Counter[float] = Counter()
        for lines in pages:
            for line in lines:
                characters[_half_points(line)] += len(line.text)
            titles.update({_half_points(line) for line in lines if _may_be_title(line)})
        body = characters.most_common(1)[0][0] if characters else 0.0
        fewest = min(2, len(pages))
        larger = (height for height, count in titles.items() if height > SIZE_STEP * body and count >= fewest)
        return cls(body, tuple(sorted(larger, reverse=True)))

    def level(self, line: Line) -> int:
        """1 to 5 if the line is set like a heading, else 0."""
        if not _may_be_title(line):
            return 0
        height = _half_points(line)
        if height > SIZE_STEP * self.body:
            return min(1 + sum(1 for other in self.larger if other > height), _SIZES)
        if line.bold and height >= self.body / SIZE_STEP:
            return min(len(self.larger), _SIZES) + 1
        return 0

    def headings(self, lines: Sequence[Line]) -> list[Heading]:
        """Runs of lines set like headings that stand apart from the text above them."""
        step = usual_step(lines)
        found: list[Heading] = []
        for index, line in enumerate(lines):
            level = self.level(line)
            if not level:
                continue
            down = lines[index - 1].bottom - line.bottom if index else 0.0
            goes_on = found and found[-1].last == index - 1 and found[-1].level == level
            if goes_on and 0 <= down <= PARAGRAPH_GAP * max(step, line.height) + 1.0:
                if index - found[-1].first < _MOST_LINES:
                    found[-1] = Heading(found[-1].first, index, level)
                    continue
                found.pop()  # so much of it is a paragraph in bold
            elif self._stands_apart(line, down, step) or not index:
                found.append(Heading(index, index, level))
        return found

    def _stands_apart(self, line: Line, down: float, step: float) -> bool:
        """Larger, below a gap, or at the top of the next column; a small jump up is a cell of a table's head."""
        larger = _half_points(line) > SIZE_STEP * self.body
        return larger or down > PARAGRAPH_GAP * step or down < -_COLUMN_JUMP * line.height


def _half_points(line: Line) -> float:
    return round(line.height * 2) / 2


def _may_be_title(line: Line) -> bool:
    text = line.text
    letters = sum(character.isalpha() for character in text)
    return (
        letters >= _FEWEST_LETTERS
        and letters * 2 >= len(text) - text.count(" ")
        and len(text) <= _LONGEST
        and not line.hyphenated
        and not text.endswith((".", ",", ";"))
        and not text[0].islower()
    )
