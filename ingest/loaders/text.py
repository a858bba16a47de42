"""Plain text exactly as it stands: byte order mark off, every line end a line feed, nothing stripped."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from ingest.layout import text_blocks
from ingest.protocols import Loaded, LoadEvent, PageLoaded
from rag.errors import DamagedSource, EmptySource
from rag.types import Place, Span

_MARKS = (  # longest first: the UTF-32 mark begins with the UTF-16 one
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_GUESS_BYTES = 2**18
"""How much of a file without a mark and not in UTF-8 is looked at to guess its encoding."""
_TERMINAL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
"""Colours and the like in the output of programs (ECMA-48, section 5.4)."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_MOST_CONTROLS = 20
"""A file with more than one character in so many that no writer of text makes is no text."""


class TextLoader:
    """Reads plain text; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource: nothing but white space.
            DamagedSource: not text.
        """
        text, notes = read_text(path)
        yield PageLoaded(text=text, blocks=text_blocks(text), places=(Place("lines", Span(0, len(text))),))
        yield Loaded(title=title or "", notes=notes)


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    """A text file's content and what a person should know of its decoding.

    Raises:
        EmptySource, DamagedSource
    """
    data = path.read_bytes()
    text, encoding = decode(data)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x00" in text or len(_BINARY.findall(_TERMINAL.sub("", text))) * _MOST_CONTROLS > len(text):
        raise DamagedSource("The file is not text.", hint="Check its format and add it again.")
    if not text.strip():
        raise EmptySource("The file holds no text.", hint="Check the file and add it again.")
    return text, (f"Not in Unicode: read as {encoding}",) if encoding else ()


def without_controls(text: str) -> str:
    """The text without the colours of terminals, and with a space for every other character that no page can show."""
    return _CONTROL.sub(" ", _TERMINAL.sub("", text))


def decode(data: bytes) -> tuple[str, str]:
    """Text of `data` and the name of its encoding where that had to be guessed, else "".

    By byte order mark, as UTF-8, else by the likeliest encoding; Windows-1252 takes what is left.

    Raises:
        DamagedSource: it has a mark, or is cut short, but does not decode.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding), ""
            except UnicodeDecodeError as error:
                raise DamagedSource(
                    "The text is damaged: it does not fit its own encoding.", hint="Save it again as UTF-8."
                ) from error
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        return _guessed(data)


def _guessed(data: bytes) -> tuple[str, str]:
    from charset_normalizer import from_bytes  # slow to import, and rarely needed

    best = from_bytes(data[:_GUESS_BYTES]).best()
    if best is not None:
        try:
            return data.decode(best.encoding), best.encoding
        except UnicodeDecodeError:  # the rest of the file does not keep what its beginning promised
            pass
    return data.decode("cp1252", errors="replace"), "cp1252"
