"""Text recognition (OCR): a picture in, placed words out; `engines` chooses who does it.

Both engines run on this machine, offline, in the process that reads a hostile file and under its limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from PIL import Image

MOST_PAGES = 2000
"""Pages of one document that are recognised: hours of work. Those after them count as pages without text."""
LOW_CONFIDENCE = 0.6
"""A page below it is named to the person: it may be read wrongly."""

PixelBox = tuple[float, float, float, float]
"""left, top, right, bottom in pixels, origin top left."""


class RecognitionFailed(Exception):
    """The engine broke or took too long on a picture; another one may read it."""


@dataclass(frozen=True, slots=True)
class RecognisedWord:
    """One word in a picture; confidence from 0 to 1."""

    text: str
    box: PixelBox
    confidence: float


@dataclass(frozen=True, slots=True)
class Recognised:
    """What an engine reads in one picture: lines of words, in no promised order of lines. No line is empty."""

    lines: tuple[tuple[RecognisedWord, ...], ...]
    engine: str

    @property
    def confidence(self) -> float:
        """Mean over characters, from 0 to 1; 0 where there is no text."""
        words = [word for line in self.lines for word in line]
        characters = sum(len(word.text) for word in words)
        return sum(word.confidence * len(word.text) for word in words) / characters if characters else 0.0


class Recogniser(Protocol):
    """Reads the text in a picture."""

    @property
    def name(self) -> str:
        """As a person reads it: "Tesseract (deu, eng)"."""

    def recognise(self, picture: Image.Image, *, dpi: int) -> Recognised:
        """The words in an upright picture of mode L.

        Args:
            dpi: pixels per inch of the paper, as far as it is known.

        Raises:
            RecognitionFailed: the engine cannot be run, or not on this picture.
        """
