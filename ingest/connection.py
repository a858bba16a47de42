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


class Allowance:
    """Time and bytes that all parts of one job share."""

    def __init__(self, seconds: float, size: int) -> None:
        self._begun = time.monotonic()
        self._size = size
        self.seconds = seconds
        """For everything together."""

    def left(self) -> float:
        """Seconds that are left, more than 0; raises TimeoutError when there are none."""
        seconds = self._begun + self.seconds - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    def spend(self, size: int) -> None:
        """Count bytes of an answer; raises HTTPException when there are too many."""
        self._size -= size
        if self._size < 0:
            raise HTTPException("the answer is too long")

    def widen(self, seconds: float, size: int) -> None:
        """Allow so many seconds in all, and so many bytes more."""
        self.seconds = seconds
        self._size += size


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
    allowance: Allowance,
    open_connection: Connect,
    tls: ssl.SSLContext | None,
) -> Iterator[HTTPResponse]:
    """The answer to GET, its head read, its body not yet.

    Reading it raises TimeoutError and HTTPException past the allowance, head included: a false chunk size makes
    http.client read all there is.

    Raises OSError (TimeoutError and ssl.SSLError among them) and http.client.HTTPException.
    """
    lines = [f"GET {web.target} HTTP/1.1", f"Host: {web.authority}", *(f"{k}: {v}" for k, v in headers.items())]
    connection = _first_that_answers(addresses, web.port, allowance=allowance, open_connection=open_connection)
    try:
        if tls is not None:
            connection.settimeout(allowance.left())
            connection = tls.wrap_socket(connection, server_hostname=web.host)
        connection.settimeout(allowance.left())
        connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        # HTTPResponse asks its socket for nothing but makefile().
        response = HTTPResponse(cast(socket.socket, _Source(_MeteredReader(connection, allowance))), method="GET")
        with response:
            response.begin()
            yield response
    finally:
        connection.close()


def _first_that_answers(
    addresses: Sequence[IPAddress], port: int, *, allowance: Allowance, open_connection: Connect
) -> socket.socket:
    failure: OSError = ConnectionError("no address")
    for address in addresses:
        try:
            return open_connection(address, port, min(_CONNECT_SECONDS, allowance.left()))
        except OSError as error:
            failure = error
    raise failure


class _MeteredReader(io.RawIOBase):
    """The connection's bytes, each read limited by what is left of the whole time and the whole size."""

    def __init__(self, connection: socket.socket, allowance: Allowance) -> None:
        self._connection = connection
        self._allowance = allowance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        self._connection.settimeout(self._allowance.left())
        received = self._connection.recv_into(buffer)
        self._allowance.spend(received)
        return received


class _Source:
    """What HTTPResponse takes for a socket."""

    def __init__(self, reader: _MeteredReader) -> None:
        self._reader = reader

    def makefile(self, mode: str) -> io.BufferedReader:
        """A buffered reader; `mode` is always "rb"."""
        return io.BufferedReader(self._reader)
