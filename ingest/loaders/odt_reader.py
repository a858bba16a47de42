"""The text of an OpenDocument file, read as a stream: one handler for each element that matters.

Deleted text (tracked changes) is out. What is hidden (by itself, by a style, a section or a condition), tiny, or of the
colour of its background is told to the flow as hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ingest.loaders import odf
from ingest.loaders.flow import Flow
from ingest.loaders.links import with_target
from ingest.loaders.looks import Look
from ingest.loaders.odf import OdfStyles
from ingest.loaders.ooxml import number, value
from ingest.loaders.titles import clean

_LEFT_OUT_TAGS = """
text:tracked-changes text:note-citation text:ruby-text text:script office:forms office:scripts office:binary-data
svg:title svg:desc draw:object draw:glue-point office:event-listeners text:table-of-content-source
text:alphabetical-index-source text:bibliography-source text:illustration-index-source text:user-index-source
text:table-index-source text:object-index-source table:shapes dc:date text:number
"""
_LEFT_OUT = frozenset(_LEFT_OUT_TAGS.split())
_SHAPES = frozenset({"draw:frame", "draw:custom-shape", "draw:rect", "draw:ellipse", "draw:g", "draw:text-box"})
_MOST_SPACES = 100
_LONGEST_NAME = 60


@dataclass(slots=True)
class _Paragraph:
    style: str
    heading: int = 0
    item: int | None = None
    label: str = ""
    hidden: bool = False
    parts: list[str] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    """Of the paragraph and of the spans open in it, each over those around it."""


@dataclass(slots=True)
class _Table:
    in_header: bool = False
    below: dict[int, int] = field(default_factory=dict)
    """Column → rows below that the cell above reaches into."""
    column: int = 0
    columns: int = 1
    rows: int = 1
    covered: bool = False


@dataclass(slots=True)
class _Note:
    kind: str
    outer: Flow
    author: str = ""


class OdtReader:
    """Hears content.xml (ingest.loaders.packages.PartReader) and tells a flow."""

    def __init__(self, flow: Flow, styles: OdfStyles) -> None:
        self.flow = flow
        self.title = ""
        """Text of the first paragraph in the style Title."""
        self._styles = styles
        self._names = odf.names()
        self._path: list[str] = []
        self._left_out = 0
        self._hidden: list[bool] = []
        self._paragraphs: list[_Paragraph] = []
        self._tables: list[_Table] = []
        self._items: list[bool] = []
        """For each list that is open: whether the next paragraph begins an item."""
        self._lists: list[str] = []
        """Their styles."""
        self._start: int | None = None
        """Where the item that is being read begins to count anew."""
        self._links: list[tuple[str, int]] = []
        self._behind: list[str | None] = []
        self._notes: list[_Note] = []
        self._counted: dict[str, int] = {}
        self.tell_object: Callable[[Flow, str], object] = lambda flow, href: None
        """Told of each object inside the document, by its reference."""

    # --- what the parser says --------------------------------------------------------------------

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        name = self._names(tag)
        if self._left_out or name in _LEFT_OUT:
            if name == "draw:object" and not self._left_out and not any(self._hidden):
                self.tell_object(self.flow, value(attributes, "href") or "")
            self._left_out += 1
            return
        self._path.append(name)
        self._styles.start(name, attributes)
        handler = _STARTS.get(name)
        if handler:
            handler(self, attributes)

    def end(self, tag: str) -> None:
        """An element ends."""
        if self._left_out:
            self._left_out -= 1
            return
        name = self._path.pop()
        self._styles.end(name)
        handler = _ENDS.get(name)
        if handler:
            handler(self)

    def data(self, data: str) -> None:
        """Characters; they count inside paragraphs only."""
        if self._left_out:
            return
        if self._path and self._path[-1] == "dc:creator":
            if self._notes:
                self._notes[-1].author = clean(self._notes[-1].author + data)[:_LONGEST_NAME]
        elif self._paragraphs:
            self._say(data)

    # --- paragraphs and characters ---------------------------------------------------------------

    def _begin_paragraph(self, attributes: Mapping[str, str]) -> None:
        style = value(attributes, "style-name") or ""
        heading, item, label = 0, None, ""
        if self._items and self._items[-1]:
            self._items[-1] = False
            item = len(self._items) - 1
            label = self._styles.numbering.label(self._lists[-1], item, start=self._start)
        if self._path[-1] == "text:h":
            heading = max(1, number(value(attributes, "outline-level"), 1) or 1)
            unnumbered = value(attributes, "is-list-header") == "true" or self._styles.list_style(style) == ""
            label = label or ("" if unnumbered else self._styles.numbering.heading(heading))
        look = self._styles.look("paragraph", style)
        look = look.over(Look(shade=self._styles.background("paragraph", style)))
        behind = next((colour for colour in reversed(self._behind) if colour is not None), self._styles.page)
        self._paragraphs.append(_Paragraph(style, heading, item, label, looks=[look.over(Look(shade=behind))]))

    def _end_paragraph(self) -> None:
        paragraph = self._paragraphs.pop()
        text = "".join(paragraph.parts)
        if paragraph.hidden:
            self.flow.hide(text)
            return
        is_title = self._styles.descends("paragraph", paragraph.style, "Title")
        if is_title and not self.title:
            self.title = text
        if paragraph.label and text.strip():
            text = f"{paragraph.label} {text}"
        if paragraph.heading or is_title:
            self.flow.heading(text, paragraph.heading or 1)
        elif paragraph.item is not None:
            self.flow.item(text, paragraph.item)
        else:
            self.flow.paragraph(text)

    def _begin_span(self, attributes: Mapping[str, str]) -> None:
        if self._paragraphs:
            looks = self._paragraphs[-1].looks
            looks.append(self._styles.look("text", value(attributes, "style-name") or "").over(looks[-1]))

    def _end_span(self) -> None:
        if self._paragraphs and len(self._paragraphs[-1].looks) > 1:
            self._paragraphs[-1].looks.pop()

    def _say(self, text: str) -> None:
        if not self._paragraphs:
            return
        paragraph = self._paragraphs[-1]
        if any(self._hidden) or paragraph.looks[-1].hidden():
            self.flow.hide(text)
        else:
            paragraph.parts.append(text)

    def _spaces(self, attributes: Mapping[str, str]) -> None:
        self._say(" " * max(1, min(number(value(attributes, "c"), 1) or 1, _MOST_SPACES)))

    def _tab(self, _: Mapping[str, str]) -> None:
        self._say(" ")

    def _break(self, _: Mapping[str, str]) -> None:
        self._say("\n")

    def _begin_link(self, attributes: Mapping[str, str]) -> None:
        start = len(self._paragraphs[-1].parts) if self._paragraphs else 0
        self._links.append((value(attributes, "href") or "", start))

    def _end_link(self) -> None:
        target, start = self._links.pop()
        if self._paragraphs:
            shown = "".join(self._paragraphs[-1].parts[start:])
            self._paragraphs[-1].parts.append(with_target(shown, target)[len(shown) :])

    # --- what can be hidden ----------------------------------------------------------------------

    def _begin_section(self, attributes: Mapping[str, str]) -> None:
        display = value(attributes, "display")
        self._hidden.append(display == "none" or (display == "condition" and value(attributes, "is-hidden") == "true"))

    def _begin_hidden(self, attributes: Mapping[str, str]) -> None:
        hidden = value(attributes, "is-hidden") != "false"
        if hidden and self._path[-1] == "text:hidden-paragraph" and self._paragraphs:
            self._paragraphs[-1].hidden = True
        elif hidden:
            self.flow.hide(value(attributes, "string-value") or "")
        self._hidden.append(hidden)

    def _end_hidden(self) -> None:
        self._hidden.pop()

    def _begin_shape(self, attributes: Mapping[str, str]) -> None:
        self._behind.append(self._styles.background("graphic", value(attributes, "style-name") or ""))

    def _end_shape(self) -> None:
        self._behind.pop()

    # --- lists and tables ------------------------------------------------------------------------

    def _begin_list(self, attributes: Mapping[str, str]) -> None:
        around = self._lists[-1] if self._lists else ""
        self._lists.append(value(attributes, "style-name") or around)
        if not self._items:
            goes_on = (
                value(attributes, "continue-numbering") == "true" or value(attributes, "continue-list") is not None
            )
            self._styles.numbering.begin_list(self._lists[-1], goes_on=goes_on)
        self._items.append(False)

    def _end_list(self) -> None:
        self._items.pop()
        self._lists.pop()

    def _begin_item(self, attributes: Mapping[str, str]) -> None:
        if self._items:
            self._items[-1] = True
            self._start = number(value(attributes, "start-value"))

    def _begin_table(self, _: Mapping[str, str]) -> None:
        self._tables.append(_Table())
        self.flow.begin_table()

    def _end_table(self) -> None:
        self._tables.pop()
        self.flow.end_table()

    def _begin_header(self, _: Mapping[str, str]) -> None:
        if self._tables:
            self._tables[-1].in_header = True

    def _end_header(self) -> None:
        if self._tables:
            self._tables[-1].in_header = False

    def _begin_row(self, _: Mapping[str, str]) -> None:
        if self._tables:
            self._tables[-1].column = 0
        self.flow.begin_row(header=bool(self._tables and self._tables[-1].in_header))

    def _begin_cell(self, attributes: Mapping[str, str]) -> None:
        self._behind.append(self._styles.background("table-cell", value(attributes, "style-name") or ""))
        if self._tables:
            table = self._tables[-1]
            table.covered = self._path[-1] == "table:covered-table-cell"
            table.columns = max(1, number(value(attributes, "number-columns-repeated"), 1) or 1)
            table.rows = max(1, number(value(attributes, "number-rows-spanned"), 1) or 1)
        self.flow.begin_cell()

    def _end_cell(self) -> None:
        self._behind.pop()
        table = self._tables[-1] if self._tables else _Table()
        reaches = table.below.get(table.column, 0)
        if table.covered and reaches:
            table.below[table.column] = reaches - 1
        else:
            table.below[table.column] = table.rows - 1
        self.flow.end_cell(columns=table.columns, continues=table.covered and reaches > 0)
        table.column += table.columns

    # --- notes -----------------------------------------------------------------------------------

    def _begin_note(self, attributes: Mapping[str, str]) -> None:
        kind = "comment"
        if self._path[-1] == "text:note":
            kind = "endnote" if value(attributes, "note-class") == "endnote" else "footnote"
        self._notes.append(_Note(kind, self.flow))
        self.flow = Flow()

    def _end_note(self) -> None:
        note, inner = self._notes.pop(), self.flow
        self.flow = note.outer
        self.flow.absorb_hidden(inner)
        text = " ".join(inner.text.split())
        if not text:
            return
        self._counted[note.kind] = self._counted.get(note.kind, 0) + 1
        if note.kind == "comment":
            head = f"Comment by {note.author}" if note.author else "Comment"
        else:
            head = f"{note.kind.capitalize()} {self._counted[note.kind]}"
        self.flow.note(f"{head}: {text}")


_STARTS: Mapping[str, Callable[[OdtReader, Mapping[str, str]], None]] = {
    **dict.fromkeys(("text:p", "text:h"), OdtReader._begin_paragraph),
    "text:span": OdtReader._begin_span,
    "text:s": OdtReader._spaces,
    "text:tab": OdtReader._tab,
    "text:line-break": OdtReader._break,
    "text:a": OdtReader._begin_link,
    "text:section": OdtReader._begin_section,
    **dict.fromkeys(("text:hidden-text", "text:hidden-paragraph"), OdtReader._begin_hidden),
    **dict.fromkeys(_SHAPES, OdtReader._begin_shape),
    "text:list": OdtReader._begin_list,
    "text:list-item": OdtReader._begin_item,
    "table:table": OdtReader._begin_table,
    "table:table-header-rows": OdtReader._begin_header,
    "table:table-row": OdtReader._begin_row,
    **dict.fromkeys(("table:table-cell", "table:covered-table-cell"), OdtReader._begin_cell),
    **dict.fromkeys(("text:note", "office:annotation"), OdtReader._begin_note),
}
_ENDS: Mapping[str, Callable[[OdtReader], None]] = {
    **dict.fromkeys(("text:p", "text:h"), OdtReader._end_paragraph),
    "text:span": OdtReader._end_span,
    "text:a": OdtReader._end_link,
    **dict.fromkeys(("text:section", "text:hidden-text", "text:hidden-paragraph"), OdtReader._end_hidden),
    **dict.fromkeys(_SHAPES, OdtReader._end_shape),
    "text:list": OdtReader._end_list,
    "table:table": OdtReader._end_table,
    "table:table-header-rows": OdtReader._end_header,
    **dict.fromkeys(("table:table-cell", "table:covered-table-cell"), OdtReader._end_cell),
    **dict.fromkeys(("text:note", "office:annotation"), OdtReader._end_note),
}
