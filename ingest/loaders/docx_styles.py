"""Styles of a Word document: which make headings, how characters look, which lists they belong to (17.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ingest.loaders.looks import Look, colour_of
from ingest.loaders.ooxml import child, children, number, switched_on, value
from ingest.loaders.packages import Package

_HEADING = re.compile(  # "heading 1" is what Word writes in every language; other programs translate it
    r"(?:heading|überschrift|ueberschrift|titre|título|titulo|títol|titolo|kop|rubrik|overskrift|otsikko|nagłówek|"
    r"nadpis|címsor|заголовок|заглавие|başlık|επικεφαλίδα|antraštė|virsraksts|pealkiri|naslov|标题|標題|見出し|제목)"
    r"\s*([1-9])",
    re.IGNORECASE,
)
_TITLE = re.compile(r"(?:title|titel)", re.IGNORECASE)
_BODY_TEXT = 9
"""Outline level of what is no heading (17.3.1.20)."""
_DEEPEST = 20
"""Styles that a style may rest on, one on the other."""


@dataclass(frozen=True, slots=True)
class Style:
    """What a style says, with all that it rests on."""

    heading: int | None = None
    """From 1; 0 for "expressly none"."""
    is_title: bool = False
    list_id: str | None = None
    list_level: int | None = None
    look: Look = field(default_factory=Look)
    shaded: bool = False
    """Somewhere in a table style there is a fill."""

    def over(self, below: Style) -> Style:
        """Both, where this one goes first."""
        return Style(
            self.heading if self.heading is not None else below.heading,
            self.is_title,
            self.list_id if self.list_id is not None else below.list_id,
            self.list_level if self.list_level is not None else below.list_level,
            self.look.over(below.look),
            self.shaded or below.shaded,
        )


class Styles:
    """All styles by their id."""

    def __init__(self, package: Package, part: str | None) -> None:
        self._own: dict[str, Style] = {}
        self._based_on: dict[str, str] = {}
        self._whole: dict[str, Style] = {}
        self._default = ""
        self.defaults = Look()
        if part is None:
            return
        root = package.tree(part)
        below = child(root, "docDefaults", "rPrDefault", "rPr")
        if below is not None:
            self.defaults = look_of(below)
        for entry in children(root, "style"):
            self._take(entry)

    def __getitem__(self, name: str | None) -> Style:
        """A style by its id; the default paragraph style for "", an empty one for None or an unknown id."""
        if name is None:
            return Style()
        name = name or self._default
        if name not in self._whole:
            whole, at, seen = Style(), name, 0
            while at in self._own and seen < _DEEPEST:
                own = self._own[at]
                whole = own if not seen else whole.over(own)
                at, seen = self._based_on.get(at, ""), seen + 1
            self._whole[name] = whole
        return self._whole[name]

    def _take(self, entry: Any) -> None:
        name = value(entry.attrib, "styleId") or ""
        title = child(entry, "name")
        called = (value(title.attrib) or "") if title is not None else ""
        own = _paragraph_style(child(entry, "pPr"))
        if own.heading is None:
            own = replace(own, heading=heading_of_name(called))
        run = child(entry, "rPr")
        look = look_of(run) if run is not None else Look()
        shaded = any(colour_of(value(e.attrib, "fill") or "") for e in entry.iter() if str(e.tag).endswith("}shd"))
        self._own[name] = replace(
            own, is_title=bool(_TITLE.fullmatch(called.strip())), look=look.over(own.look), shaded=shaded
        )
        below = child(entry, "basedOn")
        if below is not None:
            self._based_on[name] = value(below.attrib) or ""
        if value(entry.attrib, "type") == "paragraph" and (value(entry.attrib, "default") or "0") in ("1", "true"):
            self._default = name


def heading_of_name(name: str) -> int | None:
    """Heading level that a style's name gives, in whatever language; None for any other name."""
    match = _HEADING.fullmatch(name.strip())
    return int(match.group(1)) if match else None


def look_of(properties: Any) -> Look:
    """The look that run properties (w:rPr) describe."""
    look = Look()
    for entry in properties:
        look = look_with(look, str(entry.tag).rpartition("}")[2], entry.attrib)
    return look


def look_with(look: Look, name: str, attributes: Mapping[str, str]) -> Look:
    """A look with one more property of a run or paragraph, by its local name; others are passed over."""
    match name:
        case "vanish":
            return replace(look, vanish=switched_on(attributes))
        case "color":
            return replace(look, colour=value(attributes) or "auto")
        case "sz":
            half_points = number(value(attributes))
            return look if half_points is None else replace(look, size=half_points / 2)
        case "shd":
            return replace(look, shade=fill(attributes))
        case "highlight":
            return replace(look, shade="")
    return look


def fill(attributes: Mapping[str, str]) -> str | None:
    """Colour of a shading; None for none, "" where it is a pattern or a colour of the theme only."""
    found = value(attributes, "fill") or ""
    if (value(attributes) or "clear") not in ("clear", "nil"):
        return ""
    return colour_of(found) or ("" if value(attributes, "themeFill") else None)


def _paragraph_style(properties: Any | None) -> Style:
    if properties is None:
        return Style()
    own = Style()
    level = child(properties, "outlineLvl")
    if level is not None:
        outline = number(value(level.attrib), _BODY_TEXT)
        own = replace(own, heading=outline_heading(outline))
    belongs = child(properties, "numPr")
    if belongs is not None:
        entry, depth = child(belongs, "numId"), child(belongs, "ilvl")
        own = replace(
            own,
            list_id=value(entry.attrib) if entry is not None else None,
            list_level=number(value(depth.attrib)) if depth is not None else None,
        )
    shade = child(properties, "shd")
    return own if shade is None else replace(own, look=Look(shade=fill(shade.attrib)))


def outline_heading(outline: int | None) -> int:
    """Heading level of an outline level (0 to 8); 0 for body text."""
    return outline + 1 if outline is not None and 0 <= outline < _BODY_TEXT else 0
