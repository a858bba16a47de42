"""Readings: what they are found by, how they are kept, and what is no reading."""

from __future__ import annotations

import json
import zlib

import pytest
from PIL import Image

from ingest.ocr import Recognised, RecognisedWord
from ingest.ocr.readings import MOST_BYTES, name_of, pack, unpack

WORD = RecognisedWord("Größe", (0.1, 2.0, 30.3, 4.0), 1 / 3)
FOUND = Recognised(((WORD, RecognisedWord("1.250,50", (31.0, 2.0, 60.0, 4.0), 1.0)), (WORD,)), "Tesseract (deu, eng)")
PICTURE = Image.linear_gradient("L")
RECIPE = "r1; tesseract 5; "
ROW = ["word", 1.0, 2.0, 3.0, 4.0, 0.5]


def packed(*values: object) -> bytes:
    return zlib.compress(json.dumps(values).encode())


def test_a_reading_comes_back_to_the_last_digit() -> None:
    assert unpack(pack(FOUND, 3)) == (FOUND, 3)
    nothing = Recognised((), "")
    assert unpack(pack(nothing, 0)) == (nothing, 0)


def test_the_name_is_that_of_the_picture_its_resolution_and_the_recipe() -> None:
    name = name_of(PICTURE, dpi=300, recipe=RECIPE)
    assert name == name_of(PICTURE.copy(), dpi=300, recipe=RECIPE)
    touched = PICTURE.copy()
    touched.putpixel((200, 100), 7)
    others = [
        name_of(touched, dpi=300, recipe=RECIPE),
        name_of(PICTURE.resize((512, 128)), dpi=300, recipe=RECIPE),
        name_of(Image.frombytes("L", (128, 512), PICTURE.tobytes()), dpi=300, recipe=RECIPE),
        name_of(PICTURE, dpi=301, recipe=RECIPE),
        name_of(PICTURE, dpi=300, recipe="r1; tesseract 6; "),
    ]
    assert len({name, *others}) == 6


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no zlib",
        zlib.compress(b"no json"),
        packed(),
        packed("engine", 0),
        packed("engine", 0, [[ROW]]) + b"more",
        packed("engine", 0, [[ROW]])[:-3],
        packed(5, 0, [[ROW]]),
        packed("e" * 201, 0, [[ROW]]),
        packed("engine", 4, [[ROW]]),
        packed("engine", True, [[ROW]]),
        packed("engine", 0, 7),
        packed("engine", 0, [[]]),
        packed("engine", 0, ["text"]),
        packed("engine", 0, [[ROW[:-1]]]),
        packed("engine", 0, [[["", *ROW[1:]]]]),
        packed("engine", 0, [[[7, *ROW[1:]]]]),
        packed("engine", 0, [[["word", "1", 2.0, 3.0, 4.0, 0.5]]]),
        packed("engine", 0, [[["word", 1.0, 2.0, 3.0, 10**400, 0.5]]]),
        packed("engine", 0, [[["word", float("nan"), 2.0, 3.0, 4.0, 0.5]]]),
        packed("engine", 0, [[[*ROW[:-1], 1.5]]]),
        packed("engine", 0, [[[*ROW[:-1], float("nan")]]]),
        zlib.compress(b"[" * 900_000),
        zlib.compress(b'["engine", 0, []]' + b" " * 2**21),
        bytes(MOST_BYTES + 1),
    ],
)
def test_what_is_no_reading_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        unpack(data)


@pytest.mark.parametrize(
    "found",
    [
        Recognised((tuple(RecognisedWord(str(n**9), (n, n**2, n**3 % 977, 4.0), 0.5) for n in range(9000)),), "engine"),
        Recognised(((RecognisedWord("word", (0, 0, 9, 9), 1.0001),),), "engine"),
    ],
    ids=["too large", "out of range"],
)
def test_what_could_not_be_read_back_is_not_kept(found: Recognised) -> None:
    assert pack(found, 0) == b""
