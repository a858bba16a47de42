"""Whether an office file is encrypted: python-calamine says of such a file only that it knows no such format."""

from __future__ import annotations

import struct

from ingest.loaders.packages import Package, locked

_MANIFEST = "META-INF/manifest.xml"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
"""Name of the stream that holds an encrypted new workbook in the container of old ones ([MS-OFFCRYPTO], 2.3.4.4)."""
_BEGIN = struct.pack("<HHHH", 0x0809, 16, 0x0600, 0x0005)
"""BOF record of a workbook's globals ([MS-XLS], 2.4.21)."""
_FILE_PASS = 0x002F
"""Says how the records behind it are encrypted ([MS-XLS], 2.4.117)."""
_RECORDS_BEFORE = 8
"""Records that may come between the two, generously counted."""


def is_locked(old: bytes) -> bool:
    """Whether an old binary container holds an encrypted workbook, old or new."""
    if _ENCRYPTED_PACKAGE in old:
        return True
    place = old.find(_BEGIN)
    for _ in range(_RECORDS_BEFORE if place >= 0 else 0):
        if place + 4 > len(old):
            return False
        kind, length = struct.unpack_from("<HH", old, place)
        if kind == _FILE_PASS:
            return True
        place += 4 + length
    return False


def refuse_locked(package: Package) -> None:
    """Raise PasswordNeeded for an OpenDocument package whose manifest says that parts of it are encrypted (ISO/IEC
    26300-2, 4.4)."""
    marks = ("{*}encryption-data", "{*}encrypted-key")
    if _MANIFEST in package and next(package.tree(_MANIFEST).iter(*marks), None) is not None:
        raise locked()
