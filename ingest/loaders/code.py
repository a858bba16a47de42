"""Source code as it stands: a heading over the line that opens each definition, so that a passage says where it is.

No parser for any language: a definition is known by its first line, what belongs to it by how far it is set in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.loaders.source import Lines, Source, SourceLoader
from rag.types import Block, Span

_LONGEST_OPENING = 300
"""A longer line opens no definition: the file was made by a program."""
_MOST_LINES = 8
"""Over so many lines the parameters of a function may stand."""
_MODIFIERS = (
    r"(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|sealed|override|virtual|"
    r"async|open|data|inline|suspend|partial|readonly|unsafe|const|constexpr|local|pub(?:\([^)]*\))?|"
    r"extern(?:\s+\"C\")?)\s+)*"
)
_CONTAINER = re.compile(
    _MODIFIERS + r"(?:class|interface|enum|record|struct|object|trait|impl|mod|module|namespace|protocol|extension|"
    r"defmodule|companion\s+object)\b\s*[\w<{]"
)
_FUNCTION = re.compile(
    _MODIFIERS + r"(?:def|defp|fn|func|fun|function|sub|proc)\b\s*\*?\s*[\w(<$]"
    r"|(?:export\s+)?(?:const|let|var)\s+\w+\s*(?::[^=]*)?=\s*(?:async\s*)?(?:function\b|\([^=]*=>|\w+\s*=>)"
    r"|type\s+\w+\s+(?:struct|interface)\b"
    r"|(?i:create\s+(?:or\s+replace\s+)?(?:\w+\s+)?(?:table|view|function|procedure|trigger|index|type|schema)\b)"
    r"|diff --git "
)
_CALLABLE = re.compile(r"[\w~$#][\w\s*&:<>,.\[\]?~$'\"/@-]*\(")
"""What may open a function by its name and a brace, in the languages that look like C."""
_NO_CALLABLE = re.compile(
    r"(?:if|else|for|foreach|while|do|switch|case|catch|try|return|with|using|lock|synchronized|unless|until|elif|"
    r"throw|new|await|yield|typeof|assert|print)\b|[\w.]+\s*="
)
_LEAD = re.compile(r"#|//|/\*|\*|@|--|;|\[[^\n]*\]$")
"""Comments and decorators, which belong to what they stand above."""
_CLOSER = re.compile(
    r"[})\]]|(?:end|else|elif|except|finally|catch|then|fi|done|esac)\b|(?:public|private|protected)\s*:"
)
_TYPE = re.compile(r"[A-Za-z_][\w\s*:<>]*$")
_NAMED = re.compile(r"\s*[^\s=({:;][^=({:;\n]{0,80}?(?=\s+[=({:])")
"""What a statement is about; the rest of its line is text under this heading."""
_SECTION = re.compile(r"\[{1,2}[\w.\"' :/-]+\]{1,2}$")
_SETTING = re.compile(r"\s*(?:[\w.-]+\s*[=:]|[\"'][^\"']*[\"']\s*[=:]|[#;\[]|$)")


class CodeLoader(SourceLoader):
    """Reads source code and files of settings in any language."""

    def read(self, text: str) -> Source:
        """See SourceLoader."""
        return Source(text, list(_blocks(Lines(text))))


@dataclass(frozen=True, slots=True)
class _Open:
    """A definition that has begun: how far its first line is set in, and whether others may stand inside."""

    indent: int
    container: bool
    statement: bool = False
    """No definition at all: what follows one at the same depth, lest it seem to belong to it."""


def _blocks(lines: Lines) -> Iterator[Block]:
    """Headings over what opens a definition, code between them; a blank line before an outer line begins a block."""
    stack: list[_Open] = []
    start, lead = 0, -1
    parted = True
    for index in range(len(lines)):
        if lines.blank(index):
            parted, lead = True, -1
            continue
        line, indent = lines[index].strip(), lines.indent(index)
        section = indent == 0 and _SECTION.match(line) and _SETTING.match(lines[index + 1])
        if not section and (_LEAD.match(line) or _is_type_above(lines, index, line)):
            lead = index if lead < 0 else lead
            continue
        first, parted, before = (lead if lead >= 0 else index), False, parted or lead >= 0
        lead = -1
        inner = [entry for entry in stack if entry.indent < indent]
        if section or ((not inner or inner[-1].container) and _opens(lines, index, line)):
            stack = [*inner, _Open(indent, bool(_CONTAINER.match(line)))]
        elif before and len(inner) < len(stack) and not _CLOSER.match(line):
            if stack[-1] == (statement := _Open(indent, container=False, statement=True)):
                yield Block("code", Span(start, lines.starts[first]))
                start = lines.starts[first]
                continue
            stack = [*inner, statement]
        else:
            if before and not stack and indent == 0:
                yield Block("code", Span(start, lines.starts[first]))
                start = lines.starts[first]
            continue
        yield Block("code", Span(start, lines.starts[first]))
        bare = stack[-1].statement and (lines.blank(index + 1) or lines.indent(index + 1) <= indent)
        named = _NAMED.match(lines[index]) if bare else None
        opened = Span(lines.starts[first], lines.starts[index] + (named.end() if named else len(lines[index])))
        yield Block("heading", opened, min(len(stack), 6))
        start = opened.end
    yield Block("code", Span(start, lines.starts[len(lines)]))


def _is_type_above(lines: Lines, index: int, line: str) -> bool:
    """Whether the line is the type of the function whose name begins the next line, as GNU's style has it."""
    below = lines[index + 1]
    return bool(_TYPE.match(line) and below[:1].isalpha() and _CALLABLE.match(below[:_LONGEST_OPENING]))


def _opens(lines: Lines, index: int, line: str) -> bool:
    if len(line) > _LONGEST_OPENING or line.endswith(";"):
        return False
    if _CONTAINER.match(line) or _FUNCTION.match(line):
        return True
    return bool(_CALLABLE.match(line)) and not _NO_CALLABLE.match(line) and _braced(lines, index)


def _braced(lines: Lines, index: int) -> bool:
    """Whether a brace follows the parameters, on their last line or the next."""
    depth, ended = 0, False
    for below in range(index, index + _MOST_LINES):
        line = lines[below].strip()[:_LONGEST_OPENING]
        if line.endswith("{") or (ended and line.startswith("{")):
            return True
        depth += line.count("(") - line.count(")")
        if ended or not line or line.endswith(";"):
            return False
        ended = depth <= 0
    return False
