"""One page of a PDF as lines of placed words, by PDFium. Not thread-safe, as PDFium is not."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from ingest.layout import Line, PlacedWord

_CUT = "\ufffe"
"""What PDFium puts for a hyphen at a line's end; it drops the line end after it."""
_LINE = re.compile(rf"[^\r\n{_CUT}]+|{_CUT}")
_WORD = re.compile(r"\S+")
_HALF = re.compile(r"[\ud800-\udfff]")
_SHAPES = {"\uf0b7": "•", "\uf0a7": "▪", "\uf02d": "-"}
"""Symbol-font bullets in the private use area, as any reader would show them."""
_SILENT = {
    **dict.fromkeys(range(32)),  # glyphs without a character
    **dict.fromkeys(range(0x7F, 0xA0)),
    0xAD: None,  # a soft hyphen says where a word may be cut; it is not part of it
    0xFEFF: None,
    0xFFFE: None,
    0xFFFF: None,
    **{ord(shape): replacement for shape, replacement in _SHAPES.items()},
}
_SOFT_HYPHEN = "\u00ad"
_FLAT = 0.1
"""A box lower than this, in points, comes from a font without metrics."""
_BOLD_NAME = re.compile(r"bold|black|heavy|semibold|demi", re.IGNORECASE)

Transform = Callable[[float, float, float, float], tuple[float, float, float, float]]


def read_lines(page: pdfium.PdfPage, *, fonts: bool) -> list[Line]:
    """Lines in PDFium's reading order; boxes in points of the page as shown, origin bottom left.

    Args:
        fonts: also look at each line's font, for `Line.bold`.

    Raises:
        pdfium.PdfiumError: the page's text cannot be loaded.
    """
    text_page = page.get_textpage()
    try:
        characters = _characters(text_page)
        place = _placer(text_page, shown(page))
        lines: list[Line] = []
        for match in _LINE.finditer(characters):
            if match.group() == _CUT:
                if lines:
                    lines[-1].hyphenated = True
                continue
            spans = [(word.start(), word.end()) for word in _WORD.finditer(characters, match.start(), match.end())]
            words = [word for start, end in spans if (word := place(characters, start, end))[0]]
            if not words:
                continue
            line = Line(words, hyphenated=characters[spans[-1][1] - 1] == _SOFT_HYPHEN)
            line.bold = fonts and _is_bold(text_page, spans[0][0]) and _is_bold(text_page, spans[-1][0])
            lines.append(line)
        return lines
    finally:
        text_page.close()


def shown(page: pdfium.PdfPage) -> Transform:
    """From the page's own coordinates to the page as shown: crop box at the origin, rotation applied."""
    left, bottom, right, top = page.get_bbox()
    match page.get_rotation():
        case 90:
            return lambda x0, y0, x1, y1: (y0 - bottom, right - x1, y1 - bottom, right - x0)
        case 180:
            return lambda x0, y0, x1, y1: (right - x1, top - y1, right - x0, top - y0)
        case 270:
            return lambda x0, y0, x1, y1: (top - y1, x0 - left, top - y0, x1 - left)
        case _:
            return lambda x0, y0, x1, y1: (x0 - left, y0 - bottom, x1 - left, y1 - bottom)


def _characters(text_page: pdfium.PdfTextPage) -> str:
    """The page's characters, one code point for each of PDFium's character indexes.

    One call for all of them where that keeps the indexes (nearly always: 20 times as fast); else one call each.
    """
    count = text_page.count_chars()
    buffer = (ctypes.c_ushort * (count + 1))()
    written = raw.FPDFText_GetText(text_page.raw, 0, count, buffer) - 1
    text = bytes(buffer)[: 2 * max(written, 0)].decode("utf-16-le", "surrogatepass")
    if len(text) == count:
        return text
    codes = (raw.FPDFText_GetUnicode(text_page.raw, index) for index in range(count))
    return "".join(_CUT if code == _CUT_CODE else chr(code) for code in codes)


_CUT_CODE = 2
"""The same cut hyphen, as FPDFText_GetUnicode reports it."""


def _placer(text_page: pdfium.PdfTextPage, transform: Transform) -> Callable[[str, int, int], PlacedWord]:
    """A word's box from its first and last character: two calls a word instead of one a character."""
    handle = text_page.raw
    rectangle = raw.FS_RECTF()
    reference = ctypes.byref(rectangle)
    loose = raw.FPDFText_GetLooseCharBox

    def corner(index: int) -> tuple[float, float, float, float]:
        # The loose box spans the font's height, so that a highlight has even edges; some fonts have none.
        if loose(handle, index, reference) and rectangle.top - rectangle.bottom > _FLAT:
            return rectangle.left, rectangle.bottom, rectangle.right, rectangle.top
        try:
            box: tuple[float, float, float, float] = text_page.get_charbox(index)
        except pdfium.PdfiumError:
            return 0.0, 0.0, 0.0, 0.0
        return box

    def place(characters: str, start: int, end: int) -> PlacedWord:
        a, b = corner(start), corner(end - 1)
        box = transform(min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
        return (_whole(characters[start:end]).translate(_SILENT), *box)

    return place


def _whole(characters: str) -> str:
    """PDFium counts a letter past U+FFFF (mathematical ones are) as two halves. Half a one is no text."""
    if _HALF.search(characters) is None:
        return characters
    return characters.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def _is_bold(text_page: pdfium.PdfTextPage, index: int) -> bool:
    buffer = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    length = raw.FPDFText_GetFontInfo(text_page.raw, index, buffer, 128, ctypes.byref(flags))
    return 0 < length <= 128 and bool(_BOLD_NAME.search(buffer.value.decode("utf-8", "replace")))
