"""Which engines read scans on this machine, best first.

Tesseract where it is installed with German and English: on 10-point print at 150 to 300 dpi, clean and degraded, it got
0.22 to 0.48 % of the characters wrong at 1 to 2.6 seconds a page on one core. Else RapidOCR (PP-OCRv6, whose models lie
in its wheel): 0.18 to 0.55 % at 4 to 7 seconds on two cores; it writes all umlauts, but does not know „ and ‚.
Tesseract without German cannot write umlauts and is left alone.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.ocr import Recognised, Recogniser, RecognitionFailed
from ingest.ocr.tesseract import Tesseract, run

if TYPE_CHECKING:
    from PIL import Image

_REVISION = 1
"""Of what is done around the engines: their settings, turning pages upright. Another one reads otherwise."""
LANGUAGES = ("deu", "eng")
"""What documents are written in, as Tesseract names it."""
INSTALL_HINT = "Install tesseract-ocr with its German data (tesseract-ocr-deu), or the Python package rapidocr."
AGAIN_HINT = "Close other programs and add it again, or run text recognition (OCR) elsewhere and add the result."
_LIST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Engines:
    """What is at hand; falsy where nothing is."""

    tesseract: Path | None = None
    """The program; None where it is missing or lacks one of LANGUAGES."""
    tesseract_make: str = ""
    """Its version, and which language data it has."""
    rapidocr: bool = False

    def __bool__(self) -> bool:
        return self.tesseract is not None or self.rapidocr


@cache
def installed() -> Engines:
    """What this machine has. Runs Tesseract the first time: ask before the process is confined."""
    program, make = _tesseract()
    return Engines(tesseract=program, tesseract_make=make, rapidocr=find_spec("rapidocr") is not None)


@cache
def recipe() -> str:
    """Names and versions of all that may take part in reading a picture: by another recipe it may read otherwise.
    Ask before the process is confined."""
    engines = installed()
    rapid = f"rapidocr {version('rapidocr')}" if engines.rapidocr else ""
    return f"r{_REVISION}; {engines.tesseract_make}; {rapid}"


def summary() -> str:
    """For people: what scans are read with, and what would be better."""
    engines = installed()
    if engines.tesseract:
        return "Scans and pictures are read with Tesseract (German and English)."
    if engines.rapidocr:
        return (
            "Scans and pictures are read with RapidOCR; tesseract-ocr with its German data (tesseract-ocr-deu) is "
            "faster and knows German quotation marks."
        )
    return f"Scans and pictures cannot be read. {INSTALL_HINT}"


def prepare() -> None:
    """Import what the first choice needs, so that forks find it there."""
    engines = installed()
    if engines.rapidocr and not engines.tesseract:
        import_module("ingest.ocr.rapid")


def recognise(picture: Image.Image, *, dpi: int) -> Recognised:
    """The words in a picture of mode L, by the best engine that can be run on it.

    Two readings are not weighed against each other: RapidOCR trusts letters upside down more than Tesseract does
    upright ones.

    Raises:
        RecognitionFailed: no engine is at hand, or none can be run on this picture.
    """
    for engine in _recognisers():
        with suppress(RecognitionFailed):
            return engine.recognise(picture, dpi=dpi)
    raise RecognitionFailed("no engine could be run")


def _recognisers() -> Iterator[Recogniser]:
    engines = installed()
    if engines.tesseract:
        yield Tesseract(engines.tesseract, languages=LANGUAGES)
    if engines.rapidocr:
        yield _rapid()


@cache
def _rapid() -> Recogniser:
    from ingest.ocr.rapid import Rapid  # seconds, for the first picture that needs it

    return Rapid()


def _tesseract() -> tuple[Path | None, str]:
    program = shutil.which("tesseract")
    if program is None:
        return None, ""
    try:
        listed = run(Path(program), ["--list-langs"], seconds=_LIST_SECONDS)
        if not set(LANGUAGES) <= set(listed.split()):
            return None, ""
        told = run(Path(program), ["--version"], seconds=_LIST_SECONDS).partition("\n")[0]
    except (OSError, subprocess.SubprocessError):  # there, but it does not run
        return None, ""
    return Path(program), " ".join((told.strip(), *_language_data(listed)))


def _language_data(listed: str) -> Iterator[str]:
    """Languages with size and age of their data, which are installed apart from the program, fast or best ones."""
    folder = re.search('"(.+)"', listed)  # Tesseract 5 names it; before, a language's name must do
    for language in LANGUAGES:
        try:
            data = (Path(folder[1]) / f"{language}.traineddata").stat() if folder else None
        except OSError:
            data = None
        yield f"{language} {data.st_size} {data.st_mtime_ns}" if data else language
