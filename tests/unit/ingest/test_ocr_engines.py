"""Which engine is chosen, and what happens when one fails."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from ingest.ocr import Recognised, RecognisedWord, RecognitionFailed, engines
from ingest.ocr.engines import Engines, recognise, summary
from ingest.ocr.tesseract import Tesseract

PICTURE = Image.new("L", (100, 50), 255)


class Scripted:
    """Reads one word, or fails."""

    def __init__(self, name: str, confidence: float | None) -> None:
        self.name = name
        self.confidence = confidence
        self.asked = 0

    def recognise(self, picture: Image.Image, *, dpi: int) -> Recognised:
        self.asked += 1
        if self.confidence is None:
            raise RecognitionFailed(self.name)
        return Recognised(((RecognisedWord("word", (0, 0, 9, 9), self.confidence),),), self.name)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    engines.installed.cache_clear()
    yield monkeypatch
    engines.installed.cache_clear()


def found_with(fresh: pytest.MonkeyPatch, *, listed: str | Exception | None, rapidocr: bool) -> Engines:
    def run(program: Path, arguments: list[str], data: bytes = b"", *, seconds: float) -> str:
        if isinstance(listed, Exception):
            raise listed
        return str(listed)

    fresh.setattr(engines.shutil, "which", lambda name: "/usr/bin/tesseract" if listed is not None else None)
    fresh.setattr(engines, "run", run)
    fresh.setattr(engines, "find_spec", lambda name: object() if rapidocr else None)
    return engines.installed()


def test_tesseract_counts_only_with_german_and_english(fresh: pytest.MonkeyPatch) -> None:
    assert found_with(fresh, listed="List of languages\ndeu\neng\nosd", rapidocr=True).tesseract
    assert "Tesseract" in summary()


@pytest.mark.parametrize("listed", [None, "List of languages\neng\nosd", OSError(), subprocess.TimeoutExpired("t", 1)])
def test_else_rapidocr_reads(fresh: pytest.MonkeyPatch, listed: str | Exception | None) -> None:
    assert found_with(fresh, listed=listed, rapidocr=True) == Engines(tesseract=None, rapidocr=True)
    assert "RapidOCR" in summary()
    assert "tesseract-ocr-deu" in summary()


def test_without_either_nothing_is_promised(fresh: pytest.MonkeyPatch) -> None:
    assert not found_with(fresh, listed=None, rapidocr=False)
    assert "cannot be read" in summary()
    with pytest.raises(RecognitionFailed):
        recognise(PICTURE, dpi=150)


@pytest.mark.parametrize(
    ("first", "second", "chosen"),
    [(0.9, 0.99, "first"), (0.3, 0.8, "second"), (0.5, 0.2, "first"), (None, 0.7, "second"), (0.4, None, "first")],
)
def test_the_next_engine_is_asked_where_one_fails_or_doubts(
    monkeypatch: pytest.MonkeyPatch, first: float | None, second: float | None, chosen: str
) -> None:
    both = Scripted("first", first), Scripted("second", second)
    monkeypatch.setattr(engines, "_recognisers", lambda: iter(both))
    assert recognise(PICTURE, dpi=150).engine == chosen
    assert both[1].asked == (first is None or first < 0.6)


@pytest.mark.parametrize("program", ["/nowhere/tesseract", "/bin/false"])
def test_a_tesseract_that_does_not_run_is_a_failure_to_recognise(program: str) -> None:
    with pytest.raises(RecognitionFailed):
        Tesseract(Path(program), languages=["deu"]).recognise(PICTURE, dpi=150)
