"""Where a command writes: a terminal, or the other end of a running server."""

from __future__ import annotations

import getpass
import json
import re
import sys
from typing import Any, Protocol

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a terminal may take for a command. Documents are hostile, and their text is printed."""

_UNSEEN = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class Output(Protocol):
    """Results go to `line`, everything else to `note`; scripts read only the results."""

    def line(self, text: str) -> None:
        """One line of the result (standard output)."""

    def note(self, text: str) -> None:
        """One line for the person waiting (standard error)."""


class Terminal:
    """Standard output and standard error, in UTF-8 whatever the system would choose for a pipe."""

    def __init__(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(encoding="utf-8", errors="backslashreplace")

    def line(self, text: str) -> None:
        """Print a line of the result at once, so that a pipe sees it."""
        print(_CONTROL.sub("\ufffd", text), flush=True)

    def ask(self, prompt: str) -> str:
        """A secret: typed unseen at a terminal, or the first line of standard input."""
        if sys.stdin.isatty():
            return getpass.getpass(prompt)
        return sys.stdin.readline().rstrip("\r\n")

    def note(self, text: str) -> None:
        """Print a line for the person waiting."""
        print(_CONTROL.sub("\ufffd", text), file=sys.stderr, flush=True)


def as_json(value: Any) -> str:
    """One line of JSON, readable where it holds umlauts; what cannot be seen is escaped."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found.group()):04x}", json.dumps(value, ensure_ascii=False))
