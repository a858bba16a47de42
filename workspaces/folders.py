"""What is in a watched folder, and how that differs from what was there: pure over values, but for `scan`.

Sizes and times say only which files to read; their content decides what has happened to them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

ALWAYS_IGNORED = (".*", "~$*", "*.tmp", "node_modules", "__pycache__", "Thumbs.db", "desktop.ini")
SETTLING_NS = 2_000_000_000
"""A file that was written within this time may still be being written."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells, without reading it, that a file may have changed."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Known:
    """A file as it was last seen, and its document."""

    stamp: Stamp
    sha256: str
    document_id: str | None
    """None where adding it was cut short."""
    brought: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """The files of a folder by relative path, and what could not be looked into."""

    files: dict[str, Stamp] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    """Folders, by relative path."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a look has to do."""

    to_read: list[str]
    waiting: list[str]
    missing: list[str]


def ignored(path: str, patterns: Sequence[str] = ()) -> bool:
    """Whether a relative path is left out: a pattern fits one of its parts, or, where the pattern has a slash, it or a
    folder that it lies in from the top. "name/" fits as "name" does."""
    parts = path.split("/")
    tops = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
    for pattern in (*ALWAYS_IGNORED, *patterns):
        wanted = pattern.rstrip("/")
        chosen = tops if "/" in wanted else parts
        if any(fnmatchcase(name, wanted.lstrip("/")) for name in chosen):
            return True
    return False


def scan(root: Path, patterns: Sequence[str] = ()) -> Scan:
    """All regular files below a folder that are not left out. Links are not followed.

    Raises:
        OSError: the folder itself cannot be read.
    """
    found = Scan()
    folders = _enter(root, "", patterns, found)
    while folders:
        folder = folders.pop()
        try:
            folders += _enter(root, folder + "/", patterns, found)
        except OSError:
            found.unread.append(folder)
    return found


def _enter(root: Path, folder: str, patterns: Sequence[str], found: Scan) -> list[str]:
    """Add the files that lie directly in a folder; returns the folders."""
    inside: list[str] = []
    with os.scandir(root / folder) as entries:
        for entry in entries:
            path = folder + entry.name
            if not _storable(path) or ignored(path, patterns):
                continue
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                inside.append(path)
            elif stat.S_ISREG(status.st_mode):
                found.files[path] = Stamp(status.st_size, status.st_mtime_ns)
    return inside


def compare(known: Mapping[str, Known], found: Scan, *, moment_ns: int, full: bool) -> Plan:
    """What a look has to do.

    A file that is missing stays where its folder could not be read, and where a new file of its size is still waiting:
    that may be the same one, moved.

    Args:
        known: by relative path.
        found: what is there now.
        moment_ns: the time on the clock of the files.
        full: read files whose size and time have not changed, too.
    """
    to_read: list[str] = []
    waiting: list[str] = []
    for path, stamp in sorted(found.files.items()):
        before = known.get(path)
        if before is not None and before.document_id is not None and before.stamp == stamp and not full:
            continue
        is_settled = before is not None and before.stamp == stamp
        settling = not is_settled and abs(moment_ns - stamp.mtime_ns) < SETTLING_NS
        (waiting if settling else to_read).append(path)
    arriving = {found.files[path].size for path in waiting if path not in known}
    missing = [
        path
        for path, before in sorted(known.items())
        if path not in found.files
        and not any(path.startswith(folder + "/") for folder in found.unread)
        and before.stamp.size not in arriving
    ]
    return Plan(to_read, waiting, missing)


def moved_from(sha256: str, missing: Collection[str], known: Mapping[str, Known]) -> str | None:
    """Where a new file lay before: the first missing path with the same bytes."""
    return next((path for path in missing if known[path].sha256 == sha256), None)


def _storable(path: str) -> bool:
    """Whether a name is text at all; on Linux it may be any bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def top_folders(places: Collection[tuple[str, str]]) -> tuple[str, ...]:
    """Folders to choose from: each root and the folders right below it, by name.

    Args:
        places: (root, path of a file below it).
    """
    found = {root for root, _ in places}
    found |= {f"{root}/{path.split('/', 1)[0]}" for root, path in places if "/" in path}
    return tuple(sorted(found))
