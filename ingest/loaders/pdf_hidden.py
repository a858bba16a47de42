"""Which characters of a PDF page a person cannot see: never painted, or painted without a trace.

Two steps, because drawing a page takes several times as long as reading it. A look over the page's objects finds text
that may be unseen: without paint (render modes 3 and 7, ISO 32000-1, table 106), pale, transparent, on an optional
layer, in a form, on a box of its own colour, below something that was painted later. Only then is the page drawn, once
with this text and once without it: a word that makes no difference to the picture is not seen.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import inf
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL import Image, ImageChops

Box = tuple[float, float, float, float]
Colour = tuple[int, ...]
Transform = Callable[[float, float, float, float], Box]

_TEXT, _PATH, _IMAGE = raw.FPDF_PAGEOBJ_TEXT, raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_IMAGE
_FORM = raw.FPDF_PAGEOBJ_FORM
_UNPAINTED = (raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP)
_PALE = 200
"""Text whose red, green and blue all reach this, of 255, may be lost on white paper."""
_FAINT = 64
"""So may text of less opacity than this, of 255."""
_CLOSE = 24
"""Colours that differ by less in each of red, green and blue may be one to the eye."""
_SEEN = 20
"""A word is seen if it changes a channel of at least one pixel by this much, of 255: #ebebeb on white still is."""
_BOX_SIDE = 3.0
"""Points; what is thinner is a rule, not a box."""
_SCALE = 2.0
"""Pixels a point (144 dpi): the thinnest letters of body text fill whole pixels."""
_MOST_PIXELS = 4_000_000
_SCANNED = 0.5
"""Images over this share of a page make it a scan, if most of its text is unseen."""
_DEEPEST = 12
"""Forms inside forms are followed so far."""
_MOST_OBJECTS = 100_000
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Unseen:
    """Indexes of the characters that a person cannot see."""

    characters: frozenset[int] = frozenset()
    text_layer: bool = False
    """The page is an image with the recognised text unseen behind it; that text is not among `characters`."""


@dataclass(slots=True)
class _Survey:
    """What the objects of a page look like. Handles of text objects; boxes in the page's own points."""

    unpainted: list[Any] = field(default_factory=list)
    doubtful: list[Any] = field(default_factory=list)
    covered: list[Any] = field(default_factory=list)
    images: list[Box] = field(default_factory=list)


def unseen(page: pdfium.PdfPage, text_page: pdfium.PdfTextPage, characters: str, shown: Transform) -> Unseen:
    """Find them.

    Args:
        page: stays as it is.
        text_page: its text.
        characters: one a character index of `text_page`.
        shown: from the page's own points to those of the page as shown.

    Raises:
        pdfium.PdfiumError: the page cannot be drawn.
    """
    survey = _survey(page)
    if not (survey.unpainted or survey.doubtful or survey.covered):
        return Unseen()
    found = _characters_of(text_page, survey.unpainted, characters)
    picture: Image.Image | None = None
    for group in (survey.doubtful, survey.covered):  # apart: a label on a box must not vouch for what is below it
        members = _characters_of(text_page, group, characters)
        if members:
            picture = picture or _drawn(page)
            found |= _without_trace(members, characters, _traces(page, group, picture), _place(text_page, shown))
    layer = _text_layer(found, survey.images, page, text_page)
    if 2 * len(layer) > len("".join(characters.split())):
        return Unseen(found - layer, text_layer=True)
    return Unseen(found)


def _survey(page: pdfium.PdfPage) -> _Survey:
    survey = _Survey()
    look = _Look()
    texts: list[tuple[int, Any]] = []
    boxes: list[tuple[int, Box]] = []
    grounds: dict[Colour, list[Box]] = {}
    for order, (handle, kind, form) in enumerate(_objects(page)):
        if kind == _TEXT:
            if raw.FPDFTextObj_GetTextRenderMode(handle) in _UNPAINTED:
                survey.unpainted.append(handle)
            elif form or look.doubtful(handle, grounds):
                survey.doubtful.append(handle)
            else:
                texts.append((order, handle))
        elif kind == _IMAGE:
            survey.images.append(look.bounds(form or handle))
            boxes.append((order, survey.images[-1]))
        elif kind == _PATH and not form and (box := look.filled_box(handle)):
            boxes.append((order, box))
            grounds.setdefault(look.colour(handle), []).append(box)
    survey.covered = _covered(texts, boxes, look)
    return survey


def _covered(texts: Sequence[tuple[int, Any]], boxes: list[tuple[int, Box]], look: _Look) -> list[Any]:
    """Texts that touch a box painted after them; both in the order of painting."""
    found = []
    later: list[Box] = []
    around: Box = (inf, inf, -inf, -inf)
    for order, handle in reversed(texts):
        while boxes and boxes[-1][0] > order:
            _, box = boxes.pop()
            later.append(box)
            around = (min(around[0], box[0]), min(around[1], box[1]), max(around[2], box[2]), max(around[3], box[3]))
        if later:
            own = look.bounds(handle)
            if _touch(own, around) and any(_touch(own, box) for box in later):
                found.append(handle)
    return found


def _objects(page: pdfium.PdfPage) -> Iterator[tuple[Any, int, Any]]:
    """Each object in the order of painting: handle, type, and the outermost form that it lies in, or None."""
    count, get = raw.FPDFPage_CountObjects(page.raw), raw.FPDFPage_GetObject
    kind_of = raw.FPDFPageObj_GetType
    budget = _MOST_OBJECTS
    for index in range(min(count, budget)):
        handle = get(page.raw, index)
        kind = kind_of(handle)
        if kind != _FORM:
            yield handle, kind, None
            continue
        for inner in islice(_inside(handle, _DEEPEST), budget):
            budget -= 1
            yield inner, kind_of(inner), handle


def _inside(form: Any, depth: int) -> Iterator[Any]:
    """What a form paints, through the forms inside it."""
    for index in range(raw.FPDFFormObj_CountObjects(form)):
        handle = raw.FPDFFormObj_GetObject(form, index)
        if raw.FPDFPageObj_GetType(handle) != _FORM:
            yield handle
        elif depth:
            yield from _inside(handle, depth - 1)


class _Look:
    """Looks of page objects; the buffers that PDFium writes to are made once, for there are thousands on a page."""

    def __init__(self) -> None:
        self._rgba = (ctypes.c_uint * 4)()
        self._channels = [ctypes.byref(ctypes.c_uint.from_buffer(self._rgba, 4 * index)) for index in range(4)]
        self._colours: dict[bytes, Colour] = {}
        self._box = (ctypes.c_float * 4)()
        self._edges = [ctypes.byref(ctypes.c_float.from_buffer(self._box, 4 * index)) for index in range(4)]

    def colour(self, handle: Any) -> Colour:
        """Red, green, blue and opacity of what it is filled with; () where there is no plain colour."""
        if not raw.FPDFPageObj_GetFillColor(handle, *self._channels):
            return ()
        key = bytes(self._rgba)
        if key not in self._colours:
            self._colours[key] = tuple(self._rgba)
        return self._colours[key]

    def bounds(self, handle: Any) -> Box:
        """Its box in the coordinates that it is painted in."""
        if not raw.FPDFPageObj_GetBounds(handle, *self._edges):
            return 0.0, 0.0, 0.0, 0.0
        left, bottom, right, top = self._box
        return left, bottom, right, top

    def filled_box(self, handle: Any) -> Box | None:
        """The bounds of a filled path that is more than a rule."""
        box = self.bounds(handle)
        if box[2] - box[0] < _BOX_SIDE or box[3] - box[1] < _BOX_SIDE:
            return None
        fill, stroke = ctypes.c_int(), ctypes.c_int()
        filled = raw.FPDFPath_GetDrawMode(handle, fill, stroke) and fill.value != raw.FPDF_FILLMODE_NONE
        return box if filled else None

    def doubtful(self, handle: Any, grounds: Mapping[Colour, Sequence[Box]]) -> bool:
        """Whether a text is pale, faint, on an optional layer, or on a ground of its own colour."""
        colour = self.colour(handle)
        if not colour or colour[3] < _FAINT or min(colour) >= _PALE:
            return True
        marks = raw.FPDFPageObj_CountMarks(handle)
        if marks and any(_is_layer(handle, index) for index in range(marks)):
            return True
        for other, boxes in grounds.items():
            if other == colour or all(abs(a - b) < _CLOSE for a, b in zip(colour, other, strict=False)):
                own = self.bounds(handle)
                return any(_touch(own, box) for box in boxes)
        return False


def _is_layer(handle: Any, index: int) -> bool:
    """Whether a content mark is "OC"."""
    buffer = (ctypes.c_ushort * 3)()
    size = ctypes.c_ulong()
    mark = raw.FPDFPageObj_GetMark(handle, index)
    named = raw.FPDFPageObjMark_GetName(mark, buffer, ctypes.sizeof(buffer), size)
    return bool(named) and bytes(buffer) == "OC\0".encode("utf-16-le")


def _touch(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _characters_of(text_page: pdfium.PdfTextPage, handles: Sequence[Any], characters: str) -> frozenset[int]:
    """Indexes of the characters, white space left out, that these text objects paint."""
    if not handles:
        return frozenset()
    addresses = {_address(handle) for handle in handles}
    owner = raw.FPDFText_GetTextObject
    inked = (index for index, character in enumerate(characters) if not character.isspace())
    return frozenset(index for index in inked if _address(owner(text_page.raw, index)) in addresses)


def _address(handle: Any) -> int | None:
    return ctypes.cast(handle, ctypes.c_void_p).value


def _place(text_page: pdfium.PdfTextPage, shown: Transform) -> Callable[[int], Box]:
    def place(index: int) -> Box:
        try:
            return shown(*text_page.get_charbox(index))
        except pdfium.PdfiumError:  # it has no box, so nothing of it is drawn
            return 0.0, 0.0, 0.0, 0.0

    return place


def _drawn(page: pdfium.PdfPage) -> Image.Image:
    width, height = page.get_size()
    scale = min(_SCALE, (_MOST_PIXELS / max(width * height, 1.0)) ** 0.5)
    options = {"may_draw_forms": False, "draw_annots": False, "limit_image_cache": True}
    image: Image.Image = page.render(scale=scale, **options).to_pil().convert("RGB")
    return image


def _traces(page: pdfium.PdfPage, handles: Sequence[Any], picture: Image.Image) -> Callable[[Box], int]:
    """The largest difference, of 255, that these text objects make to the picture of the page, anywhere in a box."""
    for handle in handles:
        raw.FPDFPageObj_SetIsActive(handle, False)
    difference = ImageChops.difference(picture, _drawn(page))
    for handle in handles:
        raw.FPDFPageObj_SetIsActive(handle, True)
    width, height = page.get_size()
    across, down = picture.width / width, picture.height / height

    def trace(box: Box) -> int:
        left, right = max(0, int(box[0] * across) - 1), min(picture.width, int(box[2] * across) + 2)
        top = max(0, int((height - box[3]) * down) - 1)
        bottom = min(picture.height, int((height - box[1]) * down) + 2)
        if left >= right or top >= bottom:
            return 0
        return max(high for _, high in difference.crop((left, top, right, bottom)).getextrema())

    return trace


def _without_trace(
    members: frozenset[int], characters: str, trace: Callable[[Box], int], place: Callable[[int], Box]
) -> frozenset[int]:
    """Of the members, those in words that leave none."""
    found: set[int] = set()
    for match in _WORD.finditer(characters):
        own = [index for index in range(match.start(), match.end()) if index in members]
        if not own:
            continue
        boxes = [place(index) for index in own]
        left, bottom, right, top = zip(*boxes, strict=True)
        if trace((min(left), min(bottom), max(right), max(top))) < _SEEN:
            found.update(own)
    return frozenset(found)


def _text_layer(
    found: frozenset[int], images: Sequence[Box], page: pdfium.PdfPage, text_page: pdfium.PdfTextPage
) -> frozenset[int]:
    """Of the characters, those over the images of a page that is mostly images."""
    left, bottom, right, top = page.get_bbox()
    inside = [(max(a, left), max(b, bottom), min(c, right), min(d, top)) for a, b, c, d in images]
    inside = [(a, b, c, d) for a, b, c, d in inside if a < c and b < d]
    area = sum((c - a) * (d - b) for a, b, c, d in inside)
    if not found or area < _SCANNED * (right - left) * (top - bottom):
        return frozenset()
    place = _place(text_page, lambda *box: box)
    return frozenset(index for index in found if any(_touch(place(index), box) for box in inside))
