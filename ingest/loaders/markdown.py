"""Markdown: the text as it stands, with its blocks; headings by the CommonMark rules, not by "#" at a line's start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt

from ingest.loaders.text import read_text
from ingest.loaders.titles import clean
from ingest.protocols import Loaded, LoadEvent, PageLoaded
from rag.types import Block, BlockKind, Span

_KINDS: dict[str, BlockKind] = {
    "heading_open": "heading",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "fence": "code",
    "code_block": "code",
}
_FRONT_MATTER = re.compile(r"---[^\S\n]*\n(.*?\n)?(?:---|\.\.\.)[^\S\n]*(?:\n|$)", re.DOTALL)
_FIELD = re.compile(r"^(title|author|date|lang)[^\S\n]*:[^\S\n]*(.+)$", re.MULTILINE | re.IGNORECASE)
_TABLE_HEADER = 2
"""Lines: the labels and the delimiter below them."""
_LINE_END = re.compile(r"\r\n?|\n")  # as markdown-it counts lines
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class MarkdownLoader:
    """Reads Markdown; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource, DamagedSource
        """
        text, notes = read_text(path)
        front = _FRONT_MATTER.match(text)
        fields = (
            {name.lower(): _unquoted(value) for name, value in _FIELD.findall(front.group(1) or "")} if front else {}
        )
        body = front.end() if front else 0
        blocks, first_heading = _blocks(text, body)
        if front:
            blocks.insert(0, Block("code", Span(0, len(front.group().rstrip()))))
        yield PageLoaded(text=text, blocks=tuple(blocks))
        day = _ISO_DAY.match(fields.get("date", ""))
        yield Loaded(
            title=title or fields.get("title", "")[:200] or first_heading,
            language=fields.get("lang", "")[:2].lower(),
            author=fields.get("author", "")[:200] or None,
            date=day.group() if day else None,
            notes=notes,
        )


def _blocks(text: str, body: int) -> tuple[list[Block], str]:
    """Blocks of the text from `body` on, and the first heading's words. A heading's span holds its markers too."""
    starts = [body, *(match.end() for match in _LINE_END.finditer(text, body)), len(text)]
    blocks: list[Block] = []
    first_heading = ""
    tokens = MarkdownIt("commonmark").enable("table").parse(text[body:])
    for index, token in enumerate(tokens):
        if token.level or token.nesting < 0 or token.map is None:
            continue
        start, end = starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)]
        content = text[start:end]
        if not content.strip():
            continue
        kind = _KINDS.get(token.type, "paragraph")
        level = int(token.tag[1]) if kind == "heading" else _TABLE_HEADER if kind == "table" else 0
        if kind == "heading" and not first_heading:
            first_heading = clean(tokens[index + 1].content)[:200]
        span = Span(end - len(content.lstrip("\n")), start + len(content.rstrip()))
        blocks.append(Block(kind, span, level))
    return blocks, first_heading


def _unquoted(value: str) -> str:
    value = clean(value)
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
