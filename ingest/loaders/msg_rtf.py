"""RTF bodies of Outlook messages: unpacked ([MS-OXRTFCP]) and, where they only wrap HTML, unwrapped ([MS-OXRTFEX])."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace
from html import escape

from striprtf.striprtf import rtf_to_text

from ingest.loaders.mail_text import Body, html_body, plain_body

_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""What every window begins with ([MS-OXRTFCP], 2.1.2.1)."""
_WINDOW = 4096
_PACKED, _PLAIN = b"LZFu", b"MELA"
_LARGEST = 64 * 2**20
_FROM_HTML = re.compile(rb"\\fromhtml1(?![0-9])")
_CODEPAGE = re.compile(rb"\\ansicpg(\d{1,5})")
_TOKEN = re.compile(rb"\\([a-z]+)(-?\d+)? ?|\\'([0-9a-fA-F]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)")
_CHARACTERS = {b"par": "\n", b"line": "\n", b"tab": "\t", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“",
               b"rdblquote": "”", b"bullet": "•", b"endash": "–", b"emdash": "—"}  # fmt: skip
_SYMBOLS = {b"~": "\xa0", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}"}
_NOT_TEXT = frozenset({b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pntext", b"mhtmltag"})


def rtf_body(packed: bytes) -> Body:
    """The body in a compressed RTF property; empty where it cannot be read."""
    rtf = unpacked(packed)
    if _FROM_HTML.search(rtf[:1000]):
        return html_body(wrapped_html(rtf))
    try:
        return plain_body(str(rtf_to_text(rtf.decode("latin-1"), encoding=_codec(rtf), errors="replace")))
    except (ValueError, LookupError, IndexError, KeyError):  # striprtf raises these on RTF that is none
        return Body()


def unpacked(data: bytes) -> bytes:
    """The RTF in a PidTagRtfCompressed value; what there is of it where it is cut short, b"" where it is none."""
    if len(data) < 16:
        return b""
    _, raw_size, kind, _ = struct.unpack_from("<II4sI", data)
    if kind == _PLAIN:
        return data[16 : 16 + raw_size]
    return _inflated(data, min(raw_size, _LARGEST)) if kind == _PACKED else b""


def _inflated(data: bytes, size: int) -> bytes:
    """LZFu: runs of eight tokens after a byte of flags; references into a window of 4,096 bytes."""
    window = bytearray(_WINDOW)
    window[: len(_DICTIONARY)] = _DICTIONARY
    write, position, out = len(_DICTIONARY), 16, bytearray()
    while position < len(data) and len(out) < size:
        flags = data[position]
        position += 1
        for bit in range(8):
            if flags >> bit & 1:
                if position + 2 > len(data):
                    return bytes(out)
                token = data[position] << 8 | data[position + 1]
                position += 2
                source, length = token >> 4, (token & 0xF) + 2
                if source == write:  # the end
                    return bytes(out)
            else:
                if position >= len(data):
                    return bytes(out)
                source, length = -1, 1
            for step in range(length):
                byte = data[position] if source < 0 else window[(source + step) % _WINDOW]
                out.append(byte)
                window[write] = byte
                write = (write + 1) % _WINDOW
            position += source < 0
    return bytes(out)


def wrapped_html(rtf: bytes) -> str:
    """The HTML inside RTF that was made from it: what stands in `htmltag` groups, and the text between them outside
    `htmlrtf` … `htmlrtf0`."""
    unwrapper = _Unwrapper(_codec(rtf))
    for match in _TOKEN.finditer(rtf):
        unwrapper.take(*match.groups())
    return unwrapper.markup()


@dataclass(slots=True)
class _Group:
    """State that ends with a group."""

    skipping: bool = False
    """Between `htmlrtf` and `htmlrtf0`, or in a group that holds no text."""
    in_tag: bool = False
    """The text is HTML; elsewhere it is plain text."""


class _Unwrapper:
    """Collects HTML from the tokens of RTF."""

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._stack = [_Group()]
        self._markup: list[str] = []
        self._bytes = bytearray()  # of characters in the code page, which may take several
        self._starred = False
        self._to_skip = 0  # characters that stand for the Unicode one before them

    def take(self, *token: bytes | None) -> None:
        """The next token, as `_TOKEN` takes it apart."""
        word, number, code, symbol, brace, plain = token
        group = self._stack[-1]
        starred, self._starred = self._starred, symbol == b"*"
        if brace == b"{":
            self._stack.append(replace(group))
        elif brace == b"}":
            if len(self._stack) > 1:
                self._stack.pop()
        elif word == b"htmlrtf":
            group.skipping = number != b"0"
        elif word == b"htmltag":
            group.in_tag = True
        elif word in _NOT_TEXT or (starred and word):
            group.skipping = True
        elif not group.skipping:
            self._say(word, number, code, symbol, plain)

    def markup(self) -> str:
        """What was collected, halves of surrogate pairs put together."""
        self._flush()
        return "".join(self._markup).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def _say(
        self, word: bytes | None, number: bytes | None, code: bytes | None, symbol: bytes | None, plain: bytes | None
    ) -> None:
        if code:
            if self._to_skip:
                self._to_skip -= 1
            else:
                self._bytes.append(int(code, 16))
            return
        self._flush()
        if word == b"u" and number:
            self._markup.append(self._text(chr(int(number) % 65536)))
            self._to_skip = 1
        elif word:
            self._markup.append(_CHARACTERS.get(word, ""))
        elif plain:
            self._markup.append(self._text(plain.decode(self._codec, "replace")[self._to_skip :]))
            self._to_skip = 0
        elif symbol:
            self._markup.append(_SYMBOLS.get(symbol, ""))

    def _flush(self) -> None:
        if self._bytes:
            self._markup.append(self._text(self._bytes.decode(self._codec, "replace")))
            self._bytes.clear()

    def _text(self, text: str) -> str:
        return text if self._stack[-1].in_tag else escape(text, quote=False)


def _codec(rtf: bytes) -> str:
    found = _CODEPAGE.search(rtf[:1000])
    name = f"cp{int(found.group(1))}" if found else "cp1252"
    try:
        b"".decode(name)
    except LookupError:
        return "utf-8" if name == "cp65001" else "cp1252"
    return name
