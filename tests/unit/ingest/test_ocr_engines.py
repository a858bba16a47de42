"""Which engine is chosen, and what happens when it fails."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from ingest.ocr import Recognised, RecognisedWord, RecognitionFailed, engines
from ingest.ocr.engines import LANGUAGES, Engines, recipe, recognise, summary
from ingest.ocr.tesseract import Tesseract

PICTURE = Image.new("L", (100, 50), 255)


class Scripted:
    """Reads one word, or fails."""

    def __init__(self, name: str, *, works: bool) -> None:
        self.name = name
        self.works = works
        self.asked = 0

    def recognise(self, picture: Image.Image, *, dpi: int) -> Recognised:
        self.asked += 1
        if not self.works:
            raise RecognitionFailed(self.name)
        return Recognised(((RecognisedWord("word", (0, 0, 9, 9), 0.9),),), self.name)


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for cached in (engines.installed, engines.recipe):
        cached.cache_clear()
    yield monkeypatch
    for cached in (engines.installed, engines.recipe):
        cached.cache_clear()


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


@pytest.mark.parametrize("changed", ["version", "data", "rapidocr", "tesseract"])
def test_another_engine_version_or_language_data_is_another_recipe(
    fresh: pytest.MonkeyPatch, tmp_path: Path, changed: str
) -> None:
    told = {
        "--list-langs": f'List of available languages in "{tmp_path}/" (2):\ndeu\neng',
        "--version": "tesseract 5.3",
    }
    for language in LANGUAGES:
        (tmp_path / f"{language}.traineddata").write_bytes(b"fast")
    fresh.setattr(engines.shutil, "which", lambda name: "/usr/bin/tesseract")
    fresh.setattr(engines, "run", lambda program, arguments, data=b"", *, seconds: told[arguments[0]])
    fresh.setattr(engines, "version", lambda name: "3.2")
    before = recipe()
    for cached in (engines.installed, engines.recipe):
        cached.cache_clear()
    assert recipe() == before
    match changed:
        case "version":
            told["--version"] = "tesseract 5.4"
        case "data":
            (tmp_path / "deu.traineddata").write_bytes(b"best data")
        case "rapidocr":
            fresh.setattr(engines, "version", lambda name: "3.3")
        case _:
            told["--list-langs"] = "List of available languages (1):\neng"
    for cached in (engines.installed, engines.recipe):
        cached.cache_clear()
    assert recipe() != before


@pytest.mark.parametrize(("works", "chosen"), [((True, True), "first"), ((False, True), "second")])
def test_the_next_engine_is_asked_where_one_fails(
    monkeypatch: pytest.MonkeyPatch, works: tuple[bool, bool], chosen: str
) -> None:
    both = Scripted("first", works=works[0]), Scripted("second", works=works[1])
    monkeypatch.setattr(engines, "_recognisers", lambda: iter(both))
    assert recognise(PICTURE, dpi=150).engine == chosen
    assert both[1].asked == (chosen == "second")


@pytest.mark.parametrize("program", ["/nowhere/tesseract", "/bin/false"])
def test_a_tesseract_that_does_not_run_is_a_failure_to_recognise(program: str) -> None:
    with pytest.raises(RecognitionFailed):
        Tesseract(Path(program), languages=["deu"]).recognise(PICTURE, dpi=150)
