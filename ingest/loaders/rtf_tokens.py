"""Rich Text Format (Microsoft's specification 1.9.1) as tokens, and the tables that its text is decoded with."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_TOKEN = re.compile(
    rb"\\([A-Za-z]{1,32})(-?\d{1,10})?\x20?"  # control word
    rb"|\\'([0-9A-Fa-f]{2})"  # one byte
    rb"|\\([^A-Za-z'])"  # control symbol
    rb"|([{}])"
    rb"|([^\\{}\r\n]+)",
    re.DOTALL,
)
CHARSETS = {
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "cp950", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
    238: "cp1250", 254: "cp437", 255: "cp850",
}  # fmt: skip
"""Encoding of a font by its \\fcharset."""
CHARACTERS = {
    "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•",
    "emspace": " ", "enspace": " ", "qmspace": " ", "tab": " ", "line": "\n", "softline": "\n",
}  # fmt: skip
"""Control words that stand for a character."""
SYMBOLS = {"~": " ", "_": "\u2011", "\\": "\\", "{": "{", "}": "}", "\t": " "}
"""Control symbols that do."""

Kind = Literal["open", "close", "word", "symbol", "bytes"]


@dataclass(frozen=True, slots=True)
class Token:
    """One token: a word with its number, a symbol, or bytes of text (a byte written in hexadecimal counts as one)."""

    kind: Kind
    name: str = ""
    number: int | None = None
    data: bytes = b""


_OPEN, _CLOSE = Token("open"), Token("close")


def tokens(data: bytes) -> Iterator[Token]:
    """Tokens in order; binary data (\\bin) is passed over, and so is what fits nothing."""
    at = 0
    while match := _TOKEN.search(data, at):
        at = match.end()
        word, number, byte, symbol, brace, text = match.groups()
        if word is not None:
            value = int(number) if number is not None else None
            if word == b"bin":
                at += max(0, value or 0)
            else:
                yield Token("word", word.decode("ascii"), value)
        elif byte is not None:
            yield Token("bytes", data=bytes((int(byte, 16),)))
        elif symbol is not None:
            yield Token("word", "par") if symbol in b"\r\n" else Token("symbol", symbol.decode("latin-1"))
        elif brace is not None:
            yield _OPEN if brace == b"{" else _CLOSE
        else:
            yield Token("bytes", data=text)


def code_page(number: int | None) -> str:
    """Encoding of a Windows code page; Windows-1252 for one that is not known."""
    name = {65001: "utf-8", 10000: "mac_roman", 936: "gbk"}.get(number or 0, f"cp{number}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name
