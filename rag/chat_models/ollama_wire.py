"""Ollama's HTTP as Footnote uses it: every wait has an end, and a stream can be dropped while it is silent.

The `ollama` client waits for ever, follows redirects and takes proxies from the environment by default, cannot send
`truncate` and `shift`, and says nothing when a stream ends early. So this module builds that client with other settings
and reads its connection line by line. https://docs.ollama.com/api
"""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import ollama

JSON = dict[str, Any]
"""One object of the API, not yet checked."""

_LONGEST_LINE = 1 << 20
_LONGEST_BODY = 1 << 24
_CLOSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, to the first piece of text (a large model loads and reads its prompt before), between two
    pieces, and for the short questions about the server itself."""

    connect: float = 5.0
    first: float = 120.0
    gap: float = 60.0
    status: float = 3.0


class BadStatusError(Exception):
    """An HTTP status other than 200, with the body's text. Never leaves rag.chat_models."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.text = text


class Connection(ollama.Client):
    """One connection, used for one request or one probe, then closed."""

    def __init__(self, address: str, *, connect: float, read: float) -> None:
        self._sockets: list[socket.socket] = []
        self._dropped = False
        super().__init__(
            address,
            timeout=httpx.Timeout(read, connect=connect),
            trust_env=False,
            follow_redirects=False,
            verify=address.startswith("https:"),  # building a TLS context takes 30 ms, for nothing on loopback
            event_hooks={"request": [self._watch]},
        )

    def get(self, path: str) -> Any:
        """The JSON of one GET. Raises BadStatusError, ValueError (no JSON), httpx.HTTPError."""
        return self._body("GET", path, None)

    def post(self, path: str, payload: Mapping[str, object]) -> Any:
        """The JSON of one POST. Raises BadStatusError, ValueError (no JSON), httpx.HTTPError."""
        return self._body("POST", path, payload)

    def lines(self, path: str, payload: Mapping[str, object]) -> Iterator[JSON]:
        """The JSON objects of a streamed answer. Raises BadStatusError, ValueError (no object), httpx.HTTPError."""
        with self._client.stream("POST", path, json=dict(payload)) as response:
            if response.status_code != 200:
                raise BadStatusError(response.status_code, _read(response))
            for line in _lines(response):
                yield _object(line)

    def drop(self) -> None:
        """End whatever is under way, from any thread: a read that waits returns at once."""
        self._dropped = True
        for held in list(self._sockets):
            with contextlib.suppress(OSError):  # already closed
                held.shutdown(socket.SHUT_RDWR)

    def _body(self, method: str, path: str, payload: Mapping[str, object] | None) -> Any:
        with self._client.stream(method, path, json=None if payload is None else dict(payload)) as response:
            text = _read(response)
        if response.status_code != 200:
            raise BadStatusError(response.status_code, text)
        return json.loads(text)

    def _watch(self, request: httpx.Request) -> None:
        request.extensions = {**request.extensions, "trace": self._trace}

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpx's documented trace hook: the only way to the socket before the answer has begun."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            opened = info["return_value"].get_extra_info("socket")
            if opened is not None:
                self._sockets.append(opened)
                if self._dropped:
                    self.drop()


class Stream:
    """A streamed answer read by a thread of its own, so that its reader can look up while nothing comes."""

    def __init__(self, connection: Connection, path: str, payload: Mapping[str, object]) -> None:
        self._connection = connection
        self._items: queue.SimpleQueue[JSON | Exception | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._pump, args=(path, payload), name="ollama-stream", daemon=True)
        self._thread.start()

    def next(self, *, seconds: float) -> JSON | None:
        """The next object, or None at the end. Raises queue.Empty after `seconds`, and whatever reading raised."""
        item = self._items.get(timeout=seconds)
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        """End the request, and with it the thread."""
        self._connection.drop()
        self._thread.join(_CLOSE_SECONDS)

    def _pump(self, path: str, payload: Mapping[str, object]) -> None:
        try:
            with contextlib.closing(self._connection):
                for item in self._connection.lines(path, payload):
                    self._items.put(item)
            self._items.put(None)
        except Exception as error:  # noqa: BLE001  # handed to the reader, who raises it
            self._items.put(error)


def _lines(response: httpx.Response) -> Iterator[bytes]:
    waiting = b""
    for piece in response.iter_bytes():
        *complete, waiting = (waiting + piece).split(b"\n")
        yield from (line for line in complete if line.strip())
        if len(waiting) > _LONGEST_LINE:
            raise ValueError("a line without an end")
    if waiting.strip():
        yield waiting


def _object(line: bytes) -> JSON:
    item = json.loads(line)
    if not isinstance(item, dict):
        raise ValueError("not an object")  # a wrong answer, not a wrong argument
    return item


def _read(response: httpx.Response) -> str:
    data = b""
    for piece in response.iter_bytes():
        data += piece
        if len(data) > _LONGEST_BODY:
            raise ValueError("an answer without an end")
    return data.decode("utf-8", errors="replace")
