"""Tesseract, where it is installed: one run of the program a picture, pixels on its input, words on its output."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.ocr import Recognised, RecognisedWord, RecognitionFailed

if TYPE_CHECKING:
    from PIL import Image

_SECONDS = 120.0
"""For one picture; the file's own limit comes first where the files are hostile."""
_WORD_LEVEL = "5"
_COLUMNS = 12
"""level page_num block_num par_num line_num word_num left top width height conf text (tesseract(1), TSV)."""


class Tesseract:
    """The engine; see `ingest.ocr.Recogniser`."""

    def __init__(self, program: Path, *, languages: Sequence[str]) -> None:
        self._program = program
        self._languages = languages

    @property
    def name(self) -> str:
        """With the languages it reads."""
        return f"Tesseract ({', '.join(self._languages)})"

    def recognise(self, picture: Image.Image, *, dpi: int) -> Recognised:
        """See `ingest.ocr.Recogniser`.

        Raises:
            RecognitionFailed: the program is missing, fails or takes too long.
        """
        pixels = BytesIO()
        picture.save(pixels, "PPM")  # plain pixels: none of its image parsers meets the file
        arguments = ["stdin", "stdout", "-l", "+".join(self._languages), "--dpi", str(dpi), "tsv"]
        try:
            output = run(self._program, arguments, pixels.getvalue(), seconds=_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            raise RecognitionFailed("Tesseract failed") from error
        return Recognised(_lines(output), self.name)


def run(program: Path, arguments: Sequence[str], data: bytes = b"", *, seconds: float) -> str:
    """What Tesseract prints.

    One thread: on a page it is as fast as four, and much faster where the cores are busy. The data of the installation
    are used, wherever the environment points.

    Raises:
        OSError, subprocess.SubprocessError: it cannot be run, fails or takes too long.
    """
    environment = {name: value for name, value in os.environ.items() if name != "TESSDATA_PREFIX"}
    environment["OMP_THREAD_LIMIT"] = "1"
    done = subprocess.run(
        [str(program), *arguments], input=data, capture_output=True, env=environment, timeout=seconds, check=True
    )
    return done.stdout.decode("utf-8", "replace")


def _lines(table: str) -> tuple[tuple[RecognisedWord, ...], ...]:
    rows = (row.split("\t", _COLUMNS - 1) for row in table.splitlines())
    words = [row for row in rows if len(row) == _COLUMNS and row[0] == _WORD_LEVEL and row[11].strip()]
    return tuple(tuple(map(_word, line)) for _, line in groupby(words, key=lambda row: row[1:5]))


def _word(row: Sequence[str]) -> RecognisedWord:
    left, top, width, height = map(float, row[6:10])
    confidence = min(max(float(row[10]) / 100, 0.0), 1.0)
    return RecognisedWord("".join(row[11].split()), (left, top, left + width, top + height), confidence)
