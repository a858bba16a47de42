"""Which addresses belong to a section of a site: those under the directory of its start, each in one written form."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from ingest.addresses import WebAddress, parse
from rag.errors import ForbiddenAddress

_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
_LONGEST_ADDRESS = 1_000
_DEEPEST_PATH = 20
_REPEATED_SEGMENT = 3
"""Paths like /a/b/a/b/a/b/a are the mark of links that are resolved against the wrong base, without end."""

_NO_PAGE_ENDINGS = """
.jpg .jpeg .png .gif .webp .svg .ico .bmp .tif .tiff .avif .mp3 .mp4 .m4a .m4v .webm .ogg .wav .avi .mov .mkv .css .js
.mjs .woff .woff2 .ttf .otf .zip .gz .tgz .bz2 .xz .7z .rar .tar .exe .msi .dmg .iso .apk .deb .rpm .jar .whl
"""
_NO_PAGES = tuple(_NO_PAGE_ENDINGS.split())
"""Endings of what is neither a page nor a text document; not even asked for."""


@dataclass(frozen=True, slots=True)
class Section:
    """The directory of a start address, on its host. http addresses are read as https where the start is https."""

    scheme: str
    authority: str
    directory: str
    """Path that all addresses of the section begin with; ends with "/"."""

    @classmethod
    def of(cls, start: str) -> Section:
        """The section that begins at an address. A path of one name without a dot (/handbook) is a directory, though
        the slash is missing: else the section would be the whole site.

        Raises:
            ForbiddenAddress: no public web address.
        """
        web = parse(start)
        path = _normal(web.target.partition("?")[0])
        if path.count("/") == 1 and "." not in path and path != "/":
            path += "/"
        return cls(web.scheme, web.authority, path[: path.rindex("/") + 1])

    @property
    def address_of_directory(self) -> str:
        """The address that all addresses of the section begin with; `of` gives the section back."""
        return f"{self.scheme}://{self.authority}{self.directory}"

    def address(self, url: str) -> str | None:
        """The one form of an address of this section: without fragment, escapes and dots resolved; None for an address
        outside it, of a picture or program, or so long or repetitive that it is a trap."""
        try:
            web = parse(url)
        except ForbiddenAddress:
            return None
        path, mark, query = web.target.partition("?")
        path = _normal(path)
        inside = path.startswith(self.directory) or path + "/" == self.directory
        if web.authority != self.authority or not inside or _is_trap(path):
            return None
        if path[path.rindex("/") :].lower().endswith(_NO_PAGES):
            return None
        scheme = "https" if self.scheme == "https" else web.scheme
        found = f"{scheme}://{self.authority}{path}{mark}{query}"
        return found if len(found) <= _LONGEST_ADDRESS else None


def path_of(address: str) -> str:
    """An address without its query: what differs in the query only may be one page in endless variants."""
    return address.partition("?")[0]


def address_of(url: str) -> str:
    """A web address in one written form, of whatever section. Raises ForbiddenAddress."""
    web = parse(url)
    path, mark, query = web.target.partition("?")
    return f"{web.scheme}://{web.authority}{_normal(path)}{mark}{query}"


def may_move(start: str, target: str) -> bool:
    """Whether a start address may redirect to another one and mean the same site: www. more or less, http to https."""
    old, new = parse(start), parse(target)
    return _bare(old) == _bare(new) and (old.scheme == new.scheme or new.scheme == "https")


def _bare(web: WebAddress) -> str:
    return web.host.removeprefix("www.")


def _normal(path: str) -> str:
    """RFC 3986, section 6.2.2: escapes in capitals, none where it is not needed, no dot segments."""

    def plain(match: re.Match[str]) -> str:
        character = chr(int(match.group(1), 16))
        return character if character in _UNRESERVED else match.group().upper()

    return urlsplit(urljoin("http://host/", _ESCAPE.sub(plain, "/" + path.lstrip("/")))).path or "/"


def _is_trap(path: str) -> bool:
    segments = [segment for segment in path.split("/") if segment]
    most = max(Counter(segments).values(), default=0)
    return len(segments) > _DEEPEST_PATH or most > _REPEATED_SEGMENT
