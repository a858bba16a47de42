"""What stands in the header of a mail, however it was encoded.

The fields are read as bytes and decoded here (RFC 2047): the standard library's own header objects raise on many of the
broken ones that mailboxes are full of, and take long over hostile ones.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from ingest.content import in_utf8
from ingest.loaders.text import decode
from ingest.loaders.titles import clean
from rag.errors import DamagedSource

_LONGEST_FIELD = 100_000
"""Characters of a field that are looked at; no honest one is longer."""
_LONGEST_UNREAD = 200
_MOST_ADDRESSES = 30


@dataclass(frozen=True, slots=True)
class Address:
    """A person's name and address; either may be ""."""

    name: str
    address: str

    @property
    def short(self) -> str:
        """The name, else the address."""
        return self.name or self.address

    @property
    def full(self) -> str:
        """Both, as mail programs show them."""
        return f"{self.name} <{self.address}>" if self.name and self.address else self.short


def field(message: Message, name: str) -> str:
    """The first field of this name on one line, "" where there is none."""
    return decoded(_raw(message, name))


def addresses(message: Message, name: str) -> tuple[Address, ...]:
    """The people in all fields of this name."""
    raw = [_bytes_read(value)[:_LONGEST_FIELD] for key, value in message.raw_items() if key.lower() == name.lower()]
    try:
        found = getaddresses(raw)
    except (RecursionError, ValueError, IndexError):  # comments in comments, and other nonsense: shown as it stands
        found = [(", ".join(raw)[:_LONGEST_UNREAD], "")]
    return tuple(Address(decoded(shown), clean(address)) for shown, address in found if shown.strip() or address)


def listed(people: tuple[Address, ...]) -> str:
    """People on one line; of a long list the first, and how many more."""
    more = len(people) - _MOST_ADDRESSES
    shown = ", ".join(person.full for person in people[:_MOST_ADDRESSES])
    return f"{shown} and {more:,} more" if more > 0 else shown


def sent_at(message: Message) -> datetime | None:
    """The moment in the Date field, None where there is none that can be read."""
    try:
        return parsedate_to_datetime(clean(_raw(message, "Date")[:200]))
    except (ValueError, TypeError, IndexError, OverflowError):  # what the parser raises on nonsense
        return None


def decoded(raw: str) -> str:
    """A field's value with its encoded words decoded, on one line."""
    raw = _bytes_read(raw)[:_LONGEST_FIELD]
    try:
        parts = decode_header(raw)
    except (HeaderParseError, ValueError):  # broken base64: shown as it stands
        return clean(raw)
    return clean("".join(_part(part, charset) for part, charset in parts))


def decoded_text(data: bytes, charset: str | None) -> str:
    """Text in its declared charset if there is such a one and it fits, else in the likeliest; `\\n` line ends."""
    data = in_utf8(data, charset)[0]
    try:
        text = decode(data)[0]
    except DamagedSource:  # a byte order mark that does not belong to it
        text = data.decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _part(part: bytes | str, charset: str | None) -> str:
    if isinstance(part, str):
        return part
    try:
        codecs.lookup(charset or "ascii")
    except (LookupError, ValueError):
        charset = None
    return decoded_text(part, charset)


def _raw(message: Message, name: str) -> str:
    return next(_values(message, name), "")


def _values(message: Message, name: str) -> Iterator[str]:
    return (value for key, value in message.raw_items() if key.lower() == name.lower())


def _bytes_read(value: object) -> str:
    """Fields may hold bytes beyond ASCII, against the rules: they are UTF-8 or what is likeliest."""
    text = str(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return decoded_text(text.encode("utf-8", "surrogateescape"), None)
    return text
