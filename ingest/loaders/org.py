"""Org, as it stands, with its blocks (Org syntax, orgmode.org/worg/org-syntax.html)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.loaders.source import Lines, Source, SourceLoader, blanked
from rag.types import Block, Span

_HEADING = re.compile(r"(\*+)[ \t]+(\S.*)$")
_KEYWORD = re.compile(r"#\+(title|author|date|language):[ \t]*(.+)$", re.IGNORECASE)
_BEGIN = re.compile(r"\s*#\+begin_(\w+)", re.IGNORECASE)
_CODE = frozenset({"src", "example", "export"})
_COMMENT = re.compile(r"\s*#(?: |$)")
_LITERAL = re.compile(r"\s*:(?: |$)")
_DRAWER = re.compile(r"\s*:[\w-]+:\s*$")
_DRAWER_END = re.compile(r"\s*:end:\s*$", re.IGNORECASE)
_DRAWER_LINES = 60
"""A drawer that does not end within so many lines is none."""
_ROW = re.compile(r"\s*\|")
_RULE = re.compile(r"\s*\|-")
_ITEM = re.compile(r"\s*(?:[-+]|\d+[.)])\s|\s+\*\s")


class OrgLoader(SourceLoader):
    """Reads Org files."""

    def read(self, text: str) -> Source:
        """See SourceLoader."""
        lines = Lines(text)
        comments: list[Span] = []
        blocks = list(_blocks(lines, comments))
        stored, hidden = blanked(text, comments)
        fields: dict[str, str] = {}
        headings: list[str] = []
        for index in range(len(lines)):
            if match := _KEYWORD.match(lines[index]):
                fields.setdefault(match.group(1).lower(), match.group(2))
            elif not headings and (match := _HEADING.match(lines[index])):
                headings.append(match.group(2))
        return Source(
            stored,
            blocks,
            title=fields.get("title") or next(iter(headings), ""),
            author=fields.get("author", ""),
            date=fields.get("date", ""),
            language=fields.get("language", ""),
            hidden=hidden,
        )


def _blocks(lines: Lines, comments: list[Span]) -> Iterator[Block]:
    """All that is no paragraph; comments go to `comments`."""
    index = 0
    while index < len(lines):
        line = lines[index]
        end = index + 1
        if match := _HEADING.match(line):
            yield lines.block("heading", index, end, level=min(len(match.group(1)), 6))
        elif match := _BEGIN.match(line):
            name = match.group(1).lower()
            last = lines.until(end, re.compile(rf"\s*#\+end_{re.escape(name)}\b", re.IGNORECASE))
            if name in _CODE:
                end = last
                yield lines.block("code", index, end)
            elif name == "comment":
                end = last
                comments.append(lines.span(index, end))
        elif _DRAWER.match(line) and not _DRAWER_END.match(line):
            last = next((i for i in range(end, end + _DRAWER_LINES) if _DRAWER_END.match(lines[i])), 0)
            if last:
                end = last + 1
                yield lines.block("code", index, end)
        elif _LITERAL.match(line):
            end = lines.run(index, _LITERAL)
            yield lines.block("code", index, end)
        elif _COMMENT.match(line):
            comments.append(lines.span(index, end))
        elif _ROW.match(line):
            end = lines.run(index, _ROW)
            yield lines.block("table", index, end, level=_header(lines, index, end))
        elif _ITEM.match(line):
            while (further := lines.run(lines.indented(end, lines.indent(index)), _ITEM)) > end:
                end = further
            yield lines.block("list", index, end)
        index = end


def _header(lines: Lines, index: int, end: int) -> int:
    """Rows above the first rule that has rows above and below it."""
    rules = [row for row in range(index, end) if _RULE.match(lines[row])]
    first = next((row for row in range(index, end) if row not in rules), end)
    return next((row - index for row in rules if first < row < end - 1), 0)
