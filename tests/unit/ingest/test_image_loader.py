"""Pictures with text: frames are pages, words have places, and what is no text says so."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ingest.loaders import assemble
from ingest.loaders.image import MOST_PIXELS, ImageLoader
from ingest.loaders.image_render import render_picture
from ingest.ocr import engines
from ingest.wordboxes import boxes_of
from rag.errors import DamagedSource, InvalidInput, NoText, SourceError, TooLarge
from rag.types import Document, Span
from tests.support.scans import DPI, ENGLISH, GERMAN, drawn, encoded, sides

ORIENTATION = 0x0112


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "picture"
    path.write_bytes(data)
    return path


def load(tmp_path: Path, data: bytes) -> Document:
    return assemble(ImageLoader().load(write(tmp_path, data), title=None))


def png_of(width: int, height: int) -> bytes:
    """The beginning of a PNG that says it has so many pixels."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(bytes(1000))
    head = part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + part(b"IDAT", rows) + part(b"IEND", b"")


def test_frames_of_a_tiff_are_pages_and_empty_ones_are_told_of(tmp_path: Path) -> None:
    empty = Image.new("L", (400, 300), 255)
    data = encoded(drawn(ENGLISH), "TIFF", save_all=True, append_images=[empty, drawn(GERMAN)], dpi=(DPI, DPI))
    document = load(tmp_path, data)
    assert [page.number for page in document.pages] == [1, 2, 3]
    first, second, third = (document.text[page.span.start : page.span.end] for page in document.pages)
    assert ("period of notice" in first, second, "Kündigungsfrist für" in third) == (True, "", True)
    assert [number for number, _ in document.report.ocr_pages] == [1, 3]
    assert all(0.6 < confidence <= 1 for _, confidence in document.report.ocr_pages)
    assert document.report.pages_without_text == (2,)
    assert document.report.ocr_engine in document.notes[0]
    assert document.notes[0].startswith("Pages 1, 3: recognised from images (")
    assert document.notes[1] == "Page 2: no text"


@pytest.mark.parametrize(("orientation", "turn"), [(6, 90), (3, 180)])
def test_a_photograph_is_read_as_its_camera_was_held(tmp_path: Path, orientation: int, turn: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    upright = drawn(ENGLISH)
    data = encoded(upright.rotate(turn, expand=True), "JPEG", exif=exif, dpi=(DPI, DPI))
    document = load(tmp_path, data)
    assert "period of notice" in document.text
    page = document.pages[0]
    assert (round(page.width), round(page.height)) == (420, 200)
    path = tmp_path / "picture"
    assert Image.open(BytesIO(render_picture(path, 1, dpi=72))).size == (420, 200)


def test_words_are_marked_where_they_stand(tmp_path: Path) -> None:
    path = write(tmp_path, encoded(drawn(ENGLISH), "PNG", dpi=(DPI, DPI)))
    document = assemble(ImageLoader().load(path, title=None))
    start = document.text.index("garden")
    boxes = boxes_of(document.pages[0].words, Span(start, start + len("garden")))
    image = np.asarray(Image.open(BytesIO(render_picture(path, 1, dpi=DPI, boxes=boxes))), dtype=int)
    marked = np.argwhere((image[:, :, 0] > 200) & (image[:, :, 2] < 180))
    inked = np.asarray(drawn(ENGLISH)) < 128
    (top, left), (bottom, right) = marked.min(axis=0), marked.max(axis=0)
    assert inked[top:bottom, left:right].any()
    marker = 1  # a point more at either side
    true_left, true_right = sides(ENGLISH, "garden")
    assert left * 72 / DPI + marker == pytest.approx(true_left, abs=3)
    assert right * 72 / DPI - marker == pytest.approx(true_right, abs=3)


@pytest.mark.parametrize("dpi", [72, 150, 300])
def test_a_page_has_the_size_of_its_paper(tmp_path: Path, dpi: int) -> None:
    page = load(tmp_path, encoded(drawn(ENGLISH), "PNG", dpi=(dpi, dpi))).pages[0]
    assert page.width == pytest.approx(875 * 72 / dpi, rel=0.02)
    assert all(0 <= word.x0 < word.x1 <= page.width and 0 <= word.y0 < word.y1 <= page.height for word in page.words)


def test_a_picture_without_text_is_refused_with_the_reason(tmp_path: Path) -> None:
    for picture in (Image.new("RGB", (600, 400), "white"), Image.new("RGBA", (8, 8), "red")):
        with pytest.raises(NoText, match="holds no text"):
            load(tmp_path, encoded(picture, "PNG"))


def test_without_an_engine_the_hint_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.ocr.pages.installed", engines.Engines)
    with pytest.raises(NoText) as caught:
        load(tmp_path, encoded(drawn(ENGLISH), "PNG"))
    assert "tesseract-ocr-deu" in caught.value.hint


def test_an_engine_that_fails_is_not_taken_for_a_page_without_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_recognisers", lambda: iter(()))
    with pytest.raises(NoText, match="could not be recognised"):
        load(tmp_path, encoded(drawn(ENGLISH), "PNG"))


@pytest.mark.parametrize("size", [(20_000, 6_000), (60_000, 60_000)])
def test_a_bomb_is_refused_by_what_it_says_before_it_is_unpacked(tmp_path: Path, size: tuple[int, int]) -> None:
    assert size[0] * size[1] > MOST_PIXELS
    path = write(tmp_path, png_of(*size))
    with pytest.raises(TooLarge, match="100 million pixels"):
        assemble(ImageLoader().load(path, title=None))
    with pytest.raises(TooLarge, match="100 million pixels"):
        render_picture(path, 1, dpi=72)


def test_the_same_bytes_with_a_smaller_claim_are_only_damaged(tmp_path: Path) -> None:
    with pytest.raises((DamagedSource, NoText)):
        load(tmp_path, png_of(600, 400))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_a_torn_picture_is_an_error_for_people(tmp_path: Path, kind: str) -> None:
    data = encoded(drawn(ENGLISH), kind)
    for part in (12, len(data) // 4):
        with pytest.raises(SourceError) as caught:
            load(tmp_path, data[:part])
        assert caught.value.hint


def test_a_damaged_frame_does_not_take_the_others_along(tmp_path: Path) -> None:
    data = encoded(drawn(GERMAN), "TIFF", save_all=True, append_images=[drawn(ENGLISH)], dpi=(DPI, DPI))
    torn = data[: len(data) - 60_000]  # the pixels of the second frame come last
    document = load(tmp_path, torn)
    assert "Kündigungsfrist" in document.text
    assert "Page 2: damaged, could not be read" in document.notes


def test_there_are_no_more_pages_than_frames(tmp_path: Path) -> None:
    path = write(tmp_path, encoded(drawn(ENGLISH), "PNG"))
    with pytest.raises(InvalidInput, match="no page 2"):
        render_picture(path, 2, dpi=72)
    path.write_bytes(b"\x89PNG\r\n\x1a\n torn")
    with pytest.raises(DamagedSource):
        render_picture(path, 1, dpi=72)
