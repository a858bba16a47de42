"""The seams of the document line: a Loader turns a file into a stream of pages, a Splitter a document into chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rag.types import Block, Chunk, Document, Language, Page, Place, Report


@dataclass(frozen=True, slots=True)
class PageLoaded:
    """The next piece of a document.

    The document's text is the `text` of all pieces, one after the other (separators between pages are part of it).
    Spans of `page`, its words and `blocks` index that whole text, not the piece.
    """

    text: str
    blocks: tuple[Block, ...]
    page: Page | None = None
    """None in formats without pages; these come as one piece, tables of many rows as several."""
    total: int = 1
    """How many pieces there will be, as far as is known: one more than are there while rows go on."""
    places: tuple[Place, ...] = ()
    """In order and disjoint; formats with pages have none."""


@dataclass(frozen=True, slots=True)
class PageKept:
    """In place of a PageLoaded: the page is one of the document's former version, only its place is another."""

    former: int
    """The number of that page."""
    separator: str
    """What stands before it in the text."""
    page: Page
    """As it is now, without its words."""
    total: int


MOST_REMEMBERED = 2**26
"""Bytes."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What to give back when a newer version of the document is read, so that its pages can be kept."""

    data: bytes
    """At most MOST_REMEMBERED of them."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """The next piece is a picture, which is drawn now: the limits on time move on a little for it."""


@dataclass(frozen=True, slots=True)
class Recognising:
    """The text of that picture is recognised (OCR): it may take seconds, and the limits on time move on for it."""


@dataclass(frozen=True, slots=True)
class RecognisedPicture:
    """The text of that picture is there: it was recognised, or known."""

    picture: str
    """As `ingest.ocr.readings.name_of` names it."""
    reading: bytes = b""
    """As `ingest.ocr.readings.pack` writes it; empty where it was known."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A file inside the file (attachment, member of an archive); it becomes a document of its own."""

    path: str
    """Where it lies inside, with "/"; a label, never a path of this machine. Unique in its file."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Loaded:
    """The last event: what is known of the document as a whole."""

    title: str
    """The title given by the caller, else the one found in the file, else ""."""
    language: Language = ""
    """As the file declares it, else ""; declarations are often wrong, so detection goes before it."""
    author: str | None = None
    date: str | None = None
    """ISO 8601, as much of it as is known."""
    notes: tuple[str, ...] = ()
    page_count: int = 0
    report: Report = field(default_factory=Report)


PictureEvent = Drawing | Recognising | RecognisedPicture
LoadEvent = PageLoaded | PageKept | PictureEvent | Embedded | Remembered | Loaded


class Loader(Protocol):
    """Reads one format. Runs in the parser's helper process, because files are hostile."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """Pieces in order, files inside it and what is told of pictures at any place between them, then one Loaded.

        A file that only holds others (an archive) yields no piece.

        Raises:
            SourceError: one of its kinds (EmptySource, DamagedSource, PasswordNeeded, NoText, UnsupportedType).
        """


class Readings(Protocol):
    """What was recognised in the pictures of a document, from one try at reading it to the next."""

    def known(self) -> Mapping[str, bytes]:
        """Readings of all its versions by the names of their pictures (see RecognisedPicture)."""

    def take(self, recognised: RecognisedPicture) -> None:
        """Keep a reading that is new, or note that one is used. What it raises ends the reading of the file."""


class Former(Protocol):
    """The version of a document that a newer one is read after."""

    def memory(self) -> bytes:
        """What was remembered of it (see Remembered); empty where nothing was."""

    def page(self, number: int) -> PageLoaded:
        """A page of it as it was loaded, its text without a separator. Raises ValueError for one that it lacks."""

    def remember(self, data: bytes) -> None:
        """Keep what is to be remembered of the newer version."""


class Splitter(Protocol):
    """Cuts a document into chunks that fit the embedder."""

    @property
    def recipe(self) -> str:
        """What decides where it cuts: rules, window, tokenizer; stored with the chunks."""

    def split(self, document: Document) -> list[Chunk]:
        """Chunks in order; together their spans cover all text that is not white space."""
