"""ZIP archives: no text of their own; every file in them that can be read becomes a document.

Nothing is unpacked to disk, and no name in the archive ever becomes a path. What the archive says of itself is checked
before anything is unpacked, and what comes out is counted all the same.
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from ingest import media
from ingest.loaders import loader_for
from ingest.loaders.inside import Inside, label_of
from ingest.protocols import Embedded, Loaded, LoadEvent
from rag.errors import DamagedSource, EmptySource, PasswordNeeded, TooLarge, UnsupportedType

MEMBERS = 10_000
"""Most entries of an archive."""
MEMBER = 200_000_000
"""Most bytes of one file in it, unpacked."""
UNPACKED = 2_000_000_000
"""Most bytes of all."""
_RATIO = 200
"""Most bytes that a packed byte of a large file may stand for; DEFLATE itself allows 1,032, text reaches 20."""
_HARMLESS = 50_000_000
"""Bytes unpacked, in one file, that need no look at the ratio."""
_BLOCK = 1 << 18
_LOCAL_HEADER = 30
"""Bytes of a local file header without its name (APPNOTE.TXT, 4.3.7)."""
_ENCRYPTED = 0x1
_UTF8 = 0x800
"""Bits of the general purpose flags (APPNOTE.TXT, 4.4.4)."""
_END = b"PK\x05\x06"
_END_RECORD = 22
_MORE = 0xFFFF
"""In the place of a number that does not fit there."""
_LONGEST_COMMENT = 65_535
_SYSTEM = re.compile(
    r"(?:^|/)(?:__MACOSX|\.git|\.svn|\.hg|\$RECYCLE\.BIN|System Volume Information)(?:/|$)|(?:^|/)\.[^/]+$|"
    r"(?:^|/)(?:Thumbs\.db|desktop\.ini|ehthumbs\.db)$|(?:^|/)~\$[^/]*$",
    re.IGNORECASE,
)
_CONTENT_TYPES = "[Content_Types].xml"
_OFFICE = (
    (b"wordprocessingml", media.DOCX),
    (b"presentationml", media.PPTX),
    (b"spreadsheetml", media.XLSX),
    (b"ms-excel.sheet", media.XLSX),
    (b"ms-word", media.DOCX),
    (b"ms-powerpoint", media.PPTX),
)
_SPLIT = "Unpack it and add what you need."


class ZipLoader:
    """Reads one archive; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`. Yields no piece, unless the archive is an office file without its ending.

        Raises:
            EmptySource: no bytes, or no files in it.
            DamagedSource: no complete ZIP, or made to exhaust a computer.
            PasswordNeeded: everything in it is encrypted.
            TooLarge: too many files, or too large once unpacked.
            UnsupportedType: nothing in it can be read; the message names what there is.
        """
        with _opened(path) as archive:
            infos = _checked(archive, path.stat().st_size)
            if (hidden_type := _office_type(archive, infos)) is None:
                yield from _members(archive, infos, title=title)
        if hidden_type is not None:
            yield from loader_for(hidden_type).load(path, title=title)


def _opened(path: Path) -> zipfile.ZipFile:
    size = path.stat().st_size
    with path.open("rb") as file:
        if not file.read(_BLOCK).strip():
            raise EmptySource("The file is empty.", hint="Check the file and add it again.")
        file.seek(max(0, size - _END_RECORD - _LONGEST_COMMENT))
        tail = file.read()
    end = tail.rfind(_END)
    entries = int.from_bytes(tail[end + 10 : end + 12], "little") if 0 <= end <= len(tail) - _END_RECORD else 0
    if MEMBERS < entries < _MORE:
        raise _too_many(entries)
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise DamagedSource(
            "It is damaged: it is not a complete ZIP archive.", hint="Download or make it again and add that."
        ) from error


def _checked(archive: zipfile.ZipFile, size: int) -> list[zipfile.ZipInfo]:
    """The files of the archive, if what it says of itself can be accepted."""
    infos = archive.infolist()
    if len(infos) > MEMBERS:
        raise _too_many(len(infos))
    files = [info for info in infos if not info.filename.endswith("/")]
    if not files:
        raise EmptySource("The archive is empty.", hint="Check the archive and add it again.")
    starts = sorted((info.header_offset, info.compress_size, info.filename) for info in infos)
    for (start, packed, _), (following, _, _) in pairwise(starts):
        if start + _LOCAL_HEADER + packed > following:
            raise _bomb("its files lie over one another")
    if starts[-1][0] + _LOCAL_HEADER + starts[-1][1] > size:
        raise DamagedSource("It is damaged: its end is missing.", hint="Download or make it again and add that.")
    return files


def _members(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo], *, title: str | None) -> Iterator[LoadEvent]:
    inside = Inside()
    encrypted = unpacked = 0
    for info in infos:
        name = label_of(_name(info))
        if _SYSTEM.search(name):
            inside.pass_over("hidden or system file")
        elif stat.S_ISLNK(info.external_attr >> 16):
            inside.leave(name, "a link, not a file")
        elif info.flag_bits & _ENCRYPTED:
            encrypted += 1
            inside.leave(name, "protected with a password")
        elif info.file_size > MEMBER:
            inside.leave(name, f"larger than {MEMBER / 1e6:,.0f} MB")
        elif info.file_size > max(_HARMLESS, _RATIO * info.compress_size):
            inside.leave(name, "unpacks to hundreds of times its size")
        else:
            unpacked += info.file_size
            if unpacked > UNPACKED:
                raise _too_large()
            yield from _member(archive, info, name, inside)
    if not inside.offered:
        raise _nothing(inside, all_encrypted=0 < encrypted == inside.left)
    yield Loaded(title=title or "", notes=inside.notes(), report=inside.report())


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, inside: Inside) -> Iterator[Embedded]:
    try:
        data = archive.read(info)  # never more than `info.file_size`: zipfile stops there and compares the checksum
    except NotImplementedError:  # a method that Python does not know
        inside.leave(name, "packed in a way that cannot be read")
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError):
        # OSError: bzip2 and LZMA data that is none; RuntimeError: encrypted, though its entry does not say so
        inside.leave(name, "damaged")
    else:
        yield from inside.offer(name, data)


def _name(info: zipfile.ZipInfo) -> str:
    """The name as it was meant: without its flag for UTF-8, many programs write UTF-8 all the same."""
    if info.flag_bits & _UTF8:
        return info.filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return info.filename


def _office_type(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> str | None:
    """What the archive is if it is a document without its ending: an office file or an e-book."""
    by_name = {info.filename: info for info in infos}
    for name in ("mimetype", _CONTENT_TYPES):
        info = by_name.get(name)
        if info is None or info.file_size > _BLOCK or info.flag_bits & _ENCRYPTED:
            continue
        try:
            with archive.open(info) as file:
                said = file.read(_BLOCK)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError):
            continue
        if name == "mimetype":
            kind = said.decode("ascii", "ignore").strip()
            if kind in (media.EPUB, media.ODT, media.ODP, media.ODS):
                return kind
        else:
            found = next((media_type for mark, media_type in _OFFICE if mark in said), None)
            if found:
                return found
    return None


def _nothing(inside: Inside, *, all_encrypted: bool) -> PasswordNeeded | UnsupportedType:
    if all_encrypted:
        return PasswordNeeded(
            "The archive is protected with a password.", hint="Unpack it with the password and add the files."
        )
    found = inside.kinds()
    return UnsupportedType(f"Nothing in the archive can be read ({found}).", hint=media.READABLE)


def _too_many(entries: int) -> TooLarge:
    return TooLarge(f"The archive holds {entries:,} files; the limit is {MEMBERS:,}.", hint=_SPLIT)


def _too_large() -> TooLarge:
    return TooLarge(f"Unpacked it has more than {UNPACKED / 1e6:,.0f} MB, the limit.", hint=_SPLIT)


def _bomb(how: str) -> DamagedSource:
    return DamagedSource(
        f"The archive is damaged or made to exhaust a computer: {how}.", hint="If you trust it: " + _SPLIT.lower()
    )
