"""What every engine of text recognition promises."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ingest.loaders import assemble
from ingest.loaders.pdf import PdfLoader
from ingest.ocr import Recognised, Recogniser
from ingest.ocr.engines import LANGUAGES, installed
from ingest.ocr.placing import placed_lines
from ingest.ocr.rapid import Rapid
from ingest.ocr.tesseract import Tesseract
from tests.support.documents import pdf
from tests.support.scans import DPI, ENGLISH, GERMAN, drawn

TELLING = ("Kündigung", "Kündigungsfrist", "für", "Großen", "Straße", "beträgt", "gemäß", "§", "573c", "Öl", "gehören")
SCALE = 72 / DPI


@pytest.fixture(scope="module", params=["tesseract", "rapidocr"])
def engine(request: pytest.FixtureRequest) -> Recogniser:
    if request.param == "rapidocr":
        return Rapid()
    program = installed().tesseract
    if program is None:
        pytest.skip("Tesseract with German and English is not installed here")
    return Tesseract(program, languages=LANGUAGES)


@pytest.fixture(scope="module")
def german(engine: Recogniser) -> Recognised:
    return engine.recognise(drawn(GERMAN), dpi=DPI)


def test_german_is_read_with_its_umlauts(german: Recognised) -> None:
    words = {word.text for line in german.lines for word in line}
    assert set(TELLING) <= words


def test_english_is_read(engine: Recogniser) -> None:
    found = engine.recognise(drawn(ENGLISH), dpi=DPI)
    assert {"Notice", "lease", "garden", "1,250.50", "Apples"} <= {word.text for line in found.lines for word in line}


def test_every_word_is_one_word_with_a_box_inside_the_picture_and_a_confidence(german: Recognised) -> None:
    width, height = drawn(GERMAN).size
    for line in german.lines:
        assert line
        for word in line:
            left, top, right, bottom = word.box
            assert word.text.split() == [word.text]
            assert 0 <= left < right <= width + 1
            assert 0 <= top < bottom <= height + 1
            assert 0 <= word.confidence <= 1
    assert german.confidence > 0.8
    assert german.engine


def test_boxes_stand_where_the_words_stand(german: Recognised, tmp_path: Path) -> None:
    path = tmp_path / "same.pdf"
    path.write_bytes(pdf([list(GERMAN)]))
    document = assemble(PdfLoader().load(path, title=None))
    true = {document.text[word.start : word.end]: word for word in document.pages[0].words}
    placed = {word[0]: word for line in placed_lines(german, scale=SCALE, height=842) for word in line.words}
    compared = [name for name in TELLING if name in placed and len(name) > 2]
    assert len(compared) > 8
    for name in compared:
        middle = (placed[name][1] + placed[name][3]) / 2 + 30  # the file's margin is 30 points wider
        assert abs(middle - (true[name].x0 + true[name].x1) / 2) < 4, name


def test_a_picture_without_text_has_no_lines(engine: Recogniser) -> None:
    found = engine.recognise(Image.linear_gradient("L").resize((600, 400)), dpi=DPI)
    assert (found.lines, found.confidence) == ((), 0.0)
