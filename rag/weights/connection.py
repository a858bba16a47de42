"""HTTP as pip has it: its certificates, trusted hosts, credentials, proxy and timeout."""

from __future__ import annotations

import netrc
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import certifi
import httpx

from rag.errors import WeightsError
from rag.weights.pip_options import PipOptions

_LISTING_PAUSES = (0.5, 1.0)  # seconds before a listing is asked for again


class TransferError(Exception):
    """One source failed, another may serve. Its text is fit for a person; it never leaves `rag.weights`."""


class BrokenLineError(TransferError):
    """The line broke; another try may help."""


@dataclass(frozen=True, slots=True)
class Page:
    """A listing: its address after redirects, media type and text."""

    url: str
    media_type: str
    text: str


class Connection:
    """A client for one round of fetching; a context manager."""

    def __init__(self, options: PipOptions) -> None:
        self._silent: set[str] = set()
        self._client = httpx.Client(
            verify=_verifying(options),
            proxy=options.proxy,
            timeout=options.timeout,
            follow_redirects=True,
            auth=_Credentials((*options.indexes, *options.find_links)),
            headers={"User-Agent": "footnote"},
            mounts={
                f"https://{host}": httpx.HTTPTransport(verify=False, proxy=options.proxy)
                for host in options.trusted_hosts
            },
        )

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def page(self, url: str, *, accept: str, most_bytes: int) -> Page | None:
        """A whole page; None where it does not exist.

        Raises:
            TransferError: not reachable, refused, or larger than `most_bytes`.
        """
        host = host_of(url)
        if host in self._silent:
            raise BrokenLineError(f"{host} does not answer.")
        for pause in _LISTING_PAUSES:
            try:
                return self._page(url, accept=accept, most_bytes=most_bytes)
            except BrokenLineError:
                time.sleep(pause)
        try:
            return self._page(url, accept=accept, most_bytes=most_bytes)
        except BrokenLineError:
            self._silent.add(host)  # there may be a listing for each of many parts: do not wait for it every time
            raise

    def _page(self, url: str, *, accept: str, most_bytes: int) -> Page | None:
        with self.stream(url, {"Accept": accept}) as response:
            if response.status_code in (404, 410):
                return None
            require_success(response)
            body = bytearray()
            for block in response.iter_bytes():
                body += block
                if len(body) > most_bytes:
                    raise TransferError(f"The listing of {host_of(url)} is too large.")
            media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            return Page(str(response.url), media_type, body.decode(response.encoding or "utf-8", errors="replace"))

    @contextmanager
    def stream(self, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """The open response to a GET, whatever its status; errors while it is read are translated too.

        Raises:
            BrokenLineError: not reachable, or broke off.
            TransferError: this address will never work.
        """
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                yield response
        except httpx.TransportError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise TransferError(
                    f"The certificate of {host_of(url)} is not trusted (pip's option `cert` names your own)."
                ) from error
            unreachable = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError)
            what = "does not answer" if unreachable else "keeps breaking off"
            raise BrokenLineError(f"{host_of(url)} {what}.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TransferError(f"{host_of(url)} gave an answer that cannot be used.") from error


def require_success(response: httpx.Response) -> None:
    """Raise TransferError for any status but 200 and 206."""
    if response.status_code not in (200, 206):
        raise TransferError(f"{host_of(str(response.url))} answered with status {response.status_code}.")


def host_of(url: str) -> str:
    """Host and port: the rest of an address can hold credentials."""
    return urlsplit(url).netloc.rpartition("@")[2] or "The package index"


def _verifying(options: PipOptions) -> ssl.SSLContext:
    """TLS that trusts pip's `cert` where it is set, else the system's authorities and certifi's."""
    try:
        if options.cert:
            context = ssl.create_default_context(cafile=options.cert)
        else:
            context = ssl.create_default_context()
            context.load_verify_locations(certifi.where())
        if options.client_cert:
            context.load_cert_chain(options.client_cert)
    except OSError as error:  # ssl.SSLError is one too
        raise WeightsError(
            "The certificates that pip is set up with cannot be read.",
            hint="Check `cert` and `client-cert` in `python -m pip config list`.",
        ) from error
    return context


class _Credentials(httpx.Auth):
    """Basic authentication from the addresses of pip's configuration, else from .netrc; only for the same host."""

    def __init__(self, urls: tuple[str, ...]) -> None:
        self._known: dict[tuple[str, int | None], tuple[str, str]] = {}
        for url in map(httpx.URL, (url for url in urls if url.startswith("http"))):
            if url.username:
                self._known[url.host, url.port] = (url.username, url.password)

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]  # takes no answer
        """Called by httpx for each request, redirects included."""
        pair = self._known.get((request.url.host, request.url.port)) or _netrc(request.url.host)
        if pair is not None:
            yield from httpx.BasicAuth(*pair).auth_flow(request)
        else:
            yield request


def _netrc(host: str) -> tuple[str, str] | None:
    try:
        entry = netrc.netrc().authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return (entry[0], entry[2]) if entry and entry[2] else None
