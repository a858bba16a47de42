"""A stand-in for an Ollama server: its HTTP API as documented (https://docs.ollama.com/api), and its ways to fail.

It speaks /api/version, /api/tags, /api/show, /api/ps and /api/chat: NDJSON in chunks, `done` with the figures at the
end, `num_predict`, `num_ctx` with the silent cut of the prompt (and `shift: false`, which forbids it), its error texts.
What it writes is scripted. One token is one word.
"""

from __future__ import annotations

import json
import re
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Fault = Literal[
    "memory",  # 500, the model does not fit
    "killed",  # 500, the runner was killed by the kernel
    "broken",  # 500, something else, with a path in the text
    "html",  # 200, a web page
    "busy",  # 503, the queue is full
    "redirect",  # 302 to another server
    "forbidden",  # 403
    "slow",  # the first token never comes
    "stall",  # no more tokens after the second
    "reset",  # the connection is reset after the second token
    "cut",  # the answer ends cleanly after the second token, without done
    "torn",  # the connection closes in the middle of the answer's encoding
    "error",  # an error object after the second token
    "error_memory",  # the same, out of memory
    "garbage",  # a line that is no JSON after the second token
    "list",  # a line that is JSON, but no object
    "odd",  # an object without a message
    "endless",  # ignores num_predict
]

HTML = "<!doctype html><html><body>Welcome to nginx!</body></html>"
_TIME = "2026-01-01T12:00:00.000000Z"


@dataclass(frozen=True)
class StandinModel:
    """A model on the stand-in's disk."""

    name: str
    capabilities: tuple[str, ...] = ("completion",)
    context_length: int = 131_072
    family: str = "llama"
    parameter_size: str = "3.2B"
    size: int = 2_019_393_189
    modified_at: str = _TIME
    remote_host: str = ""


@dataclass
class OllamaStandin:
    """Starts on entering, ends on leaving. Set `reply`, `fault` and `models` at any time."""

    models: tuple[StandinModel, ...] = (StandinModel("llama3.2:3b"),)
    reply: str = "The warranty lasts two years."
    fault: Fault | None = None
    version: str = "0.34.0"
    pause: float = 0.0
    """Seconds before each token."""
    held: bool = False
    """Whether answers that are written but for their end wait with it."""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    loaded: set[str] = field(default_factory=set)
    gone: threading.Event = field(default_factory=threading.Event)
    """Set when a client left before its answer was complete."""
    working: int = 0
    """Requests under way."""

    def __enter__(self) -> OllamaStandin:
        self.closing = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="ollama-standin")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def model(self, name: str) -> StandinModel | None:
        """As Ollama resolves names: `:latest` may be left out."""
        return next((model for model in self.models if model.name in (name, f"{name}:latest")), None)

    def chats(self) -> list[dict[str, Any]]:
        """What was asked of /api/chat."""
        return [body for path, body in self.requests if path == "/api/chat"]


def unused_url() -> str:
    """An address of this machine where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def count(text: str) -> int:
    """Tokens of the stand-in's models: words and marks."""
    return len(re.findall(r"\w+|[^\w\s]", text))


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, standin: OllamaStandin) -> None:
        self.standin = standin
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, *_: object) -> None:
        """A client that went away is no error of the server's."""
        self.standin.gone.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        self._serve(json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}"))

    @property
    def standin(self) -> OllamaStandin:
        return self.server.standin

    def _serve(self, body: dict[str, Any]) -> None:
        routes: dict[str, Callable[[dict[str, Any]], None]] = {
            "/api/version": lambda _: self._json({"version": self.standin.version}),
            "/api/tags": lambda _: self._json({"models": [_tag(model) for model in self.standin.models]}),
            "/api/ps": lambda _: self._json({"models": [_running(name) for name in sorted(self.standin.loaded)]}),
            "/api/show": self._show,
            "/api/chat": self._chat,
        }
        with self.server.lock:
            self.standin.requests.append((self.path, body))
            self.standin.working += 1
        try:
            if self.standin.fault == "html":
                self._send(200, HTML, "text/html")
            elif self.standin.fault == "redirect":
                self._send(302, "", "text/plain", location="http://127.0.0.1:9/elsewhere")
            else:
                routes.get(self.path, self._missing)(body)
        finally:
            with self.server.lock:
                self.standin.working -= 1

    def _missing(self, _body: dict[str, Any]) -> None:
        self._send(404, "404 page not found", "text/plain")

    def _show(self, body: dict[str, Any]) -> None:
        model = self.standin.model(body.get("model", ""))
        if model is None:
            return self._json({"error": f"model '{body.get('model')}' not found"}, 404)
        info = {"general.architecture": model.family, f"{model.family}.context_length": model.context_length}
        return self._json({"capabilities": list(model.capabilities), "model_info": info, "details": _details(model)})

    def _chat(self, body: dict[str, Any]) -> None:
        model = self.standin.model(body.get("model", ""))
        refusal = self._refusal(model, body)
        if refusal:
            return self._json({"error": refusal[1]}, refusal[0])
        if self.standin.fault == "slow" and not self._wait(None):
            return None
        options = body.get("options", {})
        window = min(options.get("num_ctx", 4096), model.context_length if model else 0)
        prompt = sum(count(message["content"]) for message in body["messages"])
        if prompt > window:
            if body.get("shift") is False and _numbers(self.standin.version) >= (0, 12, 6):
                text = (
                    "the prompt is longer than the context length currently available to the model; shorten the prompt"
                )
                return self._json({"error": text}, 400)
            prompt = window // 2 + 2
        self.standin.loaded.add(body["model"])
        return self._write(body["model"], prompt=prompt, most=options.get("num_predict", -1))

    def _refusal(self, model: StandinModel | None, body: dict[str, Any]) -> tuple[int, str] | None:
        if model is None:
            return 404, f"model '{body.get('model')}' not found"
        if "completion" not in model.capabilities:
            return 400, f'"{model.name}" does not support chat'
        return {
            "memory": (500, "model requires more system memory (5.6 GiB) than is available (3.1 GiB)"),
            "killed": (500, "llama runner process has terminated: signal: killed"),
            "broken": (500, "open /root/.ollama/models/blobs/sha256-aa: no such file or directory"),
            "busy": (503, "server busy, please try again.  maximum pending requests exceeded"),
            "forbidden": (403, "forbidden"),
        }.get(self.standin.fault or "")

    def _write(self, name: str, *, prompt: int, most: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        written, reason = 0, "stop"
        for token in self._tokens():
            if self.standin.pause and not self._wait(self.standin.pause):
                return
            if written == most and self.standin.fault != "endless":
                reason = "length"
                break
            if written == 2 and not self._fail():
                return
            self._chunk(_piece(name, token))
            written += 1
        while self.standin.held:
            if not self._wait(0.05):
                return
        figures = {
            "total_duration": 10**9,
            "load_duration": 10**6,
            "prompt_eval_duration": 10**8,
            "eval_duration": 10**8,
        }
        counts = {"prompt_eval_count": prompt, "eval_count": written}
        self._chunk({**_piece(name, ""), "done": True, "done_reason": reason, **figures, **counts})
        self._end()

    def _tokens(self) -> Iterator[str]:
        words = re.findall(r"\s*\S+", self.standin.reply)
        yield from words
        while self.standin.fault == "endless" and not self.standin.closing.is_set():
            yield from words

    def _fail(self) -> bool:
        """The fault of this answer, after its second token. Returns whether the answer goes on."""
        match self.standin.fault:
            case "stall":
                return self._wait(None)
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                self.connection.close()
            case "torn":
                self.wfile.write(b"40\r\n{")
                self.close_connection = True
            case "cut":
                self._end()
            case "error":
                self._chunk({"error": "an error was encountered while running the model: unexpected EOF"})
                self._end()
            case "error_memory":
                self._chunk({"error": "an error was encountered while running the model: CUDA error: out of memory"})
                self._end()
            case "garbage":
                self._line(b"{not json\n")
                self._end()
            case "list":
                self._line(b'["no object"]\n')
                self._end()
            case "odd":
                self._line(b'{"done": false}\n')
                self._end()
            case _:
                return True
        return False

    def _wait(self, seconds: float | None) -> bool:
        """Wait (None: for ever). Returns False when the client has left or the stand-in closes."""
        until = time.monotonic() + (seconds if seconds is not None else 3600)
        while (left := until - time.monotonic()) > 0:
            if self.standin.closing.is_set():
                self.close_connection = True
                return False
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.02))
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                self.standin.gone.set()
                self.close_connection = True
                return False
        return True

    def _json(self, item: object, status: int = 200) -> None:
        self._send(status, json.dumps(item), "application/json; charset=utf-8")

    def _send(self, status: int, text: str, media_type: str, *, location: str = "") -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(data)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(data)

    def _chunk(self, item: object) -> None:
        self._line(json.dumps(item).encode() + b"\n")

    def _line(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()


def _piece(name: str, text: str) -> dict[str, Any]:
    return {"model": name, "created_at": _TIME, "message": {"role": "assistant", "content": text}, "done": False}


def _details(model: StandinModel) -> dict[str, Any]:
    return {"format": "gguf", "family": model.family, "parameter_size": model.parameter_size}


def _tag(model: StandinModel) -> dict[str, Any]:
    tag = {"name": model.name, "model": model.name, "modified_at": model.modified_at, "size": model.size}
    remote = {"remote_host": model.remote_host, "remote_model": model.name} if model.remote_host else {}
    return {**tag, **remote, "digest": "ab" * 32, "details": _details(model)}


def _running(name: str) -> dict[str, Any]:
    return {"name": name, "model": name, "size": 3 * 10**9, "size_vram": 0, "context_length": 8192, "expires_at": _TIME}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
