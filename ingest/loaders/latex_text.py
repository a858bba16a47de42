"""LaTeX made readable, one line for one line: accents, quotes and dashes as characters, text out of its commands.

The source itself can be neither read nor found (`M\\"uller`), so this is a rendering; each of its lines holds the
text of the same line of the file. Formulas and commands that are not known stay as they are: nothing is lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from unicodedata import normalize

from ingest.loaders import latex_commands as commands
from rag.types import Block, BlockKind, Span

_TOKEN = re.compile(
    r"\\begin[ \t]*\{(?P<verbatim>verbatim\*?|Verbatim|lstlisting|minted|alltt|comment)\}"
    r"|(?P<unused>\\iffalse\b)"
    r"|\\(?P<bound>begin|end)[ \t]*\{(?P<environment>[A-Za-z]+\*?)\}"
    r"|\\(?:verb|lstinline)\*?(?P<mark>[^\w\s*{\[])(?P<verb>[^\n]*?)(?P=mark)"
    r"|(?P<comment>%[^\n]*)"
    r"|(?P<math>\$\$[^$]{0,4000}\$\$|\$[^$\n]{1,2000}\$|\\\((?:[^\\\n]|\\(?![()])){0,2000}\\\)"
    r"|\\\[(?:[^\\]|\\(?![\[\]])){0,4000}\\\])"
    r"|\\(?P<accent>[\"'`^~=.](?=[ \t]*(?:\{[ \t]*\\?[A-Za-z][ \t]*\}|\\?[A-Za-z]))"
    r"|[cHkvurbd](?=[ \t]*\{[ \t]*\\?\w[ \t]*\}|[ \t]+\w))"
    r"[ \t]*\{?[ \t]*\\?(?P<letter>\w)(?:[ \t]*\})?"
    r"|\\(?P<command>[A-Za-z]+)\*?[ \t]*"
    r"|(?P<row>\\\\\*?(?:\[[^\]\n]{0,20}\])?)"
    r"|\\(?P<escape>[\s\S])"
    r"|\"(?P<shorthand>[aouAOUsz`'=~|\"-])"
    r"|(?P<open>\{)|(?P<close>\})|(?P<cell>&[ \t]*)"
    r"|(?P<dash>---|--|``|''|~)"
    r"|(?P<text>[^\\%$\"{}&`'~-]+|[\s\S])"
)
_COLOURED = re.compile(r"[ \t]*\{([^{}\n]*)\}[ \t]*\{")
_COLOUR = re.compile(r"[ \t]*\{[ \t]*white[ \t]*\}", re.IGNORECASE)
_LINK = re.compile(r"[ \t]*\{([^{}\n]*)\}[ \t]*\{")
_SPANNING = re.compile(r"[ \t]*(?:\{[^{}\n]*\}[ \t]*){2}\{")
_NAME = re.compile(r"[ \t]*\{([^{}\n]{0,300})\}")
_OPTION = re.compile(r"[ \t]*\[([^\[\]\n]{0,300})\]")
_BRACE = re.compile(r"[ \t]*(?:\n[ \t]*)?\{")
_EMPTY = re.compile(r"\{\}")
_IF = re.compile(r"\\(if[a-zA-Z]*|else|fi)\b")
_REST_OF_ROW = re.compile(r"[ \t]*(?:\\(?:hline|[a-z]*rule|cline)\b[^\n]*)?(?:%[^\n]*)?(?:\n|\\end\b|\Z)")
_LONGEST_ARGUMENT = 2000


@dataclass(slots=True)
class LatexText:
    """The readable text and what was found in it; spans index `text`."""

    text: str = ""
    blocks: list[Block] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    """Names of the files whose text belongs here."""


def render(source: str, *, german: bool) -> LatexText:
    """The readable text of a piece of LaTeX.

    Args:
        german: whether babel's shorthands hold (`"a` for ä).
    """
    return _Renderer(source, german=german).run()


@dataclass(slots=True)
class _Group:
    """An open brace: what its end writes, the level of the heading it holds, whether a reader sees it."""

    closing: str = ""
    level: int = 0
    start: int = 0
    invisible: bool = False


@dataclass(slots=True)
class _Environment:
    """An open list or table: where it begins, and how many lines of it are above the first rule."""

    name: str
    start: int
    part: int
    header: int = 0


class _Renderer:
    """One pass over one source; every `_on_…` writes a token and returns where to go on."""

    def __init__(self, source: str, *, german: bool) -> None:
        self._source = source
        self._german = german
        self._found = LatexText()
        self._parts: list[str] = []
        self._length = 0
        self._groups: list[_Group] = []
        self._unseen = 0
        self._environments: list[_Environment] = []

    def run(self) -> LatexText:
        position = 0
        while position < len(self._source) and (match := _TOKEN.match(self._source, position)):
            kind = match.lastgroup or "text"
            position = getattr(self, f"_on_{kind}")(match)
        self._found.text = "".join(self._parts)
        return self._found

    def _write(self, text: str) -> None:
        if self._unseen:
            self._found.hidden.append(text)
            text = "\n" * text.count("\n")
        self._parts.append(text)
        self._length += len(text)

    def _hide(self, text: str) -> None:
        self._found.hidden.append(text)
        self._parts.append("\n" * text.count("\n"))
        self._length += text.count("\n")

    def _block(self, kind: BlockKind, start: int, *, level: int = 0) -> None:
        if self._length > start:
            self._found.blocks.append(Block(kind, Span(start, self._length), level))

    def _on_text(self, match: re.Match[str]) -> int:
        self._write(match.group())
        return match.end()

    _on_math = _on_text

    def _on_dash(self, match: re.Match[str]) -> int:
        self._write(commands.MARKS[match.group()])
        return match.end()

    def _on_verb(self, match: re.Match[str]) -> int:
        self._write(match["verb"])
        return match.end()

    def _on_shorthand(self, match: re.Match[str]) -> int:
        letter = match["shorthand"]
        if not self._german:
            self._write('"')
            return match.start() + 1
        known = commands.SHORTHANDS.get(letter)
        self._write(normalize("NFC", letter + commands.ACCENTS['"']) if known is None else known)
        return match.end()

    def _on_letter(self, match: re.Match[str]) -> int:
        self._write(normalize("NFC", match["letter"] + commands.ACCENTS[match["accent"]]))
        return match.end()

    def _on_escape(self, match: re.Match[str]) -> int:
        self._write(commands.ESCAPES.get(match["escape"], match["escape"]))
        return match.end()

    def _on_comment(self, match: re.Match[str]) -> int:
        self._hide(match.group())
        return match.end()

    def _on_unused(self, match: re.Match[str]) -> int:
        """`\\iffalse` up to the `\\fi` or `\\else` that belongs to it."""
        depth = 0
        end = len(self._source)
        for word in _IF.finditer(self._source, match.end()):
            if depth == 0 and not word[1].startswith("if"):
                end = word.end()
                break
            depth += 1 if word[1].startswith("if") else -1 if word[1] == "fi" else 0
        self._hide(self._source[match.start() : end])
        return end

    def _on_verbatim(self, match: re.Match[str]) -> int:
        closing = f"\\end{{{match['verbatim']}}}"
        end = self._source.find(closing, match.end())
        end = len(self._source) if end < 0 else end
        content = self._source[match.end() : end]
        if match["verbatim"] == "comment":
            self._hide(content)
        else:
            start = self._length
            self._write(content)
            self._block("code", start)
        return min(end + len(closing), len(self._source))

    def _on_environment(self, match: re.Match[str]) -> int:
        name = match["environment"]
        if match["bound"] == "end":
            return self._end(name, match)
        if name in commands.FORMULAS:
            end = self._source.find(f"\\end{{{name}}}", match.end())
            end = len(self._source) if end < 0 else end + len(name) + len("\\end{}")
            start = self._length
            self._write(self._source[match.start() : end])
            self._block("code", start)
            return end
        if name == "frame":  # a slide of beamer
            return self._heading(self._past_options(match.end()), commands.SECTIONS["frametitle"])
        if name in commands.LISTS | commands.TABLES:
            self._environments.append(_Environment(name, self._length, len(self._parts)))
        elif name not in commands.SHOWN:
            self._write(match.group())
            return match.end()
        return self._past_arguments(match.end())

    def _end(self, name: str, match: re.Match[str]) -> int:
        if self._environments and self._environments[-1].name == name:
            closed = self._environments.pop()
            if name in commands.TABLES:
                level = closed.header if closed.header < self._lines(closed) else 0
                self._block("table", closed.start, level=level)
            elif not any(outer.name in commands.LISTS for outer in self._environments):
                self._block("list", closed.start)
        elif name not in commands.SHOWN | {"frame"}:
            self._write(match.group())
        return match.end()

    def _lines(self, environment: _Environment) -> int:
        return sum(not line.isspace() and line != "" for line in "".join(self._parts[environment.part :]).split("\n"))

    def _in_table(self) -> bool:
        return bool(self._environments) and self._environments[-1].name in commands.TABLES

    def _on_cell(self, match: re.Match[str]) -> int:
        if self._parts and self._parts[-1].endswith((" ", "\t")):
            bare = self._parts[-1].rstrip(" \t")
            self._length -= len(self._parts[-1]) - len(bare)
            self._parts[-1] = bare
        self._write(" | " if self._in_table() else match.group())
        return match.end()

    def _on_row(self, match: re.Match[str]) -> int:
        whole = not self._in_table() or _REST_OF_ROW.match(self._source, match.end())
        self._write("" if whole else "; ")
        return match.end()

    def _on_open(self, match: re.Match[str]) -> int:
        raw = bool(self._parts) and self._parts[-1] == "}"  # a further argument of a command that is not known
        return self._into(match.end(), _Group(closing="}" if raw else ""), opening="{" if raw else "")

    def _into(self, position: int, group: _Group, *, opening: str = "") -> int:
        self._write(opening)
        group.start = self._length
        self._groups.append(group)
        self._unseen += group.invisible
        return position

    def _on_close(self, match: re.Match[str]) -> int:
        if not self._groups:
            self._write("}")
            return match.end()
        group = self._groups.pop()
        self._unseen -= group.invisible
        if group.level:
            self._block("heading", group.start, level=group.level)
        self._write(group.closing)
        return match.end()

    def _on_command(self, match: re.Match[str]) -> int:
        name, end = match["command"], match.end()
        if name in commands.SECTIONS:
            return self._heading(self._past_options(end), commands.SECTIONS[name])
        if name in commands.SYMBOLS:
            return self._symbol(name, end)
        if name in commands.SWITCHES:
            if name in commands.HEADER_RULES and self._in_table() and not self._environments[-1].header:
                self._environments[-1].header = self._lines(self._environments[-1])
            return end
        if name in commands.INVISIBLE:
            return self._argument(end, _Group(invisible=True))
        if name == "textcolor" and (coloured := _COLOURED.match(self._source, end)):
            white = coloured[1].strip().lower() == "white"
            return self._into(coloured.end(), _Group(invisible=white))
        if name in commands.SPANNING and (spanning := _SPANNING.match(self._source, end)):
            return self._into(spanning.end(), _Group())
        if name == "href" and (link := _LINK.match(self._source, end)):
            return self._into(link.end(), _Group(closing=f" ({link[1]})"))
        if name == "color" and _COLOUR.match(self._source, end) and self._groups:
            self._unseen += not self._groups[-1].invisible
            self._groups[-1].invisible = True
        if name in commands.DROPPED:
            return self._past_arguments(end)
        if name in commands.WRAPPED and _BRACE.match(self._source, self._past_options(end)):
            opening, closing = commands.WRAPPED[name]
            options = ", ".join(_OPTION.findall(self._source[end : self._past_options(end)]))
            note = f"; {options}" if options and opening == "[" else ""
            return self._argument(self._past_options(end), _Group(closing=note + closing), opening=opening)
        if name in commands.UNWRAPPED:
            return self._argument(self._past_options(end), _Group())
        if name in commands.INPUTS and (file := _NAME.match(self._source, end)):
            self._found.inputs.append(file[1])
        self._write(match.group())
        return self._argument(end, _Group(closing="}"), opening="{")

    def _heading(self, position: int, level: int) -> int:
        return self._argument(position, _Group(level=level))

    def _symbol(self, name: str, end: int) -> int:
        self._write(commands.SYMBOLS[name])
        if name == "item" and (option := _OPTION.match(self._source, end)):
            self._write(option[1])
            return option.end()
        empty = _EMPTY.match(self._source, end)
        return empty.end() if empty else end

    def _argument(self, position: int, group: _Group, *, opening: str = "") -> int:
        brace = _BRACE.match(self._source, position)
        if not brace:
            return position
        self._write("\n" * brace.group().count("\n"))
        return self._into(brace.end(), group, opening=opening)

    def _past_options(self, position: int) -> int:
        while option := _OPTION.match(self._source, position):
            position = option.end()
        return position

    def _past_arguments(self, position: int) -> int:
        """Behind all options and arguments that stand here on one line."""
        while True:
            position = self._past_options(position)
            end = _closing(self._source, position)
            if not end:
                return position
            position = end


def _closing(source: str, position: int) -> int:
    """Behind the brace that closes the one at `position`; 0 if there is none, or none on this line."""
    depth = 0
    for index in range(position, min(len(source), position + _LONGEST_ARGUMENT)):
        character = source[index]
        if character == "\n" or (depth == 0 and character != "{"):
            return 0
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return index + 1
    return 0
