"""XML parts of e-books as element trees. Unlike parts of office formats they may have a DOCTYPE, but nothing may be
declared in it: no entity, no DTD, no network."""

from __future__ import annotations

import re
from html.entities import html5
from typing import Any

import lxml.html
from lxml import etree

from ingest.loaders.html import decode_markup, parse_markup
from rag.errors import DamagedSource, EmptySource

BookMarkup = Any
"""An lxml element; the library has no types."""

_DECLARATIONS = re.compile(r"<!DOCTYPE[^>\[]*\[|<!ENTITY", re.IGNORECASE)
_NAMED = re.compile(r"&([A-Za-z][A-Za-z0-9]*;)")
_XML_OWN = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_SAVE = "Get the book again, or convert it anew, and add that."


def parse_part(data: bytes) -> BookMarkup:
    """Root of a part that has to be whole (container, package document, table of contents).

    Raises:
        EmptySource, DamagedSource
    """
    try:
        return etree.fromstring(_checked(data), parser=etree.XMLParser(**_SAFE, recover=False))
    except etree.XMLSyntaxError as error:
        raise DamagedSource("It is damaged: a part of the book cannot be read.", hint=_SAVE) from error


def parse_chapter(data: bytes) -> BookMarkup | None:
    """Root of a chapter, its tags without namespace; None where it holds nothing. What is not well-formed is read as
    browsers read HTML.

    Raises:
        DamagedSource
    """
    try:
        markup = _checked(data)
    except EmptySource:
        return None
    try:
        tree = lxml.html.document_fromstring(markup, parser=lxml.html.XHTMLParser(**_SAFE, recover=False))
    except etree.ParserError:  # no element at all
        return None
    except etree.XMLSyntaxError:
        try:
            return parse_markup(markup.decode())
        except EmptySource:
            return None
    lxml.html.xhtml_to_html(tree)
    return tree


_SAFE: dict[str, Any] = {
    "encoding": "utf-8",
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}


def local_name(element: BookMarkup) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _checked(data: bytes) -> bytes:
    """The part in UTF-8, HTML's named characters replaced (they would need the DTD)."""
    markup = _DECLARATION.sub("", decode_markup(data), count=1)
    if _DECLARATIONS.search(markup):
        raise DamagedSource("It declares entities of its own, as books never do but attacks on readers.", hint=_SAVE)
    return _NAMED.sub(_character, markup).encode("utf-8", "replace")


def _character(match: re.Match[str]) -> str:
    name = match.group(1)
    return match.group() if name in _XML_OWN else html5.get(name, match.group())
