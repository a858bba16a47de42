"""OpenDocument presentations (.odp): slides in their order, titles, lists, tables and notes, from their XML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ingest.loaders import odf
from ingest.loaders.flow import Flow
from ingest.loaders.odf import OdfStyles
from ingest.loaders.odf_objects import Objects
from ingest.loaders.odt_reader import OdtReader
from ingest.loaders.ooxml import value
from ingest.loaders.packages import Package
from ingest.loaders.slides import Shape, hidden_slides, tell
from ingest.loaders.titles import sensible_title
from ingest.protocols import Loaded, LoadEvent

_SHAPES = frozenset(
    {"draw:frame", "draw:custom-shape", "draw:rect", "draw:ellipse", "draw:circle", "draw:line", "draw:connector"}
)
_REPEATED = frozenset({"footer", "date-time", "page-number", "header"})
_UNKNOWN = ""


class OdpLoader:
    """Reads one OpenDocument presentation; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource, DamagedSource, PasswordNeeded, NoText, TooLarge
        """
        with Package(path) as package:
            odf.check(package)
            reader = _SlideReader(Flow(), odf.read_styles(package))
            objects = Objects(package)
            reader.tell_object = objects.tell
            package.stream(odf.CONTENT, reader)
            found = odf.properties(package)
            yield reader.flow.loaded()
            yield Loaded(
                title=title or sensible_title(found.title) or sensible_title(reader.first_title),
                author=found.author,
                date=found.date,
                report=reader.flow.report(skipped=objects.unread(), warnings=hidden_slides(reader.hidden_slides)),
            )


class _SlideReader(OdtReader):
    """Hears content.xml; each outermost shape has a flow of its own until its slide ends and can be put in order."""

    def __init__(self, flow: Flow, styles: OdfStyles) -> None:
        super().__init__(flow, styles)
        styles.page = _UNKNOWN  # pictures and shapes lie below others: only a shape's own fill is certain
        self.first_title = ""
        self.hidden_slides: list[int] = []
        self._slides = 0
        self._shapes: list[Shape] = []
        self._spoken = Flow()
        """Notes of the slide."""
        self._told = flow
        """What the slides are told to when they end; meanwhile `flow` takes what stands in no shape (comments)."""
        self._outer: Flow | None = None
        self._depth = 0
        """Shapes that are open."""
        self._in_notes = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        name = self._names(tag)
        match name:
            case "draw:page":
                self._begin_slide(attributes)
            case "presentation:notes":
                self._in_notes = True
            case _ if name in _SHAPES:
                self._depth += 1
                if self._depth == 1:
                    self._open(attributes)
        super().start(tag, attributes)

    def end(self, tag: str) -> None:
        """An element ends."""
        super().end(tag)
        name = self._names(tag)
        match name:
            case "draw:page":
                self._end_slide()
            case "presentation:notes":
                self._in_notes = False
            case _ if name in _SHAPES:
                self._depth -= 1
                if self._depth == 0 and self._outer is not None:
                    self.flow, self._outer = self._outer, None

    def _begin_slide(self, attributes: Mapping[str, str]) -> None:
        self._slides += 1
        self._shapes, self._spoken, self.flow = [], Flow(), Flow()
        if self._styles.look("drawing-page", value(attributes, "style-name") or "").vanish:
            self.hidden_slides.append(self._slides)

    def _end_slide(self) -> None:
        loose, self.flow = self.flow, self._told
        width, height = self._styles.size
        title = tell(self.flow, self._shapes, number=self._slides, width=width, height=height)
        if self._slides == 1:
            self.first_title = title
        self.flow.mark_notes(self._spoken.text)
        self.flow.absorb_hidden(self._spoken)
        self.flow.absorb(loose)

    def _open(self, attributes: Mapping[str, str]) -> None:
        """Let a shape have its own flow; the notes' is kept apart, and what each slide repeats goes nowhere."""
        kind = value(attributes, "class") or ""
        shape = Shape(
            title=kind == "title", box=_box(attributes), hidden=value(attributes, "display") in ("none", "printer")
        )
        self._outer, self.flow = self.flow, shape.flow
        if self._in_notes and kind == "notes":
            self.flow = self._spoken
        elif not self._in_notes and kind not in _REPEATED:
            self._shapes.append(shape)


def _box(attributes: Mapping[str, str]) -> tuple[float, float, float, float] | None:
    left, top = odf.points(value(attributes, "x")), odf.points(value(attributes, "y"))
    if left is None or top is None:
        return None
    return left, top, odf.points(value(attributes, "width")) or 0.0, odf.points(value(attributes, "height")) or 0.0
