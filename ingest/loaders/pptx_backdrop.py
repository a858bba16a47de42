"""What lies behind the text of a slide, where that is certain: tells white text on white from white text on dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ingest.loaders.looks import WHITE, alike, colour_of
from ingest.loaders.ooxml import Relationship, child, children, number, related, relationships, value
from ingest.loaders.packages import Package

Box = tuple[float, float, float, float]
"""Left, top, width, height."""

_FILLS = ("solidFill", "gradFill", "blipFill", "pattFill", "grpFill")
_PLAIN = 1001
"""Index of a theme's first background fill, which is one colour (20.1.4.1.7)."""


class Backdrops:
    """Backgrounds and what covers them, of slides with their layouts and masters."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._above: dict[str, tuple[list[Box | None], str]] = {}

    def behind(self, shape: Any, box: Box | None, root: Any, relations: Mapping[str, Relationship]) -> str | None:
        """Colour behind the text of a shape, six digits; None where that is not certain."""
        own = child(shape, "spPr")
        if own is not None and (fill := solid(own)) is not None:
            return fill
        if _filled(shape) or box is None:
            return None
        covers, colour = self._layout(relations)
        own_background = _background(root)
        if child(root, "clrMapOvr", "overrideClrMapping") is not None:
            colour = ""
        elif own_background is not None:
            colour = own_background
        others = [cover for element, cover in _covers(root) if element is not shape]
        if any(cover is None or _meet(cover, box) for cover in (*covers, *others)):
            return None
        return colour or None

    def _layout(self, relations: Mapping[str, Relationship], kind: str = "slideLayout") -> tuple[list[Box | None], str]:
        """What layout and master put on a slide, and their background ("" where it is not certain)."""
        part = related(relations, kind, self._package)
        if part is None:
            return [], WHITE
        if part not in self._above:
            root = self._package.tree(part)
            covers = [cover for _, cover in _covers(root)]
            background = _background(root)
            below = WHITE
            if kind == "slideLayout":
                more, below = self._layout(relationships(self._package, part), "slideMaster")
                covers += more
            elif not self._light(part, root):
                below = background = ""
            self._above[part] = covers, below if background is None else background
        return self._above[part]

    def _light(self, part: str, master: Any) -> bool:
        """Whether a master's first background colour is white, as it is in nearly all themes."""
        mapping = child(master, "clrMap")
        if mapping is not None and value(mapping.attrib, "bg1") not in (None, "lt1"):
            return False
        theme = related(relationships(self._package, part), "theme", self._package)
        light = child(self._package.tree(theme), "themeElements", "clrScheme", "lt1") if theme else None
        for entry in () if light is None else light:
            return alike(value(entry.attrib, "lastClr") or value(entry.attrib) or "", WHITE)
        return True


def solid(properties: Any) -> str | None:
    """The plain colour that shape or run properties fill with, the theme's background taken for white; else None."""
    fill = child(properties, "solidFill")
    return None if fill is None else _colour(fill) or None


def _colour(holder: Any) -> str:
    """Colour under a fill or reference, "" where it is not certain."""
    exact, named = child(holder, "srgbClr"), child(holder, "schemeClr")
    if exact is not None and not len(exact):
        return colour_of(value(exact.attrib) or "") or ""
    return WHITE if named is not None and not len(named) and value(named.attrib) in ("bg1", "lt1") else ""


def _background(root: Any) -> str | None:
    """A part's own background; "" for one that is not a plain known colour, None for none."""
    background = child(root, "cSld", "bg")
    if background is None:
        return None
    own, reference = child(background, "bgPr", "solidFill"), child(background, "bgRef")
    if own is not None:
        return _colour(own)
    plain = reference is not None and number(value(reference.attrib, "idx")) == _PLAIN
    return _colour(reference) if plain else ""


def _covers(root: Any) -> Iterator[tuple[Any, Box | None]]:
    """Pictures and filled shapes with their boxes; None for one whose box is given in a group's coordinates."""
    tree = child(root, "cSld", "spTree")
    for element in () if tree is None else tree:
        local = str(element.tag).rpartition("}")[2]
        if local in ("pic", "graphicFrame") or (local == "sp" and _filled(element)):
            yield element, box_of(element)
        elif local in ("grpSp", "AlternateContent"):
            yield element, None


def _filled(shape: Any) -> bool:
    own = child(shape, "spPr")
    if own is not None and next(children(own, *_FILLS), None) is not None:
        return True
    if own is not None and child(own, "noFill") is not None:
        return False
    reference = child(shape, "style", "fillRef")
    return reference is not None and value(reference.attrib, "idx") != "0"


def _meet(one: Box, other: Box) -> bool:
    return (
        one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3]
        and other[1] < one[1] + one[3]
    )


def box_of(shape: Any) -> Box | None:
    """Where a shape itself says that it stands."""
    transform = child(shape, "spPr", "xfrm")
    if transform is None:
        transform = child(shape, "xfrm")
    return None if transform is None else rectangle(transform, "off", "ext")


def rectangle(transform: Any, offset: str, extent: str) -> Box | None:
    """A box out of a transform (20.1.7.6)."""
    off, ext = child(transform, offset), child(transform, extent)
    if off is None or ext is None:
        return None
    left, top = (number(value(off.attrib, name), 0) or 0 for name in ("x", "y"))
    wide, high = (number(value(ext.attrib, name), 0) or 0 for name in ("cx", "cy"))
    return left, top, wide, high
