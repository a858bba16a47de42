"""Text that came from documents, models, file names or addresses, made safe for Streamlit's Markdown.

Streamlit renders Markdown in every label, toast, caption and error, and a remote image in Markdown is a message to
whoever wrote it. So every such text goes through `plain` here, or to a component as data, where it becomes a text node.
"""

from __future__ import annotations

import re
import unicodedata

_SPECIAL = re.compile(r"[!-.:-?\[-`{-~]")
"""ASCII punctuation except `/` and `@`: with a backslash before it, none of it means anything to Markdown."""

_LINK_POINTS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=\S)(?=@)|(?<=:)(?=[a-z+_-])", re.IGNORECASE)
"""Where bare addresses and `:shortcodes:` become links and icons even when escaped: they are looked for in the
finished text. A word joiner there ends the match and cannot be seen."""

_JOIN = "\u2060"
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_JOINERS = frozenset("\u200c\u200d")
"""Needed to write Persian, Hindi and others."""


def plain(text: str) -> str:
    """`text` as Markdown that shows exactly its visible characters, on one line."""
    return _SPECIAL.sub(lambda match: "\\" + match.group(), _LINK_POINTS.sub(_JOIN, visible(text)))


def told(text: str) -> str:
    """`plain` for messages of this application, in which commands stand in backticks."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return plain(text)
    return "".join(f"`{visible(part)}`" if place % 2 else _apart(part) for place, part in enumerate(parts))


def visible(text: str, *, limit: int | None = None) -> str:
    """`text` on one line, without control, direction-changing and other invisible characters, cut at `limit`."""
    line = " ".join("".join(c for c in text if _shows(c)).split())
    return line if limit is None or len(line) <= limit else line[: limit - 1].rstrip() + "…"


def label(text: str, *, limit: int = 80) -> str:
    """`plain`, cut to what fits a button or a list."""
    return plain(visible(text, limit=limit))


def _apart(text: str) -> str:
    """`plain`, but with the spaces that part it from what stands beside it."""
    before, after = " " * (text[:1] == " "), " " * (text[-1:] == " ")
    return before + plain(text) + after


def _shows(character: str) -> bool:
    return character.isspace() or character in _JOINERS or unicodedata.category(character) not in _INVISIBLE
