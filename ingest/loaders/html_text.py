"""An element tree as plain text with blocks. Knows the tags of HTML and of trafilatura's result alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from lxml import etree

from rag.types import CELL_BORDER, Block, BlockKind, Span

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset({"ul", "ol", "dl", "list"})
_ITEMS = frozenset({"li", "item", "dt", "dd"})
_ROWS = frozenset({"tr", "row"})
_CELLS = frozenset({"td", "th", "cell"})
_BREAKS = frozenset({"br", "lb"})
_SKIPPED = frozenset({"script", "style", "template", "noscript", "title", "select", "svg", "iframe", "object"})
_INLINE_TAGS = """
a abbr acronym b bdi bdo big button cite code data del dfn em font graphic hi i img input ins kbd label mark meter
output q ref ruby rp rt s samp small span strike strong sub sup time tt u var wbr
"""
_INLINE = frozenset(_INLINE_TAGS.split())
_BREAK = "\x00"
"""A line end that counts, as against those of the source; no element's text can hold it."""
UNSTORABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_BULLET = "- "


@dataclass(frozen=True, slots=True)
class HtmlText:
    """Text and its blocks; spans index `text`."""

    text: str
    blocks: tuple[Block, ...]


def write_text(root: Any) -> HtmlText:
    """Headings, paragraphs, lists, tables and code of a tree, a blank line between them.

    White space runs become one space, except in code. Items begin with "- ", a row's cells stand on one line.
    """
    texts: list[str] = []
    blocks: list[Block] = []
    length = 0
    for kind, level, raw in _pieces(root):
        text = UNSTORABLE.sub("", raw)
        if not text.strip():
            continue
        if texts:
            texts.append("\n\n")
            length += 2
        texts.append(text)
        blocks.append(Block(kind, Span(length, length + len(text)), level))
        length += len(text)
    return HtmlText("".join(texts), tuple(blocks))


def _pieces(root: Any) -> Iterator[tuple[BlockKind, int, str]]:
    """Kind, level and text of each block; iterative, because pages nest deeper than Python's stack."""
    inline: list[str] = []
    walker = etree.iterwalk(root, events=("start", "end"))
    for event, element in walker:
        tag = element.tag
        if event == "end":
            if tag not in _INLINE and tag not in _BREAKS:
                yield from _paragraph(inline)
            if element is not root:
                inline.append(element.tail or "")
        elif whole := _whole_block(element):
            yield from _paragraph(inline)
            yield whole
            walker.skip_subtree()
        elif tag in _SKIPPED or (tag == "head" and element is not root):
            walker.skip_subtree()
        else:
            if tag not in _INLINE and tag not in _BREAKS:
                yield from _paragraph(inline)
            inline.append(_BREAK if tag in _BREAKS else element.text or "")
    yield from _paragraph(inline)


def _paragraph(inline: list[str]) -> Iterator[tuple[BlockKind, int, str]]:
    text = _collapsed("".join(inline))
    inline.clear()
    if text:
        yield "paragraph", 0, text


def _whole_block(element: Any) -> tuple[BlockKind, int, str] | None:
    """The element as one block if it is a heading, list, table or code; None if its children are looked at instead."""
    if level := _heading_level(element):
        return "heading", level, _one_line(_plain(element))
    if element.tag in _LISTS and not _holds_layout(element):
        return "list", 0, "\n".join(_list_lines(element))
    if element.tag == "table" and not _holds_layout(element):
        rows = list(_table_rows(element))
        headers = sum(1 for _ in takewhile(lambda row: row[0], rows))
        return "table", headers if headers < len(rows) else 0, "\n".join(line for _, line in rows)
    if element.tag == "pre" or (element.tag in ("code", "quote") and "\n" in (element.text or "")):
        return "code", 0, _plain(element).replace(_BREAK, "\n").strip("\n")
    return None


def _heading_level(element: Any) -> int:
    if element.tag == "head":  # trafilatura's headings carry a level in `rend`; HTML's own <head> does not
        return _HEADINGS.get(element.get("rend", ""), 0)
    return _HEADINGS.get(element.tag, 0)


def _holds_layout(element: Any) -> bool:
    """Lists and tables that only arrange larger things (cards, columns) are read as what they hold."""
    return any(
        inner.tag in ("table", "pre") or _heading_level(inner) for inner in element.iterdescendants(etree.Element)
    )


def _plain(element: Any, *, without: frozenset[str] = frozenset()) -> str:
    """Text under an element; subtrees of tags in `without` are left out, blocks end with a break."""
    parts: list[str] = []
    walker = etree.iterwalk(element, events=("start", "end"))
    for event, inner in walker:
        if event == "end":
            parts.append("" if inner.tag in _INLINE else _BREAK)
            parts.append("" if inner is element else inner.tail or "")
        elif inner.tag in _SKIPPED or (inner is not element and inner.tag in without):
            walker.skip_subtree()
        else:
            parts.append(inner.text or "")
    return "".join(parts)


def _collapsed(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.split(_BREAK))
    return "\n".join(line for line in lines if line)


def _one_line(text: str) -> str:
    return " ".join(text.replace(_BREAK, " ").split())


def _list_lines(element: Any) -> Iterator[str]:
    depth = 0
    for event, inner in etree.iterwalk(element, events=("start", "end")):
        if inner.tag in _LISTS:
            depth += 1 if event == "start" else -1
        elif inner.tag in _ITEMS and event == "start":
            text = _one_line(_plain(inner, without=_LISTS | _ITEMS))
            if text:
                yield "  " * (depth - 1) + _BULLET + text


def _table_rows(element: Any) -> Iterator[tuple[bool, str]]:
    """(whether it is a header row, its cells on one line) of each row that holds anything."""
    for row in element.iter(*_ROWS):
        cells = [cell for cell in row if cell.tag in _CELLS]
        texts = [_one_line(_plain(cell)) for cell in cells]
        if any(texts):
            parent = row.getparent()
            in_head = parent is not None and parent.tag == "thead"
            yield (
                in_head or all(cell.tag == "th" or cell.get("role") == "head" for cell in cells),
                CELL_BORDER.join(texts),
            )
