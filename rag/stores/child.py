"""One child process that answers over pipes, with a wall limit on every call and its last words kept."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from rag.errors import StorageError

_log = logging.getLogger("footnote.vectors")

_START_SECONDS = 30.0
_STDERR_LINES = 40
_STDERR_LINE_BYTES = 500


class Child:
    """A running process that speaks the frames of rag.stores.vectord. One call at a time: the caller holds a lock."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> None:
        self._last_words: deque[str] = deque(maxlen=_STDERR_LINES)
        self._silent = threading.Event()  # it has closed its error stream, as a process does when it ends
        started: queue.SimpleQueue[subprocess.Popen[bytes] | OSError] = queue.SimpleQueue()
        # Linux ends the child with the *thread* that started it, so that thread lives as long as the child does.
        self._keeper = threading.Thread(
            target=self._keep, args=(started, list(command), dict(environment), folder), name="vectord", daemon=True
        )
        self._keeper.start()
        process = started.get(timeout=_START_SECONDS)
        if isinstance(process, OSError):
            raise stopped("it cannot be started") from process
        self._process = process

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the process runs (it may hang). `poll` alone says so for a moment longer, while `_keep` waits."""
        return not self._silent.is_set() and self._process.poll() is None

    def call(self, request: dict[str, Any], payload: bytes, *, seconds: float) -> tuple[dict[str, Any], bytes]:
        """Send one request and return its answer.

        Raises:
            StorageError: the child died, hung for longer than `seconds`, or answered with an error. It is gone then.
        """
        expired = threading.Event()
        watchdog = threading.Timer(seconds, self._expire, args=(expired,))
        watchdog.daemon = True
        watchdog.start()
        try:
            answer, body = self._exchange(request, payload)
        except (OSError, ValueError, KeyError, TypeError) as error:  # a broken pipe, or an answer cut in two
            self.kill()
            reason = f"no answer within {seconds:.1f} s" if expired.is_set() else self._farewell()
            raise stopped(f"{request['op']}: {reason}") from error
        finally:
            watchdog.cancel()
        if "error" in answer:
            self.kill()
            raise stopped(f"{request['op']}: {answer['error']}")
        return answer, body

    def close(self, *, seconds: float) -> None:
        """Let the child end by itself; kill it when it does not within `seconds`."""
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):  # it died or hangs: killed below
            self._pipe(self._process.stdin).close()
            self._process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """End the child at once and take its pipes down. Doing it twice is fine."""
        self._process.kill()
        self._process.wait()
        self._keeper.join()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was still buffered has no reader any more
                self._pipe(pipe).close()

    def _exchange(self, request: dict[str, Any], payload: bytes) -> tuple[dict[str, Any], bytes]:
        requests, answers = self._pipe(self._process.stdin), self._pipe(self._process.stdout)
        header = json.dumps({**request, "bytes": len(payload)}, separators=(",", ":"))
        requests.write(header.encode() + b"\n" + payload)
        requests.flush()
        answer = json.loads(answers.readline())
        body = answers.read(answer["bytes"])
        if len(body) != answer["bytes"]:
            raise ValueError("the answer was cut off")
        return answer, body

    def _expire(self, expired: threading.Event) -> None:
        expired.set()
        self._process.kill()

    def _farewell(self) -> str:
        return " | ".join([f"exit status {self._process.returncode}", *self._last_words])

    def _keep(
        self,
        started: queue.SimpleQueue[subprocess.Popen[bytes] | OSError],
        command: list[str],
        environment: dict[str, str],
        folder: Path,
    ) -> None:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            started.put(error)
            return
        started.put(process)
        with self._pipe(process.stderr) as stream:
            while line := stream.readline(_STDERR_LINE_BYTES):
                self._last_words.append(line.decode(errors="replace").strip())
        self._silent.set()
        process.wait()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise ValueError("the child was started without pipes")
        return pipe


def stopped(reason: str) -> StorageError:
    """The error for people; the reason, which may hold paths, goes to the log and into the cause."""
    _log.warning("the vector index stopped: %s", reason)
    error = StorageError(
        "The vector index stopped.", hint="Footnote searches without it and rebuilds it by itself; nothing is lost."
    )
    error.__cause__ = RuntimeError(reason)
    return error
