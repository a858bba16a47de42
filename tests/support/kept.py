"""Reading a PDF as a newer version of another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from io import BytesIO
from pathlib import Path

import pikepdf

from ingest.loaders import assemble
from ingest.loaders.pdf import PdfLoader
from ingest.parser.kept import taken_over
from ingest.protocols import LoadEvent, PageKept, PageLoaded, RecognisedPicture, Remembered
from ingest.wordboxes import pack
from rag.types import Document


@dataclass(frozen=True)
class Version:
    """A version of a document as it was read."""

    document: Document
    memory: bytes
    kept: list[int]
    """Numbers of the pages that were taken over."""
    readings: dict[str, bytes]
    pictures: list[str]
    """Those told of, sorted."""

    def page(self, number: int) -> PageLoaded:
        """See `ingest.protocols.Former`."""
        page = self.document.pages[number - 1]
        blocks = (block for block in self.document.blocks if page.span.start <= block.span.start < page.span.end)
        return PageLoaded(self.document.text[page.span.start : page.span.end], tuple(blocks), page)


def read(
    path: Path, *, after: Version | None = None, fingerprints: Callable[[Path], Sequence[bytes]] | None = None
) -> Version:
    """A version by itself, or after a former one."""
    known = after.readings if after else {}
    loader = PdfLoader(known=known, memory=after.memory if after else b"", fingerprints=fingerprints)
    events: list[LoadEvent] = []
    kept, memory, readings = [], b"", dict(known)
    for event in loader.load(path, title=None):
        if isinstance(event, PageKept):
            assert after is not None
            kept.append(event.page.number)
            events.append(taken_over(after.page(event.former), event))
            continue
        if isinstance(event, Remembered):
            memory = event.data
        if isinstance(event, RecognisedPicture) and event.reading:
            readings[event.picture] = event.reading
        events.append(event)
    pictures = sorted(event.picture for event in events if isinstance(event, RecognisedPicture))
    return Version(assemble(events), memory, kept, readings, pictures)


def differences(one: Version, other: Version) -> list[str]:
    """What is not the same of two versions, down to the bytes that are stored."""
    found = [
        field.name
        for field in fields(Document)
        if field.name != "pages" and getattr(one.document, field.name) != getattr(other.document, field.name)
    ]
    pages = [
        [(replace(page, words=()), pack(page.words)) for page in version.document.pages] for version in (one, other)
    ]
    found += ["pages"] if pages[0] != pages[1] else []
    found += ["pictures"] if one.pictures != other.pictures else []
    return found + (["memory"] if one.memory != other.memory else [])


def taken(folder: Path, old: bytes, new: bytes) -> list[int]:
    """The pages of `new` that are taken over from `old`; the result is that of reading `new` by itself."""
    for name, data in (("old.pdf", old), ("new.pdf", new)):
        (folder / name).write_bytes(data)
    before = read(folder / "old.pdf")
    fresh = read(folder / "new.pdf", after=replace(before, memory=b""))
    again = read(folder / "new.pdf", after=before)
    assert differences(again, fresh) == []
    assert not fresh.kept
    return again.kept


def edited(data: bytes, change: Callable[[pikepdf.Pdf], None]) -> bytes:
    """The file after a change, written anew: other object numbers, other bytes, the same streams."""
    out = BytesIO()
    with pikepdf.open(BytesIO(data)) as pdf:
        change(pdf)
        pdf.save(out, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()
