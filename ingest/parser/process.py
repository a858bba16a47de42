"""One running helper as the application holds it: start, send, receive with a timeout, kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any

from ingest.parser.frames import Frame, FrameBuffer, encode
from rag.priority import let_give_way

_ROOT = Path(__file__).parents[2]
"""The folder that holds the `ingest` package; the helper starts there so that it finds it."""
_READ_BYTES = 2**20
_WAITING_FRAMES = 16
"""Frames read ahead; past it the helper waits, so that it never outruns the application."""
_START_SECONDS = 60.0
_CLOSE_SECONDS = 2.0
_TURN_SECONDS = 0.2
_PASSED_ON = (
    "PATH PYTHONPATH PYTHONHOME VIRTUAL_ENV LD_LIBRARY_PATH DYLD_LIBRARY_PATH LANG LC_ALL LC_CTYPE TZ TMPDIR TEMP TMP "
    "SYSTEMROOT WINDIR"
)
"""Environment that the helper sees: no tokens, keys or proxies within reach of a hostile file."""
_ALLOCATOR = {"MALLOC_ARENA_MAX": "2"}
"""Each arena of the C library reserves 64 MB of address space, which is limited, for every thread of a recogniser."""


class HelperStopped(Exception):
    """The helper ended, or talks nonsense."""


class HelperProcess:
    """A helper and the thread that reads from it. Not thread-safe but for `kill`."""

    def __init__(self, *, gives_way: bool = False) -> None:
        """Start it; raises HelperStopped if it does not come up."""
        names = _PASSED_ON.split()
        self._process = subprocess.Popen(
            [sys.executable, "-X", "utf8", "-m", "ingest.parser.helper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env={name: os.environ[name] for name in names if name in os.environ} | _ALLOCATOR,
            start_new_session=os.name == "posix",  # Ctrl-C in the terminal is for the application; one group to kill
        )
        if gives_way:
            let_give_way(self._process.pid)
        self._frames: Queue[Frame | None] = Queue(_WAITING_FRAMES)
        self._dropped = threading.Event()
        self._ending = threading.Lock()
        self._reader = threading.Thread(target=self._read, name="parser-reader", daemon=True)
        self._reader.start()
        ready = self.receive(_START_SECONDS)
        if ready is None or ready.header.get("event") != "ready":
            self.kill()
            raise HelperStopped

    @property
    def pid(self) -> int:
        """Process id of the helper (not of what it forks)."""
        return self._process.pid

    def send(self, header: Mapping[str, Any], *parts: bytes) -> None:
        """Send a request; raises HelperStopped if nobody is there."""
        if self._process.stdin is None:
            raise HelperStopped
        try:
            self._process.stdin.write(encode(header, *parts))
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise HelperStopped from error

    def receive(self, timeout: float) -> Frame | None:
        """The next frame, or None after `timeout` seconds; raises HelperStopped at the end of the stream."""
        try:
            frame = self._frames.get(timeout=timeout)
        except Empty:
            if self._dropped.is_set():
                raise HelperStopped from None
            return None
        if frame is None:
            raise HelperStopped
        return frame

    def kill(self) -> None:
        """End the helper and what it forked, at once. May be called twice and from any thread."""
        with self._ending:
            if not self._dropped.is_set():
                self._dropped.set()
                self._kill_group()
                self._release()

    def close(self) -> None:
        """Let an idle helper go by itself; kill it if it does not."""
        with self._ending:
            if self._dropped.is_set():
                return
            self._dropped.set()
            if self._process.stdin:
                with suppress(OSError):  # it is gone already
                    self._process.stdin.close()
            try:
                self._process.wait(_CLOSE_SECONDS)
            except subprocess.TimeoutExpired:
                self._kill_group()
            self._release()

    def _kill_group(self) -> None:
        if os.name == "posix":
            with suppress(ProcessLookupError, PermissionError):  # all gone; macOS says EPERM for zombies
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()

    def _release(self) -> None:
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with suppress(OSError):  # a request that was never flushed
                    pipe.close()

    def _read(self) -> None:
        buffer = FrameBuffer()
        with suppress(OSError, ValueError):  # closed under us, or no frames: the end either way
            if self._process.stdout is not None:
                descriptor = self._process.stdout.fileno()
                while data := os.read(descriptor, _READ_BYTES):
                    for frame in buffer.feed(data):
                        self._put(frame)
        self._put(None)

    def _put(self, frame: Frame | None) -> None:
        while not self._dropped.is_set():
            with suppress(Full):
                self._frames.put(frame, timeout=_TURN_SECONDS)
                return
