"""Pages that were scanned sideways or upside down: read upright, with boxes on the page as shown."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from ingest.layout import Line, PlacedWord
from ingest.ocr import LOW_CONFIDENCE, Recognised
from ingest.ocr.engines import recognise

_TELLING = 4
"""Letters from which on a word is wider than high when it stands upright."""
_FEWEST = 3
"""Such words; a page with fewer is not turned."""


def read_upright(picture: Image.Image, *, dpi: int) -> tuple[Recognised, int]:
    """The best reading and the quarter turns to the left that it took; most pages are read once and need none.

    Raises:
        RecognitionFailed: no engine can be run on this picture.
    """
    best, turns = recognise(picture, dpi=dpi), 0
    sideways = _sideways(best)
    if not sideways and (not best.lines or best.confidence >= LOW_CONFIDENCE):
        return best, turns
    for other in (1, 3) if sideways else (2,):
        reading = recognise(picture.rotate(90 * other, expand=True), dpi=dpi)
        if _sideways(reading):
            continue
        if (sideways and turns == 0 and reading.lines) or reading.confidence > best.confidence:
            best, turns = reading, other
    return best, turns


def _sideways(reading: Recognised) -> bool:
    boxes = [word.box for line in reading.lines for word in line if len(word.text) >= _TELLING]
    high = sum(bottom - top > right - left for left, top, right, bottom in boxes)
    return len(boxes) >= _FEWEST and high * 2 > len(boxes)


def turned_back(lines: Sequence[Line], turns: int, *, points: tuple[float, float]) -> None:
    """Move the words of upright lines to where they stand on the page as shown, whose size is `points`.

    The lines keep their places, heights and steps of the upright page, by which paragraphs are told apart.
    """
    for line in lines:
        line.words = [_back(word, turns, *points) for word in line.words]


def _back(word: PlacedWord, turns: int, width: float, height: float) -> PlacedWord:
    text, x0, y0, x1, y1 = word
    match turns:
        case 1:
            return text, y0, height - x1, y1, height - x0
        case 2:
            return text, width - x1, height - y1, width - x0, height - y0
        case 3:
            return text, width - y1, x0, width - y0, x1
        case _:
            return word
