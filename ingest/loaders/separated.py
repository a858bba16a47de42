"""Separated values (CSV, TSV): records as rows of one table, whatever program wrote them."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ingest.loaders.rows import RowWriter, cell_text
from ingest.loaders.text import read_text, without_controls
from ingest.protocols import Loaded, LoadEvent
from rag.errors import EmptySource
from rag.types import Report

_SAMPLE = 2**18
"""Characters that are looked at to find the separator."""
_RECORDS = 300
_NONE = "\x1f"
"""Separates nothing: a control character that no text file of values holds (ASCII's own unit separator)."""
_SEPARATORS = "\t;|,"
"""The rarer one of them is in running text, the more it says that it comes as often in every record."""
_STEADY = 0.9
"""Share of records with the same number of cells that proves a separator."""
_DECLARED = re.compile(r"\ufeff?\"?sep=([^\w\s\"]|\t)\"?\r?\n", re.IGNORECASE)
"""How Excel is told the separator; it shows no row for this line."""
_LINES_IN_A_CELL = 500
"""A cell of more lines than this has lost its closing quote."""


class SeparatedLoader:
    """Reads separated values; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource: no cell holds anything.
            DamagedSource: not text.
        """
        text, notes = read_text(path)
        text = without_controls(text)
        declared = _DECLARED.match(text)
        text = text[declared.end() :] if declared else text
        separator = declared.group(1) if declared else _separator(text[:_SAMPLE])
        writer = RowWriter()
        for number, cells in enumerate(_records(text, separator, quoted=_well_quoted(text, separator)), start=1):
            writer.row(number, [cell_text(cell) for cell in cells])
            if piece := writer.full():
                yield piece
        if writer.empty:
            raise EmptySource("The file holds no values.", hint="Check the file and add it again.")
        yield writer.rest()
        yield Loaded(title=title or "", notes=notes, report=Report(tables=writer.tables))


def _records(text: str, separator: str, *, quoted: bool = True) -> Iterator[list[str]]:
    csv.field_size_limit(2**31 - 1)  # what a file may hold is limited by its reader's process
    lines = io.StringIO(text, newline="")
    if quoted:
        return csv.reader(lines, delimiter=separator, skipinitialspace=True)
    return csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)


def _separator(sample: str) -> str:
    """The separator that gives records of the same number of cells; one that separates nothing where none does."""
    if len(sample) == _SAMPLE:
        sample = sample[: sample.rfind("\n") + 1] or sample  # the last line may be cut
    steadiness: dict[str, float] = {}
    for separator in _SEPARATORS:
        widths = Counter(len(cells) for cells in islice(_records(sample, separator), _RECORDS) if cells)
        width, count = max(widths.items(), key=lambda item: item[1] * (item[0] > 1), default=(1, 0))
        steadiness[separator] = count / widths.total() if width > 1 else 0.0
    steady = [separator for separator in _SEPARATORS if steadiness[separator] >= _STEADY]
    likeliest = max(_SEPARATORS, key=lambda separator: steadiness[separator])
    return steady[0] if steady else likeliest if steadiness[likeliest] >= 0.5 else _NONE


def _well_quoted(text: str, separator: str) -> bool:
    """Whether quotes come in pairs: one that is never closed would make one cell of the rest of the file."""
    if '"' not in text:
        return True
    return not any(cell.count("\n") > _LINES_IN_A_CELL for cells in _records(text, separator) for cell in cells)
