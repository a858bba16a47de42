"""One HTTP request over a connection of our own: to the address that was checked, within a total time.

The standard clients resolve a name again when they connect, follow redirects, read proxy variables and limit each read
instead of the whole. Here the caller says which IP address is contacted; the name serves for TLS (SNI and certificate)
and the Host header only.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, cast

import certifi

from ingest.addresses import IPAddress, WebAddress

if TYPE_CHECKING:
    from typing_extensions import Buffer

Connect = Callable[[IPAddress, int, float], socket.socket]
"""(IP address, port, seconds) to a connected socket; raises OSError."""

_CONNECT_SECONDS = 10.0
"""For each address of a host, so that one dead address does not use up the time of the others."""


class Deadline:
    """A point in time that all parts of one job share."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left, more than 0; raises TimeoutError when there are none."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


def connect(address: IPAddress, port: int, seconds: float) -> socket.socket:
    """A TCP connection to exactly this address; no name is looked up, no proxy asked."""
    connection = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect((str(address), port))
    except BaseException:  # also when a person interrupts: the socket must not outlive this call
        connection.close()
        raise
    return connection


def tls_context() -> ssl.SSLContext:
    """Verifies certificates and names, by the system's authorities and Mozilla's."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


@contextmanager
def get(
    web: WebAddress,
    addresses: Sequence[IPAddress],
    *,
    headers: Mapping[str, str],
    deadline: Deadline,
    open_connection: Connect,
    tls: ssl.SSLContext | None,
    most: int,
) -> Iterator[HTTPResponse]:
    """The answer to GET, its head read, its body not yet.

    Reading it raises TimeoutError past the deadline and HTTPException after `most` bytes, head included: a false
    chunk size makes http.client read all there is.

    Raises OSError (TimeoutError and ssl.SSLError among them) and http.client.HTTPException.
    """
    lines = [f"GET {web.target} HTTP/1.1", f"Host: {web.authority}", *(f"{k}: {v}" for k, v in headers.items())]
    connection = _first_that_answers(addresses, web.port, deadline=deadline, open_connection=open_connection)
    try:
        if tls is not None:
            connection.settimeout(deadline.left())
            connection = tls.wrap_socket(connection, server_hostname=web.host)
        connection.settimeout(deadline.left())
        connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        # HTTPResponse asks its socket for nothing but makefile().
        response = HTTPResponse(cast(socket.socket, _Source(_TimedReader(connection, deadline, most))), method="GET")
        with response:
            response.begin()
            yield response
    finally:
        connection.close()


def _first_that_answers(
    addresses: Sequence[IPAddress], port: int, *, deadline: Deadline, open_connection: Connect
) -> socket.socket:
    failure: OSError = ConnectionError("no address")
    for address in addresses:
        try:
            return open_connection(address, port, min(_CONNECT_SECONDS, deadline.left()))
        except OSError as error:
            failure = error
    raise failure


class _TimedReader(io.RawIOBase):
    """The connection's bytes, each read limited by what is left of the whole time and the whole size."""

    def __init__(self, connection: socket.socket, deadline: Deadline, most: int) -> None:
        self._connection = connection
        self._deadline = deadline
        self._most = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        self._connection.settimeout(self._deadline.left())
        received = self._connection.recv_into(buffer)
        self._most -= received
        if self._most < 0:
            raise HTTPException("the answer is too long")
        return received


class _Source:
    """What HTTPResponse takes for a socket."""

    def __init__(self, reader: _TimedReader) -> None:
        self._reader = reader

    def makefile(self, mode: str) -> io.BufferedReader:
        """A buffered reader; `mode` is always "rb"."""
        return io.BufferedReader(self._reader)
