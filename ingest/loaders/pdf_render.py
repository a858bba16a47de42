"""A PDF page as PNG with highlights, by PDFium and Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL import Image, ImageChops, ImageDraw

from ingest.loaders.pdf import open_pdf
from ingest.wordboxes import Box
from rag.errors import DamagedSource, InvalidInput

POINTS_PER_INCH = 72
MAX_PIXELS = 16_000_000
"""An A4 page at 400 dpi has 15 million; larger images are drawn at a lower resolution (64 MB in memory)."""
DPI = range(24, 601)
"""What callers may ask for."""
_YELLOW = (255, 235, 105)
_MARGIN = 1.0
"""Points around a highlighted box."""


def render_page(path: Path, page: int, *, dpi: int, boxes: Sequence[Box] = (), password: str | None = None) -> bytes:
    """PNG of page number `page` (from 1); `boxes` (points of the page as shown) are laid over it as with a marker pen.

    Raises:
        InvalidInput: no such page, or a resolution out of range.
        PasswordNeeded, DamagedSource: it cannot be opened, or not drawn.
    """
    if dpi not in DPI:
        raise InvalidInput(
            f"A resolution of {dpi} dpi is not possible.", hint=f"Use {DPI.start} to {DPI.stop - 1} dpi."
        )
    with open_pdf(path, password) as document:
        if not 1 <= page <= len(document):
            raise InvalidInput(f"There is no page {page}.", hint=f"The document has {len(document)} pages.")
        if document.get_formtype() == raw.FORMTYPE_ACRO_FORM:
            document.init_forms()  # fields are drawn with what is filled in
        try:
            image, scale = _draw(document[page - 1], dpi)
        except pdfium.PdfiumError as error:
            raise DamagedSource(
                f"Page {page} is damaged and cannot be drawn.", hint="Open the original instead."
            ) from error
    if boxes:
        image = _mark(image, boxes, scale)
    output = BytesIO()
    image.save(output, "PNG")
    return output.getvalue()


def _draw(page: pdfium.PdfPage, dpi: int) -> tuple[Image.Image, float]:
    width, height = page.get_size()
    area = max(width * height, 1.0)
    scale = min(dpi / POINTS_PER_INCH, (MAX_PIXELS / area) ** 0.5)
    image: Image.Image = page.render(scale=scale, limit_image_cache=True).to_pil().convert("RGB")
    page.close()
    return image, scale


def _mark(image: Image.Image, boxes: Sequence[Box], scale: float) -> Image.Image:
    """Multiply with yellow: white paper becomes yellow, black text stays black; overlaps are not darker."""
    marker = Image.new("RGB", image.size, "white")
    pen = ImageDraw.Draw(marker)
    for x0, y0, x1, y1 in boxes:
        left, right = sorted(((x0 - _MARGIN) * scale, (x1 + _MARGIN) * scale))
        top, bottom = sorted((image.height - (y1 + _MARGIN) * scale, image.height - (y0 - _MARGIN) * scale))
        pen.rectangle((left, top, right, bottom), fill=_YELLOW)
    return ImageChops.multiply(image, marker)
