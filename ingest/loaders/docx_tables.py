"""Tables and boxes of a Word document (17.4), as far as they stand around the text that is being read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ingest.loaders.docx_styles import Styles
from ingest.loaders.flow import Flow
from ingest.loaders.looks import colour_of
from ingest.loaders.ooxml import number, switched_on, value

_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{1,4}")
_FIRST_ROW = 0x20
"""Bit of w:tblLook: the first row is set off (17.4.55)."""


@dataclass(slots=True)
class _Table:
    shade: str | None = None
    """"" where its style fills some cells."""
    headed: bool = False
    columns: int = 1
    continues: bool = False
    cell_shade: str | None = None
    row_deleted: bool = False


class TableReader:
    """Tells a flow of tables, and knows what lies behind the text in them."""

    def __init__(self, flow: Flow, styles: Styles) -> None:
        self.flow = flow
        self._styles = styles
        self._path: list[str] = []
        """Short names of the elements that are open."""
        self._tables: list[_Table] = []
        self._boxes: list[str | None] = []
        self._page: str | None = None

    def _begin_table(self, _: Mapping[str, str]) -> None:
        self._tables.append(_Table())
        self.flow.begin_table()

    def _end_table(self) -> None:
        self.flow.end_table(headed=self._tables.pop().headed)

    def _style_table(self, attributes: Mapping[str, str]) -> None:
        if self._tables and self._styles[value(attributes)].shaded:
            self._tables[-1].shade = ""

    def _table_look(self, attributes: Mapping[str, str]) -> None:
        if self._tables:
            bits = _HEXADECIMAL.fullmatch(value(attributes) or "")
            flagged = bits is not None and int(bits.group(), 16) & _FIRST_ROW
            self._tables[-1].headed = bool(flagged) or value(attributes, "firstRow") in ("1", "true", "on")

    def _begin_row(self, _: Mapping[str, str]) -> None:
        self.flow.begin_row()

    def _end_row(self) -> None:
        if self._tables and self._tables[-1].row_deleted:
            self._tables[-1].row_deleted = False
            self.flow.drop_row()

    def _header_row(self, attributes: Mapping[str, str]) -> None:
        self.flow.mark_row(header=switched_on(attributes))

    def _begin_cell(self, _: Mapping[str, str]) -> None:
        if self._tables:
            table = self._tables[-1]
            table.columns, table.continues, table.cell_shade = 1, False, None
        self.flow.begin_cell()

    def _end_cell(self) -> None:
        table = self._tables[-1] if self._tables else _Table()
        self.flow.end_cell(columns=table.columns, continues=table.continues)

    def _span(self, attributes: Mapping[str, str]) -> None:
        if self._tables:
            self._tables[-1].columns = number(value(attributes), 1) or 1

    def _merge(self, attributes: Mapping[str, str]) -> None:
        if self._tables:
            self._tables[-1].continues = (value(attributes) or "continue") != "restart"

    def _begin_shape(self, _: Mapping[str, str]) -> None:
        self._boxes.append(None)

    def _begin_old_box(self, _: Mapping[str, str]) -> None:
        self._boxes.append("")  # what fills it is said in too many ways to be certain

    def _end_shape(self) -> None:
        self._boxes.pop()

    def _fill_shape(self, _: Mapping[str, str]) -> None:
        if self._boxes and self._path[-2] == "wps:spPr":
            self._boxes[-1] = ""

    def _fill_by_style(self, attributes: Mapping[str, str]) -> None:
        if self._boxes and value(attributes, "idx") != "0" and self._boxes[-1] is None:
            self._boxes[-1] = ""

    def _color_page(self, attributes: Mapping[str, str]) -> None:
        self._page = colour_of(value(attributes, "color") or "")

    def _behind(self) -> str | None:
        """Colour of the innermost cell, box or page around the paragraph."""
        if self._boxes and self._boxes[-1] is not None:
            return self._boxes[-1]
        if self._tables:
            table = self._tables[-1]
            return table.cell_shade if table.cell_shade is not None else table.shade
        return self._page
