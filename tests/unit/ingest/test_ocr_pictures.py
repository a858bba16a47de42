"""Pictures of every mode, light and size become ones that can be read."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageChops

from ingest.ocr.pictures import grey, is_empty, readable
from tests.support.scans import ENGLISH, drawn

PAGE = drawn(ENGLISH)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_any_mode_becomes_grey_with_black_letters_on_white(mode: str) -> None:
    picture = Image.fromarray(np.asarray(PAGE, dtype=np.uint16) * 200) if mode == "I;16" else PAGE.convert(mode)
    found = grey(picture)
    assert found.mode == "L"
    assert np.mean(np.abs(np.asarray(found, dtype=float) - np.asarray(PAGE, dtype=float))) < 6


def test_what_is_transparent_is_paper() -> None:
    ink = Image.new("RGBA", PAGE.size, (0, 0, 0, 0))
    ink.putalpha(ImageChops.invert(PAGE))
    assert np.mean(np.abs(np.asarray(grey(ink), dtype=float) - np.asarray(PAGE, dtype=float))) < 2


def test_a_page_of_one_tone_is_empty() -> None:
    noise = np.random.default_rng(1).normal(245, 4, (300, 200)).clip(0, 255).astype(np.uint8)
    assert is_empty(Image.fromarray(noise))
    assert is_empty(Image.new("L", (300, 200), 0))
    assert not is_empty(PAGE)


def test_small_letters_are_enlarged_and_large_pictures_reduced() -> None:
    assert readable(PAGE, dpi=72).width == 2 * PAGE.width
    assert readable(PAGE, dpi=None).width == 2 * PAGE.width
    assert readable(PAGE, dpi=200).size == PAGE.size
    large = readable(Image.new("L", (8000, 6000), 255), dpi=600)
    assert large.width * large.height <= 12_100_000


def test_a_shadow_over_the_page_is_evened_and_clean_pages_stay_as_they_are() -> None:
    assert readable(PAGE, dpi=200) is PAGE
    shade = np.linspace(0.4, 1.0, PAGE.width)[None, :]
    shadowed = Image.fromarray((np.asarray(PAGE) * shade).astype(np.uint8))
    evened = np.asarray(readable(shadowed, dpi=200), dtype=float)
    blank = np.asarray(PAGE) == 255
    assert evened[blank].min() > 200 > 130 > np.asarray(shadowed)[blank].min()
    assert evened[np.asarray(PAGE) < 40].max() < 140


def test_white_letters_on_black_stay_so() -> None:
    night = ImageChops.invert(PAGE)
    assert readable(night, dpi=200) is night
