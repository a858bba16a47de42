"""The wire between the application and its parser helper: a JSON header line, then raw bytes. Never pickle."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, get_args

from ingest.ocr.readings import unpack
from ingest.protocols import (
    MOST_REMEMBERED,
    Drawing,
    Embedded,
    Loaded,
    LoadEvent,
    PageKept,
    PageLoaded,
    RecognisedPicture,
    Recognising,
    Remembered,
)
from ingest.wordboxes import PackedWords, pack
from rag.types import Block, BlockKind, Page, Place, PlaceKind, Report, Span

_MAX_HEADER = 2**20
_MAX_PAYLOAD = 2**30
"""Bytes: 50 million characters of text need 200 MB at most. A frame past it is an attack on the reader."""
_KINDS = frozenset(get_args(BlockKind))
_PLACES = frozenset(get_args(PlaceKind))
_PICTURE = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: `header["event"]` or `header["op"]` names it."""

    header: Mapping[str, Any]
    parts: tuple[bytes, ...] = ()


def encode(header: Mapping[str, Any], *parts: bytes) -> bytes:
    """A frame's bytes: the header with the sizes of its parts on one line, then the parts."""
    line = json.dumps({**header, "sizes": [len(part) for part in parts]}, ensure_ascii=True).encode()
    return b"".join((line, b"\n", *parts))


class FrameBuffer:
    """Cuts a stream of bytes into frames, however it arrives."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._header: dict[str, Any] | None = None

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that `data` completes.

        Raises:
            ValueError: this is no frame; the stream cannot be used further.
        """
        self._bytes += data
        while self._header is not None or self._take_header():
            sizes = [] if self._header is None else self._header["sizes"]
            if len(self._bytes) < sum(sizes):
                return
            header, self._header = self._header or {}, None
            yield Frame(header, tuple(self._take(size) for size in sizes))

    def _take_header(self) -> bool:
        end = self._bytes.find(b"\n", 0, _MAX_HEADER)
        if end < 0:
            if len(self._bytes) >= _MAX_HEADER:
                raise ValueError("header too long")
            return False
        header = json.loads(self._take(end + 1))
        sizes = header.get("sizes") if isinstance(header, dict) else None
        if not isinstance(sizes, list) or not all(isinstance(size, int) and size >= 0 for size in sizes):
            raise ValueError("no frame header")
        if sum(sizes) > _MAX_PAYLOAD:
            raise ValueError("frame too large")
        self._header = header
        return True

    def _take(self, size: int) -> bytes:
        taken = bytes(self._bytes[:size])
        del self._bytes[:size]
        return taken


def encode_event(event: LoadEvent) -> bytes:
    """A loader's event as one frame."""
    if isinstance(event, Loaded):
        return encode({"event": "loaded", **asdict(event)})
    if isinstance(event, Drawing):
        return encode({"event": "drawing"})
    if isinstance(event, Recognising):
        return encode({"event": "recognising"})
    if isinstance(event, RecognisedPicture):
        return encode({"event": "recognised", "picture": event.picture}, event.reading)
    if isinstance(event, Embedded):
        return encode({"event": "embedded", "path": event.path}, event.data)
    if isinstance(event, Remembered):
        return encode({"event": "remembered"}, event.data)
    if isinstance(event, PageKept):
        header = {"former": event.former, "separator": event.separator, "total": event.total}
        return encode({"event": "kept", **header, "page": _page_values(event.page)})
    page = event.page
    header = {"event": "page", "total": event.total, "page": _page_values(page) if page else None}
    blocks = json.dumps([[block.kind, block.span.start, block.span.end, block.level] for block in event.blocks])
    places = json.dumps([[p.kind, p.span.start, p.span.end, p.name, p.number] for p in event.places])
    return encode(header, event.text.encode(), blocks.encode(), pack(page.words if page else ()), places.encode())


def _page_values(page: Page) -> list[object]:
    return [page.number, [page.span.start, page.span.end], page.label, page.width, page.height]


def decode_event(frame: Frame) -> LoadEvent:
    """The inverse of `encode_event`. The sender is not trusted: shapes and types are checked.

    Raises:
        ValueError, KeyError, TypeError, StorageError: not what `encode_event` writes.
    """
    header = frame.header
    match header["event"]:
        case "loaded":
            return _loaded(header)
        case "drawing":
            return Drawing()
        case "recognising":
            return Recognising()
        case "recognised":
            return _recognised(header["picture"], *frame.parts)
        case "remembered":
            return _remembered(*frame.parts)
        case "kept":
            separator = _text(header["separator"]) or ""
            return PageKept(int(header["former"]), separator, _page_of(header["page"]), int(header["total"]))
        case "embedded":
            return Embedded(path=_text(header["path"]) or "", data=frame.parts[0])
        case _:
            return _page(header, *frame.parts)


def _loaded(header: Mapping[str, Any]) -> Loaded:
    return Loaded(
        title=_text(header["title"]) or "",
        language=_text(header["language"]) or "",
        author=_text(header["author"]),
        date=_text(header["date"]),
        notes=tuple(_text(note) or "" for note in header["notes"]),
        page_count=int(header["page_count"]),
        report=_report(header["report"]),
    )


def _remembered(data: bytes) -> Remembered:
    if len(data) > MOST_REMEMBERED:
        raise ValueError("too much to remember")
    return Remembered(data)


def _recognised(picture: Any, reading: bytes) -> RecognisedPicture:
    if not isinstance(picture, str) or not _PICTURE.fullmatch(picture):
        raise ValueError("no name of a picture")
    if reading:
        unpack(reading)
    return RecognisedPicture(picture, reading)


def _page(header: Mapping[str, Any], text: bytes, blocks: bytes, words: bytes, places: bytes) -> PageLoaded:
    return PageLoaded(
        text=text.decode(),
        blocks=tuple(_block(*block) for block in json.loads(blocks)),
        page=None if header["page"] is None else replace(_page_of(header["page"]), words=PackedWords(words)),
        total=int(header["total"]),
        places=tuple(_place(*place) for place in json.loads(places)),
    )


def _page_of(values: Any) -> Page:
    number, (start, end), label, width, height = values
    return Page(int(number), _span(start, end), _text(label), float(width), float(height))


def _place(kind: Any, start: Any, end: Any, name: Any, number: Any) -> Place:
    if kind not in _PLACES:
        raise ValueError("unknown kind of place")
    return Place(kind, _span(start, end), _text(name) or "", int(number))


def _report(value: Mapping[str, Any]) -> Report:
    return Report(
        pages_without_text=tuple(int(page) for page in value["pages_without_text"]),
        ocr_pages=tuple((int(page), float(confidence)) for page, confidence in value["ocr_pages"]),
        ocr_engine=_text(value["ocr_engine"]) or "",
        tables=int(value["tables"]),
        hidden_characters=int(value["hidden_characters"]),
        hidden_sample=_text(value["hidden_sample"]) or "",
        repeated_lines=int(value["repeated_lines"]),
        embedded=int(value["embedded"]),
        skipped=tuple(_text(item) or "" for item in value["skipped"]),
        warnings=tuple(_text(item) or "" for item in value["warnings"]),
    )


def _block(kind: Any, start: Any, end: Any, level: Any) -> Block:
    if kind not in _KINDS:
        raise ValueError("unknown kind of block")
    return Block(kind, _span(start, end), int(level))


def _span(start: Any, end: Any) -> Span:
    if not 0 <= int(start) <= int(end):
        raise ValueError("no span")
    return Span(int(start), int(end))


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError("no text")
    return value
