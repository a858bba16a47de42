"""reStructuredText, as it stands, with its blocks; the grammar is the one of docutils' specification, by lines.

Docutils itself is not used: it reports the line where a node ends or begins, not both, and reads other files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.loaders.source import Lines, Source, SourceLoader, blanked
from rag.types import Block, Span

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1*\s*$")
_SHORTEST_SURE = 4
"""A shorter line of marks is only an underline if it is as long as its title."""
_EXPLICIT = re.compile(r"\s*\.\.(?:\s+|$)")
_DIRECTIVE = re.compile(r"\s*\.\.\s+(?:\|[^|]+\|\s+)?([\w:+.-]+?)::(?:\s|$)")
_NO_COMMENT = re.compile(r"\s*\.\.\s+(?:\[[^\]]+\]\s|_[^\n]*:|__\s|\|[^|]+\|\s)")
"""Footnotes, citations, targets and substitutions."""
_CODE_DIRECTIVES = frozenset(
    {"code", "code-block", "sourcecode", "highlight", "parsed-literal", "math", "raw", "doctest", "testcode"}
)
_TABLE_DIRECTIVES = frozenset({"list-table", "csv-table"})
_GRID = re.compile(r"\s*\+(?:[-=]+\+)+\s*$")
_GRID_ROW = re.compile(r"\s*[|+]")
_GRID_HEADER = re.compile(r"\s*\+(?:=+\+)+\s*$")
_SIMPLE = re.compile(r"\s*=+(?: +=+)+\s*$")
_TABLE_LINES = 5000
"""A table that does not end within so many lines is none."""
_LIST_ROW = re.compile(r"\s*\* +-")
_HEADER_ROWS = re.compile(r"\s*:header-rows:\s*(\d{1,3})")
_HEADER = re.compile(r"\s*:header:")
_DOCTEST = re.compile(r">>> ")
_FIELD = re.compile(r":(title|author|authors|date|revdate|lang|language):\s+(.+)$", re.IGNORECASE)
_FIELD_LINES = 60
"""How far down the fields of a document may stand."""


class RstLoader(SourceLoader):
    """Reads reStructuredText."""

    def read(self, text: str) -> Source:
        """See SourceLoader."""
        lines = Lines(text)
        grammar = _Grammar(lines)
        blocks = list(grammar.blocks())
        stored, hidden = blanked(text, grammar.comments)
        fields = {
            match.group(1).lower(): match.group(2)
            for index in range(min(len(lines), _FIELD_LINES))
            if (match := _FIELD.match(lines[index]))
        }
        return Source(
            stored,
            blocks,
            title=fields.get("title") or grammar.title,
            author=fields.get("author") or fields.get("authors", ""),
            date=fields.get("date") or fields.get("revdate", ""),
            language=fields.get("lang") or fields.get("language", ""),
            hidden=hidden,
        )


class _Grammar:
    """One pass over the lines of one file."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._styles: list[tuple[str, bool]] = []
        self.comments: list[Span] = []
        self.title = ""

    def blocks(self) -> Iterator[Block]:
        """All that is no paragraph; comments go to `self.comments`."""
        lines, index = self._lines, 0
        while index < len(lines):
            if lines.blank(index):
                index += 1
            elif end := self._heading_end(index):
                yield self._heading(index, end)
                index = end
            elif end := self._table_end(index):
                yield lines.block("table", index, end, level=self._header(index, end))
                index = end
            elif _EXPLICIT.match(lines[index]):
                block, index = self._explicit(index)
                yield from block
            elif _DOCTEST.match(lines[index].lstrip()):
                end = next((i for i in range(index, len(lines)) if lines.blank(i)), len(lines))
                yield lines.block("code", index, end)
                index = end
            else:
                block, index = self._paragraph(index)
                yield from block

    def _heading_end(self, index: int) -> int:
        """The line after the heading that begins here; 0 if none does."""
        lines = self._lines
        line, below = lines[index].rstrip(), lines[index + 1].rstrip()
        if _ADORNMENT.match(line):
            over = len(line) >= len(below.strip()) or len(line) >= _SHORTEST_SURE
            return index + 3 if over and below.strip() and lines[index + 2].rstrip() == line else 0
        if line[0].isspace() or not _ADORNMENT.match(below):
            return 0
        return index + 2 if len(below) >= min(_SHORTEST_SURE, len(line)) else 0

    def _heading(self, index: int, end: int) -> Block:
        style = (self._lines[end - 1][0], end - index == 3)
        if style not in self._styles:
            self._styles.append(style)
        self.title = self.title or self._lines[end - 2].strip()
        return self._lines.block("heading", index, end, level=min(self._styles.index(style) + 1, 6))

    def _table_end(self, index: int) -> int:
        lines = self._lines
        if _GRID.match(lines[index]):
            end = lines.run(index, _GRID_ROW)
            return end if end > index + 2 else 0
        if not _SIMPLE.match(lines[index]):
            return 0
        for border in range(index + 1, min(len(lines), index + _TABLE_LINES)):
            if _SIMPLE.match(lines[border]) and lines.blank(border + 1):
                return border + 1
        return 0

    def _header(self, index: int, end: int) -> int:
        lines = self._lines
        if _GRID.match(lines[index]):
            borders = [line for line in range(index + 1, end) if _GRID_HEADER.match(lines[line])]
        else:
            borders = [line for line in range(index + 1, end - 1) if _SIMPLE.match(lines[line])]
        return lines.filled(index, borders[0] + 1) if borders else 0

    def _explicit(self, index: int) -> tuple[list[Block], int]:
        """A directive of code or a table, or a comment; of all else the first line is passed over."""
        lines = self._lines
        end = max(lines.indented(index + 1, lines.indent(index)), index + 1)
        directive = _DIRECTIVE.match(lines[index])
        name = directive.group(1).lower().rsplit(":", 1)[-1] if directive else ""
        if name in _CODE_DIRECTIVES:
            return [lines.block("code", index, end)], end
        if name in _TABLE_DIRECTIVES:
            return [lines.block("table", index, end, level=self._directive_header(index, end))], end
        if not directive and not _NO_COMMENT.match(lines[index]):
            if not lines[index].strip()[2:] and lines.blank(index + 1):  # an empty comment ends what is above it
                end = index + 1
            self.comments.append(lines.span(index, end))
            return [], end
        return [], index + 1

    def _directive_header(self, index: int, end: int) -> int:
        lines = self._lines
        for line in range(index + 1, end):
            if _HEADER.match(lines[line]):
                return lines.filled(index, line + 1)
            if match := _HEADER_ROWS.match(lines[line]):
                rows = [row for row in range(line, end) if _LIST_ROW.match(lines[row])]
                count = int(match.group(1))
                return lines.filled(index, rows[count]) if 0 < count < len(rows) else 0
        return 0

    def _paragraph(self, index: int) -> tuple[list[Block], int]:
        """Past the paragraph's last line, or past the literal block that "::" at its end announces."""
        lines = self._lines
        end = index + 1
        while end < len(lines) and not lines.blank(end) and lines.indent(end) >= lines.indent(index):
            end += 1
        if not lines[end - 1].rstrip().endswith("::"):
            return [], end
        first = next((line for line in range(end, len(lines)) if not lines.blank(line)), end)
        last = lines.indented(first, lines.indent(index))
        return ([lines.block("code", first, last)], last) if last > first else ([], end)
