"""Pages of a PDF whose text is a picture: which ones they are, and their picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL import Image

from ingest.layout import Line
from ingest.ocr.pictures import grey

DPI = 300
_MOST_PIXELS = 12_000_000
"""Larger pages are drawn at a lower resolution."""
_FEW_CHARACTERS = 100
"""Of a text layer: a page number, a stamp, a header over a scan."""
_MOSTLY = 0.5
"""The part of such a page that pictures cover at least."""
_SMALL = 0.01
"""Pictures that cover less of the page are logos and rules."""
_OUTLINES = 20
"""So many paths without any text may be letters drawn as shapes."""
_MOST_OBJECTS = 5000
"""Of a page that are looked at."""
_DEPTH = 4
_ENOUGH = 50
"""Characters from which one may judge."""
_READABLE = 0.4
"""Letters and digits make up more than this of any text: .66 at least on 1,357 pages of manuals, filings, slides and
mathematics."""
_NO_SIGNS = dict.fromkeys(map(ord, " \t\n.·…_-–—|"))
"""Leaders in tables of contents, rules, and the borders of cells."""


def is_garbled(lines: Sequence[Line]) -> bool:
    """Whether text is mostly signs, as where a font does not tell which characters its glyphs are."""
    text = "".join(line.text for line in lines).translate(_NO_SIGNS)
    return len(text) >= _ENOUGH and sum(map(str.isalnum, text)) < _READABLE * len(text)


def is_scan(page: pdfium.PdfPage, lines: Sequence[Line]) -> bool:
    """Whether the page holds no text that can be read, or next to none, but pictures or shapes that may be text.

    Args:
        lines: the page's own text.
    """
    if is_garbled(lines):
        return True
    characters = sum(len(line.text) for line in lines)
    if characters >= _FEW_CHARACTERS:
        return False
    width, height = page.get_size()
    covered, paths = 0.0, 0
    kinds = (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH)
    for item in islice(page.get_objects(filter=kinds, max_depth=_DEPTH), _MOST_OBJECTS):
        if item.type == raw.FPDF_PAGEOBJ_PATH:
            paths += 1
            continue
        try:
            left, bottom, right, top = item.get_bounds()
        except pdfium.PdfiumError:  # it has none, so it covers nothing
            continue
        covered += max(right - left, 0.0) * max(top - bottom, 0.0) / max(width * height, 1.0)
    if characters:
        return covered >= _MOSTLY
    return covered >= _SMALL or paths >= _OUTLINES


def picture(page: pdfium.PdfPage) -> tuple[Image.Image, int]:
    """The page as shown, grey, and its pixels per inch.

    Raises:
        pdfium.PdfiumError: it cannot be drawn.
    """
    width, height = page.get_size()
    scale = min(DPI / 72, (_MOST_PIXELS / max(width * height, 1.0)) ** 0.5)
    drawn = page.render(scale=scale, grayscale=True, limit_image_cache=True).to_pil()
    return grey(drawn), max(round(scale * 72), 1)
