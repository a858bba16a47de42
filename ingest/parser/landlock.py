"""Landlock: what a process can still reach while it reads a hostile file (Linux 5.13 and later; needs no privilege).

Once confined, it reads one file and the folders that hold programs and libraries. Every other file is out of its reach,
it writes nowhere, starts no program but those it was given, which are confined as it is, opens no TCP connection
(Linux 6.7) and signals no other program (6.12). Constants and structures are
those of the kernel's include/uapi/linux/landlock.h; see its userspace-api/landlock documentation.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""System calls; the same on every architecture."""

_VERSION_FLAG = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_TCP = 0b11
"""Binding and connecting."""
_SCOPES = 0b11
"""Abstract sockets and signals."""

_ELF_HEADER, _PT_INTERP = 64, 3

_SYSTEM = ("/usr", "/lib", "/lib64", "/nix/store", "/etc/ld.so.cache", "/etc/fonts")
_ROOT = Path(__file__).resolve().parents[2]


def version() -> int:
    """What the kernel offers: 0 is nothing, 4 guards TCP too, 6 signals too."""
    if sys.platform != "linux":
        return 0
    try:
        return _call(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError:  # an older kernel, or Landlock is switched off
        return 0


def confine(file: Path, *, programs: Iterable[Path] = ()) -> None:
    """Take everything from this process but `file`, what programs are made of and starting `programs`; for good.

    Where the kernel has no Landlock nothing happens, and `version` says so.

    Raises:
        OSError: the kernel has it and refuses all the same.
    """
    offered = version()
    if not offered:
        return
    ruleset = _ruleset(offered)
    try:
        if file.exists():  # else whoever opens it says so
            _allow(ruleset, file, _READ_FILE)
        for place in _libraries():
            _allow(ruleset, place, _READ_FILE | _READ_DIR if place.is_dir() else _READ_FILE)
        for program in programs:
            for part in (program, _interpreter(program)):
                if part:
                    _allow(ruleset, part, _EXECUTE | _READ_FILE)
        if ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError("the process cannot give up its privileges")
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _ruleset(offered: int) -> int:
    """A ruleset that denies all that this kernel can deny."""
    rights = 13 + (offered >= 2) + (offered >= 3) + (offered >= 5)
    attributes = struct.pack("=QQQ", (1 << rights) - 1, _TCP, _SCOPES)
    size = 8 if offered < 4 else 16 if offered < 6 else 24
    return _call(_CREATE_RULESET, attributes[:size], size, 0)


def _libraries() -> Iterator[Path]:
    """Where code and fonts lie; of the application itself the two packages that read documents."""
    packages = [entry for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
    for place in dict.fromkeys(map(Path, [*_SYSTEM, sys.prefix, sys.base_prefix, *packages])):
        if place.exists():
            yield place
    yield _ROOT / "ingest"
    yield _ROOT / "rag"


def _interpreter(program: Path) -> Path | None:
    """The dynamic linker that a program of 64 bits names, which the kernel starts with it (elf(5), PT_INTERP)."""
    with program.open("rb") as file:
        head = file.read(_ELF_HEADER)
        if head[:5] != b"\x7fELF\x02" or len(head) < _ELF_HEADER:
            return None
        (start,) = struct.unpack_from("=Q", head, 32)
        size, count = struct.unpack_from("=HH", head, 54)
        for index in range(count):
            file.seek(start + index * size)
            kind, _, offset, _, _, length = struct.unpack("=IIQQQQ", file.read(40))
            if kind == _PT_INTERP:
                file.seek(offset)
                return Path(os.fsdecode(file.read(length).rstrip(b"\0")))
    return None


def _allow(ruleset: int, path: Path, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: int | bytes | None) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    typed = [ctypes.c_long(item) if isinstance(item, int) else ctypes.c_char_p(item) for item in arguments]
    answer: int = library.syscall(ctypes.c_long(number), *typed)
    if answer < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return answer
