"""One process owns a data directory: a lock that dies with its holder, and a note that says who holds it."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from rag.errors import DataDirectoryInUse


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns a data directory; `port` is set while a server does."""

    pid: int
    port: int | None = None


_UNKNOWN = Owner(pid=0)
_PATIENCE_SECONDS = 0.3


class Ownership:
    """Takes, announces and gives back the ownership of a data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir
        self._note = data_dir / "owner.json"
        self._lock = FileLock(data_dir / "owner.lock", mode=0o600, thread_local=False)

    def take(self, *, port: int | None = None) -> None:
        """Become the owner.

        Raises:
            DataDirectoryInUse: another process is.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._lock.acquire(timeout=_PATIENCE_SECONDS, poll_interval=0.02)
        except Timeout as error:
            raise DataDirectoryInUse(
                "Footnote is already running on this data directory.",
                hint="Use the running one (`footnote open`), or stop it first.",
            ) from error
        self._announce(Owner(os.getpid(), port))

    def release(self) -> None:
        """Give the directory back; doing it again does nothing."""
        if self._lock.is_locked:
            with contextlib.suppress(FileNotFoundError):
                self._note.unlink()
            self._lock.release(force=True)

    def current(self) -> Owner | None:
        """The owner, or None when nobody holds the lock (a note left by a crash does not count)."""
        if not self._folder.is_dir():
            return None
        if not self._lock.is_locked:
            try:
                with FileLock(self._folder / "owner.lock", mode=0o600, timeout=0):
                    return None  # until somebody else asks, who is held up for a moment: `take` is patient
            except Timeout:
                pass
        try:
            owner = Owner(**json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return _UNKNOWN  # held, but not announced yet
        return owner if psutil.pid_exists(owner.pid) else _UNKNOWN  # the note of an owner that crashed

    def _announce(self, owner: Owner) -> None:
        temporary = self._note.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(owner)), encoding="utf-8")
        temporary.chmod(0o600)
        os.replace(temporary, self._note)
