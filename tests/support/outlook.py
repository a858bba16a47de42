"""Outlook messages made for tests: a compound file ([MS-CFB], version 3) with the properties of [MS-OXMSG]."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Tree = Mapping[str, "bytes | Tree"]
"""Streams and storages by name."""
_SECTOR, _MINI, _CUTOFF = 512, 64, 4096
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_FIXED = {0x0003: "<i4x", 0x0040: "<Q"}


@dataclass
class Outlook:
    """One message. Keys of the properties are (tag << 16 | type)."""

    properties: Mapping[int, bytes | int]
    recipients: Sequence[Mapping[int, bytes | int]] = ()
    attachments: Sequence[Mapping[int, bytes | int | Outlook]] = field(default=())

    def tree(self, *, inside: bool = False) -> Tree:
        parts: dict[str, bytes | Tree] = dict(_properties(self.properties, header=24 if inside else 32))
        for number, recipient in enumerate(self.recipients):
            parts[f"__recip_version1.0_#{number:08X}"] = _properties(recipient, header=8)
        for number, attachment in enumerate(self.attachments):
            parts[f"__attach_version1.0_#{number:08X}"] = _properties(attachment, header=8)
        return parts

    def bytes(self) -> bytes:
        return compound(self.tree())


def text(value: str) -> bytes:
    return value.encode("utf-16-le")


def _properties(values: Mapping[int, bytes | int | Outlook], *, header: int) -> Tree:
    parts: dict[str, bytes | Tree] = {}
    entries = b"\0" * header
    for key, value in values.items():
        tag, kind = key >> 16, key & 0xFFFF
        if isinstance(value, int):
            fixed = struct.pack(_FIXED[kind], value)
        else:
            parts[f"__substg1.0_{tag:04X}{kind:04X}"] = value if isinstance(value, bytes) else value.tree(inside=True)
            fixed = struct.pack("<I4x", len(value) if isinstance(value, bytes) else 0xFFFFFFFF)
        entries += struct.pack("<HHI", kind, tag, 6) + fixed
    return {"__properties_version1.0": entries, **parts}


def compound(tree: Tree) -> bytes:
    """A compound file of these streams and storages."""
    entries: list[list[int | str | bytes]] = [["Root Entry", 5, b"", _FREE]]  # name, type, data, child
    siblings: dict[int, int] = {}
    _enter(entries, siblings, 0, tree)
    sectors: list[bytes] = []
    fat: list[int] = []
    mini, mini_fat = bytearray(), list[int]()
    starts: dict[int, int] = {}
    for number, (_, kind, data, _) in enumerate(entries):
        assert isinstance(data, bytes)
        if kind == 2 and len(data) >= _CUTOFF:
            starts[number] = _chain(sectors, fat, data)
        elif kind == 2 and data:
            starts[number] = len(mini_fat)
            count = -(-len(data) // _MINI)
            mini_fat += [len(mini_fat) + step + 1 for step in range(count - 1)] + [_END]
            mini += data.ljust(count * _MINI, b"\0")
    starts[0] = _chain(sectors, fat, bytes(mini)) if mini else _END
    mini_start = _chain(sectors, fat, struct.pack(f"<{len(mini_fat)}I", *mini_fat)) if mini_fat else _END
    sizes = {number: len(data) for number, (_, _, data, _) in enumerate(entries)} | {0: len(mini)}
    records = b"".join(
        _record(entry, siblings.get(number, _FREE), starts.get(number, _END), sizes[number])
        for number, entry in enumerate(entries)
    )
    directory = _chain(sectors, fat, records.ljust(-(-len(records) // _SECTOR) * _SECTOR, b"\0"))
    count = 1
    while (len(fat) + count) * 4 > count * _SECTOR:
        count += 1
    tables = list(range(len(fat), len(fat) + count))
    packed = struct.pack(f"<{len(fat) + count}I", *fat, *[_FAT] * count).ljust(count * _SECTOR, b"\xff")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16
    header += struct.pack("<HHHHH6xIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, count, directory, 0, _CUTOFF, mini_start,
                          -(-len(mini_fat) * 4 // _SECTOR), _END, 0, tables[0])  # fmt: skip
    header = header[:76] + struct.pack("<109I", *(tables + [_FREE] * (109 - count)))
    return header + b"".join(sectors) + packed


def _enter(entries: list[list[int | str | bytes]], siblings: dict[int, int], parent: int, tree: Tree) -> None:
    before = None
    for name in sorted(tree, key=lambda name: (len(name), name.upper())):
        value = tree[name]
        number = len(entries)
        entries.append([name, 2 if isinstance(value, bytes) else 1, value if isinstance(value, bytes) else b"", _FREE])
        if before is None:
            entries[parent][3] = number
        else:
            siblings[before] = number
        before = number
        if not isinstance(value, bytes):
            _enter(entries, siblings, number, value)


def _chain(sectors: list[bytes], fat: list[int], data: bytes) -> int:
    start, count = len(sectors), -(-len(data) // _SECTOR)
    sectors += [data[at * _SECTOR : (at + 1) * _SECTOR].ljust(_SECTOR, b"\0") for at in range(count)]
    fat += [start + step + 1 for step in range(count - 1)] + [_END]
    return start


def _record(entry: list[int | str | bytes], right: int, start: int, size: int) -> bytes:
    name, kind, _, child = entry
    raw = str(name).encode("utf-16-le") + b"\0\0"
    return raw.ljust(64, b"\0") + struct.pack("<HBBIII16x4x8x8xIQ", len(raw), kind, 1, _FREE, right, child, start, size)
