"""Pictures made ready for recognition: any mode to grey, even light, a size that letters can be read in."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

_MOST_PIXELS = 12_000_000
"""A4 at 350 dpi; engines gain nothing past it."""
_SMALL_PIXELS = 2_500_000
"""Below it a picture of unknown resolution is taken for a screen shot, whose letters are small."""
_FINE_DPI = 150
"""At less, letters are small: on 7-point print at 100 dpi, doubling took Tesseract from 1.8 to 0.7 % wrong letters."""
_LEAST_CONTRAST = 32
"""Grey levels between the lightest and the darkest point; less is an empty page."""
_SHADE = 16
"""Pixels a side over which the light hardly changes."""
_UNEVEN = 40
"""Grey levels between the light and the dark corner of the paper from which on the light is evened."""
_PAPER = 90
"""Darker than that the ground is no paper: white letters on black, a photograph."""


def grey(picture: Image.Image) -> Image.Image:
    """Any mode as "L"; what is transparent is white."""
    return on_paper(picture).convert("L")


def on_paper(picture: Image.Image) -> Image.Image:
    """Any mode as "1", "L" or "RGB"; what is transparent is white."""
    if picture.mode.startswith(("I", "F")):  # 16 and 32 bits: the range that is used becomes 0 to 255
        values = np.nan_to_num(np.asarray(picture, dtype=np.float32))
        low, high = float(values.min()), float(values.max())
        return Image.fromarray(((values - low) * (255 / max(high - low, 1e-9))).astype(np.uint8))
    if "A" in picture.mode or "a" in picture.mode or "transparency" in picture.info:
        paper = Image.new("RGBA", picture.size, "white")
        paper.alpha_composite(picture.convert("RGBA"))
        return paper.convert("RGB")
    return picture if picture.mode in ("1", "L", "RGB") else picture.convert("RGB")


def is_empty(picture: Image.Image) -> bool:
    """Whether a grey picture shows one tone only: the back of a scanned sheet."""
    return int(np.ptp(np.asarray(picture.filter(ImageFilter.BoxBlur(1))))) < _LEAST_CONTRAST


def readable(picture: Image.Image, *, dpi: int | None) -> Image.Image:
    """A grey picture in the size and light in which engines read best; the caller scales boxes by the sizes.

    Args:
        dpi: None where it is unknown.
    """
    pixels = picture.width * picture.height
    factor = 1.0
    if pixels > _MOST_PIXELS:
        factor = (_MOST_PIXELS / pixels) ** 0.5
    elif pixels < _SMALL_PIXELS and (dpi is None or dpi < _FINE_DPI):
        factor = 2.0
    if factor != 1.0:
        size = max(round(picture.width * factor), 1), max(round(picture.height * factor), 1)
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    return _evened(picture)


def _evened(picture: Image.Image) -> Image.Image:
    """Divided by its own light where a shadow lies over it, as in a photographed page.

    Tesseract's one threshold for the whole page lost 58 % of the letters under such a shadow, and 0.4 % after this.
    """
    if min(picture.size) < 4 * _SHADE:
        return picture
    small = picture.reduce(_SHADE).filter(ImageFilter.MaxFilter(7)).filter(ImageFilter.GaussianBlur(4))
    dark, light = np.percentile(np.asarray(small), (5, 95))
    if light - dark < _UNEVEN or light < _PAPER:
        return picture
    ground = np.asarray(small.resize(picture.size, Image.Resampling.BILINEAR), dtype=np.float32)
    values = np.asarray(picture, dtype=np.float32) * (255 / np.maximum(ground, 32))
    return Image.fromarray(np.minimum(values, 255).astype(np.uint8))
