"""Presentations (.pptx and kin): slides in their order, titles, lists, tables, charts, diagrams, notes and comments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.loaders import ooxml
from ingest.loaders.charts import tell_chart
from ingest.loaders.flow import Flow
from ingest.loaders.ooxml import Relationship, child, children, number, related, relationships, value
from ingest.loaders.packages import Package
from ingest.loaders.pptx_backdrop import Backdrops, Box, box_of, rectangle
from ingest.loaders.pptx_text import plain, tell_table, tell_text
from ingest.loaders.slides import Shape, hidden_slides, tell
from ingest.loaders.titles import clean, sensible_title
from ingest.protocols import Loaded, LoadEvent

_TITLES = ("title", "ctrTitle")
_REPEATED = ("dt", "ftr", "sldNum", "hdr")
"""Date, footer, number and header: the same on each slide."""
_LISTED = ("body", "obj", "")
_LONGEST_NAME = 60
_ON = ("1", "true")


class PptxLoader:
    """Reads one presentation; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource, DamagedSource, PasswordNeeded, NoText, TooLarge
        """
        with Package(path) as package:
            part = ooxml.main_part(package, "ppt/presentation.xml")
            root, relations = package.tree(part), relationships(package, part)
            size = child(root, "sldSz")
            width, height = (0 if size is None else number(value(size.attrib, name), 0) or 0 for name in ("cx", "cy"))
            flow, layouts, authors = Flow(), _Layouts(package), _authors(package, relations)
            backdrops = Backdrops(package)
            heads: list[str] = []
            not_shown: list[int] = []
            for count, entry in enumerate(_slide_parts(root, relations, package), start=1):
                slide = _Slide(package, entry, layouts, backdrops)
                if slide.hidden:
                    not_shown.append(count)
                heads.append(tell(flow, slide.shapes(), number=count, width=width, height=height))
                flow.mark_notes(slide.notes())
                for comment in slide.comments(authors):
                    flow.paragraph(comment)
            found = ooxml.properties(package)
            yield flow.loaded()
            yield Loaded(
                title=title or sensible_title(found.title) or sensible_title(heads[0] if heads else ""),
                author=found.author,
                date=found.date,
                report=flow.report(skipped=ooxml.embedded_files(package), warnings=hidden_slides(not_shown)),
            )


class _Layouts:
    """Where the placeholders of layouts and masters stand; slides that say nothing of their own stand there."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._known: dict[str, dict[str, Box]] = {}

    def boxes(self, relations: dict[str, Relationship], kind: str = "slideLayout") -> dict[str, Box]:
        """Boxes by type and by index of the placeholder."""
        part = related(relations, kind, self._package)
        if part is None:
            return {}
        if part not in self._known:
            above = self.boxes(relationships(self._package, part), "slideMaster") if kind == "slideLayout" else {}
            found = dict(above)
            for shape in self._package.tree(part).iter():
                place, box = _placeholder(shape), box_of(shape)
                if place is not None and box is not None:
                    found[f"type {place[0]}"] = box
                    found[f"index {place[1]}"] = box
                elif place is not None and f"type {place[0]}" in above:
                    found[f"index {place[1]}"] = above[f"type {place[0]}"]
            self._known[part] = found
        return self._known[part]


class _Slide:
    """One slide part and what belongs to it."""

    def __init__(self, package: Package, part: str, layouts: _Layouts, backdrops: Backdrops) -> None:
        self._package = package
        self._root = package.tree(part)
        self._relations = relationships(package, part)
        self._boxes = layouts.boxes(self._relations)
        self._backdrops = backdrops

    @property
    def hidden(self) -> bool:
        """It is left out when the presentation is shown."""
        return value(self._root.attrib, "show") in ("0", "false")

    def shapes(self) -> list[Shape]:
        """All shapes that can hold text."""
        tree = child(self._root, "cSld", "spTree")
        return [] if tree is None else list(self._shapes(tree))

    def notes(self) -> str:
        """What the speaker noted down."""
        part = related(self._relations, "notesSlide", self._package)
        if part is None:
            return ""
        texts = [
            plain(body)
            for shape in self._package.tree(part).iter()
            if (place := _placeholder(shape)) is not None and place[0] == "body"
            for body in children(shape, "txBody")
        ]
        return "\n".join(texts)

    def comments(self, authors: dict[str, str]) -> Iterator[str]:
        """Comments with who made them."""
        for relation in self._relations.values():
            if relation.kind != "comments" or relation.external or relation.target not in self._package:
                continue
            for entry in self._package.tree(relation.target).iter():
                local = str(entry.tag).rpartition("}")[2]
                old = child(entry, "text") if local == "cm" else None
                new = child(entry, "txBody") if local in ("cm", "reply") else None
                text = old.text or "" if old is not None else plain(new) if new is not None else ""
                author = authors.get(value(entry.attrib, "authorId") or "", "")
                if text.strip():
                    yield f"Comment by {author}: {text}" if author else f"Comment: {text}"

    def _shapes(self, tree: Any, hidden: bool = False) -> Iterator[Shape]:
        for element in tree:
            match str(element.tag).rpartition("}")[2]:
                case "sp" | "graphicFrame":
                    shape = self._shape(element)
                    if shape is not None:
                        shape.hidden |= hidden
                        yield shape
                case "grpSp":
                    for shape in self._shapes(element, hidden or _is_hidden(element)):
                        shape.box = _in_group(element, shape.box)
                        yield shape
                case "AlternateContent":
                    choice = next(children(element, "Choice"), None)
                    if choice is not None:
                        yield from self._shapes(choice, hidden)

    def _shape(self, element: Any) -> Shape | None:
        kind, index = _placeholder(element) or (None, "")
        if kind in _REPEATED:
            return None
        box = box_of(element) or self._boxes.get(f"index {index}") or self._boxes.get(f"type {kind}")
        shape = Shape(title=kind in _TITLES, box=box, hidden=_is_hidden(element))
        body = child(element, "txBody")
        if body is not None:
            behind = self._backdrops.behind(element, box, self._root, self._relations)
            tell_text(shape.flow, body, relations=self._relations, listed=kind in _LISTED, behind=behind)
        data = child(element, "graphic", "graphicData")
        for inner in () if data is None else data:
            self._tell_graphic(shape.flow, inner)
        return shape

    def _tell_graphic(self, flow: Flow, element: Any) -> None:
        """A table, a chart, or the words of a diagram."""
        match str(element.tag).rpartition("}")[2]:
            case "tbl":
                tell_table(flow, element, relations=self._relations)
            case "chart":
                part = self._part(value(element.attrib, "id"))
                if part:
                    tell_chart(flow, self._package.tree(part))
            case "relIds":
                part = self._part(value(element.attrib, "dm"))
                for line in plain(self._package.tree(part)).split("\n") if part else ():
                    flow.item(line)

    def _part(self, relation_id: str | None) -> str:
        relation = self._relations.get(relation_id or "")
        inside = relation is not None and not relation.external and relation.target in self._package
        return relation.target if relation is not None and inside else ""


def _slide_parts(root: Any, relations: dict[str, Relationship], package: Package) -> Iterator[str]:
    listed = child(root, "sldIdLst")
    for entry in () if listed is None else listed:
        for name, found in entry.attrib.items():  # its other attribute "id" is a number
            relation = relations.get(found) if name.endswith("}id") else None
            if relation is not None and not relation.external and relation.target in package:
                yield relation.target


def _authors(package: Package, relations: dict[str, Relationship]) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in ("commentAuthors", "authors"):
        part = related(relations, kind, package)
        for entry in () if part is None else package.tree(part):
            found[value(entry.attrib, "id") or ""] = clean(value(entry.attrib, "name") or "")[:_LONGEST_NAME]
    return found


def _non_visual(shape: Any) -> Any | None:
    return next((entry for entry in shape if str(entry.tag).rpartition("}")[2].startswith("nv")), None)


def _placeholder(shape: Any) -> tuple[str, str] | None:
    """Type ("" is the default) and index of a placeholder; None for any other shape."""
    about = _non_visual(shape)
    place = child(about, "nvPr", "ph") if about is not None else None
    return None if place is None else (value(place.attrib, "type") or "", value(place.attrib, "idx") or "")


def _is_hidden(shape: Any) -> bool:
    about = _non_visual(shape)
    named = child(about, "cNvPr") if about is not None else None
    return named is not None and value(named.attrib, "hidden") in _ON


def _in_group(group: Any, box: Box | None) -> Box | None:
    """Where a shape stands whose box is given in the group's own coordinates (20.1.7.5)."""
    transform = child(group, "grpSpPr", "xfrm")
    if transform is None or box is None:
        return box
    outer, inner = rectangle(transform, "off", "ext"), rectangle(transform, "chOff", "chExt")
    if outer is None or inner is None or not inner[2] or not inner[3]:
        return box
    wide, high = outer[2] / inner[2], outer[3] / inner[3]
    return outer[0] + (box[0] - inner[0]) * wide, outer[1] + (box[1] - inner[1]) * high, box[2] * wide, box[3] * high
