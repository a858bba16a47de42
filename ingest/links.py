"""What a page says to a crawler: its links, its own address, whether it may be kept and its links followed.

lxml's HTML parser reads no external entities, expands none and opens no connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import lxml.html
from lxml import etree

_LARGEST = 5 * 1024 * 1024
"""Bytes of a page that is searched for links; larger ones are data, not menus."""

_MOST = 2_000
_AGENT = "footnote"
_REFRESH = re.compile(r"\s*[\d.]*\s*[;,]?\s*url\s*=\s*[\"']?([^\"']+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageLinks:
    """Addresses are absolute, as the page means them, not checked in any way."""

    addresses: tuple[str, ...] = ()
    """In order, each once; none where `follow` is False."""
    canonical: str = ""
    """The address that the page gives as its own, else ""."""
    keep: bool = True
    """False where the page asks not to be indexed (noindex)."""
    follow: bool = True


def read_links(data: bytes, *, base: str, robots: str = "") -> PageLinks:
    """What the HTML of a page says; nothing where it has no markup.

    Args:
        data: the page's bytes.
        base: its address.
        robots: values of X-Robots-Tag headers, one a line.
    """
    tree = _tree(data) if len(data) <= _LARGEST else None
    words = {word for line in robots.splitlines() for word in _header_words(line)}
    if tree is None:
        return PageLinks(keep=words.isdisjoint({"noindex", "none"}))
    words |= {word for meta in tree.iter("meta") for word in _meta_words(meta)}
    base = _base(tree, base)
    follow = words.isdisjoint({"nofollow", "none"})
    found = (_joined(base, link) for link in _links(tree)) if follow else ()
    return PageLinks(
        addresses=tuple(dict.fromkeys(address for address in found if address))[:_MOST],
        canonical=_canonical(tree, base),
        keep=words.isdisjoint({"noindex", "none"}),
        follow=follow,
    )


def _tree(data: bytes) -> Any:
    try:
        data.decode("utf-8")
        encoding = "utf-8"
    except UnicodeDecodeError:
        encoding = None  # as the page declares; addresses are ASCII nearly always
    parser = lxml.html.HTMLParser(
        encoding=encoding, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        return lxml.html.document_fromstring(data, parser=parser)
    except etree.LxmlError:
        return None


def _links(tree: Any) -> Iterator[str]:
    for element in tree.iter("a", "area", "frame", "meta"):
        if element.tag == "meta":
            refresh = _REFRESH.match(element.get("content") or "")
            if refresh and (element.get("http-equiv") or "").strip().lower() == "refresh":
                yield refresh.group(1)
        elif "nofollow" not in (element.get("rel") or "").lower().split():
            yield element.get("src" if element.tag == "frame" else "href") or ""


def _canonical(tree: Any, base: str) -> str:
    for link in tree.iter("link"):
        if "canonical" in (link.get("rel") or "").lower().split():
            return _joined(base, link.get("href") or "")
    return ""


def _base(tree: Any, base: str) -> str:
    declared = next((element.get("href") for element in tree.iter("base") if element.get("href")), "")
    return _joined(base, declared) or base


def _joined(base: str, link: str) -> str:
    """An absolute web address as browsers make it of what stands in an attribute, else ""."""
    written = re.sub(r"[\t\r\n]", "", link).strip().replace(" ", "%20")
    if not written:
        return ""
    try:
        address = urljoin(base, written)
    except ValueError:
        return ""
    return address.partition("#")[0] if address.lower().startswith(("http://", "https://")) else ""


def _meta_words(meta: Any) -> Iterator[str]:
    if (meta.get("name") or "").strip().lower() in ("robots", _AGENT):
        yield from _words(meta.get("content") or "")


def _header_words(line: str) -> Iterator[str]:
    """Rules of one header; one that names a crawler is for that crawler alone."""
    name, separator, rest = line.partition(":")
    if (
        not separator
        or "," in name
        or name.strip().lower() in ("unavailable_after", "max-snippet", "max-image-preview")
    ):
        yield from _words(line)
    elif name.strip().lower() == _AGENT:
        yield from _words(rest)


def _words(text: str) -> Iterator[str]:
    return (word.strip().lower() for word in text.split(","))
