"""Documents that are ZIP files (office formats, e-books): opened once, and never trusted.

Nothing is unpacked to disk and nothing is fetched. What a ZIP says of itself is checked before anything is unpacked,
and what comes out is counted all the same. XML is parsed without entities, DTD and network; a part with a DOCTYPE is
refused: no office program writes one, and attacks on XML parsers begin with it.
"""

from __future__ import annotations

import mmap
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

from lxml import etree

from rag.errors import DamagedSource, EmptySource, PasswordNeeded, TooLarge

MEMBERS = 20_000
"""Most files in a package. A presentation of 1,000 slides has about 6,000."""
UNPACKED = 2 * 2**30
"""Most bytes of all files in a package once unpacked; pictures are counted, though they are never unpacked."""
PART = 512 * 2**20
"""Most bytes of a part that is read as a stream."""
WHOLE = 64 * 2**20
"""Most bytes of a part that is held in memory as a whole."""
_RATIO = 200
"""Most bytes that a packed byte may stand for. XML of long tables reaches 100; DEFLATE itself allows 1,032."""
_HARMLESS = 64 * 2**20
"""Bytes unpacked, in all, that need no look at the ratio."""
_CHUNK = 2**16
_ENCRYPTED = 0x1
"""Bit 0 of the general purpose flags (APPNOTE.TXT, 4.4.4)."""
_DEEPEST = 256
"""Levels of elements: libxml2's own limit, which it does not keep where it builds no tree."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""Name of the stream that holds an encrypted document ([MS-OFFCRYPTO], 2.3.4.4)."""
_DRIVE = re.compile(r"[A-Za-z]:")
_SAVE = "Open it in the program it comes from, save it again and add that."


class PartReader(Protocol):
    """Hears what an XML part holds, in order (the target interface of lxml)."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins; `tag` is "{namespace}name"."""

    def end(self, tag: str) -> None:
        """It ends."""

    def data(self, data: str) -> None:
        """Text; a run of it may come in pieces."""


class Package:
    """A ZIP file whose members can be read one by one; a context manager."""

    def __init__(self, path: Path) -> None:
        """Open and check.

        Raises:
            EmptySource, DamagedSource, PasswordNeeded, TooLarge
        """
        size = path.stat().st_size
        if not size:
            raise EmptySource("The file is empty.", hint="Check the file and add it again.")
        _refuse_ole(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError, EOFError) as error:
            raise DamagedSource("It is damaged: it is not a complete ZIP file.", hint=_SAVE) from error
        try:
            self._members = _checked(self._zip.infolist(), size)
        except BaseException:
            self._zip.close()
            raise
        self._by_case = {name.casefold(): name for name in reversed(self._members)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all files in it, with "/", in the order of its directory."""
        return tuple(self._members)

    def __contains__(self, name: str) -> bool:
        return self._member(name) is not None

    def size(self, name: str) -> int:
        """Bytes of a member as the directory states them; 0 where there is none."""
        member = self._member(name)
        return 0 if member is None else member.file_size

    def read(self, name: str, *, limit: int = WHOLE) -> bytes:
        """All bytes of a member.

        Raises:
            DamagedSource: no such member, or it cannot be unpacked.
            TooLarge: more than `limit` bytes.
        """
        with self.open(name, limit=limit) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise _too_large_part(limit)
        return data

    def tree(self, name: str) -> Any:
        """Root element of an XML member.

        Raises:
            DamagedSource: as in `read`; not well-formed, nested too deeply, or with a DOCTYPE.
            TooLarge
        """
        builder = _TreeBuilder()
        self._feed(name, builder, limit=WHOLE)
        return builder.root

    def stream(self, name: str, reader: PartReader) -> None:
        """Tell a reader what an XML member holds, without a tree: memory does not grow with the member.

        Raises:
            DamagedSource, TooLarge: as in `tree`, and what the reader raises.
        """
        self._feed(name, reader, limit=PART)

    def _feed(self, name: str, reader: PartReader, *, limit: int) -> None:
        parser = etree.XMLParser(
            target=_Guarded(reader), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
        )
        total = 0
        try:
            with self.open(name, limit=limit) as file:
                while data := file.read(_CHUNK):
                    total += len(data)
                    if total > limit:
                        raise _too_large_part(limit)
                    parser.feed(data)
                parser.close()
        except etree.XMLSyntaxError as error:
            raise DamagedSource("It is damaged: its XML is not complete.", hint=_SAVE) from error

    @contextmanager
    def open(self, name: str, *, limit: int) -> Iterator[BinaryIO]:
        """A member to read from; its directory entry states no more than `limit` bytes.

        Raises:
            DamagedSource, TooLarge: as in `read`.
        """
        member = self._member(name)
        if member is None:
            raise DamagedSource("It is damaged: a part that it must have is missing.", hint=_SAVE)
        if member.file_size > limit:
            raise _too_large_part(limit)
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DamagedSource("It is packed in a way that office programs do not use.", hint=_SAVE)
        try:
            with self._zip.open(member) as file:
                yield file  # type: ignore[misc]  # all that is used of it is `read`
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise DamagedSource("It is damaged: a part of it cannot be unpacked.", hint=_SAVE) from error

    def _member(self, name: str) -> zipfile.ZipInfo | None:
        """Part names are equal without regard to case (ISO/IEC 29500-2, 6.2.2.3)."""
        return self._members.get(name) or self._members.get(self._by_case.get(name.casefold(), ""))


def resolve(base: str, target: str) -> str:
    """Name of the member that a reference in the member `base` leads to; "" if it leads out of the package."""
    if target.startswith("/"):
        return posixpath.normpath(target).lstrip("/")
    name = posixpath.normpath(posixpath.join(posixpath.dirname(base), target))
    return "" if name.startswith("..") else name


class _Guarded:
    """Passes a part on to its reader, up to a DOCTYPE (that is met before the first element) or a level too deep."""

    def __init__(self, reader: PartReader) -> None:
        self._reader = reader
        self._depth = 0
        self.data = reader.data

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise DamagedSource("It nests its elements too deeply to be read.", hint=_SAVE)
        self._reader.start(tag, attributes)

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._reader.end(tag)

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise DamagedSource(
            "It contains a construct that office programs never write (a DOCTYPE in its XML).",
            hint="If you trust where it comes from: " + _SAVE[0].lower() + _SAVE[1:],
        )

    def close(self) -> None:
        pass


class _TreeBuilder:
    """Builds what `start`, `end` and `data` tell into a tree."""

    def __init__(self) -> None:
        self._builder = etree.TreeBuilder()
        self._depth = 0
        self.root: Any = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        self._builder.start(tag, dict(attributes))

    def end(self, tag: str) -> None:
        self._depth -= 1
        element = self._builder.end(tag)
        if not self._depth:
            self.root = element

    def data(self, data: str) -> None:
        self._builder.data(data)


def _refuse_ole(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(len(_OLE)) != _OLE:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            encrypted = data.find(_OLE_ENCRYPTED) >= 0
    if encrypted:
        raise locked()
    raise DamagedSource(
        "Its name says that it is a newer office format, but it is an older one.",
        hint="Open it in the program it comes from, save it in the newer format and add that.",
    )


def _checked(infos: list[zipfile.ZipInfo], size: int) -> dict[str, zipfile.ZipInfo]:
    """Members by name, if what the ZIP's directory says can be accepted."""
    if len(infos) > MEMBERS:
        raise TooLarge(f"It holds {len(infos):,} files; the limit is {MEMBERS:,}.", hint="Split it and add the parts.")
    unpacked = sum(info.file_size for info in infos)
    if unpacked > UNPACKED:
        raise TooLarge(
            f"Unpacked it has {unpacked / 2**20:,.0f} MB; the limit is {UNPACKED / 2**20:,.0f} MB.",
            hint="Split it and add the parts.",
        )
    if unpacked > max(_HARMLESS, _RATIO * size):
        raise DamagedSource(
            f"It unpacks to {unpacked / size:,.0f} times its size, as files do that are made to exhaust a computer.",
            hint=_SAVE,
        )
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        if info.is_dir():
            continue
        name = _checked_name(info)
        if name in members:
            raise DamagedSource("It is damaged: it holds two parts of the same name.", hint=_SAVE)
        members[name] = info
    return members


def locked() -> PasswordNeeded:
    """Of a file that its own program opens with a password."""
    return PasswordNeeded(
        "It is protected with a password.", hint="Open it in its program, remove the password, save it and add that."
    )


def _checked_name(info: zipfile.ZipInfo) -> str:
    name = info.filename.replace("\\", "/")  # some programs on Windows write these
    if name.startswith("/") or ".." in name.split("/") or _DRIVE.match(name) or "\x00" in info.orig_filename:
        raise DamagedSource("It holds a file whose name points outside of it.", hint=_SAVE)
    if info.flag_bits & _ENCRYPTED:
        raise locked()
    return name


def _too_large_part(limit: int) -> TooLarge:
    return TooLarge(
        f"A part of it has more than {limit / 2**20:,.0f} MB of text and markup.",
        hint="Split the document into smaller files and add those.",
    )
