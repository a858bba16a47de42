"""The parts of a Word document that hold text, read as a stream: one handler for each element that matters.

ISO/IEC 29500-1, clause 17 describes the elements. Tracked changes count as accepted. What is hidden (by itself or
by a style), tiny, or of the colour of its background is told to the flow as hidden. Memory does not grow with the
document but for its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ingest.loaders.docx_numbering import Numbering
from ingest.loaders.docx_styles import Style, Styles, fill, look_with, outline_heading
from ingest.loaders.docx_tables import TableReader
from ingest.loaders.flow import Flow
from ingest.loaders.links import with_target
from ingest.loaders.looks import Look
from ingest.loaders.ooxml import Names, Relationship, number, value

_LEFT_OUT_TAGS = """
w:del w:moveFrom mc:Fallback w:rt w:pPrChange w:rPrChange w:tcPrChange w:trPrChange w:tblPrChange w:tblPrExChange
w:numberingChange w:sectPr
"""
_LEFT_OUT = frozenset(_LEFT_OUT_TAGS.split())
"""Deleted text, second versions of drawings, readings above characters, what properties were before a change."""
_MARKS = frozenset({"w:rPr", "w:trPr"})
"""Under these w:del says that the paragraph's end, or the row, was deleted."""
_TEXT = frozenset({"w:t", "m:t"})
_INSTRUCTION = frozenset({"w:instrText"})
_FILLS = frozenset({"a:solidFill", "a:gradFill", "a:blipFill", "a:pattFill"})
_HYPERLINK = re.compile(r'\s*HYPERLINK\s+"([^"]+)"')


@dataclass(slots=True)
class _Paragraph:
    parts: list[str] = field(default_factory=list)
    style: str = ""
    heading: int | None = None
    list_id: str | None = None
    depth: int | None = None
    shade: str | None = None
    joined: bool = False
    """Its end was deleted: the next paragraph goes on with it."""


@dataclass(slots=True)
class _Run:
    style: str | None = None
    look: Look = field(default_factory=Look)
    hidden: bool | None = None


@dataclass(slots=True)
class _Field:
    instruction: str = ""
    link: str = ""
    start: int = 0


class DocxReader(TableReader):
    """Hears a part (ingest.loaders.packages.PartReader) and tells a flow."""

    def __init__(
        self,
        flow: Flow,
        styles: Styles,
        *,
        numbering: Numbering,
        relations: Mapping[str, Relationship],
        notes: Mapping[str, str],
    ) -> None:
        """`notes` are the document's, by kind and id ("footnote 2"), in words for a reader."""
        super().__init__(flow, styles)
        self.title = ""
        """Text of the first paragraph in the style Title."""
        self.mentioned: set[str] = set()
        """The notes that the text refers to."""
        self.foreign = 0
        """Parts in another format that stand in the text."""
        self._numbering = numbering
        self._relations = relations
        self._notes = notes
        self._names = Names()
        self._left_out = 0
        self._paragraphs: list[_Paragraph] = []
        self._runs: list[_Run] = []
        self._fields: list[_Field] = []
        self._links: list[tuple[str, int]] = []
        self._carried = ""
        self._counted = {"footnote": 0, "endnote": 0}
        self._charts: list[str] = []
        self.tell_chart: Callable[[str], None] = lambda part: None
        """Told of the part of each chart, after the paragraph that it stands in."""

    # --- what the parser says --------------------------------------------------------------------

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        name = self._names(tag)
        if self._left_out or (name in _LEFT_OUT and not (self._path and self._path[-1] in _MARKS)):
            self._left_out += 1
            return
        self._path.append(name)
        handler = _STARTS.get(name)
        if handler:
            handler(self, attributes)

    def end(self, tag: str) -> None:
        """An element ends."""
        if self._left_out:
            self._left_out -= 1
            return
        name = self._path.pop()
        handler = _ENDS.get(name)
        if handler:
            handler(self)

    def data(self, data: str) -> None:
        """Characters; they count inside w:t only."""
        if self._left_out or not self._path:
            return
        name = self._path[-1]
        if name in _TEXT:
            self._say(data)
        elif name in _INSTRUCTION and self._fields:
            self._fields[-1].instruction += data

    def finish(self) -> None:
        """The part has ended: a last paragraph whose end was deleted has none to go on with."""
        self.flow.paragraph(self._carried)

    # --- paragraphs ------------------------------------------------------------------------------

    def _begin_paragraph(self, _: Mapping[str, str]) -> None:
        self._paragraphs.append(_Paragraph())

    def _end_paragraph(self) -> None:
        paragraph = self._paragraphs.pop()
        style = self._styles[paragraph.style]
        text = self._carried + "".join(paragraph.parts)
        self._carried = ""
        if paragraph.joined:
            self._carried = text
            return
        heading = paragraph.heading if paragraph.heading is not None else style.heading
        label = self._label(paragraph, style) if text.strip() else None
        if style.is_title and not self.title:
            self.title = text
        if style.is_title or heading:
            self.flow.heading(f"{label} {text}" if label else text, heading or 1)
        elif label is not None:
            self.flow.item(f"{label} {text}", paragraph.depth or style.list_level or 0)
        else:
            self.flow.paragraph(text)
        while self._charts:
            self.tell_chart(self._charts.pop(0))

    def _label(self, paragraph: _Paragraph, style: Style) -> str | None:
        list_id = paragraph.list_id if paragraph.list_id is not None else style.list_id
        depth = paragraph.depth if paragraph.depth is not None else style.list_level
        if list_id is None or list_id == "0":
            return None
        return self._numbering.label(list_id, depth or 0)

    def _style_paragraph(self, attributes: Mapping[str, str]) -> None:
        if self._paragraphs:
            self._paragraphs[-1].style = value(attributes) or ""

    def _outline(self, attributes: Mapping[str, str]) -> None:
        if self._paragraphs:
            self._paragraphs[-1].heading = outline_heading(number(value(attributes)))

    def _list_id(self, attributes: Mapping[str, str]) -> None:
        if self._paragraphs:
            self._paragraphs[-1].list_id = value(attributes)

    def _list_depth(self, attributes: Mapping[str, str]) -> None:
        if self._paragraphs:
            self._paragraphs[-1].depth = number(value(attributes))

    def _deleted(self, _: Mapping[str, str]) -> None:
        if self._path[-2] == "w:trPr" and self._tables:
            self._tables[-1].row_deleted = True
        elif self._path[-3:-2] == ["w:pPr"] and self._paragraphs:
            self._paragraphs[-1].joined = True

    # --- characters ------------------------------------------------------------------------------

    def _begin_run(self, _: Mapping[str, str]) -> None:
        self._runs.append(_Run())

    def _end_run(self) -> None:
        self._runs.pop()

    def _style_run(self, attributes: Mapping[str, str]) -> None:
        if self._runs and self._path[-3:-2] != ["w:pPr"]:
            self._runs[-1].style = value(attributes)

    def _look(self, attributes: Mapping[str, str]) -> None:
        """A property of characters, or a shading of the paragraph or cell."""
        name, parent = self._path[-1][2:], self._path[-2] if len(self._path) > 1 else ""
        if parent == "w:rPr" and self._runs and self._path[-3:-2] == ["w:r"]:
            self._runs[-1].look = look_with(self._runs[-1].look, name, attributes)
        elif name == "shd" and parent == "w:pPr" and self._paragraphs:
            self._paragraphs[-1].shade = fill(attributes)
        elif name == "shd" and parent == "w:tcPr" and self._tables:
            self._tables[-1].cell_shade = fill(attributes)

    def _say(self, text: str) -> None:
        if not self._paragraphs:
            return
        if self._is_hidden():
            self.flow.hide(text)
        else:
            self._paragraphs[-1].parts.append(text)

    def _is_hidden(self) -> bool:
        if not self._runs:
            return False
        run = self._runs[-1]
        if run.hidden is None:
            paragraph = self._paragraphs[-1]
            look = run.look.over(self._styles[run.style].look).over(self._styles[paragraph.style].look)
            look = look.over(self._styles.defaults).over(Look(shade=paragraph.shade)).over(Look(shade=self._behind()))
            run.hidden = look.hidden()
        return run.hidden

    def _tab(self, _: Mapping[str, str]) -> None:
        if self._runs:  # else it is a tab stop
            self._say(" ")

    def _break(self, _: Mapping[str, str]) -> None:
        self._say("\n")

    def _hyphen(self, _: Mapping[str, str]) -> None:
        self._say("\u2011")

    # --- links and fields ------------------------------------------------------------------------

    def _begin_link(self, attributes: Mapping[str, str]) -> None:
        relation = self._relations.get(value(attributes, "id") or "")
        target = relation.target if relation and relation.external else ""
        self._links.append((target, len(self._paragraphs[-1].parts) if self._paragraphs else 0))

    def _end_link(self) -> None:
        self._add_target(*self._links.pop())

    def _add_target(self, target: str, start: int) -> None:
        if target and self._paragraphs:
            parts = self._paragraphs[-1].parts
            shown = "".join(parts[start:])
            parts.append(with_target(shown, target)[len(shown) :])

    def _field(self, attributes: Mapping[str, str]) -> None:
        match value(attributes, "fldCharType"):
            case "begin":
                self._fields.append(_Field())
            case "separate" if self._fields:
                now = self._fields[-1]
                found = _HYPERLINK.match(now.instruction)
                now.link = found.group(1) if found else ""
                now.start = len(self._paragraphs[-1].parts) if self._paragraphs else 0
            case "end" if self._fields:
                now = self._fields.pop()
                self._add_target(now.link, now.start)

    # --- notes -----------------------------------------------------------------------------------

    def _footnote(self, attributes: Mapping[str, str]) -> None:
        self._mention("footnote", attributes)

    def _endnote(self, attributes: Mapping[str, str]) -> None:
        self._mention("endnote", attributes)

    def _mention(self, kind: str, attributes: Mapping[str, str]) -> None:
        text = self._notes.get(f"{kind} {value(attributes, 'id')}")
        if text:
            self._counted[kind] += 1
            self.flow.note(f"{kind.capitalize()} {self._counted[kind]}: {text}")

    def _comment(self, attributes: Mapping[str, str]) -> None:
        name = f"comment {value(attributes, 'id')}"
        if name not in self.mentioned:
            self.mentioned.add(name)
            self.flow.note(self._notes.get(name, ""))

    def _chart(self, attributes: Mapping[str, str]) -> None:
        relation = self._relations.get(value(attributes, "id") or "")
        if relation is not None and not relation.external:
            self._charts.append(relation.target)

    def _foreign_part(self, _: Mapping[str, str]) -> None:
        self.foreign += 1


_STARTS: Mapping[str, Callable[[DocxReader, Mapping[str, str]], None]] = {
    "w:p": DocxReader._begin_paragraph,
    "w:pStyle": DocxReader._style_paragraph,
    "w:outlineLvl": DocxReader._outline,
    "w:numId": DocxReader._list_id,
    "w:ilvl": DocxReader._list_depth,
    "w:del": DocxReader._deleted,
    "w:moveFrom": DocxReader._deleted,
    "w:r": DocxReader._begin_run,
    "m:r": DocxReader._begin_run,
    "w:rStyle": DocxReader._style_run,
    **dict.fromkeys(("w:vanish", "w:color", "w:sz", "w:shd", "w:highlight"), DocxReader._look),
    **dict.fromkeys(("w:tab", "w:ptab"), DocxReader._tab),
    **dict.fromkeys(("w:br", "w:cr"), DocxReader._break),
    "w:noBreakHyphen": DocxReader._hyphen,
    "w:hyperlink": DocxReader._begin_link,
    "w:fldChar": DocxReader._field,
    "w:tbl": DocxReader._begin_table,
    "w:tblStyle": DocxReader._style_table,
    "w:tblLook": DocxReader._table_look,
    "w:tr": DocxReader._begin_row,
    "w:tblHeader": DocxReader._header_row,
    "w:tc": DocxReader._begin_cell,
    "w:gridSpan": DocxReader._span,
    "w:vMerge": DocxReader._merge,
    "wps:wsp": DocxReader._begin_shape,
    "v:textbox": DocxReader._begin_old_box,
    **dict.fromkeys(_FILLS, DocxReader._fill_shape),
    "a:fillRef": DocxReader._fill_by_style,
    "w:background": DocxReader._color_page,
    "w:footnoteReference": DocxReader._footnote,
    "w:endnoteReference": DocxReader._endnote,
    "w:commentReference": DocxReader._comment,
    "c:chart": DocxReader._chart,
    "w:altChunk": DocxReader._foreign_part,
}
_ENDS: Mapping[str, Callable[[DocxReader], None]] = {
    "w:p": DocxReader._end_paragraph,
    "w:r": DocxReader._end_run,
    "m:r": DocxReader._end_run,
    "w:hyperlink": DocxReader._end_link,
    "w:tbl": DocxReader._end_table,
    "w:tr": DocxReader._end_row,
    "w:tc": DocxReader._end_cell,
    **dict.fromkeys(("wps:wsp", "v:textbox"), DocxReader._end_shape),
}
