"""One page of a PDF as lines of placed words, by PDFium. Not thread-safe, as PDFium is not."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from ingest.layout import Line, PlacedWord
from ingest.loaders import pdf_calls as calls
from ingest.loaders.pdf_hidden import Transform, unseen

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
_BETWEEN_WORDS = {9, 10, 13, 0xFFFE}
_UNUSUAL = re.compile("[" + "".join(map(chr, _SILENT.keys() - _BETWEEN_WORDS)) + r"\ud800-\udfff]")
"""What a word's text is rid of."""
_SOFT_HYPHEN = "\u00ad"
_NOTHING = "\0"
_TINY = 0.5
"""Square points a character: what letters of one point take up, whichever way they are turned."""
_FLOATS = Struct("4f")
_FLAT = 0.1
"""A box lower than this, in points, comes from a font without metrics."""
_BOLD_NAME = re.compile(r"bold|black|heavy|semibold|demi", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageText:
    """What is written on one page."""

    lines: list[Line]
    """In PDFium's reading order; boxes in points of the page as shown, origin bottom left."""
    hidden: str = ""
    """The words that a person cannot see, which `lines` leaves out."""
    text_layer: bool = False
    """It is the recognised text behind a scan."""


def read_text(page: pdfium.PdfPage, *, fonts: bool) -> PageText:
    """The text of a page.

    Args:
        page: its objects stay as they are.
        fonts: also look at each line's font, for `Line.bold`.

    Raises:
        pdfium.PdfiumError: the page's text cannot be loaded.
    """
    text_page = page.get_textpage()
    try:
        characters = _characters(text_page)
        transform = shown(page)
        found = unseen(page, text_page, characters, transform)
        seen = _masked(characters, found.characters)
        place = _placer(text_page, seen, transform)
        visible = _visibility(page)
        lines: list[Line] = []
        hidden = _hidden_words(characters, found.characters)
        for match in _LINE.finditer(seen):
            if match.group() == _CUT:
                if lines:
                    lines[-1].hyphenated = True
                continue
            spans = [(word.start(), word.end()) for word in _WORD.finditer(seen, match.start(), match.end())]
            placed = [word for start, end in spans if (word := place(start, end))[0]]
            words = [word for word in placed if visible(word)]
            if len(words) < len(placed):
                hidden += [word[0] for word in placed if not visible(word)]
            if not words:
                continue
            line = Line(words, hyphenated=seen[spans[-1][1] - 1] == _SOFT_HYPHEN)
            line.bold = fonts and _is_bold(text_page, spans[0][0]) and _is_bold(text_page, spans[-1][0])
            lines.append(line)
        return PageText(lines, " ".join(hidden), found.text_layer)
    finally:
        text_page.close()


def _masked(characters: str, hidden: frozenset[int]) -> str:
    """Characters in place of the hidden ones that keep the indexes right and become nothing."""
    if not hidden:
        return characters
    masked = [_NOTHING if index in hidden else character for index, character in enumerate(characters)]
    for index, character in enumerate(characters):
        if character == _CUT and masked[index - 1 if index else 0] == _NOTHING:
            masked[index] = _NOTHING  # the hyphen goes with its word
    return "".join(masked)


def _hidden_words(characters: str, hidden: frozenset[int]) -> list[str]:
    if not hidden:
        return []
    shown = "".join(character if index in hidden else " " for index, character in enumerate(characters))
    return [word for part in shown.split() if (word := _whole(part).translate(_SILENT))]


def _visibility(page: pdfium.PdfPage) -> Callable[[PlacedWord], bool]:
    """Whether a word is on the page and large enough to be read."""
    width, height = page.get_size()

    def visible(word: PlacedWord) -> bool:
        text, x0, y0, x1, y1 = word
        if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
            return x0 == x1 and y0 == y1  # a word without a box is nowhere
        return not 0 < (x1 - x0) * (y1 - y0) < _TINY * len(text) or not any(map(str.isalnum, text))

    return visible


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


def _placer(text_page: pdfium.PdfTextPage, characters: str, transform: Transform) -> Callable[[int, int], PlacedWord]:
    """A word's box from its first and last character: two calls a word instead of one a character."""
    parent = calls.address(text_page.raw)
    buffer = (ctypes.c_float * 4)()
    out = ctypes.addressof(buffer)
    loose, floats = calls.loose_box, _FLOATS.unpack
    usual = _UNUSUAL.search(characters) is None

    def corner(index: int) -> tuple[float, float, float, float]:
        # The loose box spans the font's height, so that a highlight has even edges; some fonts have none.
        if loose(parent, index, out):
            left, top, right, bottom = floats(buffer)
            if top - bottom > _FLAT:
                return left, bottom, right, top
        try:
            box: tuple[float, float, float, float] = text_page.get_charbox(index)
        except pdfium.PdfiumError:
            return 0.0, 0.0, 0.0, 0.0
        return box

    def place(start: int, end: int) -> PlacedWord:
        x0, y0, x1, y1 = corner(start)
        left, bottom, right, top = corner(end - 1)
        if left < x0:
            x0 = left
        if bottom < y0:
            y0 = bottom
        if right > x1:
            x1 = right
        if top > y1:
            y1 = top
        text = characters[start:end]
        return (text if usual else _whole(text).translate(_SILENT), *transform(x0, y0, x1, y1))

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
