"""A story of an RTF file (its body, a note, a box) and where it stands: in which paragraph, cell, row and table."""

from __future__ import annotations

from dataclasses import dataclass, field

from ingest.loaders.flow import Flow


@dataclass(slots=True)
class Story:
    """Tells a flow what RTF says with properties only: that a table begins, and that it has ended."""

    flow: Flow
    parts: list[str] = field(default_factory=list)
    """Text of the paragraph so far."""
    style: int = 0
    heading: int | None = None
    """Level that the paragraph itself gives; 0 for none, None where its style decides."""
    item: bool = False
    depth: int = 0
    label: str = ""
    """Number or bullet as the program that wrote it has set it."""
    shade: str | None = None
    in_cell: bool = False
    table: bool = False
    """Whether a table, a row, a cell is open."""
    row: bool = False
    cell: bool = False
    column: int = 0

    def end_paragraph(self, heading_of_style: int) -> None:
        """The paragraph ends; one outside of cells ends the table before it."""
        text = "".join(self.parts).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        label = " ".join(self.label.split())
        self.parts.clear()
        self.label = ""
        if self.in_cell:
            self._begin_cell()
        else:
            self.end_table()
        if any(character.isalnum() for character in label):
            text = f"{label} {text}"
        heading = heading_of_style if self.heading is None else self.heading
        if heading:
            self.flow.heading(text, heading)
        elif self.item:
            self.flow.item(text, self.depth)
        else:
            self.flow.paragraph(text)

    def end_cell(self, *, continues: bool) -> None:
        """The cell ends."""
        self.flow.end_cell(continues=continues)
        self.cell = False
        self.column += 1

    def end_row(self, *, header: bool) -> None:
        """The row ends, and with it a cell without an end of its own."""
        if self.cell:
            self.end_cell(continues=False)
        if self.row:
            self.flow.mark_row(header=header)
        self.row, self.column = False, 0

    def end_table(self) -> None:
        """The table ends, if one is open."""
        if self.cell:
            self.flow.end_cell()
        if self.table:
            self.flow.end_table()
        self.table = self.row = self.cell = False
        self.column = 0

    def _begin_cell(self) -> None:
        if not self.table:
            self.flow.begin_table()
        if not self.row:
            self.flow.begin_row()
        if not self.cell:
            self.flow.begin_cell()
        self.table = self.row = self.cell = True
