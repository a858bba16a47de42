"""A picture's frame as PNG with highlights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from ingest.loaders.image import BROKEN, frame, frames, open_picture, size_in_points
from ingest.loaders.page_image import check, png, scale_for
from ingest.ocr.pictures import on_paper
from ingest.wordboxes import Box
from rag.errors import DamagedSource


def render_picture(path: Path, page: int, *, dpi: int, boxes: Sequence[Box] = (), password: str | None = None) -> bytes:
    """PNG of frame number `page` (from 1); `boxes` (points of the page as shown) are marked as on a PDF's page.

    No picture has a password; callers pass what they have.

    Raises:
        InvalidInput: no such page, or a resolution out of range.
        DamagedSource, TooLarge: it cannot be opened, or not drawn.
    """
    with open_picture(path) as picture:
        check(page, frames(picture), dpi=dpi)
        try:
            upright, resolution = frame(picture, page - 1)
            width, height = size_in_points(upright, resolution)
            scale = scale_for(width, height, dpi=dpi)
            size = max(round(width * scale), 1), max(round(height * scale), 1)
            drawn = on_paper(upright).convert("RGB").resize(size, Image.Resampling.LANCZOS)
        except BROKEN as error:
            raise DamagedSource("The picture is damaged and cannot be drawn.", hint="Open the original.") from error
    return png(drawn, boxes, scale)
