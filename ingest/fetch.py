"""Fetches pages and files from the public web for a person who asked for them, and nothing else.

Every hop is checked before it is contacted (ingest/addresses.py) and the checked address is the contacted one
(ingest/connection.py). No cookies, no proxies, no scripts, no second request for images or styles; a redirect written
inside a page is not followed.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import NoReturn, TypeVar
from urllib.parse import urljoin

from ingest.addresses import WEB_PORTS, IPAddress, WebAddress, parse, read_ip, refusal
from ingest.answers import Fetched, Validators, check_status, is_page, taken
from ingest.connection import Allowance, Connect, connect, get, tls_context
from ingest.content import read_body
from rag.errors import ForbiddenAddress, NoPage, Unreachable

Resolver = Callable[[str, int], Sequence[str]]
"""(host, port) to IP addresses as text; raises OSError where there are none."""

T = TypeVar("T")
Read = Callable[[WebAddress, HTTPResponse, Allowance], T]

AGENT = "Footnote"
"""Our name in robots.txt."""

_HEADERS = {
    "User-Agent": f"{AGENT} (private knowledge base; fetches pages that its user asks for)",
    "Accept": "text/html,application/xhtml+xml,application/pdf,text/markdown,text/plain;q=0.9,*/*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "close",
}
_HEAD_BYTES = 1024 * 1024
"""What answers may have besides the body: heads, chunk sizes."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_CHANGED = 304

_TRY_LATER = "Check the address in a browser and try again later, or save the page and add the file."


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one address may cost: bytes after decompression, seconds for everything together, redirects."""

    size: int = 20 * 1024 * 1024
    seconds: float = 30.0
    file_size: int = 100 * 1024 * 1024
    """Of what is no page; it is held in memory while it is fetched."""
    file_seconds: float = 300.0
    redirects: int = 5


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, by the system's resolver, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Fetcher:
    """Fetches pages and files. Thread-safe; keeps nothing between two calls.

    Args:
        limits: see FetchLimits.
        resolver: looks a host name up, once for each hop.
        refuse: why an IP address must not be contacted, or None. Only tests pass another rule than the default.
        open_connection: opens the TCP connection to a checked address.
        tls: how certificates are verified.
        ports: which ports may be contacted.
    """

    def __init__(
        self,
        *,
        limits: FetchLimits = FetchLimits(),
        resolver: Resolver = resolve,
        refuse: Callable[[IPAddress], str | None] = refusal,
        open_connection: Connect = connect,
        tls: ssl.SSLContext | None = None,
        ports: Collection[int] = WEB_PORTS,
    ) -> None:
        self._limits = limits
        self._resolver = resolver
        self._refuse = refuse
        self._open_connection = open_connection
        self._tls = tls
        self._ports = ports

    def fetch(self, url: str, *, passes: Callable[[str], None] | None = None) -> Fetched:
        """The page or file at `url`, after redirects.

        Args:
            url: the address.
            passes: called with each address it redirects to, before that is contacted; raises what should end it.

        Raises:
            ForbiddenAddress: the address, or one it redirects to, is not a public web server's.
            Unreachable: no usable answer in time; BadStatus where the server said why.
            TooLarge: past the size limit, also when only decompression shows it.
            UnsupportedType, DamagedSource: a type without a loader, or content that is not of its type.
            EmptySource: an answer without content.
        """
        return self._followed(url, self._read(url), passes=passes)

    def fetch_changed(
        self, url: str, known: Validators, *, passes: Callable[[str], None] | None = None
    ) -> Fetched | None:
        """As `fetch`, but None where the server says that nothing has changed since it named these validators."""
        read = self._read(url)

        def read_changed(web: WebAddress, response: HTTPResponse, allowance: Allowance) -> Fetched | None:
            return None if known.headers and response.status == _NOT_CHANGED else read(web, response, allowance)

        return self._followed(url, read_changed, headers=known.headers, passes=passes)

    def fetch_bytes(self, url: str, *, limit: int) -> bytes:
        """The bytes at `url`, whatever their type, at most `limit`; there may be none. Raises as `fetch` does."""

        def read(web: WebAddress, response: HTTPResponse, _: Allowance) -> bytes:
            check_status(web, response)
            return read_body(response, limit=limit)

        return self._followed(url, read)

    def _read(self, url: str) -> Read[Fetched]:
        def read(web: WebAddress, response: HTTPResponse, allowance: Allowance) -> Fetched:
            check_status(web, response)
            limits = self._limits
            if is_page(response):
                return taken(url, web, response, limit=limits.size)
            allowance.widen(limits.file_seconds, max(0, limits.file_size - limits.size))
            return taken(url, web, response, limit=limits.file_size)

        return read

    def _followed(
        self,
        url: str,
        read: Read[T],
        *,
        headers: Mapping[str, str] | None = None,
        passes: Callable[[str], None] | None = None,
    ) -> T:
        """What `read` makes of the answer at the end of all redirects."""
        allowance = Allowance(self._limits.seconds, self._limits.size + _HEAD_BYTES)
        web = parse(url, ports=self._ports)
        for _ in range(self._limits.redirects + 1):
            try:
                with self._answer(web, {**_HEADERS, **(headers or {})}, allowance) as response:
                    location = response.headers.get("Location")
                    if response.status not in _REDIRECTS or not location:
                        return read(web, response, allowance)
                    web = parse(_joined(web.url, location), ports=self._ports)
            except (OSError, HTTPException) as error:
                _unreachable(web, error, allowance.seconds)
            if passes is not None:
                passes(web.url)
        raise NoPage(
            f"The address redirects more than {self._limits.redirects} times.",
            hint="Open it in a browser and add the address that it ends at.",
        )

    def _answer(
        self, web: WebAddress, headers: Mapping[str, str], allowance: Allowance
    ) -> AbstractContextManager[HTTPResponse]:
        """One request, to an address that was checked."""
        addresses = self._addresses(web, allowance)
        if self._tls is None and web.scheme == "https":
            self._tls = tls_context()  # reads all certificates of the system: not before it is needed
        return get(
            web,
            addresses,
            headers=headers,
            allowance=allowance,
            open_connection=self._open_connection,
            tls=self._tls if web.scheme == "https" else None,
        )

    def _addresses(self, web: WebAddress, allowance: Allowance) -> list[IPAddress]:
        """Every address of the host, each of them checked: one that is refused refuses the host."""
        literal = read_ip(web.host)
        texts = [web.host] if literal else _in_time(lambda: self._resolver(web.host, web.port), allowance)
        found: list[IPAddress] = []
        for text in texts:
            address = read_ip(text)
            reason = self._refuse(address) if address else "an address that cannot be read"
            if address is None or reason:
                raise ForbiddenAddress(
                    f"{web.host} leads to {reason}." if literal else f"{web.host} leads to {text}, {reason}.",
                    hint="Footnote reads public web pages only. Save the page and add the file instead.",
                )
            found.append(address)
        if not found:
            raise OSError("no addresses")
        return found


def _joined(base: str, location: str) -> str:
    """Where a redirect leads. Header bytes reach us as Latin-1; servers send UTF-8."""
    with suppress(UnicodeError):  # really Latin-1
        location = location.encode("latin-1").decode("utf-8")
    try:
        return urljoin(base, location)
    except ValueError:
        return location  # not an address; `parse` says so


def _unreachable(web: WebAddress, error: OSError | HTTPException, seconds: float) -> NoReturn:
    if isinstance(error, TimeoutError):
        message = f"{web.host} did not deliver the page in time (the limit is {seconds:g} seconds)."
    elif isinstance(error, ssl.SSLCertVerificationError):
        message = f"{web.host} cannot prove who it is: {error.verify_message}."
    elif isinstance(error, ssl.SSLError):
        message = f"{web.host} offers no secure connection that Footnote understands."
    elif isinstance(error, socket.gaierror):
        message = f"There is no web server named {web.host}, or this machine is offline."
    elif isinstance(error, HTTPException):
        message = f"The answer of {web.host} broke off or is not valid."
    else:
        message = f"{web.host} cannot be reached."
    raise Unreachable(message, hint=_TRY_LATER) from error


def _in_time(look_up: Callable[[], Sequence[str]], allowance: Allowance) -> Sequence[str]:
    """The look-up's result; the system's resolver has no time limit, so it gets a thread that may be left behind."""
    found: list[Sequence[str]] = []
    failed: list[OSError] = []

    def work() -> None:
        try:
            found.append(look_up())
        except UnicodeError:  # the system's resolver refuses some names so
            failed.append(socket.gaierror("not a name"))
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=work, name="look-up", daemon=True)
    thread.start()
    thread.join(allowance.left())
    if failed:
        raise failed[0]
    if not found:
        raise TimeoutError
    return found[0]
