"""Originals, stored by the SHA-256 of their bytes. The only place that makes paths out of anything."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rag.errors import DiskFull, EmptySource, StorageError, TooLarge

_SHA256 = re.compile(r"[0-9a-f]{64}")
_BLOCK = 1 << 20
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}


class Files:
    """A folder of originals: written once, durably, never changed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.guard = threading.RLock()
        """Held from storing bytes to committing the row that names them, and while removing what no row names."""

    def store(self, stream: BinaryIO, *, limit: int) -> tuple[str, int]:
        """Copy a stream into the store and return (SHA-256, size in bytes); known bytes are kept once.

        The file is synced, then renamed, then its folder synced, before this returns: a row that names it may follow.

        Raises:
            EmptySource: no bytes.
            TooLarge: more than `limit` bytes.
            DiskFull: there is no room.
            StorageError: the disk cannot be written.
        """
        try:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(prefix=".incoming-", dir=self._root)
            try:
                with os.fdopen(handle, "wb") as target:
                    digest, size = _copy(stream, target, limit)
                    target.flush()
                    os.fsync(target.fileno())
                self._settle(Path(name), digest)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)
        except OSError as error:
            kind = DiskFull if error.errno in _NO_ROOM else StorageError
            raise kind(
                f"The file could not be stored: {error.strerror or 'the disk refused it'}.",
                hint="Check the free space and the permissions of the data directory.",
            ) from error
        return digest, size

    def path(self, sha256: str) -> Path:
        """Where an original lies. The name is the hash alone, so nothing from outside ever becomes a path."""
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"not a SHA-256: {sha256!r}")
        return self._root / sha256[:2] / sha256

    def remove(self, sha256: str) -> None:
        """Delete an original; a missing one is fine."""
        self.path(sha256).unlink(missing_ok=True)

    def stored(self) -> Iterator[str]:
        """The SHA-256 of every original on disk."""
        if self._root.is_dir():
            for folder in sorted(self._root.iterdir()):
                if folder.is_dir():
                    yield from (file.name for file in sorted(folder.iterdir()) if _SHA256.fullmatch(file.name))

    def sweep(self) -> int:
        """Remove what a crash left half written; return how many files."""
        leftovers = list(self._root.glob(".incoming-*")) if self._root.is_dir() else []
        for leftover in leftovers:
            leftover.unlink(missing_ok=True)
        return len(leftovers)

    def verify(self, sha256: str) -> bool:
        """Whether the original is there with exactly the bytes it was stored with."""
        try:
            with self.path(sha256).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except OSError:
            return False

    def _settle(self, temporary: Path, digest: str) -> None:
        target = self.path(digest)
        target.parent.mkdir(exist_ok=True, mode=0o700)
        if self.verify(digest):
            return
        os.replace(temporary, target)
        for folder in (target.parent, self._root):
            _sync_folder(folder)


def _copy(stream: BinaryIO, target: BinaryIO, limit: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while block := stream.read(_BLOCK):
        size += len(block)
        if size > limit:
            raise TooLarge(
                f"The file is larger than {limit / 1e6:,.0f} MB.",
                hint="Split it, or raise FOOTNOTE_MAX_UPLOAD_MB.",
            )
        digest.update(block)
        target.write(block)
    if size == 0:
        raise EmptySource("The file is empty.", hint="Check that it was saved or downloaded completely.")
    return digest.hexdigest(), size


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there; NTFS journals the rename itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
