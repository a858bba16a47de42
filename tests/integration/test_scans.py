"""Scans and pictures through the whole application, and through the confined process that recognises them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from ingest import media
from ingest.ocr.engines import installed
from ingest.parser.client import ParserClient
from ingest.parser.limits import ParserLimits
from ingest.parser.watch import Watch
from rag.errors import TooLarge
from rag.types import Document
from tests.support.documents import pdf
from tests.support.scans import DPI, ENGLISH, GERMAN, drawn, encoded, scanned_pdf, watched
from tests.support.services import ingested, opened
from workspaces.bootstrap import Services

WRITTEN = "The first page has text of its own and speaks of copper harbours, valves and turbines, and of nothing else."


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with opened(Path(tmp_path_factory.mktemp("data")) / "data") as found:
        yield found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file"


def parse(client: ParserClient, path: Path, media_type: str) -> Document:
    return client.parse(path, media_type, title=None, cancelled=lambda: False, progress=lambda done, total: None)


@pytest.fixture
def watches(monkeypatch: pytest.MonkeyPatch) -> list[Watch]:
    """What counted the pages of each request."""
    return watched(monkeypatch)


def marked_rows(png: bytes) -> tuple[float, float]:
    """First and last row with yellow in it, as parts of the height."""
    image = np.asarray(Image.open(BytesIO(png)).convert("RGB"), dtype=int)
    rows = np.flatnonzero(((image[:, :, 0] > 200) & (image[:, :, 2] < 180)).any(axis=1))
    return rows[0] / image.shape[0], rows[-1] / image.shape[0]


@pytest.mark.parametrize(
    ("name", "data", "page"),
    [
        ("lease.pdf", scanned_pdf([WRITTEN, drawn(GERMAN)]), 2),
        ("lease.png", encoded(drawn(GERMAN), "PNG", dpi=(DPI, DPI)), 1),
    ],
)
def test_a_scan_is_found_by_its_words_and_its_quote_is_marked(
    services: Services, name: str, data: bytes, page: int
) -> None:
    workspace = services.library.create_workspace(name).id
    record = ingested(services, workspace, data, name)
    passage = services.library.search(workspace, "Wie lang ist die Kündigungsfrist für den Garten?").passages[0]
    assert (passage.document_id, passage.page) == (record.id, page)
    text = services.viewer.text(record.version_id)
    start = text.index("Kündigungsfrist für den Garten")
    span = type(passage.span)(start, start + len("Kündigungsfrist für den Garten"))
    view = services.viewer.passage(record.version_id, span)
    assert (view.quote, view.page) == ("Kündigungsfrist für den Garten", page)
    assert view.page_image is not None
    first, last = marked_rows(view.page_image)
    assert 0.18 < first < last < 0.32, "the second of four lines, and only that"
    assert any("recognised from images" in note for note in record.notes)


def test_only_scanned_pages_move_the_clock_on(path: Path, watches: list[Watch]) -> None:
    path.write_bytes(scanned_pdf([WRITTEN, drawn(ENGLISH), WRITTEN]))
    client = ParserClient()
    try:
        document = parse(client, path, media.PDF)
        assert [number for number, _ in document.report.ocr_pages] == [2]
        assert watches[-1].recognised == 1
        path.write_bytes(pdf([[WRITTEN]]))
        parse(client, path, media.PDF)
        assert watches[-1].recognised == 0
    finally:
        client.close()


def test_a_page_that_is_recognised_may_take_longer_and_only_so_much() -> None:
    limits = ParserLimits(seconds=0, seconds_per_page=0, seconds_per_recognition=60)
    watch = Watch(limits)
    with pytest.raises(TooLarge):
        watch.check()
    watch.recognised = 1
    watch.check()
    assert limits.seconds_after(0, 10**9) == limits.seconds_after(0, 2000) == 120_000


def test_recognition_past_the_time_limit_is_stopped_and_the_next_file_is_read(path: Path, tmp_path: Path) -> None:
    path.write_bytes(scanned_pdf([drawn([*GERMAN, str(number)]) for number in range(40)]))
    client = ParserClient(
        ParserLimits(seconds=0.5, seconds_per_page=0, seconds_per_recognition=0.01, seconds_per_drawing=0)
    )
    good = tmp_path / "good.txt"
    good.write_text("all is well")
    try:
        with pytest.raises(TooLarge, match="longer than"):
            parse(client, path, media.PDF)
        assert parse(client, good, media.TEXT).text == "all is well"
    finally:
        client.close()


@pytest.mark.skipif(installed().tesseract is None, reason="Tesseract with German and English is not installed here")
def test_the_confined_process_starts_tesseract_and_stays_small(path: Path) -> None:
    path.write_bytes(encoded(drawn(GERMAN), "TIFF", dpi=(DPI, DPI)))
    client = ParserClient()
    try:
        assert parse(client, path, media.TIFF).report.ocr_engine.startswith("Tesseract")
        assert psutil.Process(client.pid).memory_full_info().uss < 60 * 2**20
    finally:
        client.close()


def test_without_tesseract_a_dense_page_is_recognised_within_the_limits(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = os.environ["PATH"].split(os.pathsep)
    without = [folder for folder in folders if shutil.which("tesseract", path=folder) is None]
    monkeypatch.setenv("PATH", os.pathsep.join(without))
    dense = [" ".join(GERMAN[1:3])[:95]] * 40
    path.write_bytes(scanned_pdf([drawn(dense, size=(595, 842), dpi=DPI)]))
    client = ParserClient()
    try:
        document = parse(client, path, media.PDF)
        assert document.report.ocr_engine == "RapidOCR"
        assert document.text.count("Kündigungsfrist") == 40
    finally:
        client.close()
