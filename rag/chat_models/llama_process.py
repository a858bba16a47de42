"""The application's side of the llama.cpp child: starts it, talks to it, notices its end."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_EXIT_SECONDS = 3.0

_ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE"}
"""llama.cpp's threads then sleep while they wait for each other. By default they spin: with another program on one of
two cores, 40 tokens took 2 to 23 s and stalled for up to 3 s at a time, instead of 0.4 s and 0.01 s."""

Event = Mapping[str, Any]
Events = queue.SimpleQueue[Event | None]
"""What the child says to one request; None when it is gone."""


class LlamaProcess:
    """One run of the child. Thread-safe; once `gone`, it stays so.

    A thread of its own starts the child and lives as long: the kernel takes a thread that ends for the death of the
    parent (PR_SET_PDEATHSIG), and the threads that ask questions end all the time.
    """

    def __init__(self, model: Path, *, window: int, threads: int) -> None:
        self._lock = threading.Lock()
        self._requests: dict[int, Events] = {}
        self._last_id = 0
        self._process: subprocess.Popen[str] | None = None
        self._started = threading.Event()
        self._gone = threading.Event()
        self.ready = threading.Event()
        """Set when the model is loaded, or never will be."""
        self.failed = False
        """Whether llama.cpp refused the model."""
        arguments = [str(model), "--window", str(window), "--threads", str(threads), "--parent", str(os.getpid())]
        self._thread = threading.Thread(target=self._live, args=(arguments,), name="llama", daemon=True)
        self._thread.start()
        self._started.wait()

    @property
    def gone(self) -> bool:
        """Whether the child has ended.

        `poll` alone says no for a moment after the end, while the thread that follows the child waits for its status.
        """
        process = self._process
        return self._gone.is_set() or (process is not None and process.poll() is not None)

    @property
    def pid(self) -> int | None:
        """The child's process id while it lives."""
        return self._process.pid if self._process is not None and not self.gone else None

    @property
    def killed(self) -> bool:
        """Whether it was ended from outside by SIGKILL, as the kernel does when memory runs out."""
        return self._process is not None and self._process.returncode == -9

    def request(self, command: Event) -> _Request:
        """Send a command; use the result in `with`. A child that is gone answers None."""
        events: Events = queue.SimpleQueue()
        with self._lock:
            self._last_id += 1
            id_ = self._last_id
            if self.gone:
                events.put(None)
            else:
                self._requests[id_] = events
        self._send({**command, "id": id_})
        return _Request(self, id_, events)

    def close(self) -> None:
        """End the child."""
        process = self._process
        if process is not None and process.stdin is not None:
            with suppress(OSError), self._lock:  # what it was sent last may not get out any more
                process.stdin.close()
        self._thread.join(_EXIT_SECONDS)
        if self._thread.is_alive():
            self.kill()
            self._thread.join(_EXIT_SECONDS)

    def kill(self) -> None:
        """End the child without asking."""
        if self._process is not None:
            self._process.kill()

    def forget(self, id_: int) -> None:
        """Nobody waits for this request any more."""
        with self._lock:
            self._requests.pop(id_, None)

    def stop(self, id_: int) -> None:
        """Tell the child to end this request."""
        self._send({"id": id_, "stop": True})

    def _send(self, command: Event) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        with suppress(OSError, ValueError), self._lock:  # it is gone: the reader of its events says so
            process.stdin.write(json.dumps(command) + "\n")
            process.stdin.flush()

    def _live(self, arguments: list[str]) -> None:
        with tempfile.TemporaryDirectory(prefix="footnote-", ignore_cleanup_errors=True) as folder:
            try:
                self._follow([*arguments, "--folder", folder])
            except OSError:  # no more processes or memory: whoever waits is told that it is gone
                self.failed = True
            finally:
                self._end()

    def _follow(self, arguments: list[str]) -> None:
        command = [sys.executable, "-m", "rag.chat_models.llamad", *arguments]
        with subprocess.Popen(
            command,
            cwd=_ROOT,
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C in a terminal is for the application, which then ends the child
        ) as process:
            self._process = process
            self._started.set()
            for line in process.stdout or ():
                try:
                    self._dispatch(json.loads(line))
                except ValueError:  # a line cut by its death, or no line of ours: either way it is of no more use
                    process.kill()
            self._gone.set()  # it has closed its output, as a process does when it ends

    def _dispatch(self, event: Event) -> None:
        if "id" in event:
            with self._lock:
                events = self._requests.get(event["id"])
            if events is not None:
                events.put(event)
        else:
            self.failed = "failed" in event
            self.ready.set()

    def _end(self) -> None:
        with self._lock:
            self._gone.set()
            for events in self._requests.values():
                events.put(None)
            self._requests.clear()
        self._started.set()
        self.ready.set()


class _Request:
    """One command and what comes back."""

    def __init__(self, process: LlamaProcess, id_: int, events: Events) -> None:
        self._process = process
        self._id = id_
        self._events = events
        self._ended = False

    def __enter__(self) -> _Request:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._ended:
            self._process.stop(self._id)
        self._process.forget(self._id)

    def next(self, *, seconds: float) -> Event | None:
        """The next event, or None when the child is gone. Raises queue.Empty after `seconds`."""
        event = self._events.get(timeout=seconds)
        self._ended = event is None or any(last in event for last in ("finished", "error", "count"))
        return event
