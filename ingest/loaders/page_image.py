"""What page images of every format share: resolutions, size, the marker pen, PNG."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from math import sqrt

from PIL import Image, ImageChops, ImageDraw

from ingest.wordboxes import Box
from rag.errors import InvalidInput

POINTS_PER_INCH = 72
MAX_PIXELS = 16_000_000
"""An A4 page at 400 dpi has 15 million; larger images are drawn at a lower resolution (64 MB in memory)."""
DPI = range(24, 601)
"""What callers may ask for."""
_YELLOW = (255, 235, 105)
_MARGIN = 1.0
"""Points around a highlighted box."""


def check(page: int, pages: int, *, dpi: int) -> None:
    """Raise InvalidInput for a page (from 1) that does not exist, or a resolution out of range."""
    if dpi not in DPI:
        raise InvalidInput(
            f"A resolution of {dpi} dpi is not possible.", hint=f"Use {DPI.start} to {DPI.stop - 1} dpi."
        )
    if not 1 <= page <= pages:
        raise InvalidInput(f"There is no page {page}.", hint=f"The document has {pages} pages.")


def scale_for(width: float, height: float, *, dpi: int) -> float:
    """Pixels per point for a page of so many points: what `dpi` says, or less where that has too many pixels."""
    return min(dpi / POINTS_PER_INCH, sqrt(MAX_PIXELS / max(width * height, 1.0)))


def png(image: Image.Image, boxes: Sequence[Box], scale: float) -> bytes:
    """PNG of an RGB image with `boxes` (points of the page as shown) laid over it as with a marker pen."""
    if boxes:
        image = _mark(image, boxes, scale)
    output = BytesIO()
    image.save(output, "PNG")
    return output.getvalue()


def _mark(image: Image.Image, boxes: Sequence[Box], scale: float) -> Image.Image:
    """Multiply with yellow: white paper becomes yellow, black text stays black; overlaps are not darker."""
    marker = Image.new("RGB", image.size, "white")
    pen = ImageDraw.Draw(marker)
    for x0, y0, x1, y1 in boxes:
        left, right = sorted(((x0 - _MARGIN) * scale, (x1 + _MARGIN) * scale))
        top, bottom = sorted((image.height - (y1 + _MARGIN) * scale, image.height - (y0 - _MARGIN) * scale))
        pen.rectangle((left, top, right, bottom), fill=_YELLOW)
    return ImageChops.multiply(image, marker)
