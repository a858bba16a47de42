"""Sitemaps (sitemaps.org, 0.9): a list of a site's pages, or of more such lists; plain text and gzip too."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

from lxml import etree

from rag.errors import DamagedSource, TooLarge

LARGEST = 10 * 1024 * 1024
"""Bytes that are read of one, packed or unpacked."""

_MOST = 5_000
_GZIP = b"\x1f\x8b"
_GZIP_WBITS = 31
_HINT = "The pages of the site are found by its links."


@dataclass(frozen=True, slots=True)
class Sitemap:
    """Addresses as they stand there, not checked in any way; at most 5,000 of each."""

    pages: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    """Further sitemaps."""


def read_sitemap(data: bytes) -> Sitemap:
    """What a sitemap lists.

    Raises:
        TooLarge: it unpacks to more than LARGEST bytes.
        DamagedSource: torn, no XML, or XML that declares a document type, which no sitemap needs and bombs do.
    """
    if data.startswith(_GZIP):
        data = _unpacked(data)
    text = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text.startswith(b"<"):
        lines = text.decode("utf-8", "replace").split()
        return Sitemap(tuple(line for line in lines if line.lower().startswith(("http://", "https://")))[:_MOST])
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(text, parser)
    except etree.LxmlError as error:
        raise DamagedSource("The sitemap cannot be read.", hint=_HINT) from error
    if root.getroottree().docinfo.doctype:
        raise DamagedSource("The sitemap declares a document type.", hint=_HINT)
    return Sitemap(_addresses(root, "url"), _addresses(root, "sitemap"))


def _addresses(root: Any, entry: str) -> tuple[str, ...]:
    """The text of each <loc> that stands directly in an <entry>, whatever namespace the site writes it in."""
    found: list[str] = []
    for element in root.iter(f"{{*}}{entry}"):
        space = etree.QName(element).namespace
        loc = element.findtext(f"{{{space}}}loc" if space else "loc")
        if loc and loc.strip():
            found.append(loc.strip())
        if len(found) == _MOST:
            break
    return tuple(found)


def _unpacked(data: bytes) -> bytes:
    stream = zlib.decompressobj(_GZIP_WBITS)
    try:
        text = stream.decompress(data, LARGEST)
    except zlib.error as error:
        raise DamagedSource("The sitemap's compressed data is damaged.", hint=_HINT) from error
    if not stream.eof and not stream.unconsumed_tail:
        raise DamagedSource("The sitemap's compressed data breaks off.", hint=_HINT)
    if not stream.eof:
        raise TooLarge(f"The sitemap is larger than {LARGEST / 2**20:.0f} MB.", hint=_HINT)
    return text
