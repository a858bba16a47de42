"""Charts (DrawingML, ISO/IEC 29500-1, 21.2): the title, and what is drawn as a table, from the values kept in it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ingest.loaders.flow import Flow
from ingest.loaders.ooxml import child, children, number, switched_on
from ingest.loaders.pptx_text import plain

_NO_CODE = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
"""What stands in a number format (18.8.31) for itself."""
_EPOCH = datetime.datetime(1899, 12, 30)
_EPOCH_1904 = datetime.datetime(1904, 1, 1)
_LATEST = 2_958_465
"""31 December 9999 as a number of days."""


@dataclass(frozen=True, slots=True)
class _Series:
    name: str
    labels: dict[int, str]
    values: dict[int, str]


def tell_chart(flow: Flow, space: Any) -> None:
    """Tell a flow of a chart (its part's root): titles in a paragraph, then a row for each category or point."""
    title, plot = child(space, "chart", "title"), child(space, "chart", "plotArea")
    parts = [] if plot is None else list(plot)
    named = "" if title is None else _line(title)
    axes = [line for axis in parts for found in children(axis, "title") if (line := _line(found))]
    if named or axes:
        about = f"({'; '.join(axes)})" if axes else ""
        flow.paragraph(f"Chart: {named} {about}".rstrip())
    old = child(space, "date1904")
    epoch = _EPOCH_1904 if old is not None and switched_on(old.attrib) else _EPOCH
    drawn = [_series(each, epoch) for kind in parts for each in children(kind, "ser")]
    for _, together in groupby(drawn, key=lambda series: series.labels):
        _tell_table(flow, list(together))


def _line(title: Any) -> str:
    return " ".join(plain(title).split())


def _tell_table(flow: Flow, drawn: Sequence[_Series]) -> None:
    """Series that share their categories."""
    places = sorted({place for series in drawn for place in series.values})
    if not places:
        return
    flow.begin_table()
    flow.row(["", *(series.name for series in drawn)], header=True)
    for place in places:
        label = drawn[0].labels.get(place, "" if drawn[0].labels else str(place + 1))
        flow.row([label, *(series.values.get(place, "") for series in drawn)])
    flow.end_table()


def _series(element: Any, epoch: datetime.datetime) -> _Series:
    def points(*names: str) -> dict[int, str]:
        found = next(children(element, *names), None)
        return {} if found is None else dict(_points(found, epoch))

    return _Series(" ".join(points("tx").values()), points("cat", "xVal"), points("val", "yVal"))


def _points(holder: Any, epoch: datetime.datetime) -> Iterator[tuple[int, str]]:
    """Place and text of each point; of labels in levels, the outer ones come first and hold up to the next."""
    levels = [dict(_level(level, epoch)) for level in holder.iter("{*}lvl")] or [dict(_level(holder, epoch))]
    inner, outer = levels[0], levels[1:]
    for place, text in sorted(inner.items()):
        around = [level[max(known)] for level in reversed(outer) if (known := [at for at in level if at <= place])]
        yield place, " ".join([*around, text])


def _level(holder: Any, epoch: datetime.datetime) -> Iterator[tuple[int, str]]:
    code = next((entry.text or "" for entry in holder.iter("{*}formatCode")), "")
    for point in holder.iter("{*}pt"):
        value, place = child(point, "v"), number(point.get("idx"))
        if value is not None and value.text and place is not None:
            yield place, _shown(value.text, point.get("formatCode") or code, epoch)
    direct = child(holder, "v")  # a series may be named by a value of its own
    if direct is not None and direct.text:
        yield 0, direct.text


def _shown(text: str, code: str, epoch: datetime.datetime) -> str:
    """A value as the chart shows it: per cent and dates by their format, numbers to the 15 digits that are exact."""
    try:
        value = float(text) if code else None
    except ValueError:
        value = None
    if value is None or value != value or abs(value) > 1e15:
        return text
    code = _NO_CODE.sub("", code).casefold()
    if "%" in code:
        return f"{value * 100:.15g} %"
    if ("y" in code or "d" in code) and 0 <= value <= _LATEST:
        moment = epoch + datetime.timedelta(days=value)
        return moment.date().isoformat() if value.is_integer() else moment.isoformat(" ", "minutes")
    return f"{value:.15g}"
