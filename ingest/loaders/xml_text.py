"""XML as it stands, a block for each child of the root; entities stay as they are written, nothing is fetched."""

from __future__ import annotations

import re
from xml.parsers import expat

from ingest.loaders.source import Source, SourceLoader, cut

_TITLE = re.compile(r"<(?:\w+:)?title\b[^<>]{0,300}>([^<>]{1,500})</(?:\w+:)?title\s*>", re.IGNORECASE)
_ENTITY = re.compile(r"<!ENTITY\b")
_STEP = 2**16


class XmlLoader(SourceLoader):
    """Reads XML."""

    def read(self, text: str) -> Source:
        """See SourceLoader."""
        title = _TITLE.search(text)
        starts, warning = (
            ([], "It defines entities of its own; they are not resolved") if _ENTITY.search(text) else _children(text)
        )
        return Source(
            text, cut(text, starts), title=title.group(1) if title else "", warnings=(warning,) if warning else ()
        )


def _children(text: str) -> tuple[list[int], str]:
    """Where the children of the root begin, and what is wrong with the XML; expat keeps no tree and fetches nothing."""
    data = text.encode()
    found: list[int] = []
    depth = 0
    parser = expat.ParserCreate("utf-8")  # the text is decoded already, whatever it declares

    def opened(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        if depth == 1:
            found.append(parser.CurrentByteIndex)
        depth += 1

    def closed(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    warning = ""
    try:
        for start in range(0, len(data), _STEP):
            parser.Parse(data[start : start + _STEP], start + _STEP >= len(data))
    except expat.ExpatError as error:
        warning = f"It is not well-formed XML: line {error.lineno:,} breaks its rules"
    return (found if text.isascii() else _positions(data, found)), warning


def _positions(data: bytes, indexes: list[int]) -> list[int]:
    """Byte indexes, in order, as positions in the text."""
    positions: list[int] = []
    position, end = 0, 0
    for index in indexes:
        position += len(data[end:index].decode())
        end = index
        positions.append(position)
    return positions
