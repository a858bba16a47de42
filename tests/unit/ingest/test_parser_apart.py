from __future__ import annotations

import os
import signal
import time

import pytest

from ingest.parser.apart import apart

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")


def test_what_the_work_returns_comes_back_whole() -> None:
    data = os.urandom(3 * 2**20)
    assert apart(lambda: data, seconds=30) == data
    assert apart(lambda: b"", seconds=30) == b""


def test_whatever_happens_to_it_happens_to_nobody_else() -> None:
    def raises() -> bytes:
        raise MemoryError

    def dies() -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b"never"

    assert apart(raises, seconds=30) == b""
    assert apart(dies, seconds=30) == b""


def test_it_does_not_take_longer_than_it_may() -> None:
    def hangs() -> bytes:
        time.sleep(60)
        return b"late"

    started = time.monotonic()
    assert apart(hangs, seconds=0.3) == b""
    assert time.monotonic() - started < 10
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
