"""What all OpenDocument files (ISO/IEC 26300, version 1.3) share: names, styles, properties, encryption."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ingest.loaders.locked import refuse_locked
from ingest.loaders.looks import Look, colour_of
from ingest.loaders.odf_numbering import OdfNumbering
from ingest.loaders.ooxml import Names, Properties, value
from ingest.loaders.packages import Package
from ingest.loaders.titles import clean
from rag.errors import DamagedSource

CONTENT = "content.xml"
_PREFIXES = {
    f"urn:oasis:names:tc:opendocument:xmlns:{namespace}:1.0": prefix
    for namespace, prefix in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("drawing", "draw"),
        ("style", "style"),
        ("presentation", "presentation"),
        ("svg-compatible", "svg"),
        ("script", "script"),
        ("form", "form"),
    )
} | {"http://purl.org/dc/elements/1.1/": "dc"}
_LENGTH = re.compile(r"(-?\d{1,9}(?:\.\d{1,9})?)(pt|cm|mm|in|inch|px|pc)")
_POINTS = {"pt": 1.0, "cm": 72 / 2.54, "mm": 72 / 25.4, "in": 72.0, "inch": 72.0, "px": 0.75, "pc": 12.0}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DEEPEST = 20
_LONGEST = 200


def names() -> Names:
    """Short names of OpenDocument's tags ("text:p")."""
    return Names(_PREFIXES)


def points(length: str | None) -> float | None:
    """A length with its unit in points; None for anything else."""
    match = _LENGTH.fullmatch(length or "")
    return float(match.group(1)) * _POINTS[match.group(2)] if match else None


@dataclass(slots=True)
class _Style:
    below: str = ""
    numbered: str | None = None
    """Name of the list style of its paragraphs, "" for expressly none."""
    look: Look = field(default_factory=Look)
    background: str | None = None
    """Colour behind a cell, paragraph or shape; "" for one that is not known."""


class OdfStyles:
    """Styles of a document by family and name; takes in both parts that define them while they are read."""

    def __init__(self) -> None:
        self.numbering = OdfNumbering()
        self._styles: dict[tuple[str, str], _Style] = {}
        self._now: _Style | None = None
        self.page: str | None = None
        """Colour of the page, where it has one."""
        self.size = (0.0, 0.0)
        """Width and height of the page in points, where they are known."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins, by its short name."""
        self.numbering.start(name, attributes)
        match name:
            case "style:style" | "style:default-style":
                self._now = _Style(value(attributes, "parent-style-name") or "", value(attributes, "list-style-name"))
                key = (value(attributes, "family") or "", value(attributes, "name") or "")
                self._styles[key] = self._now
            case "style:text-properties" if self._now:
                self._now.look = _look(attributes)
            case "style:paragraph-properties" | "style:table-cell-properties" if self._now:
                self._now.background = colour_of(value(attributes, "background-color") or "")
            case "style:graphic-properties" if self._now:
                self._now.background = _fill(attributes)
            case "style:drawing-page-properties" if self._now and value(attributes, "visibility") == "hidden":
                self._now.look = Look(vanish=True)
            case "style:page-layout-properties":
                self.page = colour_of(value(attributes, "background-color") or "") or self.page
                self._layout(attributes)

    def end(self, name: str) -> None:
        """An element ends."""
        self.numbering.end(name)
        if name in ("style:style", "style:default-style"):
            self._now = None

    def look(self, family: str, name: str) -> Look:
        """How characters of this style look."""
        look = Look()
        for style in self._chain(family, name):
            look = look.over(style.look)
        return look

    def background(self, family: str, name: str) -> str | None:
        """What lies behind something in this style; None for nothing."""
        return next((style.background for style in self._chain(family, name) if style.background is not None), None)

    def list_style(self, name: str) -> str | None:
        """The list style that a paragraph style names, "" for expressly none."""
        chain = self._chain("paragraph", name)
        return next((style.numbered for style in chain if style.numbered is not None), None)

    def descends(self, family: str, name: str, ancestor: str) -> bool:
        """Whether a style is another, or rests on it."""
        return name == ancestor or any(style.below == ancestor for style in self._chain(family, name))

    def _layout(self, attributes: Mapping[str, str]) -> None:
        """Pages of handouts and notes stand upright; a slide's is the widest."""
        width, height = points(value(attributes, "page-width")), points(value(attributes, "page-height"))
        if width and height and width > self.size[0]:
            self.size = (width, height)

    def _chain(self, family: str, name: str) -> Iterator[_Style]:
        for _ in range(_DEEPEST):
            style = self._styles.get((family, name))
            if style is None:
                break
            yield style
            name = style.below
        if default := self._styles.get((family, "")):
            yield default


class StyleReader:
    """Hears the part styles.xml; the text of headers and footers in it is passed over."""

    def __init__(self, styles: OdfStyles) -> None:
        self._styles = styles
        self._names = names()

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self._styles.start(self._names(tag), attributes)

    def end(self, tag: str) -> None:
        """An element ends."""
        self._styles.end(self._names(tag))

    def data(self, data: str) -> None:
        """Text, of no interest."""


def read_styles(package: Package) -> OdfStyles:
    """The named styles of a document; those that content.xml adds are heard when that is read."""
    styles = OdfStyles()
    if "styles.xml" in package:
        package.stream("styles.xml", StyleReader(styles))
    return styles


def check(package: Package) -> None:
    """Refuse what holds no document that can be read.

    Raises:
        PasswordNeeded: it is encrypted.
        DamagedSource: it has no content.
    """
    refuse_locked(package)
    if CONTENT not in package:
        raise DamagedSource(
            "It is not a document of this kind: the part that holds the text is missing.",
            hint="Open it in the program it comes from, save it again and add that.",
        )


def properties(package: Package) -> Properties:
    """Title, author and day of the last change."""
    if "meta.xml" not in package:
        return Properties()
    found = {
        str(entry.tag).rpartition("}")[2]: clean(entry.text or "")[:_LONGEST]
        for entry in package.tree("meta.xml").iter()
    }
    author = found.get("initial-creator") or found.get("creator")
    day = _DAY.match(found.get("date", "")) or _DAY.match(found.get("creation-date", ""))
    return Properties(found.get("title", ""), author or None, day.group() if day else None)


def _look(attributes: Mapping[str, str]) -> Look:
    display = value(attributes, "display")
    look = Look(vanish=None if display is None else display == "none", size=points(value(attributes, "font-size")))
    colour = value(attributes, "color")
    if value(attributes, "use-window-font-color") == "true":
        colour = "auto"
    shade = value(attributes, "background-color")
    return replace(look, colour=colour and (colour_of(colour) or "auto"), shade=colour_of(shade or ""))


def _fill(attributes: Mapping[str, str]) -> str | None:
    match value(attributes, "fill"):
        case None:
            return colour_of(value(attributes, "background-color") or "")
        case "none":
            return None
        case "solid":
            return colour_of(value(attributes, "fill-color") or "") or ""
    return ""
