"""What stands above a chunk's text when it is embedded: title, headings and table header, each cut to its share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rag.errors import InvalidInput
from rag.types import CELL_BORDER, embedding_text

_HEADINGS_SHARE = 4
"""Headings above a chunk take at most one in so many tokens of the window, and the text gets at least as many."""
_HEADER_SHARE = 3
"""A table header takes at most one in so many, and no more than leaves the rows the share of the text."""
_CUT = "…"


class Heads:
    """Title, headings and table headers of one document, and the tokens they take; counts are remembered.

    Raises InvalidInput when the title leaves no room for text.
    """

    def __init__(self, title: str, *, count: Callable[[str], int], window: int) -> None:
        self._title = title
        self._count = count
        self._tokens: dict[tuple[tuple[str, ...], str], int] = {}
        self._paths: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._headers: dict[tuple[tuple[str, ...], str], str] = {}
        self._share = window // _HEADER_SHARE
        self._all = window - window // _HEADINGS_SHARE
        left = window - self.tokens(())
        if left < window // _HEADINGS_SHARE:
            raise InvalidInput(
                f"The title has {self.tokens(())} tokens; the embedder reads {window} of title and text together.",
                hint="Give the document a shorter title.",
            )
        self._most = self.tokens(()) + min(window // _HEADINGS_SHARE, left - window // _HEADINGS_SHARE)

    def tokens(self, path: tuple[str, ...], header: str = "") -> int:
        """Tokens of title, path, table header and special tokens."""
        key = (path, header)
        if key not in self._tokens:
            self._tokens[key] = self._count(embedding_text(self._title, path, "", header=header))
        return self._tokens[key]

    def path(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """The path without what repeats the title, less outer headings until it fits; the last is cut at a word."""
        if path not in self._paths:
            kept = path[1:] if path and path[0].casefold() == self._title.casefold() else path
            while len(kept) > 1 and self.tokens(kept) > self._most:
                kept = kept[1:]
            while kept and self.tokens(kept) > self._most:
                words = kept[0].rstrip(_CUT).rsplit(maxsplit=1)[0]
                kept = (f"{words}{_CUT}",) if words != kept[0].rstrip(_CUT) else ()
            self._paths[path] = kept
        return self._paths[path]

    def header(self, path: tuple[str, ...], header: str) -> str:
        """The header below a path as `path` gives it, less its last cells until it fits; the first is cut at a word."""
        key = (path, header)
        if header and key not in self._headers:
            most = min(self.tokens(path) + self._share, self._all)

            def fits(shorter: str) -> bool:
                return self._count(embedding_text(self._title, path, "", header=shorter)) <= most

            rows = [row.split(CELL_BORDER) for row in header.split("\n")]
            self._headers[key] = (
                header
                if fits(header)
                else _beginning(rows, CELL_BORDER, fits)
                or _beginning([[cell for row in rows for cell in row[0].split()]], " ", fits)
            )
        return self._headers[key] if header else ""


def _beginning(rows: Sequence[Sequence[str]], border: str, fits: Callable[[str], bool]) -> str:
    """The longest beginning of all rows that fits, by bisection; "" when their first parts are too long already."""

    def beginning(parts: int) -> str:
        return "\n".join(border.join([*row[:parts], _CUT] if len(row) > parts else row) for row in rows)

    low, high = 0, max(map(len, rows))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(beginning(middle)) else (low, middle - 1)
    return beginning(low) if low else ""
