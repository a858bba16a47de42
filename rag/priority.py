"""Work that nobody waits for gives way to work that somebody does.

On Linux every thread has a niceness of its own (sched(7), "The nice value"): at 10 it takes a tenth of a busy core.
Elsewhere only children give way. A browser in a session of its own is not helped by that ("The autogroup feature", same
page), so while a page is opened the work in the background rests.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

NICENESS = 10
_BELOW_NORMAL = 0x4000  # BELOW_NORMAL_PRIORITY_CLASS
_OPENING_SECONDS = 1.2
"""From the last request for a page to the moment it is drawn, which takes 0.7 to 0.9 s on two cores at rest."""
_LONGEST_REST_SECONDS = 2.0


class _Thread(threading.local):
    in_background = False


_thread = _Thread()
_opened_at = -_OPENING_SECONDS


@contextmanager
def in_background() -> Iterator[None]:
    """What the calling thread asks others to do meanwhile is urgent to nobody."""
    before, _thread.in_background = _thread.in_background, True
    try:
        yield
    finally:
        _thread.in_background = before


def is_in_background() -> bool:
    """Whether the calling thread is inside `in_background`."""
    return _thread.in_background


def give_way() -> None:
    """Let the calling thread give way, for good."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def let_give_way(pid: int) -> None:
    """Let a child give way; what it starts later does too."""
    with suppress(psutil.Error):  # it has ended, or this machine does not let it: then it is as before
        psutil.Process(pid).nice(NICENESS if os.name == "posix" else _BELOW_NORMAL)


def page_opened() -> None:
    """Somebody opens a page: the work in the background rests for a moment."""
    global _opened_at
    _opened_at = time.monotonic()


def rest(at_most: float = _LONGEST_REST_SECONDS) -> float:
    """Wait while somebody opens a page, `at_most` seconds, so that the work goes on however many there are.

    Returns:
        The seconds waited.
    """
    began = time.monotonic()
    longest = began + at_most
    while (left := min(_opened_at + _OPENING_SECONDS, longest) - time.monotonic()) > 0:
        time.sleep(left)
    return time.monotonic() - began
