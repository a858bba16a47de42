"""Names as people see them. None of them ever becomes a path, and none can disguise itself."""

from __future__ import annotations

import unicodedata

from rag.errors import InvalidInput

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Co"})
"""Unicode categories: control, direction-changing and other invisible, surrogate, unassigned, private."""

_LABEL_CHARACTERS = 255
_NAME_CHARACTERS = 100


def printable(text: str) -> str:
    """On one line, with spaces in the place of characters that cannot be seen, which can disguise a name."""
    normal = unicodedata.normalize("NFC", text)
    return " ".join("".join(" " if unicodedata.category(c) in _HIDDEN else c for c in normal).split())


def file_label(name: str) -> str:
    """The last part of a file name, printable and at most 255 characters, its ending kept."""
    last = printable(name).replace("\\", "/").rstrip("/ ").rsplit("/", 1)[-1].strip()
    if len(last) > _LABEL_CHARACTERS:
        stem, dot, ending = last.rpartition(".")
        ending = dot + ending if stem and len(ending) <= 10 else ""
        last = last[: _LABEL_CHARACTERS - 1 - len(ending)] + "…" + ending
    return last if last.strip(".") else "unnamed"


def workspace_name(name: str) -> str:
    """A workspace's name, printable. Raises InvalidInput where it is empty or longer than 100 characters."""
    clean = printable(name)
    if not clean or len(clean) > _NAME_CHARACTERS:
        raise InvalidInput(f"A workspace name has 1 to {_NAME_CHARACTERS} characters.", hint="Choose another name.")
    return clean
