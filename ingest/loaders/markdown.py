"""Markdown: the text as it stands, with its blocks; headings by the CommonMark rules, not by "#" at a line's start.

Comments (`<!-- -->`), which no reader of the page sees, are blanked: as many spaces stand in their place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ingest.loaders.source import Source, SourceLoader, blanked
from ingest.loaders.titles import clean
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


_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


class MarkdownLoader(SourceLoader):
    """Reads Markdown."""

    def read(self, text: str) -> Source:
        """See SourceLoader."""
        front = _FRONT_MATTER.match(text)
        fields = (
            {name.lower(): _unquoted(value) for name, value in _FIELD.findall(front.group(1) or "")} if front else {}
        )
        body = front.end() if front else 0
        tokens = MarkdownIt("commonmark").enable("table").parse(text[body:])
        starts = [body, *(match.end() for match in _LINE_END.finditer(text, body)), len(text)]
        stored, hidden = blanked(text, _comments(text, tokens, starts))
        blocks, first_heading = _blocks(text, tokens, starts)
        if front:
            blocks.insert(0, Block("code", Span(0, len(front.group().rstrip()))))
        day = _ISO_DAY.match(fields.get("date", ""))
        return Source(
            stored,
            blocks,
            title=fields.get("title") or first_heading,
            author=fields.get("author", ""),
            date=day.group() if day else "",
            language=fields.get("lang", ""),
            hidden=hidden,
        )


def markdown_blocks(text: str) -> tuple[list[Block], str]:
    """Blocks of Markdown without front matter, and the words of its first heading."""
    starts = [0, *(match.end() for match in _LINE_END.finditer(text)), len(text)]
    return _blocks(text, MarkdownIt("commonmark").enable("table").parse(text), starts)


def _blocks(text: str, tokens: Sequence[Token], starts: Sequence[int]) -> tuple[list[Block], str]:
    """Blocks by the lines of the tokens, and the first heading's words. A heading's span holds its markers too."""
    blocks: list[Block] = []
    first_heading = ""
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


def _comments(text: str, tokens: Sequence[Token], starts: Sequence[int]) -> Iterator[Span]:
    """Where comments stand; what only looks like one, in code, is none."""
    for token in tokens:
        if token.map is None or token.type not in ("html_block", "inline"):
            continue
        start, end = starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)]
        if token.type == "html_block":
            yield from (Span(*match.span()) for match in _COMMENT.finditer(text, start, end))
            continue
        for child in token.children or ():
            if child.type == "html_inline" and child.content.startswith("<!--"):
                found = text.find(child.content, start, end)
                if found >= 0:
                    start = found + len(child.content)
                    yield Span(found, start)


def _unquoted(value: str) -> str:
    value = clean(value)
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
