"""ZIP archives: bombs, lies about sizes, names that lead out, links, too many members."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

from tests.hostile import ANY, READY, REFUSED, Hostile

FAMILY = "archives"
TEXT = b"The copper valve opens at twelve bar. "


def files() -> Iterator[Hostile]:
    """All of them."""
    yield Hostile(FAMILY, "ratio bomb.zip", zipped({"zeros.txt": b"0" * 300_000_000}), ANY)
    yield Hostile(FAMILY, "nested bomb.zip", nested(zipped({"zeros.txt": b"0" * 50_000_000}), depth=6))
    yield Hostile(
        FAMILY, "wide nested bomb.zip", zipped({f"{n}.zip": zipped({"z.txt": b"0" * 9_000_000}) for n in range(40)})
    )
    yield Hostile(FAMILY, "overlapping.zip", overlapping(2_000), ANY)
    yield Hostile(FAMILY, "many members.zip", zipped({f"{n}.txt": b"x" for n in range(30_000)}), ANY)
    yield Hostile(FAMILY, "names that lead out.zip", zipped(dict.fromkeys(LEADING_OUT, TEXT)))
    yield Hostile(FAMILY, "same name twice.zip", doubled(), ANY)
    yield Hostile(FAMILY, "link.zip", linked("/etc/passwd"), REFUSED | {READY}, never="root:")
    yield Hostile(FAMILY, "encrypted members.zip", flagged(zipped({"a.txt": TEXT}), 0x1))
    yield Hostile(FAMILY, "zip64 lies.zip", lying(zipped({"a.txt": TEXT}), 0xFFFFFFF0))
    yield Hostile(FAMILY, "says it is small.zip", lying(zipped({"a.txt": b"0" * 300_000_000}), 10))
    yield Hostile(FAMILY, "empty.zip", zipped({}), REFUSED)
    yield Hostile(FAMILY, "only folders.zip", zipped({"a/": b"", "b/c/": b""}), REFUSED)
    yield Hostile(FAMILY, "unknown method.zip", flagged(zipped({"a.txt": TEXT}), 0, method=99))
    yield Hostile(FAMILY, "no directory.zip", zipped({"a.txt": TEXT * 50})[:-60], ANY)
    yield Hostile(FAMILY, "comment.zip", commented(zipped({"a.txt": TEXT}), b"PK\x05\x06" * 10_000))
    yield Hostile(FAMILY, "itself.zip", zipped({"a.zip": zipped({"a.zip": zipped({"a.txt": TEXT})})}))


LEADING_OUT = (
    "../up.txt", "../../../../etc/cron.d/x.txt", "/etc/absolute.txt", "C:\\windows\\win.txt",
    "\\\\host\\share\\unc.txt", "a/../../b.txt", "nul.txt", "con.txt", "-rf.txt", "new\nline.txt",
    "\u202egnp.txt", "a" * 300 + ".txt", "...txt", "![](http://127.0.0.1/x).txt", "<script>alert(1)</script>.txt",
)  # fmt: skip


def zipped(members: dict[str, bytes]) -> bytes:
    """A ZIP of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()


def nested(data: bytes, *, depth: int) -> bytes:
    """An archive in an archive in an archive."""
    for _ in range(depth):
        data = zipped({"inner.zip": data})
    return data


def overlapping(entries: int) -> bytes:
    """One compressed block that every entry of the directory names (Fifield 2019, "A better zip bomb")."""
    body = b"0" * 4_000_000
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packed.compress(body) + packed.flush()
    crc = zlib.crc32(body)
    local = _local(b"a.txt", block, crc, len(body)) + block
    central = b"".join(_central(b"%05d.txt" % n, block, crc, len(body)) for n in range(entries))
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, entries, entries, len(central), len(local), 0)
    return local + central + end


def _local(name: bytes, block: bytes, crc: int, size: int) -> bytes:
    return struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, crc, len(block), size, len(name), 0) + name


def _central(name: bytes, block: bytes, crc: int, size: int) -> bytes:
    fields = (b"PK\x01\x02", 20, 20, 0, 8, 0, 0, crc, len(block), size, len(name), 0, 0, 0, 0, 0, 0)
    return struct.pack("<4sHHHHHHIIIHHHHHII", *fields) + name


def doubled() -> bytes:
    """Two members of one name."""
    first = zipped({"a.txt": TEXT, "b.txt": b"other"})
    return first.replace(b"b.txt", b"a.txt")


def linked(target: str) -> bytes:
    """A symbolic link, as Unix archivers store it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("link.txt")
        info.create_system = 3
        info.external_attr = 0o120777 << 16
        archive.writestr(info, target)
    return out.getvalue()


def flagged(data: bytes, flags: int, *, method: int | None = None) -> bytes:
    """The same archive with general purpose flags (bit 0: encrypted) or another method in every header."""
    changed = bytearray(data)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = changed.find(mark)
        while start >= 0:
            changed[start + at] |= flags
            if method is not None:
                changed[start + at + 2 : start + at + 4] = struct.pack("<H", method)
            start = changed.find(mark, start + 4)
    return bytes(changed)


def lying(data: bytes, size: int) -> bytes:
    """The same archive with another unpacked size in every header."""
    changed = bytearray(data)
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = changed.find(mark)
        if start >= 0:
            changed[start + at : start + at + 4] = struct.pack("<I", size)
    return bytes(changed)


def commented(data: bytes, comment: bytes) -> bytes:
    """The same archive with a comment of up to 65,535 bytes."""
    comment = comment[:65_535]
    return data[:-2] + struct.pack("<H", len(comment)) + comment
