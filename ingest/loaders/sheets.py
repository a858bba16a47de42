"""Spreadsheets (XLSX, XLSB, XLS, ODS): what a person sees on each sheet, row by row; python-calamine reads cells."""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from ingest.loaders.locked import is_locked
from ingest.loaders.packages import PART, Package, locked
from ingest.loaders.rows import RowWriter, cell_text
from ingest.loaders.sheet_view import CONTENT, Sheet, view
from ingest.protocols import Loaded, LoadEvent, PageLoaded
from rag.errors import DamagedSource, EmptySource, NoText, TooLarge
from rag.types import HIDDEN_SAMPLE, Report

_MOST_CELLS = 20_000_000
"""Cells of a sheet's rectangle, empty ones included: they take 60 bytes each while it is read."""
_NAMES = 5
_SAVE = "Open it in its program, save it again and add that."
_ZIP = b"PK\x03\x04"
_BESIDE = ("mimetype", "META-INF/manifest.xml")
_DURATION = re.compile(r"PT(\d+)H(\d\d)M(\d\d)S")
_INDENT = re.compile(rb">\s+(?=</?(?:table|text:p|office:annotation)\b)")
Read = TypeVar("Read")
Value = int | float | str | bool | datetime.time | datetime.date | datetime.datetime | datetime.timedelta
"""What calamine makes of a cell."""


class SheetLoader:
    """Reads workbooks; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource: no bytes.
            DamagedSource, PasswordNeeded
            NoText: no sheet that is shown holds anything.
            TooLarge: a sheet reaches too far.
        """
        views = _checked(path)
        with _read(partial(_opened, path)) as workbook:
            writer, unseen = RowWriter(), _Unseen()
            yield from _pieces(workbook, views, writer, unseen)
            if writer.empty:
                raise NoText("No sheet holds anything.", hint="Check the file; hidden sheets are not read.")
            yield writer.rest()
        yield Loaded(
            title=title or "",
            notes=unseen.notes(),
            report=Report(
                tables=writer.tables, hidden_characters=unseen.characters, hidden_sample=unseen.sample.strip()
            ),
        )


@dataclass(slots=True)
class _Unseen:
    """What a person does not see in a workbook."""

    characters: int = 0
    sample: str = ""
    sheets: tuple[str, ...] = ()
    rows: int = 0
    columns: int = 0

    def add(self, cells: Sequence[str]) -> None:
        text = " ".join(filter(None, cells))
        self.characters += len(text)
        if text and len(self.sample) < HIDDEN_SAMPLE:
            self.sample = f"{self.sample} {text}"[: HIDDEN_SAMPLE + 1]

    def notes(self) -> tuple[str, ...]:
        """The same in plain words."""
        names = ", ".join(f"“{name}”" for name in self.sheets[:_NAMES]) + (" …" if len(self.sheets) > _NAMES else "")
        lines = [_counted(count, what) for count, what in ((self.rows, "row"), (self.columns, "column")) if count]
        return (
            *([f"Hidden {'sheet' if len(self.sheets) == 1 else 'sheets'} left out: {names}"] if names else []),
            *([f"Hidden in sheets and left out: {' and '.join(lines)}"] if lines else []),
        )


def _pieces(
    workbook: CalamineWorkbook, views: Mapping[str, Sheet], writer: RowWriter, unseen: _Unseen
) -> Iterator[PageLoaded]:
    """The full pieces of all sheets that are shown; hidden ones are counted."""
    for entry in workbook.sheets_metadata:
        if entry.typ not in (SheetTypeEnum.WorkSheet, SheetTypeEnum.MacroSheet):
            continue  # a chart or a dialogue: its sheet has no cells
        sheet = _read(partial(workbook.get_sheet_by_name, entry.name))
        looked_at = views.get(entry.name, Sheet())
        if entry.visible != SheetVisibleEnum.Visible:
            before = unseen.characters
            for cells in _rows(sheet, looked_at):
                unseen.add(cells)
            if unseen.characters > before:
                unseen.sheets += (cell_text(entry.name),)
            continue
        yield from _sheet_pieces(sheet, looked_at, writer, unseen)


def _sheet_pieces(sheet: CalamineSheet, looked_at: Sheet, writer: RowWriter, unseen: _Unseen) -> Iterator[PageLoaded]:
    named = False
    hidden_columns: set[int] = set()
    for number, cells in enumerate(_rows(sheet, looked_at), start=1):
        if number - 1 in looked_at.hidden_rows:
            unseen.add(cells)
            unseen.rows += any(cells)
            writer.hidden(number)
            continue
        for column in looked_at.hidden_columns:
            if column < len(cells) and cells[column]:
                unseen.add(cells[column : column + 1])
                cells[column] = ""
                hidden_columns.add(column)
        if not named and any(cells):
            writer.sheet(sheet.name)
            named = True
        writer.row(number, cells)
        if piece := writer.full():
            yield piece
    unseen.columns += len(hidden_columns)


def _rows(sheet: CalamineSheet, looked_at: Sheet) -> Iterator[list[str]]:
    """All rows from the first of the sheet on, empty ones too, each from the first column on."""
    before = [""] * (sheet.start[1] if sheet.start else 0)
    row = -1
    for row, values in enumerate(sheet.iter_rows() if sheet.start else ()):
        yield _completed([*before, *map(shown, values)], looked_at, row)
    last = max((*looked_at.errors, *looked_at.comments), default=-1)
    for late in range(row + 1, last + 1):  # errors and comments are no cells to calamine
        yield _completed([], looked_at, late)


def _completed(cells: list[str], looked_at: Sheet, row: int) -> list[str]:
    """A row with its errors and with the comments on its cells."""
    errors, comments = looked_at.errors.get(row, {}), looked_at.comments.get(row, {})
    cells += [""] * (max((*errors, *comments), default=-1) + 1 - len(cells))
    for column, error in errors.items():
        cells[column] = cells[column] or cell_text(error)
    for column, comment in comments.items():
        cells[column] = f"{cells[column]} {cell_text(comment)}".lstrip()
    return cells


def shown(value: Value) -> str:
    """A cell's value as a spreadsheet program shows it, dates as ISO 8601, numbers to the 15 digits that are exact."""
    if isinstance(value, str):
        if duration := _DURATION.fullmatch(value):  # of a day and more, as calamine hands it on from OpenDocument
            value = f"{int(duration[1])}:{duration[2]}:{duration[3]}"
        return cell_text(value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime.datetime):
        moment = _whole_seconds(value)
        return moment.date().isoformat() if moment.time() == datetime.time() else _minutes(moment)
    if isinstance(value, datetime.time):
        return value.isoformat("seconds" if value.second else "minutes")
    if isinstance(value, datetime.timedelta):
        seconds = round(value.total_seconds())
        sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
        return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return value.isoformat()


def _number(value: float) -> str:
    rounded = float(f"{value:.15g}")  # 0.1 + 0.2 is 0.3
    return str(int(rounded)) if rounded.is_integer() and abs(rounded) < 1e21 else repr(rounded)


def _whole_seconds(moment: datetime.datetime) -> datetime.datetime:
    """Days as fractions are not exact to the microsecond."""
    late = datetime.timedelta(seconds=1) if moment.microsecond >= 500_000 else datetime.timedelta()
    return moment.replace(microsecond=0) + late


def _minutes(moment: datetime.datetime) -> str:
    return moment.isoformat(" ", "seconds" if moment.second else "minutes")


def _checked(path: Path) -> Mapping[str, Sheet]:
    """What the package tells of its sheets, once it is known to be harmless; nothing in old binary files."""
    with path.open("rb") as file:
        head = file.read(len(_ZIP))
    if not head.strip():
        raise EmptySource("The file is empty.", hint="Check the file and add it again.")
    if head != _ZIP:
        if is_locked(path.read_bytes()):
            raise locked()
        return {}
    views = view(path)
    for name, sheet in views.items():
        if sheet.area > _MOST_CELLS:
            raise TooLarge(
                f"The sheet “{cell_text(name)[:80]}” reaches over {sheet.rows:,} rows and {sheet.columns:,} columns.",
                hint="Delete what stands far away from its tables (Ctrl+End shows it), save it and add that.",
            )
    return views


def _opened(path: Path) -> CalamineWorkbook:
    """Calamine takes no white space between the elements of an OpenDocument table, as KSpread and editors set it."""
    try:
        return CalamineWorkbook.from_path(path)
    except CalamineError:
        if not zipfile.is_zipfile(path):
            raise
        with Package(path) as package:
            if CONTENT not in package:
                raise
            content = package.read(CONTENT, limit=PART)
            kept = {name: package.read(name) for name in _BESIDE if name in package}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, data in {**kept, CONTENT: _INDENT.sub(b">", content)}.items():
            file.writestr(name, data)
    out.seek(0)
    return CalamineWorkbook.from_filelike(out)


def _read(attempt: Callable[[], Read]) -> Read:
    try:
        return attempt()
    except PasswordError as error:
        raise locked() from error
    except (CalamineError, OSError, ValueError) as error:
        raise _damaged() from error
    except BaseException as error:  # a panic of Rust code has a class of its own that cannot be imported
        if type(error).__name__ == "PanicException":
            raise _damaged() from error
        raise


def _damaged() -> DamagedSource:
    return DamagedSource("It is damaged: it is not a complete spreadsheet.", hint=_SAVE)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
