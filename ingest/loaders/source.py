"""What all formats share whose text is the file itself: lines are counted, blocks lie over it, comments are blanked."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ingest.layout import text_blocks
from ingest.loaders.text import read_text, without_controls
from ingest.loaders.titles import clean
from ingest.protocols import Loaded, LoadEvent, PageLoaded
from rag.errors import EmptySource
from rag.types import HIDDEN_SAMPLE, Block, BlockKind, Place, Report, Span

_LONGEST_NAME = 200
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_YEAR = re.compile(r"(?<!\d)(?:1[5-9]|20)\d{2}(?!\d)")
_NOT_LINE_END = re.compile(r"[^\n]")


@dataclass(frozen=True, slots=True)
class Source:
    """What a format's grammar makes of a file."""

    text: str
    """As it is stored."""
    blocks: Sequence[Block] = ()
    """Those that are no paragraphs: what they do not cover becomes paragraphs."""
    title: str = ""
    author: str = ""
    date: str = ""
    """In any form; what of it is clear is kept."""
    language: str = ""
    hidden: Sequence[str] = ()
    """Comments and the like: what a reader of the document does not see."""
    warnings: tuple[str, ...] = ()
    places: tuple[Place, ...] | None = None
    """None: lines."""


class SourceLoader(ABC):
    """A loader of one such format; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource: nothing but white space and comments.
            DamagedSource: not text.
        """
        text, notes = read_text(path)
        text = without_controls(text)
        found = self.read(text)
        if not found.text.strip():
            raise EmptySource(
                "The file holds nothing but comments.", hint="Check the file; add it as .txt if you want them read."
            )
        blocks = filled(found.text, found.blocks)
        places = lines_place(found.text) if found.places is None else found.places
        yield PageLoaded(text=found.text, blocks=blocks, places=places)
        hidden = [piece for piece in found.hidden if piece.strip()]
        yield Loaded(
            title=title or clean(found.title)[:_LONGEST_NAME],
            language=clean(found.language)[:2].lower(),
            author=clean(found.author)[:_LONGEST_NAME] or None,
            date=clear_date(found.date),
            notes=notes,
            report=Report(
                tables=sum(block.kind == "table" for block in blocks),
                hidden_characters=sum(map(len, hidden)),
                hidden_sample=clean(" ".join(hidden[:HIDDEN_SAMPLE]))[:HIDDEN_SAMPLE],
                warnings=found.warnings,
            ),
        )

    @abstractmethod
    def read(self, text: str) -> Source:
        """The structure of a text that is not empty and has "\\n" line ends."""


class Lines:
    """A text by its lines, counted from 0; they have no line end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.split("\n")
        self.starts = [0]
        for line in self._lines:
            self.starts.append(self.starts[-1] + len(line) + 1)

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: int) -> str:
        """The line, "" past the end: a grammar may look ahead."""
        return self._lines[index] if index < len(self._lines) else ""

    def span(self, first: int, last: int) -> Span:
        """From the line `first` up to, not including, the line `last`."""
        return Span(self.starts[first], min(self.starts[last], len(self._text)))

    def block(self, kind: BlockKind, first: int, last: int, *, level: int = 0) -> Block:
        """A block over the lines from `first` up to, not including, `last`."""
        return Block(kind, self.span(first, last), level)

    def filled(self, first: int, last: int) -> int:
        """How many of these lines are not blank: a table's header is as many lines of it."""
        return sum(not self.blank(index) for index in range(first, last))

    def blank(self, index: int) -> bool:
        """Whether the line holds white space only."""
        line = self[index]
        return not line or line.isspace()

    def indent(self, index: int) -> int:
        """How many characters of white space the line begins with."""
        line = self[index]
        return len(line) - len(line.lstrip())

    def until(self, first: int, pattern: re.Pattern[str]) -> int:
        """The line after the next one, from `first` on, that matches; past the last line if none does."""
        found = next((index for index in range(first, len(self)) if pattern.match(self[index])), len(self) - 1)
        return found + 1

    def run(self, first: int, pattern: re.Pattern[str]) -> int:
        """The first line from `first` on that does not match."""
        return next((index for index in range(first, len(self)) if not pattern.match(self[index])), len(self))

    def indented(self, first: int, more_than: int) -> int:
        """The line after those from `first` on that are blank or set in further; blank lines at the end stay out."""
        end = first
        for index in range(first, len(self)):
            if self.blank(index):
                continue
            if self.indent(index) <= more_than:
                break
            end = index + 1
        return end


def filled(text: str, blocks: Iterable[Block]) -> tuple[Block, ...]:
    """The blocks without white space around them, in order, and between them paragraphs over the rest of the text."""
    found: list[Block] = []
    end = 0
    for block in sorted(blocks, key=lambda block: (block.span.start, block.span.end)):
        piece = text[block.span.start : block.span.end]
        if block.span.start < end or not piece.strip():
            continue
        start = block.span.start + len(piece) - len(piece.lstrip())
        found += text_blocks(text[end:start], offset=end)
        end = start + len(piece.strip())
        found.append(Block(block.kind, Span(start, end), block.level))
    found += text_blocks(text[end:], offset=end)
    return tuple(found)


def cut(text: str, starts: Iterable[int]) -> list[Block]:
    """Code blocks over the whole text, a new one at each of `starts`."""
    borders = sorted({0, len(text), *starts})
    return [Block("code", Span(start, end)) for start, end in pairwise(borders)]


def blanked(text: str, spans: Iterable[Span]) -> tuple[str, list[str]]:
    """The text with spaces where `spans` are, as long and in as many lines as before, and what stood there."""
    parts: list[str] = []
    hidden: list[str] = []
    end = 0
    for span in sorted(spans):
        if span.start < end:
            continue
        piece = text[span.start : span.end]
        hidden.append(piece)
        parts += (text[end : span.start], _NOT_LINE_END.sub(" ", piece))
        end = span.end
    return "".join((*parts, text[end:])), hidden


def lines_place(text: str) -> tuple[Place, ...]:
    """The whole text as lines, counted from 1."""
    return (Place("lines", Span(0, len(text))),)


def clear_date(text: str) -> str | None:
    """What a date in any words says clearly, in ISO 8601: a day, a year, or nothing."""
    day = _DAY.search(text)
    if day:
        return day.group()
    years = set(_YEAR.findall(text))
    return years.pop() if len(years) == 1 else None
