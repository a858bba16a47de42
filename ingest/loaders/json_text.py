"""JSON as it stands, a block for each outermost member or each line (JSON Lines); notebooks as their cells."""

from __future__ import annotations

import json
import re
from typing import Any

from ingest.loaders.notebook import is_notebook, read_notebook
from ingest.loaders.source import Source, SourceLoader, cut

_LONGEST_CHECKED = 20_000_000
"""Characters; a parsed file takes ten times as much memory."""
_MEMBER = re.compile(r"^([ \t]+)(?=[\"{\[\w-])", re.MULTILINE)
_LOOKED_AT = 200
"""So many indented lines show how far the outermost level is set in."""
_NAMES = ("title", "name")


class JsonLoader(SourceLoader):
    """Reads JSON, JSON Lines, GeoJSON and Jupyter notebooks."""

    def read(self, text: str) -> Source:
        """See SourceLoader."""
        value, warning = _parsed(text)
        if is_notebook(value):
            return read_notebook(value)
        if warning and (rows := _rows(text)):
            return Source(text, cut(text, rows))
        title = (
            next((value[name] for name in _NAMES if isinstance(value.get(name), str)), "") if _is_object(value) else ""
        )
        return Source(text, cut(text, _members(text)), title=title, warnings=(warning,) if warning else ())


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _parsed(text: str) -> tuple[Any, str]:
    """The value, and why there is none: text that is no JSON is still text."""
    if len(text) > _LONGEST_CHECKED:
        return None, ""
    try:
        return json.loads(text, parse_constant=str, parse_int=str, parse_float=str), ""
    except json.JSONDecodeError as error:
        return None, f"It is not valid JSON: line {error.lineno:,} breaks its rules"
    except RecursionError:
        return None, "It is nested too deeply for its JSON to be checked"


def _rows(text: str) -> list[int]:
    """Where the lines begin if the first ones are JSON, each of its own."""
    starts = [match.start() for match in re.finditer(r"^(?=\S)", text, re.MULTILINE)]
    if len(starts) < 2:
        return []
    for start in starts[:2]:
        if not _is_object(_parsed(text[start:].split("\n", 1)[0])[0]):
            return []
    return starts


def _members(text: str) -> list[int]:
    """Where the lines of the outermost members begin, in a file that is laid out."""
    found = list(_MEMBER.finditer(text))
    if not found:
        return []
    least = min(len(match.group(1)) for match in found[:_LOOKED_AT])
    return [match.start() for match in found if len(match.group(1)) == least]
