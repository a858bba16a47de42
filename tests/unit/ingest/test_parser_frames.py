from __future__ import annotations

import pytest

from ingest.ocr import Recognised
from ingest.ocr.readings import pack
from ingest.parser.frames import Frame, FrameBuffer, decode_event, encode, encode_event
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
from rag.types import Block, Page, Place, Report, Span, WordBox

PAGE = PageLoaded(
    text="Größe\nzwei",
    blocks=(Block("heading", Span(0, 5), 2), Block("paragraph", Span(6, 10))),
    page=Page(3, Span(0, 10), "iii", 595.0, 842.0, (WordBox(0, 5, 1.5, 2.0, 3.0, 4.0),)),
    total=7,
)
EVENTS = [
    Drawing(),
    Recognising(),
    RecognisedPicture("ab" * 32, pack(Recognised((), "engine"), 0)),
    RecognisedPicture("cd" * 32),
    PAGE,
    PageLoaded(text="no pages", blocks=()),
    PageKept(2, "\n\n", Page(4, Span(12, 30), None, 595.0, 842.0), 7),
    Remembered(b"\x00\xff"),
    Loaded(title="T", language="de", author="Jo", date="2024", notes=("note",), page_count=7),
]


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_events_survive_the_wire_however_it_is_cut(size: int) -> None:
    stream = b"".join(encode_event(event) for event in EVENTS)
    buffer = FrameBuffer()
    received: list[LoadEvent] = []
    for start in range(0, len(stream), size):
        received += [decode_event(frame) for frame in buffer.feed(stream[start : start + size])]
    assert received == EVENTS


@pytest.mark.parametrize(
    "data",
    [
        b"not json\n",
        b"[1]\n",
        b'{"event": "page"}\n',
        b'{"sizes": [-1]}\n',
        b'{"sizes": [99999999999]}\n',
        b"x" * 2**20,
    ],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        list(FrameBuffer().feed(data))


@pytest.mark.parametrize(
    "header",
    [
        {"event": "loaded", "title": 5, "language": "", "author": None, "date": None, "notes": [], "page_count": 1},
        {"event": "loaded"},
        {"event": "page", "page": [1, [5, 2], None, 1, 1], "total": 1},
        {"event": "kept", "page": [1, [5, 2], None, 1, 1], "total": 1, "former": 1, "separator": ""},
        {"event": "kept", "page": None, "total": 1, "former": 1, "separator": ""},
        {"event": "kept", "page": [1, [2, 5], None, 1, 1], "total": 1, "former": 1, "separator": 7},
        {"event": "remembered"},
    ],
)
def test_frames_of_the_wrong_shape_are_refused(header: dict[str, object]) -> None:
    (frame,) = FrameBuffer().feed(encode(header, b"text", b"[]", b""))
    with pytest.raises((ValueError, KeyError, TypeError)):
        decode_event(frame)


@pytest.mark.parametrize(
    ("picture", "parts"),
    [
        ("ab" * 32, (b"no reading",)),
        ("ab" * 32, ()),
        ("ab" * 32, (b"", b"")),
        ("AB" * 32, (b"",)),
        ("../" * 21 + "a", (b"",)),
        ("ab" * 31, (b"",)),
        (7, (b"",)),
        (None, (b"",)),
    ],
)
def test_a_reading_of_the_wrong_shape_is_refused(picture: object, parts: tuple[bytes, ...]) -> None:
    with pytest.raises((ValueError, TypeError)):
        decode_event(Frame({"event": "recognised", "picture": picture}, parts))


def test_too_much_to_remember_is_refused() -> None:
    with pytest.raises(ValueError, match="too much"):
        decode_event(Frame({"event": "remembered"}, (bytes(MOST_REMEMBERED + 1),)))


def test_an_unknown_kind_of_block_is_refused() -> None:
    with pytest.raises(ValueError, match="kind"):
        decode_event(Frame({"event": "page", "page": None, "total": 1}, (b"x", b'[["image", 0, 1, 0]]', b"", b"[]")))


def test_an_unknown_kind_of_place_is_refused() -> None:
    with pytest.raises(ValueError, match="kind"):
        decode_event(
            Frame({"event": "page", "page": None, "total": 1}, (b"x", b"[]", b"", b'[["desert", 0, 1, "", 1]]'))
        )


def test_places_files_inside_and_the_report_come_through_the_wire() -> None:
    places = (Place("rows", Span(0, 3), "Prices", 7), Place("slide", Span(4, 9), "", 2))
    report = Report(ocr_pages=((3, 0.75),), ocr_engine="x", tables=2, skipped=("a.exe: a program",), warnings=("w",))
    events = [
        PageLoaded(text="abc defgh", blocks=(), places=places),
        Embedded("inside/a.txt", b"\x00\xff"),
        Loaded(title="t", report=report),
    ]
    buffer = FrameBuffer()
    frames = [frame for event in events for frame in buffer.feed(encode_event(event))]
    assert [decode_event(frame) for frame in frames] == events
