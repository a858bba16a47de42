"""E-books (EPUB 2.0.1, EPUB 3.3): the chapters in reading order, each found again by its title."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from ingest.loaders.book_markup import BookMarkup, local_name, parse_chapter, parse_part
from ingest.loaders.html_hidden import drop_unseen
from ingest.loaders.html_text import HtmlText, write_text
from ingest.loaders.packages import Package, resolve
from ingest.loaders.titles import clean
from ingest.protocols import Loaded, LoadEvent, PageLoaded
from rag.errors import DamagedSource, NoText, PasswordNeeded, SourceError
from rag.types import HIDDEN_SAMPLE, Block, Place, Report, Span

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_FONTS_ONLY = frozenset({"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"})
"""Algorithms that only hide fonts; the text stays readable."""
_CHAPTERS = frozenset({"application/xhtml+xml", "text/html", "text/x-oeb1-document"})
_CHAPTER_BYTES = 64 * 2**20
_MOST_CHAPTERS = 10_000
_LONGEST_NAME = 200
_DAY = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")
_AGAIN = "Get the book again as a file without copy protection and add that."


@dataclass(frozen=True, slots=True)
class _Book:
    """What the package document says: chapters are names of members, in reading order."""

    title: str
    authors: tuple[str, ...]
    language: str
    date: str | None
    chapters: tuple[str, ...]
    contents: str
    """The member with the table of contents, "" where there is none."""


class EpubLoader:
    """Reads one e-book; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource, DamagedSource, TooLarge: as `ingest.loaders.packages.Package` does.
            PasswordNeeded: copy-protected.
            NoText: nothing but pictures.
        """
        with Package(path) as package:
            book = _book(package)
            _refuse_protected(package, book)
            names = _names(package, book.contents) if book.contents else {}
            writer = _Writer(names, total=len(book.chapters))
            for chapter in book.chapters:
                yield writer.write(package, chapter)
        if not writer.length:
            raise NoText("The book holds no text.", hint="If its pages are pictures, make them a PDF and add that.")
        yield Loaded(
            title=title or book.title,
            language=book.language,
            author=", ".join(book.authors)[:_LONGEST_NAME] or None,
            date=book.date,
            notes=(f"Chapters missing in the file: {writer.missing:,}",) if writer.missing else (),
            report=Report(hidden_characters=writer.hidden_characters, hidden_sample=writer.hidden_sample),
        )


class _Writer:
    """Writes chapters one after the other."""

    def __init__(self, names: dict[str, str], *, total: int) -> None:
        self.length = 0
        self.missing = 0
        self.hidden_characters = 0
        self.hidden_sample = ""
        self._names = names
        self._total = total
        self._name = ""
        self._number = 0

    def write(self, package: Package, member: str) -> PageLoaded:
        """The next piece; a chapter without text is one too, an empty one."""
        if member not in package:
            self.missing += 1
            return PageLoaded("", (), total=self._total)
        tree = parse_chapter(package.read(member, limit=_CHAPTER_BYTES))
        if tree is None:
            return PageLoaded("", (), total=self._total)
        self._hide(drop_unseen(tree))
        written = write_text(tree)
        if not written.text:
            return PageLoaded("", (), total=self._total)
        self._begin(self._names.get(member, "") or _first_heading(written))
        start = self.length
        place = Place("chapter", Span(start, start + len(written.text)), name=self._name, number=self._number)
        blocks = tuple(Block(b.kind, Span(b.span.start + start, b.span.end + start), b.level) for b in written.blocks)
        self.length += len(written.text) + 2
        return PageLoaded(written.text + "\n\n", blocks, total=self._total, places=(place,))

    def _hide(self, texts: list[str]) -> None:
        self.hidden_characters += sum(map(len, texts))
        self.hidden_sample = self.hidden_sample or " ".join(texts)[:HIDDEN_SAMPLE]

    def _begin(self, name: str) -> None:
        """A file that neither the table of contents nor a heading names goes on with the chapter before it."""
        if name or not self._number:
            self._number += 1
            self._name = name[:_LONGEST_NAME]


def _first_heading(written: HtmlText) -> str:
    for block in written.blocks:
        if block.kind == "heading":
            return clean(written.text[block.span.start : block.span.end])
    return ""


def _book(package: Package) -> _Book:
    root = _part(package, _CONTAINER)
    opf = next((e.get("full-path") or "" for e in root.iter("*") if local_name(e) == "rootfile"), "")
    if opf not in package:
        raise DamagedSource("It is damaged: the book's table of files is missing.", hint=_AGAIN)
    tree = _part(package, opf)
    items = {e.get("id"): e for e in tree.iter("*") if local_name(e) == "item" and e.get("href")}
    spine = next((e for e in tree.iter("*") if local_name(e) == "spine"), None)
    order = [] if spine is None else [items[e.get("idref")] for e in spine if e.get("idref") in items]
    navigation = [e for e in items.values() if "nav" in (e.get("properties") or "").split()]
    ncx = items.get(spine.get("toc")) if spine is not None else None
    contents = navigation[0] if navigation else ncx
    texts = [e for e in order if (e.get("media-type") or "").lower() in _CHAPTERS and e not in navigation]
    if len(texts) > _MOST_CHAPTERS:
        raise DamagedSource(f"The book names {len(texts):,} chapters; {_MOST_CHAPTERS:,} are the most.", hint=_AGAIN)
    day = _DAY.match(_metadata(tree, "date")[0] if _metadata(tree, "date") else "")
    return _Book(
        title=(_metadata(tree, "title") or ("",))[0][:_LONGEST_NAME],
        authors=_metadata(tree, "creator"),
        language=(_metadata(tree, "language") or ("",))[0][:2].lower(),
        date=day.group() if day else None,
        chapters=tuple(dict.fromkeys(_member(opf, e.get("href")) for e in texts)),
        contents=_member(opf, contents.get("href")) if contents is not None else "",
    )


def _metadata(tree: BookMarkup, name: str) -> tuple[str, ...]:
    """Values of a Dublin Core element."""
    found = (clean("".join(e.itertext())) for e in tree.iter("*") if local_name(e) == name and "purl.org/dc" in e.tag)
    return tuple(value for value in found if value)


def _names(package: Package, contents: str) -> dict[str, str]:
    """Titles of chapters by member: the first, outermost entry that leads into each (EPUB 3 nav, EPUB 2 NCX)."""
    if contents not in package:
        return {}
    names: dict[str, str] = {}
    try:
        tree = _part(package, contents)
    except SourceError:  # the chapters' own headings name them
        return {}
    for element in tree.iter("*"):
        if local_name(element) == "navPoint":
            target = next((e.get("src") or "" for e in element if local_name(e) == "content"), "")
            label = next((e for e in element if local_name(e) == "navLabel"), None)
        elif local_name(element) == "a":
            target, label = element.get("href") or "", element
        else:
            continue
        text = clean("".join(label.itertext())) if label is not None else ""
        if text and target:
            names.setdefault(_member(contents, target), text)
    return names


def _refuse_protected(package: Package, book: _Book) -> None:
    if _ENCRYPTION not in package:
        return
    for entry in _part(package, _ENCRYPTION).iter("*"):
        if local_name(entry) != "EncryptedData":
            continue
        methods = {e.get("Algorithm") for e in entry if local_name(e) == "EncryptionMethod"}
        covered = {unquote(e.get("URI") or "") for e in entry.iter("*") if local_name(e) == "CipherReference"}
        if covered & set(book.chapters) and not methods <= _FONTS_ONLY:
            raise PasswordNeeded("The book is copy-protected (DRM); its text cannot be read.", hint=_AGAIN)


def _part(package: Package, name: str) -> BookMarkup:
    return parse_part(package.read(name))


def _member(base: str, reference: str) -> str:
    """The member that a reference in `base` leads to, without its fragment."""
    name = resolve(base, unquote(reference.split("#")[0]))
    return posixpath.normpath(name) if name else ""
