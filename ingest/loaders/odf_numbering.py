"""Numbers that OpenDocument sets before list items and headings (16.30 and 16.34 of part 3)."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.loaders.docx_numbering import LEVELS, Level, advance
from ingest.loaders.ooxml import number, value

_OUTLINE = ""
"""The name under which the numbering of headings is kept; no list style has it."""
_FORMS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_STYLES = ("text:list-style", "text:outline-style")
_NUMBERS = ("text:list-level-style-number", "text:outline-level-style")
_LONGEST = 20


class OdfNumbering:
    """List styles by name and how far each list has been counted; hears the parts that define them."""

    def __init__(self) -> None:
        self._levels: dict[str, list[Level]] = {}
        self._counts: dict[str, list[int | None]] = {}
        self._now: list[Level] | None = None

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins, by its short name."""
        if name in _STYLES:
            style = _OUTLINE if name == "text:outline-style" else value(attributes, "name") or "?"
            self._now = self._levels[style] = [Level(form="bullet")] * LEVELS
        elif name in _NUMBERS and self._now is not None:
            depth = (number(value(attributes, "level"), 0) or 0) - 1
            if 0 <= depth < LEVELS:
                self._now[depth] = _level(attributes, depth)

    def end(self, name: str) -> None:
        """An element ends."""
        if name in _STYLES:
            self._now = None

    def begin_list(self, style: str, *, goes_on: bool) -> None:
        """An outermost list begins; it counts anew unless it continues the one before."""
        if not goes_on:
            self._counts.pop(style, None)

    def label(self, style: str, depth: int, *, start: int | None = None) -> str:
        """What stands before the next item, "" for a bullet or an unknown style; `start` counts anew from there."""
        levels = self._levels.get(style)
        if levels is None:
            return ""
        depth = max(0, min(depth, LEVELS - 1))
        counts = self._counts.setdefault(style, [None] * LEVELS)
        if start is not None:
            counts[depth] = start - 1
        return advance(levels, counts, depth)

    def heading(self, level: int) -> str:
        """What stands before the next heading of a level, from 1."""
        return self.label(_OUTLINE, level - 1)


def _level(attributes: Mapping[str, str], depth: int) -> Level:
    form = _FORMS.get(value(attributes, "num-format") or "", "none")
    shown = max(1, min(number(value(attributes, "display-levels"), 1) or 1, depth + 1))
    numbers = ".".join(f"%{at + 1}" for at in range(depth + 1 - shown, depth + 1))
    before, after = ((value(attributes, f"num-{side}") or "")[:_LONGEST] for side in ("prefix", "suffix"))
    return Level(form, f"{before}{numbers}{after}", number(value(attributes, "start-value"), 1) or 0)
