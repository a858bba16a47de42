"""Charts and sheets that lie inside an OpenDocument file (ISO/IEC 26300-3, 19 and 10.4.6.2), told as tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ingest.loaders.flow import Flow
from ingest.loaders.ooxml import children, number, value
from ingest.loaders.packages import Package, resolve
from ingest.loaders.titles import clean

_MOST_COLUMNS = 200
_NAMED = 20


class Objects:
    """The objects inside one file."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._told: set[str] = set()

    def tell(self, flow: Flow, href: str) -> None:
        """Tell a flow of the object that a reference in content.xml leads to, where it holds a table."""
        folder = resolve("content.xml", href.rstrip("/"))
        content = f"{folder}/content.xml"
        if content not in self._package or not self._package.size(content):
            return
        root = self._package.tree(content)
        tables = [list(_rows(table)) for table in root.iter("{*}table")]
        if not any(cells for rows in tables for _, cells in rows):
            return
        self._told.add(folder)
        title = next((text for element in root.iter("{*}title") if (text := _text(element))), "")
        flow.paragraph(f"Chart: {title}" if title else "")
        for rows in tables:
            _tell_table(flow, rows)

    def unread(self) -> list[str]:
        """Sentences about the others."""
        folders = {name.partition("/")[0] for name in self._package.names if re.match(r"Object \d+/", name)}
        left = sorted(folders - self._told)
        return [f"{clean(name)}: an object inside the document, not read" for name in left[:_NAMED]] + (
            [f"{len(left) - _NAMED:,} more objects inside the document, not read"] if len(left) > _NAMED else []
        )


def _rows(table: Any) -> Iterator[tuple[bool, list[str]]]:
    """Whether each row is a header, and its cells without the empty ones at its end."""
    for row in table.iter("{*}table-row"):
        cells: list[str] = []
        for cell in children(row, "table-cell", "covered-table-cell"):
            times = max(1, number(value(cell.attrib, "number-columns-repeated"), 1) or 1)
            cells += [_text(cell)] * min(times, _MOST_COLUMNS)
        while cells and not cells[-1]:
            cells.pop()
        yield str(row.getparent().tag).endswith("}table-header-rows"), cells


def _tell_table(flow: Flow, rows: list[tuple[bool, list[str]]]) -> None:
    flow.begin_table()
    for header, cells in rows:
        flow.row(cells, header=header)
    flow.end_table(headed=True)


def _text(element: Any) -> str:
    return " ".join(" ".join("".join(part.itertext()).split()) for part in children(element, "p"))
