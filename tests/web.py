"""A web server on loopback that answers with exactly the bytes a test wrote, and counts who connects."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

Reply = bytes | Iterable[bytes] | Callable[[str], bytes]
"""All bytes at once, pieces with a pause between them, or a function of the request's target."""


class PageServer:
    """Accepts connections on a free port, reads one request head each, sends the reply and closes."""

    def __init__(self, reply: Reply = b"", *, pause: float = 0.0, tls: ssl.SSLContext | None = None) -> None:
        self.reply = reply
        self.connections = 0
        self.requests: list[str] = []
        self._pause = pause
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._closed = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed = True
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        self._thread.join(timeout=5)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._closed:
                connection.close()
                return
            self.connections += 1
            with suppress(OSError):
                if self._tls:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                self._answer(connection)
            connection.close()

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        head = b""
        while b"\r\n\r\n" not in head:
            block = connection.recv(4096)
            if not block:
                return
            head += block
        self.requests.append(head.decode("latin-1"))
        if isinstance(self.reply, bytes):
            connection.sendall(self.reply)
        elif callable(self.reply):
            connection.sendall(self.reply(head.split(b" ")[1].decode("ascii")))
        else:
            for piece in self.reply:
                connection.sendall(piece)
                time.sleep(self._pause)


@contextmanager
def page_server(reply: Reply = b"", *, pause: float = 0.0, tls: ssl.SSLContext | None = None) -> Iterator[PageServer]:
    server = PageServer(reply, pause=pause, tls=tls)
    try:
        yield server
    finally:
        server.close()


def answer(body: bytes, *headers: str, status: str = "200 OK", media_type: str = "text/html") -> bytes:
    """An HTTP answer with a right Content-Length unless `headers` say otherwise."""
    lines = [f"HTTP/1.1 {status}"]
    if media_type:
        lines.append(f"Content-Type: {media_type}")
    if not any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, *headers, "", ""]).encode("utf-8") + body


def redirect(location: str, *, status: int = 302) -> bytes:
    return answer(b"", f"Location: {location}", status=f"{status} Elsewhere")
