"""A PDF page as PNG with highlights, by PDFium and Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL import Image

from ingest.loaders.page_image import check, png, scale_for
from ingest.loaders.pdf_open import open_pdf
from ingest.wordboxes import Box
from rag.errors import DamagedSource


def render_page(path: Path, page: int, *, dpi: int, boxes: Sequence[Box] = (), password: str | None = None) -> bytes:
    """PNG of page number `page` (from 1); `boxes` (points of the page as shown) are laid over it as with a marker pen.

    Raises:
        InvalidInput: no such page, or a resolution out of range.
        PasswordNeeded, DamagedSource: it cannot be opened, or not drawn.
    """
    with open_pdf(path, password) as document:
        check(page, len(document), dpi=dpi)
        if document.get_formtype() == raw.FORMTYPE_ACRO_FORM:
            document.init_forms()  # fields are drawn with what is filled in
        try:
            image, scale = _draw(document[page - 1], dpi)
        except pdfium.PdfiumError as error:
            raise DamagedSource(
                f"Page {page} is damaged and cannot be drawn.", hint="Open the original instead."
            ) from error
    return png(image, boxes, scale)


def _draw(page: pdfium.PdfPage, dpi: int) -> tuple[Image.Image, float]:
    scale = scale_for(*page.get_size(), dpi=dpi)
    image: Image.Image = page.render(scale=scale, limit_image_cache=True).to_pil().convert("RGB")
    page.close()
    return image, scale
