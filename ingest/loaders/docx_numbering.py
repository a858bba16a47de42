"""Numbers that Word sets before paragraphs ("§ 3", "(a)"): people cite by them, but no paragraph holds them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ingest.loaders.ooxml import child, children, number, value
from ingest.loaders.packages import Package

LEVELS = 9
_PLACEHOLDER = re.compile(r"%([1-9])")
_LARGEST = 30_000
"""Past it a number is written in digits."""
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"),
    (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a list: `pattern` is "%1.%2" and the like, "" or a sign for a bullet."""

    form: str = "decimal"
    pattern: str = ""
    start: int = 1
    legal: bool = False
    """All numbers in it are written in digits."""


class Numbering:
    """Lists of a document and how far each has been counted (17.9)."""

    def __init__(self, package: Package, part: str | None) -> None:
        self._levels: dict[str, list[Level]] = {}
        self._counter_of: dict[str, str] = {}
        self._counts: dict[str, list[int | None]] = {}
        self._restarted: dict[str, set[int]] = {}
        if part is None:
            return
        root = package.tree(part)
        shared = {value(entry.attrib, "abstractNumId") or "": entry for entry in children(root, "abstractNum")}
        for entry in children(root, "num"):
            self._take(entry, shared)

    def label(self, list_id: str, depth: int) -> str | None:
        """What stands before the next paragraph of a list, "" for a bullet; None if there is no such list."""
        levels = self._levels.get(list_id)
        if levels is None:
            return None
        depth = max(0, min(depth, LEVELS - 1))
        counter = self._counter_of[list_id]
        counts = self._counts.setdefault(counter, [None] * LEVELS)
        if depth in self._restarted.get(list_id, ()):
            self._restarted[list_id].discard(depth)
            counts[depth] = None
        return advance(levels, counts, depth)

    def _take(self, entry: Any, shared: dict[str, Any]) -> None:
        name = value(entry.attrib, "numId") or ""
        base = child(entry, "abstractNumId")
        key = (value(base.attrib) or "") if base is not None else ""
        levels = [Level() for _ in range(LEVELS)]
        for definition in children(shared[key], "lvl") if key in shared else ():
            _define(levels, definition)
        self._counter_of[name] = key
        for override in children(entry, "lvlOverride"):
            depth = number(value(override.attrib, "ilvl"), -1) or 0
            for definition in children(override, "lvl"):
                _define(levels, definition)
            start = child(override, "startOverride")
            if start is not None and 0 <= depth < LEVELS:
                levels[depth] = replace(levels[depth], start=number(value(start.attrib), 1) or 0)
                self._restarted.setdefault(name, set()).add(depth)
        self._levels[name] = levels


def advance(levels: Sequence[Level], counts: list[int | None], depth: int) -> str:
    """Count one paragraph on a level, in place, and give what stands before it; "" for a bullet."""
    before = counts[depth]
    counts[depth] = levels[depth].start if before is None else before + 1
    counts[depth + 1 :] = [None] * (len(counts) - depth - 1)
    level = levels[depth]
    if level.form in ("bullet", "none"):
        return ""

    def written(match: re.Match[str]) -> str:
        at = int(match.group(1)) - 1
        count = counts[at]
        return in_form(levels[at].start if count is None else count, "decimal" if level.legal else levels[at].form)

    return _PLACEHOLDER.sub(written, level.pattern).strip()


def in_form(count: int, form: str) -> str:
    """A number as w:numFmt (17.18.59) says; digits for forms that only other scripts have."""
    if not 0 < count <= _LARGEST:
        return str(count)
    match form:
        case "lowerLetter" | "upperLetter":
            letter = chr(ord("a") + (count - 1) % 26) * min((count - 1) // 26 + 1, 8)
            return letter if form == "lowerLetter" else letter.upper()
        case "lowerRoman" | "upperRoman":
            return _roman(count) if form == "lowerRoman" else _roman(count).upper()
        case "decimalZero":
            return f"{count:02}"
        case "none":
            return ""
    return str(count)


def _roman(count: int) -> str:
    parts = []
    for size, letters in _ROMAN:
        parts.append(letters * (count // size))
        count %= size
    return "".join(parts)


def _define(levels: list[Level], definition: Any) -> None:
    depth = number(value(definition.attrib, "ilvl"), -1)
    if depth is None or not 0 <= depth < LEVELS:
        return
    found = {str(entry.tag).rpartition("}")[2]: value(entry.attrib) for entry in definition}
    levels[depth] = Level(
        form=found.get("numFmt") or "decimal",
        pattern=(found.get("lvlText") or "")[:40],
        start=number(found.get("start"), 1) or 0,
        legal="isLgl" in found,
    )
