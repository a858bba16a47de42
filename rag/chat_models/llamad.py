"""Child process that runs llama.cpp: `python -m rag.chat_models.llamad MODEL`, started by rag/chat_models/llamacpp.py.

A native abort ends this process and not the application. JSON lines: commands on stdin, events on stdout.

    {"id": 1, "chat": [{"role", "content"}...], "max_tokens": 500}    {"ready": true} once, or {"failed": true}
    {"id": 1, "stop": true}                                           {"id": 1, "reading": [done, total]}
    {"id": 3, "chat": [...], "first": 20}                             {"id": 3, "first": {"Yes": -0.4, ...}}
    {"id": 2, "count": "text"}                                        {"id": 1, "token": "text"}
                                                                      {"id": 1, "finished": reason, "prompt_tokens",
                                                                       "output_tokens"}
                                                                      {"id": 1, "error": "too_long" | "failed"}
                                                                      {"id": 2, "count": 17}

"first" asks for the likeliest first tokens of a reply, with the natural logarithms of their probabilities, and for no
reply.

It ends when stdin ends or its parent does, and takes its private folder with it. The server inside llama.cpp always
listens somewhere; here that is a socket in that folder (where sockets are files), and it asks for a random key.
"""

from __future__ import annotations

import argparse
import ctypes
import http.client
import json
import os
import queue
import secrets
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TextIO
from urllib.parse import urlsplit

BATCH = 128
"""Prompt tokens read at once: after each batch the reading can be stopped (2 to 3 s on two cores with 1.5B)."""

CACHE_MIB = 256
"""Memory for prompts of other conversations, so that going back to one does not read it again."""

_PR_SET_PDEATHSIG = 1
_COUNT_SECONDS = 30.0

SAMPLING = {"temperature": 0, "seed": 0}
"""The same question gets the same answer."""

Event = Mapping[str, object]


class Daemon:
    """The model and its two threads: one answers, one counts tokens meanwhile."""

    def __init__(self, options: argparse.Namespace, events: TextIO) -> None:
        self._options = options
        self._events = events
        self._writing = threading.Lock()
        self._key = secrets.token_urlsafe(32)
        self._server: Any = None
        self._loaded = threading.Event()
        self._stopped: set[int] = set()
        self._chats: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._counts: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def run(self, commands: TextIO) -> None:
        """Serve until `commands` ends."""
        for work in (self._answer, self._count):
            threading.Thread(target=work, daemon=True).start()
        for line in commands:
            command = json.loads(line)
            if "chat" in command:
                self._chats.put(command)
            elif "count" in command:
                self._counts.put(command)
            elif "stop" in command:
                self._stopped.add(command["id"])

    def _emit(self, event: Event) -> None:
        with self._writing:
            try:
                self._events.write(json.dumps(event) + "\n")
                self._events.flush()
            except OSError:  # the parent is gone
                leave(self._options.folder)

    def _answer(self) -> None:
        try:
            self._load()
        except RuntimeError:  # llama.cpp says no more than that
            self._emit({"failed": True})
            leave(self._options.folder)
        self._loaded.set()
        self._emit({"ready": True})
        while True:
            self._chat(self._chats.get())

    def _load(self) -> None:
        import xllamacpp

        options = self._options
        params = xllamacpp.CommonParams()
        params.model.path = str(options.model)
        params.n_ctx = options.window
        params.n_parallel = 1
        params.n_batch = params.n_ubatch = BATCH
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = options.threads
        params.cache_ram_mib = CACHE_MIB
        params.fit_params = False  # the window is the one that was asked for, or none
        params.warmup = False
        params.offline = True
        params.ui = params.endpoint_slots = False
        params.verbosity = 0
        params.api_keys = [self._key]
        if hasattr(socket, "AF_UNIX"):
            params.hostnames = [str(options.folder / "llama.sock")]
        self._server = xllamacpp.Server(params)

    def _chat(self, command: Mapping[str, Any]) -> None:
        id_ = command["id"]
        answer = _Answer(id_, self._emit, stopped=lambda: id_ in self._stopped)
        if not answer.stopped():
            first = command.get("first")
            request = {
                "messages": command["chat"],
                "max_tokens": 1 if first else command["max_tokens"],
                **({"logprobs": True, "top_logprobs": first} if first else {}),
                **SAMPLING,
                "stream": True,
                "stream_options": {"include_usage": True},
                "return_progress": True,
            }
            try:
                self._server.handle_chat_completions(request, answer.take)
            except RuntimeError:  # a template that does not take these messages, say
                answer.error = "failed"
        answer.end()
        self._stopped.discard(id_)

    def _count(self) -> None:
        self._loaded.wait()
        while True:
            command = self._counts.get()
            try:
                count = len(self._post("/tokenize", {"content": command["count"], "parse_special": False})["tokens"])
            except (OSError, ValueError, KeyError, http.client.HTTPException):
                self._emit({"id": command["id"], "error": "failed"})
            else:
                self._emit({"id": command["id"], "count": count})

    def _post(self, path: str, payload: Event) -> Any:
        connection = _connect(self._server.listening_address)
        try:
            headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
            connection.request("POST", path, body=json.dumps(payload).encode(), headers=headers)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


class _Answer:
    """Turns llama.cpp's chunks into events."""

    def __init__(self, id_: int, emit: Callable[[Event], None], *, stopped: Callable[[], bool]) -> None:
        self._id = id_
        self._emit = emit
        self.stopped = stopped
        self.error: str | None = None
        self._reason: str | None = None
        self._usage: Mapping[str, int] = {}

    def take(self, chunk: Mapping[str, Any]) -> bool:
        """One chunk. Returning True stops llama.cpp."""
        if "error" in chunk:
            kind = chunk["error"].get("type") if isinstance(chunk["error"], dict) else ""
            self.error = "too_long" if kind == "exceed_context_size_error" else "failed"
            return True
        if progress := chunk.get("prompt_progress"):
            self._emit({"id": self._id, "reading": [progress["processed"], progress["total"]]})
        for choice in chunk.get("choices", ()):
            if text := choice.get("delta", {}).get("content"):
                self._emit({"id": self._id, "token": text})
            for place in (choice.get("logprobs") or {}).get("content") or ():
                found = {entry["token"]: entry["logprob"] for entry in place["top_logprobs"]}
                self._emit({"id": self._id, "first": found})
            self._reason = choice.get("finish_reason") or self._reason
        self._usage = chunk.get("usage") or self._usage
        return self.stopped()

    def end(self) -> None:
        """The last event."""
        reason = "length" if self._reason == "length" else "stop"
        if self.error is not None:
            self._emit({"id": self._id, "error": self.error})
        elif self._reason is None and not self.stopped():
            self._emit({"id": self._id, "error": "failed"})
        else:
            read, written = self._usage.get("prompt_tokens"), self._usage.get("completion_tokens")
            finished = reason if self._reason else "stopped"
            self._emit({"id": self._id, "finished": finished, "prompt_tokens": read, "output_tokens": written})


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket that is a file."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_COUNT_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the file instead of a port."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_COUNT_SECONDS)
        self.sock.connect(self._path)


def _connect(address: str) -> http.client.HTTPConnection:
    if address.startswith("unix://"):
        return _UnixConnection(address.removeprefix("unix://"))
    return http.client.HTTPConnection(urlsplit(address).netloc, timeout=_COUNT_SECONDS)


def leave(folder: Path) -> NoReturn:
    """End at once, whatever native code is doing, and leave nothing behind."""
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def die_with(parent: int, folder: Path) -> None:
    """On Linux, have the kernel tell when the parent is gone: a second net beside the end of stdin."""
    signal.signal(signal.SIGTERM, lambda *_: leave(folder))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.name == "posix" and os.getppid() != parent:  # it went before the kernel was asked
        leave(folder)


def _private_stdout() -> TextIO:
    """The pipe to the parent; whatever native code prints goes nowhere instead."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return events


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--folder", type=Path, required=True, help="private folder, removed at the end")
    parser.add_argument("--window", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args()
    die_with(options.parent, options.folder)
    events = _private_stdout()
    with os.fdopen(os.dup(0), encoding="utf-8") as commands:
        Daemon(options, events).run(commands)
    leave(options.folder)


if __name__ == "__main__":
    main()
