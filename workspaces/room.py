"""Whether there is room on the disk: work stops before it is full, so that what frees room can still be written."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from pathlib import Path

_RESERVE_BYTES = 100_000_000
"""What stays free for purging, for the logs of the databases, and for the rest of the machine."""

_LOOK_SECONDS = 10.0
_log = logging.getLogger("footnote.jobs")


class Room:
    """Room on the disk of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._refused_until = 0.0
        self._was_short = False

    def refused(self) -> None:
        """Something could not be written for want of room, whatever the disk says is free (a quota, say): it counts as
        full for ten seconds."""
        with self._lock:
            self._refused_until = time.monotonic() + _LOOK_SECONDS

    @property
    def is_short(self) -> bool:
        """Whether nothing more should be begun."""
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError:  # whoever writes next says what is wrong
            return False
        with self._lock:
            short = free < _RESERVE_BYTES or time.monotonic() < self._refused_until
            if short != self._was_short:
                _log.warning("the disk is full; reading waits" if short else "there is room again; reading goes on")
            self._was_short = short
        return short
