"""What python-calamine does not tell of a sheet: hidden rows and columns, errors, comments, and how far it reaches.

It lays every sheet out as a full rectangle, so one stray cell in the last corner would take all memory: `Sheet.area`
is known before. A part with a DOCTYPE, or one that is not well-formed, is refused here (ingest/loaders/packages.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol
from xml.parsers import expat

from ingest.loaders.locked import refuse_locked
from ingest.loaders.ooxml import related, relationships
from ingest.loaders.packages import PART, Package, resolve
from rag.errors import DamagedSource, TooLarge

_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
CONTENT = "content.xml"
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0 "
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0 "
_CHUNK = 2**18
_CELL = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_THREAD = "tc="
_IN_THREAD = "Comment:\n"
"""Excel keeps threads of comments twice: in the copy for older programs the author is an id, and a hint comes first."""
_TRUE = frozenset({"1", "true"})
_UNSEEN = frozenset({"collapse", "filter"})
_MOST_ROWS = 2**20
_MOST_COLUMNS = 2**14


@dataclass(slots=True)
class Sheet:
    """Rows and columns count from 0."""

    rows: int = 0
    """One more than the last row that holds a value."""
    columns: int = 0
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    errors: dict[int, dict[int, str]] = field(default_factory=dict)
    """Row → column → "#REF!" and the like."""
    comments: dict[int, dict[int, str]] = field(default_factory=dict)
    """Row → column → what somebody remarked on the cell."""

    @property
    def area(self) -> int:
        """Cells of the rectangle that holds all values."""
        return self.rows * self.columns

    def holds(self, row: int, column: int) -> None:
        """A cell with a value."""
        if row >= self.rows:
            self.rows = row + 1
        if column >= self.columns:
            self.columns = column + 1

    def comment(self, row: int, column: int, text: str) -> None:
        """A remark on a cell."""
        self.holds(row, column)
        on_row = self.comments.setdefault(row, {})
        on_row[column] = f"{on_row[column]} {text}" if column in on_row else text


def view(path: Path) -> Mapping[str, Sheet]:
    """The sheets of a workbook by name; nothing of a binary one (.xlsb), whose parts are no XML.

    Raises:
        DamagedSource: no safe package; a part is missing or not well-formed, or has a DOCTYPE.
        PasswordNeeded, TooLarge
    """
    with Package(path) as package:
        refuse_locked(package)
        for name in package.names:
            if name.endswith((".xml", ".rels")) and package.size(name):  # LibreOffice left some of its own parts empty
                with suppress(_RootMet):
                    package.stream(name, _Root())
        parts = _worksheets(package) if _WORKBOOK in package else {}
        if not parts:
            document = _OpenDocument()
            if CONTENT in package:
                _tell(package, CONTENT, document)
            return document.sheets
        sheets: dict[str, Sheet] = {}
        for name, part in parts.items():
            reader = _Worksheet()
            _tell(package, part, reader)
            sheets[name] = reader.sheet
            for place, comment in _comments(package, part):
                reader.sheet.comment(*place, comment)
        return sheets


def _worksheets(package: Package) -> Mapping[str, str]:
    """Name of each sheet → its part."""
    targets = {
        element.get("Id"): resolve(_WORKBOOK, element.get("Target", ""))
        for element in package.tree(_RELATIONS)
        if element.get("TargetMode") != "External"
    }
    found: dict[str, str] = {}
    for element in package.tree(_WORKBOOK).iter("{*}sheet"):
        identifier = next((value for name, value in element.items() if name.endswith("/relationships}id")), "")
        if (part := targets.get(identifier, "")) in package.names:
            found[element.get("name", "")] = part
    return found


class _Reader(Protocol):
    def start(self, name: str, attributes: Mapping[str, str]) -> None: ...

    def end(self, name: str) -> None: ...

    def data(self, data: str) -> None: ...


def _comments(package: Package, part: str) -> Iterator[tuple[tuple[int, int], str]]:
    """Row and column of each comment on a worksheet, and the comment (18.7)."""
    comments = related(relationships(package, part), "comments", package)
    root = None if comments is None else package.tree(comments)
    authors = [] if root is None else [author.text or "" for author in root.iter("{*}author")]
    for element in () if root is None else root.iter("{*}comment"):
        place, number = _CELL.match(element.get("ref", "")), _number(element.get("authorId"), 0)
        by = authors[number] if number < len(authors) and not authors[number].startswith(_THREAD) else ""
        text = "".join(run.text or "" for run in element.iter("{*}t")).strip()
        text = text.removeprefix(f"{by}:") if by else text.rpartition(_IN_THREAD)[2]
        if place and text.strip():
            yield (min(int(place[2]), _MOST_ROWS) - 1, _column(place[1])), _said(text, by)


def _said(comment: str, by: str) -> str:
    return f"(Comment by {by}: {comment.strip()})" if by else f"(Comment: {comment.strip()})"


def _tell(package: Package, part: str, reader: _Reader) -> None:
    """Tell a reader what a part holds. Expat, because a sheet has millions of elements: it is five times as fast here.

    It opens no connection and no file, and entities do not get in: a DOCTYPE was refused, and is refused once more.
    """
    parser = expat.ParserCreate(namespace_separator=" ", intern={})
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    total = 0
    try:
        with package.open(part, limit=PART) as stream:
            while data := stream.read(_CHUNK):
                total += len(data)
                if total > PART:
                    raise TooLarge(
                        f"A sheet has more than {PART / 2**20:,.0f} MB of cells and markup.",
                        hint="Split it into smaller files and add those.",
                    )
                parser.Parse(data)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise DamagedSource(
            "It is damaged: a sheet of it is not complete.", hint="Open it in its program, save it again and add that."
        ) from error


def _refuse(*_: object) -> None:
    raise DamagedSource(
        "It contains a construct that spreadsheet programs never write (a DOCTYPE in its XML).",
        hint="Open it in its program, save it again and add that.",
    )


class _Worksheet:
    """Reads a worksheet part (ISO/IEC 29500-1, 18.3)."""

    def __init__(self) -> None:
        self.sheet = Sheet()
        self._row = self._column = -1
        self._error: list[str] | None = None

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """See `_Reader`."""
        local = name.rpartition(" ")[2]
        if local == "c":
            self._column += 1
            if place := _CELL.match(attributes.get("r", "")):
                self._column = _column(place[1])
            self._error = [] if attributes.get("t") == "e" else None
        elif local == "v" or local == "is":
            self.sheet.holds(self._row, self._column)
        elif local == "row":
            self._row = min(_number(attributes.get("r"), self._row + 2), _MOST_ROWS) - 1
            self._column = -1
            if attributes.get("hidden") in _TRUE:
                self.sheet.hidden_rows.add(self._row)
        elif local == "col" and attributes.get("hidden") in _TRUE:
            first, last = _number(attributes.get("min"), 1), _number(attributes.get("max"), 1)
            self.sheet.hidden_columns.update(range(first - 1, min(last, _MOST_COLUMNS)))

    def end(self, name: str) -> None:
        """See `_Reader`."""
        if self._error is not None and name.endswith(" c"):
            error = "".join(self._error).rpartition("#")
            self.sheet.errors.setdefault(self._row, {})[self._column] = "".join(error[1:])
            self._error = None

    def data(self, data: str) -> None:
        """See `_Reader`."""
        if self._error is not None:
            self._error.append(data)


class _OpenDocument:
    """Reads the content of an OpenDocument spreadsheet (OpenDocument 1.3, part 3, 9)."""

    def __init__(self) -> None:
        self.sheets: dict[str, Sheet] = {}
        self._sheet = Sheet()
        self._row = self._column = self._described = 0
        self._repeated = 1
        self._depth = 0
        """Tables inside cells are no sheets."""
        self._remark: list[str] | None = None
        self._by: list[str] = []
        self._part = ""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """See `_Reader`."""
        local = name.rpartition(" ")[2]
        self._depth += local == "table"
        if self._depth != 1:
            return
        if local == "annotation":
            self._remark, self._by = [], []
        elif self._remark is not None:
            self._part = local
            self._remark += [" "] * (local == "p")
        elif local == "table-cell" or local == "covered-table-cell":
            repeated = _number(attributes.get(f"{_TABLE}number-columns-repeated"), 1)
            self._column = min(self._column + repeated, 2**30)
            if f"{_OFFICE}value-type" in attributes:
                self._sheet.holds(self._row + self._repeated - 1, self._column - 1)
        elif local == "table-row":
            self._repeated = _number(attributes.get(f"{_TABLE}number-rows-repeated"), 1)
            self._column = 0
            if attributes.get(f"{_TABLE}visibility") in _UNSEEN:
                self._sheet.hidden_rows.update(range(self._row, min(self._row + self._repeated, _MOST_ROWS)))
        elif local == "table-column":
            last = min(self._described + _number(attributes.get(f"{_TABLE}number-columns-repeated"), 1), _MOST_COLUMNS)
            if attributes.get(f"{_TABLE}visibility") in _UNSEEN:
                self._sheet.hidden_columns.update(range(self._described, last))
            self._described = last
        elif local == "table":
            self._sheet = self.sheets[attributes.get(f"{_TABLE}name", "")] = Sheet()
            self._row = self._described = 0

    def end(self, name: str) -> None:
        """See `_Reader`."""
        if name.endswith(" table"):
            self._depth -= 1
        elif name.endswith(" annotation") and self._remark is not None:
            text, self._remark = "".join(self._remark).strip(), None
            if text:
                self._sheet.comment(self._row, max(0, self._column - 1), _said(text, "".join(self._by).strip()))
        elif self._depth == 1 and name.endswith(" table-row"):
            self._row = min(self._row + self._repeated, 2**30)

    def data(self, data: str) -> None:
        """See `_Reader`."""
        if self._remark is not None and self._part != "date":
            (self._by if self._part == "creator" else self._remark).append(data)


class _RootMet(Exception):
    """The first element is there: a DOCTYPE would have come before it."""


class _Root:
    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        raise _RootMet

    def end(self, tag: str) -> None:
        pass

    def data(self, data: str) -> None:
        pass


@cache
def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return min(number, _MOST_COLUMNS) - 1


def _number(value: str | None, default: int) -> int:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 10 and int(value) else default
