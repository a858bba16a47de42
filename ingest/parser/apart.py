"""Work that a reader can do without, in a fork of its own: whatever a hostile file does to it, the file is read all the
same."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable

_READ_BYTES = 2**16
_MOST_FILES = 1024
_PR_SET_PDEATHSIG = 1
"""prctl(2)."""


def apart(work: Callable[[], bytes], *, seconds: float) -> bytes:
    """What `work` returns; b"" where it takes longer, and less than all of it where the fork ends on the way."""
    incoming, outgoing = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            end_with(parent=parent)
            os.closerange(3, outgoing)  # whoever waits for the end of another pipe is not to wait for this fork
            os.closerange(outgoing + 1, _MOST_FILES)
            with os.fdopen(outgoing, "wb") as file:
                file.write(work())
        finally:
            os._exit(0)
    os.close(outgoing)
    deadline = time.monotonic() + seconds
    found = bytearray()
    try:
        while select.select([incoming], [], [], max(deadline - time.monotonic(), 0.0))[0]:
            data = os.read(incoming, _READ_BYTES)
            if not data:
                return bytes(found)
            found += data
        return b""
    finally:
        os.close(incoming)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def end_with(*, parent: int) -> None:
    """End this process when the one that forked it ends (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            os._exit(0)
