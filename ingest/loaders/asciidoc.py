"""AsciiDoc, as it stands, with its blocks (AsciiDoc Language Documentation, docs.asciidoctor.org)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.loaders.source import Lines, Source, SourceLoader, blanked
from rag.types import Block, Span

_HEADING = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*?)(?:[ \t]+\1)?$")
_UNDERLINES = "=-~^+"
"""Of titles on two lines, by level."""
_UNDERLINE = re.compile(r"([=\-~^+])\1{2,}\s*$")
_FENCE = re.compile(r"(-{4,}|\.{4,}|\+{4,}|/{4,}|`{3,}|[|,:!]={3,})[\w ,-]*$")
_COMMENT = re.compile(r"//(?!/)")
_ATTRIBUTES = re.compile(r"\[[^\]]*\]\s*$")
_BLOCK_TITLE = re.compile(r"\.[^\s.]")
_HEADER = re.compile(r"\[.*(?:options\s*=\s*\"?[^\]]*\bheader\b|%header\b).*\]")
_NO_HEADER = re.compile(r"\[.*%?noheader\b.*\]")
_ITEM = re.compile(r"\s*(?:\*{1,5}|-|\.{1,5}|\d+\.)[ \t]+\S")
_FIELD = re.compile(r":(title|doctitle|author|authors|revdate|date|lang):[ \t]+(.+)$", re.IGNORECASE)
_AUTHOR = re.compile(r"(\w[\w.' -]+?)[ \t]*<[^>\s]+@[^>\s]+>")
_REVISION = re.compile(r"(?:v\S+,[ \t]*)?(\d{4}-\d{2}-\d{2})")
_FIELD_LINES = 60


class AsciidocLoader(SourceLoader):
    """Reads AsciiDoc."""

    def read(self, text: str) -> Source:
        """See SourceLoader."""
        lines = Lines(text)
        comments: list[Span] = []
        blocks = list(_blocks(lines, comments))
        stored, hidden = blanked(text, comments)
        first = next((index for index in range(len(lines)) if _heading_end(lines, index)), len(lines))
        match = _HEADING.match(lines[first])
        fields = _fields(lines, first)
        return Source(
            stored,
            blocks,
            title=fields.get("title") or fields.get("doctitle") or (match.group(2) if match else lines[first]),
            author=fields.get("author") or fields.get("authors", ""),
            date=fields.get("revdate") or fields.get("date", ""),
            language=fields.get("lang", ""),
            hidden=hidden,
        )


def _fields(lines: Lines, title: int) -> dict[str, str]:
    """Attributes near the top, and the author's and the revision's line under the title."""
    fields: dict[str, str] = {}
    for index in range(min(len(lines), _FIELD_LINES)):
        if match := _FIELD.match(lines[index]):
            fields.setdefault(match.group(1).lower(), match.group(2))
    if match := _AUTHOR.match(lines[title + 1]):
        fields.setdefault("author", match.group(1))
        if match := _REVISION.match(lines[title + 2]):
            fields.setdefault("revdate", match.group(1))
    return fields


def _blocks(lines: Lines, comments: list[Span]) -> Iterator[Block]:
    """All that is no paragraph; comments go to `comments`. Attributes and title above a block belong to it."""
    index, above = 0, None
    while index < len(lines):
        line, end = lines[index], index + 1
        first = index if above is None else above
        if (_ATTRIBUTES.match(line) or _BLOCK_TITLE.match(line)) and not lines.blank(end):
            index, above = end, first
            continue
        above = None
        if heading := _heading_end(lines, index):
            end = heading
            yield lines.block("heading", index, end, level=_level(lines, index, end))
        elif fence := _FENCE.match(line):
            mark = fence.group(1)
            end = lines.until(end, re.compile(rf"{re.escape(mark)}\s*$"))
            if mark[0] == "/":
                comments.append(lines.span(index, end))
            elif mark.endswith("==="):
                yield lines.block("table", first, end, level=_header(lines, first, index, end))
            else:
                yield lines.block("code", first, end)
        elif _COMMENT.match(line):
            comments.append(lines.span(index, end))
        elif _ITEM.match(line):
            while not lines.blank(end) and not _FENCE.match(lines[end]) and lines[end].strip() != "+":
                end += 1
            yield lines.block("list", first, end)
        elif not lines.blank(index):
            end = _paragraph_end(lines, index)
            if line[0].isspace():
                yield lines.block("code", first, end)
        index = end


def _heading_end(lines: Lines, index: int) -> int:
    """The line after the heading that begins here; 0 if none does."""
    line, below = lines[index].rstrip(), lines[index + 1].rstrip()
    if _HEADING.match(line):
        return index + 1
    titled = line[:1].isalnum() and _UNDERLINE.match(below) and abs(len(line) - len(below)) <= 2
    return index + 2 if titled and (index == 0 or lines.blank(index - 1)) else 0


def _level(lines: Lines, index: int, end: int) -> int:
    match = _HEADING.match(lines[index])
    return len(match.group(1)) if match and end == index + 1 else _UNDERLINES.index(lines[end - 1][0]) + 1


def _paragraph_end(lines: Lines, index: int) -> int:
    end = index + 1
    while not lines.blank(end) and not _FENCE.match(lines[end]) and not _COMMENT.match(lines[end]):
        end += 1
    return end


def _header(lines: Lines, first: int, fence: int, end: int) -> int:
    """The lines down to the first row, if that is a header: said so, or followed by a blank line and not by others."""
    row = next((line for line in range(fence + 1, end - 1) if not lines.blank(line)), end)
    said = [lines[line] for line in range(first, fence)]
    implied = row == fence + 1 and lines.blank(row + 1) and not any(map(_NO_HEADER.match, said))
    return lines.filled(first, row + 1) if row < end and (implied or any(map(_HEADER.match, said))) else 0
