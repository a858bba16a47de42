"""What RTF's control words mean: a stack of groups, and the story that is being told (body, note, comment, box)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ingest.loaders.docx_styles import heading_of_name, outline_heading
from ingest.loaders.flow import Flow
from ingest.loaders.links import with_target
from ingest.loaders.looks import Look
from ingest.loaders.rtf_tokens import CHARACTERS, CHARSETS, SYMBOLS, Token, code_page
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


@dataclass(slots=True)
class _Story:
    """A flow and where it stands."""

    flow: Flow
    parts: list[str] = field(default_factory=list)
    style: int = 0
    heading: int | None = None
    item: bool = False
    depth: int = 0
    label: str = ""
    shade: str | None = None
    in_cell: bool = False
    table: bool = False
    row: bool = False
    cell: bool = False
    column: int = 0


@dataclass(slots=True)
class _Style:
    name: str = ""
    heading: int | None = None
    below: int | None = None


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
        self._stories = [_Story(Flow())]
        self._groups = [_Group()]
        self._encoding = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._colours: list[str | None] = []
        self._colour: dict[str, int] = {}
        self._styles: dict[int, _Style] = {}
        self._style = _Style()
        self._fields: list[_Field] = []
        self._cells: list[_Cell] = []
        self._next_cell = _Cell()
        self._header = False
        self._pending = bytearray()
        self._skip = 0
        self._counted = {"Footnote": 0, "Endnote": 0}
        self._commenter = ""
        self._days: dict[str, dict[str, int]] = {}

    @property
    def flow(self) -> Flow:
        """What has been read."""
        return self._stories[0].flow

    def date(self) -> str | None:
        """Day of the last change, else of creation, where the file says so."""
        for name in ("revtim", "creatim"):
            day = self._days.get(name, {})
            if day.get("yr") and 1 <= day.get("mo", 0) <= 12 and 1 <= day.get("dy", 0) <= 31:
                return f"{day['yr']:04}-{day['mo']:02}-{day['dy']:02}"
        return None

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
        self._end_table()

    # --- groups ----------------------------------------------------------------------------------

    def _open(self, group: _Group) -> None:
        if len(self._groups) >= _DEEPEST:
            raise DamagedSource(
                "It nests its groups too deeply to be read.",
                hint="Open it in the program it comes from, save it again and add that.",
            )
        goal = {"upr": "out", "stylesheet": "style"}.get(group.goal, group.goal)
        self._groups.append(replace(group, goal=goal, starred=False, opens=""))
        if group.goal == "stylesheet":
            self._style = _Style()

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
                self._end_table()
                self._stories.pop()

    def _goal(self, group: _Group, name: str) -> bool:
        """Whether a word says where the text of its group goes."""
        if group.goal == "out":
            if name == "ud":
                group.goal = ""
            return True
        if name in _LEFT_OUT or (group.starred and name not in _STARRED):
            group.goal = "out"
        elif name in _GOALS:
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
                self._stories.append(_Story(self._stories[-1].flow))
            case _:
                group.opens, group.goal = "Footnote" if name == "footnote" else "Comment", ""
                self._stories.append(_Story(Flow()))

    def _end_note(self, kind: str) -> None:
        self._end_paragraph()
        self._end_table()
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
                self._style.name += text
            case "colortbl":
                for _ in range(text.count(";")):
                    self._add_colour()

    def _tell(self, text: str, group: _Group, story: _Story) -> None:
        if group.deleted or not text:
            return
        cell = self._cells[story.column] if story.in_cell and story.column < len(self._cells) else _Cell()
        look = group.look.over(Look(shade=story.shade)).over(Look(shade=cell.shade))
        if look.hidden():
            story.flow.hide(text)
        else:
            story.parts.append(text)

    def _add_colour(self) -> None:
        values = [self._colour.get(name, 0) for name in ("red", "green", "blue")]
        known = self._colour and all(0 <= value < 256 for value in values)
        self._colours.append("".join(f"{value:02X}" for value in values) if known else None)
        self._colour = {}

    def _shade(self, number: int | None) -> str | None:
        at = number or 0
        return self._colours[at] if 0 < at < len(self._colours) else None

    # --- words -----------------------------------------------------------------------------------

    def _word(self, name: str, number: int | None, group: _Group) -> None:
        if self._goal(group, name):
            return
        if group.goal in ("fonttbl", "colortbl", "style", "revtim", "creatim"):
            self._table_word(name, number, group.goal)
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

    def _table_word(self, name: str, number: int | None, goal: str) -> None:
        """A word in one of the tables at the head of the file."""
        match goal, name:
            case "fonttbl", "f":
                self._font = number or 0
            case "fonttbl", "fcharset" if number in CHARSETS:
                self._fonts[self._font] = CHARSETS[number]
            case "colortbl", "red" | "green" | "blue":
                self._colour[name] = number or 0
            case "style", "s":
                self._styles[number or 0] = self._style
            case "style", "outlinelevel":
                self._style.heading = outline_heading(number)
            case "style", "sbasedon":
                self._style.below = number
            case "revtim" | "creatim", "yr" | "mo" | "dy":
                self._days.setdefault(goal, {})[name] = number or 0

    def _character_word(self, name: str, number: int | None, group: _Group) -> bool:
        match name:
            case "plain":
                group.look, group.encoding = Look(shade=_UNKNOWN if group.look.shade == _UNKNOWN else None), ""
            case "f":
                group.encoding = self._fonts.get(number or 0, "")
            case "v" | "webhidden":
                group.look = replace(group.look, vanish=name == "v" and number != 0)
            case "fs":
                group.look = replace(group.look, size=None if number is None else number / 2)
            case "cf":
                group.look = replace(group.look, colour=self._shade(number) or "auto")
            case "cb" | "chcbpat" | "highlight":
                group.look = replace(group.look, shade=self._shade(number))
            case "deleted":
                group.deleted = number != 0
            case _:
                return False
        return True

    def _paragraph_word(self, name: str, number: int | None, story: _Story) -> None:
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
                story.shade = self._shade(number)
            case "intbl":
                story.in_cell = True
            case "cell":
                self._end_cell(story)
            case "row":
                self._end_row(story)
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
                self._next_cell = replace(self._next_cell, shade=self._shade(number))
            case "clshdng" if number:
                self._next_cell = replace(self._next_cell, shade=_UNKNOWN)
            case "cellx":
                self._cells.append(self._next_cell)
                self._next_cell = _Cell()

    # --- paragraphs and tables -------------------------------------------------------------------

    def _end_paragraph(self) -> None:
        story = self._stories[-1]
        text = "".join(story.parts).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        story.parts.clear()
        for now in self._fields:
            now.start = 0
        label = " ".join(story.label.split())
        story.label = ""
        if story.in_cell:
            self._begin_cell(story)
        else:
            self._end_table()
        heading = story.heading if story.heading is not None else self._heading(story.style)
        if any(character.isalnum() for character in label):
            text = f"{label} {text}"
        if heading:
            story.flow.heading(text, heading)
        elif story.item:
            story.flow.item(text, story.depth)
        else:
            story.flow.paragraph(text)

    def _heading(self, number: int) -> int:
        for _ in range(20):
            style = self._styles.get(number)
            if style is None:
                break
            named = heading_of_name(style.name.strip().rstrip(";"))
            if style.heading is not None or named:
                return style.heading or named or 0
            if style.below is None:
                break
            number = style.below
        return 0

    def _begin_cell(self, story: _Story) -> None:
        if not story.table:
            story.flow.begin_table()
        if not story.row:
            story.flow.begin_row()
        if not story.cell:
            story.flow.begin_cell()
        story.table = story.row = story.cell = True

    def _end_cell(self, story: _Story) -> None:
        story.in_cell = True
        self._end_paragraph()
        cell = self._cells[story.column] if story.column < len(self._cells) else _Cell()
        story.flow.end_cell(continues=cell.continues)
        story.cell = False
        story.column += 1

    def _end_row(self, story: _Story) -> None:
        if story.cell:
            self._end_cell(story)
        if story.row:
            story.flow.mark_row(header=self._header)
        story.row, story.column = False, 0

    def _end_table(self) -> None:
        story = self._stories[-1]
        if story.cell:
            story.flow.end_cell()
        if story.table:
            story.flow.end_table()
        story.table = story.row = story.cell = False
        story.column = 0
