"""What RTF's control words mean: a stack of groups, and the story that is being told (body, note, comment, box)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ingest.loaders.docx_styles import outline_heading
from ingest.loaders.flow import Flow
from ingest.loaders.links import with_target
from ingest.loaders.looks import Look
from ingest.loaders.rtf_head import Head
from ingest.loaders.rtf_story import Story
from ingest.loaders.rtf_tokens import CHARACTERS, SYMBOLS, Token, code_page
from ingest.loaders.titles import clean
from rag.errors import DamagedSource

_DEEPEST = 1_000
_LEFT_OUT_WORDS = """
pict header headerl headerr headerf footer footerl footerr footerf ftnsep ftnsepc aftnsep aftnsepc ftncn aftncn xe tc
private nonshppict pgdsctbl operator keywords comment doccomm subject company manager category printim buptim
listname sp passwordhash themedata colorschememapping datastore latentstyles objdata objclass rtlmark
"""
_LEFT_OUT = frozenset(_LEFT_OUT_WORDS.split())
_STARRED = frozenset({"fldinst", "shpinst", "annotation", "atnauthor", "ud", "shptxt", "shppict"})
"""Destinations that old programs may skip ("\\*") and that are read here."""
_GOALS = frozenset({"fonttbl", "colortbl", "stylesheet", "info", "upr", "fldinst", "listtext", "pntext", "atnauthor"})
_OPENING = frozenset({"field", "footnote", "annotation", "shptxt"})
_ABOUT = frozenset({"title", "author", "revtim", "creatim"})
_HYPERLINK = re.compile(r'\s*HYPERLINK\s+"([^"]+)"')
_UNKNOWN = ""


@dataclass(slots=True)
class _Group:
    """State that ends with its group."""

    goal: str = ""
    """Where text goes: "" is the story."""
    look: Look = field(default_factory=Look)
    deleted: bool = False
    encoding: str = ""
    fallback: int = 1
    """Characters after \\u for programs without Unicode."""
    starred: bool = False
    opens: str = ""
    """What ends with this group: a note, a box, a field."""
    around: str | None = None
    """In a group that says the same as another one (\\upr): where the text of the chosen one goes."""


@dataclass(slots=True)
class _Field:
    instruction: str = ""
    start: int = 0


@dataclass(frozen=True, slots=True)
class _Cell:
    continues: bool = False
    shade: str | None = None


class RtfReader:
    """Takes tokens and tells a flow."""

    def __init__(self) -> None:
        self.about: dict[str, str] = {}
        self.objects = 0
        self.head = Head()
        self._stories = [Story(Flow())]
        self._groups = [_Group()]
        self._encoding = "cp1252"
        self._fields: list[_Field] = []
        self._cells: list[_Cell] = []
        self._next_cell = _Cell()
        self._header = False
        self._pending = bytearray()
        self._skip = 0
        self._counted = {"Footnote": 0, "Endnote": 0}
        self._commenter = ""

    @property
    def flow(self) -> Flow:
        """What has been read."""
        return self._stories[0].flow

    def take(self, token: Token) -> None:
        """The next token."""
        if token.kind == "bytes":
            self._take_bytes(token.data)
            return
        if self._skip and (token.kind == "symbol" or token.name in CHARACTERS):
            self._skip -= 1
            return
        self._skip = 0
        self._decode()
        group = self._groups[-1]
        match token.kind:
            case "open":
                self._open(group)
            case "close":
                self._close()
            case "symbol" if token.name == "*":
                group.starred = True
            case "symbol":
                self._say(SYMBOLS.get(token.name, ""))
            case _:
                self._word(token.name, token.number, group)

    def finish(self) -> None:
        """The file ends; groups that it left open end with it."""
        self._decode()
        while len(self._groups) > 1:
            self._close()
        self._end_paragraph()
        self._stories[-1].end_table()

    # --- groups ----------------------------------------------------------------------------------

    def _open(self, group: _Group) -> None:
        if len(self._groups) >= _DEEPEST:
            raise DamagedSource(
                "It nests its groups too deeply to be read.",
                hint="Open it in the program it comes from, save it again and add that.",
            )
        goal = {"upr": "out", "stylesheet": "style"}.get(group.goal, group.goal)
        around = group.around if group.goal == "upr" else None
        self._groups.append(replace(group, goal=goal, starred=False, opens="", around=around))
        if group.goal == "stylesheet":
            self.head.begin_style()

    def _close(self) -> None:
        if len(self._groups) == 1:
            return
        match self._groups.pop().opens:
            case "field" if self._fields:
                self._end_field(self._fields.pop())
            case "Footnote" | "Endnote" | "Comment" as kind if len(self._stories) > 1:
                self._end_note(kind)
            case "box" if len(self._stories) > 1:
                self._end_paragraph()
                self._stories[-1].end_table()
                self._stories.pop()

    def _goal(self, group: _Group, name: str) -> bool:
        """Whether a word says where the text of its group goes."""
        if group.goal == "out":
            if name == "ud" and group.around is not None:
                group.goal = group.around
            return True
        if name in _LEFT_OUT or (group.starred and name not in _STARRED):
            group.goal = "out"
        elif name in _GOALS:
            group.around = group.goal
            group.goal = "listtext" if name == "pntext" else name
        elif group.goal == "info" and name in _ABOUT:
            group.goal = name
        elif name in _OPENING:
            if not group.opens:
                self._begin(group, name)
        else:
            return False
        return True

    def _begin(self, group: _Group, name: str) -> None:
        """A field, note, comment or box begins and ends with its group."""
        match name:
            case "field":
                group.opens = "field"
                self._fields.append(_Field(start=len(self._stories[-1].parts)))
            case "shptxt":
                group.opens, group.goal = "box", ""
                group.look = replace(group.look, shade=_UNKNOWN)
                self._stories.append(Story(self._stories[-1].flow))
            case _:
                group.opens, group.goal = "Footnote" if name == "footnote" else "Comment", ""
                self._stories.append(Story(Flow()))

    def _end_note(self, kind: str) -> None:
        self._end_paragraph()
        self._stories[-1].end_table()
        inner = self._stories.pop().flow
        outer = self._stories[-1].flow
        outer.absorb_hidden(inner)
        text = " ".join(inner.text.split())
        if not text:
            return
        if kind == "Comment":
            head = f"Comment by {clean(self._commenter)[:60]}" if self._commenter else kind
            self._commenter = ""
        else:
            self._counted[kind] += 1
            head = f"{kind} {self._counted[kind]}"
        outer.note(f"{head}: {text}")

    def _end_field(self, now: _Field) -> None:
        found = _HYPERLINK.match(now.instruction)
        if found:
            parts = self._stories[-1].parts
            shown = "".join(parts[now.start :])
            parts.append(with_target(shown, found.group(1))[len(shown) :])

    # --- characters ------------------------------------------------------------------------------

    def _take_bytes(self, data: bytes) -> None:
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        if self._groups[-1].goal != "out":
            self._pending += data

    def _decode(self) -> None:
        if self._pending:
            data, encoding = bytes(self._pending), self._groups[-1].encoding or self._encoding
            self._pending.clear()
            self._say(data.decode(encoding, "replace"))

    def _say(self, text: str) -> None:
        group = self._groups[-1]
        story = self._stories[-1]
        match group.goal:
            case "":
                self._tell(text, group, story)
            case "fldinst" if self._fields:
                self._fields[-1].instruction += text
            case "listtext":
                story.label += text
                story.item = True
            case "title" | "author" as name:
                self.about[name] = self.about.get(name, "") + text
            case "atnauthor":
                self._commenter += text
            case "style":
                self.head.name_style(text)
            case "colortbl":
                self.head.end_colours(text.count(";"))

    def _tell(self, text: str, group: _Group, story: Story) -> None:
        if group.deleted or not text:
            return
        behind = self._cell(story).shade if story.in_cell else None
        look = group.look.over(Look(shade=story.shade)).over(Look(shade=behind))
        if look.hidden():
            story.flow.hide(text)
        else:
            story.parts.append(text)

    # --- words -----------------------------------------------------------------------------------

    def _word(self, name: str, number: int | None, group: _Group) -> None:
        if self._goal(group, name):
            return
        if group.goal in ("fonttbl", "colortbl", "style", "revtim", "creatim"):
            self.head.word(group.goal, name, number)
        elif name == "u":
            self._say(chr((number or 0) % 0x10000))
            self._skip = group.fallback
        elif name in CHARACTERS:
            self._say(CHARACTERS[name])
        elif name in ("ansi", "mac", "pc", "pca", "ansicpg"):
            fixed = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850", "ansi": "cp1252"}
            self._encoding = fixed.get(name) or code_page(number)
        elif name == "uc":
            group.fallback = max(0, min(number if number is not None else 1, 16))
        elif not self._character_word(name, number, group) and not group.goal:
            self._paragraph_word(name, number, self._stories[-1])

    def _character_word(self, name: str, number: int | None, group: _Group) -> bool:
        match name:
            case "plain":
                group.look, group.encoding = Look(shade=_UNKNOWN if group.look.shade == _UNKNOWN else None), ""
            case "f":
                group.encoding = self.head.fonts.get(number or 0, "")
            case "v":
                group.look = replace(group.look, vanish=number != 0)
            case "fs":
                group.look = replace(group.look, size=None if number is None else number / 2)
            case "cf":
                group.look = replace(group.look, colour=self.head.colour(number) or "auto")
            case "cb" | "chcbpat" | "highlight":
                group.look = replace(group.look, shade=self.head.colour(number))
            case "deleted":
                group.deleted = number != 0
            case _:
                return False
        return True

    def _paragraph_word(self, name: str, number: int | None, story: Story) -> None:
        match name:
            case "par" | "sect" | "page" | "nestcell" | "nestrow":
                self._end_paragraph()
            case "pard":
                story.style, story.heading, story.item, story.depth = 0, None, bool(story.label), 0
                story.in_cell, story.shade = False, None
            case "s":
                story.style = number or 0
            case "outlinelevel":
                story.heading = outline_heading(number)
            case "ls":
                story.item = number != 0
            case "ilvl":
                story.depth = number or 0
            case "cbpat":
                story.shade = self.head.colour(number)
            case "intbl":
                story.in_cell = True
            case "cell":
                self._end_paragraph(in_cell=True)
                story.end_cell(continues=self._cell(story).continues)
            case "row":
                if story.cell:
                    self._end_paragraph(in_cell=True)
                story.end_row(header=self._header)
            case "ftnalt" if self._groups[-1].opens == "Footnote":
                self._groups[-1].opens = "Endnote"
            case "object":
                self.objects += 1
            case _:
                self._row_word(name, number)

    def _row_word(self, name: str, number: int | None) -> None:
        match name:
            case "trowd":
                self._cells, self._next_cell, self._header = [], _Cell(), False
            case "trhdr":
                self._header = True
            case "clvmrg":
                self._next_cell = replace(self._next_cell, continues=True)
            case "clcbpat":
                self._next_cell = replace(self._next_cell, shade=self.head.colour(number))
            case "clshdng" if number:
                self._next_cell = replace(self._next_cell, shade=_UNKNOWN)
            case "cellx":
                self._cells.append(self._next_cell)
                self._next_cell = _Cell()

    def _cell(self, story: Story) -> _Cell:
        """How the row's definition describes the cell that is being read."""
        return self._cells[story.column] if story.column < len(self._cells) else _Cell()

    def _end_paragraph(self, *, in_cell: bool = False) -> None:
        story = self._stories[-1]
        story.in_cell |= in_cell
        for now in self._fields:
            now.start = 0
        story.end_paragraph(self.head.heading(story.style))
