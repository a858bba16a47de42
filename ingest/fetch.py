"""Fetches one page from the public web for a person who asked for it, and nothing else.

Every hop is checked before it is contacted (ingest/addresses.py) and the checked address is the contacted one
(ingest/connection.py). No cookies, no proxies, no scripts, no second request for images or styles; a redirect written
inside a page is not followed.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException, HTTPResponse
from typing import NoReturn
from urllib.parse import urljoin, urlsplit

from ingest import media
from ingest.addresses import WEB_PORTS, IPAddress, WebAddress, parse, read_ip, refusal
from ingest.connection import Connect, Deadline, connect, get, tls_context
from ingest.content import in_utf8, read_body
from rag.errors import EmptySource, ForbiddenAddress, NoPage, Unreachable, UnsupportedType

Resolver = Callable[[str, int], Sequence[str]]
"""(host, port) to IP addresses as text; raises OSError where there are none."""

_HEADERS = {
    "User-Agent": "Footnote (private knowledge base; fetches single pages that its user asks for)",
    "Accept": "text/html,application/xhtml+xml,application/pdf,text/markdown,text/plain;q=0.9,*/*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "close",
}
_HEAD_BYTES = 1024 * 1024
"""What an answer may have besides its body: head, chunk sizes."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOGIN = frozenset({401, 402, 403, 407})
_MEDIA_TYPES = {
    "text/html": media.HTML,
    "application/xhtml+xml": media.HTML,
    "text/plain": media.TEXT,
    "text/markdown": media.MARKDOWN,
    "text/x-markdown": media.MARKDOWN,
    "application/pdf": media.PDF,
    "application/x-pdf": media.PDF,
}
_UNTOLD = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/force-download"})
"""Types by which a server says nothing: the content decides."""

_TRY_LATER = "Check the address in a browser and try again later, or save the page and add the file."


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What one page may cost: bytes after decompression, seconds for everything together, redirects."""

    size: int = 20 * 1024 * 1024
    seconds: float = 30.0
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page as it was served; text in a charset that only the server named is in UTF-8 with a mark (BOM) instead."""

    url: str
    final_url: str
    media_type: str
    charset: str | None
    """As the server named it, None where it named none or one that does not exist."""
    data: bytes
    fetched_at: datetime


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, by the system's resolver, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Fetcher:
    """Fetches pages. Thread-safe; keeps nothing between two calls.

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

    def fetch(self, url: str) -> Fetched:
        """The page at `url`, after redirects.

        Raises:
            ForbiddenAddress: the address, or one it redirects to, is not a public web server's.
            Unreachable: no usable answer in time.
            TooLarge: past the size limit, also when only decompression shows it.
            UnsupportedType: neither a page, nor text, Markdown or PDF.
            EmptySource: an answer without content.
        """
        deadline = Deadline(self._limits.seconds)
        web = parse(url, ports=self._ports)
        for _ in range(self._limits.redirects + 1):
            outcome = self._hop(url, web, deadline)
            if isinstance(outcome, Fetched):
                return outcome
            web = outcome
        raise NoPage(
            f"The address redirects more than {self._limits.redirects} times.",
            hint="Open it in a browser and add the address that it ends at.",
        )

    def _hop(self, url: str, web: WebAddress, deadline: Deadline) -> Fetched | WebAddress:
        """One request: the page, or where it redirects to."""
        try:
            addresses = self._addresses(web, deadline)
            if self._tls is None and web.scheme == "https":
                self._tls = tls_context()  # reads all certificates of the system: not before it is needed
            with get(
                web,
                addresses,
                headers=_HEADERS,
                deadline=deadline,
                open_connection=self._open_connection,
                tls=self._tls if web.scheme == "https" else None,
                most=self._limits.size + _HEAD_BYTES,
            ) as response:
                if response.status in _REDIRECTS and (location := response.headers.get("Location")):
                    return parse(_joined(web.url, location), ports=self._ports)
                return self._taken(url, web, response)
        except (OSError, HTTPException) as error:
            _unreachable(web, error, self._limits.seconds)

    def _addresses(self, web: WebAddress, deadline: Deadline) -> list[IPAddress]:
        """Every address of the host, each of them checked: one that is refused refuses the host."""
        literal = read_ip(web.host)
        texts = [web.host] if literal else _in_time(lambda: self._resolver(web.host, web.port), deadline)
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

    def _taken(self, url: str, web: WebAddress, response: HTTPResponse) -> Fetched:
        _check_status(web, response.status)
        declared = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if declared not in _MEDIA_TYPES and declared not in _UNTOLD:
            raise UnsupportedType(
                f"The address leads to a file of type {declared[:80]}, not to a page.", hint=media.READABLE
            )
        data = read_body(response, limit=self._limits.size)
        if not data.strip():
            raise EmptySource("The page is empty.", hint=_TRY_LATER)
        media_type = _media_type(declared, data, urlsplit(web.target).path)
        charset = response.headers.get_content_charset()
        text, charset = in_utf8(data, charset) if media_type != media.PDF else (data, None)
        return Fetched(url, web.url, media_type, charset, text, datetime.now(UTC))


def _media_type(declared: str, data: bytes, path: str) -> str:
    head = data[: media.HEAD_BYTES]
    if declared in _UNTOLD or b"%PDF-" in head[:1024]:
        return media.detect(head, path)
    if _MEDIA_TYPES[declared] == media.TEXT and path.lower().endswith((".md", ".markdown")):
        return media.MARKDOWN
    return _MEDIA_TYPES[declared]


def _joined(base: str, location: str) -> str:
    """Where a redirect leads. Header bytes reach us as Latin-1; servers send UTF-8."""
    with suppress(UnicodeError):  # really Latin-1
        location = location.encode("latin-1").decode("utf-8")
    try:
        return urljoin(base, location)
    except ValueError:
        return location  # not an address; `parse` says so


def _check_status(web: WebAddress, status: int) -> None:
    if status in _LOGIN:
        raise NoPage(
            f"{web.host} does not show this page without a login ({status}).",
            hint="Open it in your browser, save it, and add the file.",
        )
    if status in (404, 410):
        raise NoPage(f"{web.host} has no page at this address ({status}).", hint="Check the address.")
    if status != 200:
        raise Unreachable(f"{web.host} answered with an error ({status}).", hint=_TRY_LATER)


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


def _in_time(look_up: Callable[[], Sequence[str]], deadline: Deadline) -> Sequence[str]:
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
    thread.join(deadline.left())
    if failed:
        raise failed[0]
    if not found:
        raise TimeoutError
    return found[0]
