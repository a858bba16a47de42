"""Outlook messages as stored ([MS-OXMSG]): properties of a message, its attachments and the messages inside it.

Every property is read by itself from the compound file, so that one that is missing or broken costs no other.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import olefile

from ingest.loaders.mail_headers import decoded_text

_PROPERTIES = "__properties_version1.0"
_STREAM = "__substg1.0_{:04X}{:04X}"
_TEXT, _TEXT_8, _BINARY, _OBJECT, _INTEGER, _TIME = 0x001F, 0x001E, 0x0102, 0x000D, 0x0003, 0x0040
_CODEPAGES = (0x3FDE, 0x3FFD)
"""PidTagInternetCodepage, PidTagMessageCodepage: of bodies and of other text that is not in Unicode."""
_UTF_8 = 65001
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_ENTRY = 16
_HEADERS = (32, 24, 8)
"""Bytes before the entries of a property stream, by kind of storage."""

FILE, MESSAGE, PART = range(3)
"""Kinds of storages."""
Place = tuple[str, ...]
"""Names of storages from the root of the file."""


@dataclass(frozen=True, slots=True)
class Storage:
    """A message, attachment or recipient inside the compound file."""

    file: olefile.OleFileIO
    place: Place = ()
    kind: int = 0
    """FILE, MESSAGE (inside another) or PART (attachment, recipient)."""

    def text(self, tag: int) -> str:
        """A text property, "" where there is none."""
        wide = self._stream(tag, _TEXT)
        if wide is not None:
            return wide.decode("utf-16-le", "replace").rstrip("\0")
        narrow = self._stream(tag, _TEXT_8)
        return "" if narrow is None else decoded_text(narrow, self.charset()).rstrip("\0")

    def binary(self, tag: int) -> bytes:
        """A binary property, b"" where there is none."""
        return self._stream(tag, _BINARY) or b""

    def integer(self, tag: int) -> int | None:
        """A number, None where there is none."""
        value = self._fixed(tag, _INTEGER)
        return None if value is None else int(struct.unpack_from("<i", value)[0])

    def moment(self, tag: int) -> datetime | None:
        """A moment (UTC), None where there is none."""
        value = self._fixed(tag, _TIME)
        try:
            return None if value is None else _EPOCH + timedelta(microseconds=struct.unpack("<Q", value)[0] // 10)
        except OverflowError:
            return None

    def charset(self) -> str | None:
        """Of text that is not in Unicode, as the message declares it."""
        for tag in _CODEPAGES:
            page = Storage(self.file).integer(tag)
            if page:
                return "utf-8" if page == _UTF_8 else f"cp{page}" if page < 20000 else _NAMED.get(page)
        return None

    def inner(self, tag: int) -> Storage | None:
        """The message stored as an object in a property, None where there is none."""
        place = (*self.place, _STREAM.format(tag, _OBJECT))
        return Storage(self.file, place, MESSAGE) if self.file.exists([*place, _PROPERTIES]) else None

    def storages(self, prefix: str, kind: int) -> Iterator[Storage]:
        """Its attachments ("__attach") or recipients ("__recip"), in order."""
        depth = len(self.place)
        found = {
            tuple(entry[: depth + 1])
            for entry in self.file.listdir()
            if len(entry) > depth + 1 and tuple(entry[:depth]) == self.place and entry[depth].startswith(prefix)
        }
        return (Storage(self.file, place, kind) for place in sorted(found))

    def _stream(self, tag: int, type_: int) -> bytes | None:
        place = [*self.place, _STREAM.format(tag, type_)]
        if self.file.get_type(place) != olefile.STGTY_STREAM:
            return None
        try:
            with self.file.openstream(place) as stream:
                return bytes(stream.read())
        except OSError:  # a chain of sectors that leads nowhere
            return None

    def _fixed(self, tag: int, type_: int) -> bytes | None:
        """Eight bytes of a property of fixed length."""
        place = [*self.place, _PROPERTIES]
        if self.file.get_type(place) != olefile.STGTY_STREAM:
            return None
        try:
            with self.file.openstream(place) as stream:
                data = stream.read()[_HEADERS[self.kind] :]
        except OSError:
            return None
        for start in range(0, len(data) - _ENTRY + 1, _ENTRY):
            if struct.unpack_from("<HH", data, start) == (type_, tag):
                return bytes(data[start + 8 : start + _ENTRY])
        return None


_NAMED = {
    20127: "ascii", 20866: "koi8-r", 21866: "koi8-u", 50220: "iso-2022-jp", 51932: "euc-jp", 51949: "euc-kr",
    54936: "gb18030", **{28590 + part: f"iso8859-{part}" for part in range(1, 16)},
}  # fmt: skip
"""Windows code pages that Python knows by another name."""
