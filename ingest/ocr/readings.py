"""Readings: what was recognised in one picture, as bytes that are kept so that the picture is recognised once.

They come from a process that a hostile file may have taken over, so all of a reading is checked when it is unpacked.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any

from ingest.ocr import Recognised, RecognisedWord

if TYPE_CHECKING:
    from PIL import Image

MOST_BYTES = 2**16
"""Of one reading; 680 words on a dense page take 8,500. The page of a larger one is recognised every time."""
_MOST_UNPACKED = 2**20
_LONGEST_NAME = 200
_FARTHEST = 1e6
"""Pixels."""


def name_of(picture: Image.Image, *, dpi: int, recipe: str) -> str:
    """What a reading is found by: the picture that is handed to the engines, and which engines these are."""
    head = f"{recipe}\n{picture.mode} {picture.width} {picture.height} {dpi}\n"
    return hashlib.sha256(head.encode() + picture.tobytes()).hexdigest()


def pack(found: Recognised, turns: int) -> bytes:
    """A reading as bytes; none where it could not be kept, because it is too large or `unpack` would refuse it.

    Args:
        turns: quarters to the left that the picture was turned to be read.
    """
    lines = [[[word.text, *word.box, word.confidence] for word in line] for line in found.lines]
    data = zlib.compress(json.dumps([found.engine, turns, lines]).encode())
    try:
        unpack(data)
    except ValueError:
        return b""
    return data


def unpack(data: bytes) -> tuple[Recognised, int]:
    """The inverse of `pack`: what was recognised, and the turns.

    Raises:
        ValueError: `pack` does not write that.
    """
    if len(data) > MOST_BYTES:
        raise ValueError("reading too large")
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(data, _MOST_UNPACKED)
        if not stream.eof or stream.unused_data:
            raise ValueError("no whole reading")
        engine, turns, lines = json.loads(text)
        if (
            not isinstance(engine, str)
            or len(engine) > _LONGEST_NAME
            or type(turns) is not int
            or turns not in range(4)
        ):
            raise ValueError("no reading")
        return Recognised(tuple(map(_line, lines)), engine), turns
    except (zlib.error, TypeError, RecursionError) as error:
        raise ValueError("no reading") from error


def _line(words: Any) -> tuple[RecognisedWord, ...]:
    if not isinstance(words, list) or not words:
        raise ValueError("an empty line")
    return tuple(_word(*word) for word in words)


def _word(text: Any, left: Any, top: Any, right: Any, bottom: Any, confidence: Any) -> RecognisedWord:
    if not isinstance(text, str) or not text:
        raise ValueError("no word")
    if not all(abs(side) <= _FARTHEST for side in (left, top, right, bottom)) or not 0 <= confidence <= 1:
        raise ValueError("a word out of range")
    return RecognisedWord(text, (float(left), float(top), float(right), float(bottom)), float(confidence))
