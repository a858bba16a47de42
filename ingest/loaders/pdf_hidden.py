"""Which characters of a PDF page a person cannot see: never painted, or painted without a trace.

Two steps, because drawing a page takes several times as long as reading it. A look over the page's objects finds text
that may be unseen: without paint (render modes 3 and 7, ISO 32000-1, table 106), pale, transparent, on an optional
layer, in a form, on a box of its own colour, below something that was painted later. Only then is the page drawn, once
with this text and once without it: a word that makes no difference to the picture is not seen.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import inf
from struct import Struct
from typing import cast

import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL import Image, ImageChops

from ingest.loaders import pdf_calls as calls

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
_FLOATS = Struct("4f")
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

    unpainted: list[int] = field(default_factory=list)
    doubtful: list[int] = field(default_factory=list)
    covered: list[int] = field(default_factory=list)
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
    texts: list[tuple[int, int]] = []
    boxes: list[tuple[int, Box]] = []
    for order, (handle, kind, form) in enumerate(_objects(page)):
        if kind == _TEXT:
            if calls.render_mode(handle) in _UNPAINTED:
                survey.unpainted.append(handle)
            elif form or look.doubtful(handle):
                survey.doubtful.append(handle)
            else:
                texts.append((order, handle))
        elif kind == _IMAGE:
            survey.images.append(look.bounds(form or handle))
            boxes.append((order, survey.images[-1]))
        elif kind == _PATH and not form and (box := look.ground(handle)):
            boxes.append((order, box))
    survey.covered = _covered(texts, boxes, look)
    return survey


def _covered(texts: Sequence[tuple[int, int]], boxes: list[tuple[int, Box]], look: _Look) -> list[int]:
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


def _objects(page: pdfium.PdfPage) -> Iterator[tuple[int, int, int]]:
    """Each object in the order of painting: handle, type, and the outermost form that it lies in, or 0."""
    parent = calls.address(page.raw)
    get, kind_of = calls.get_object, calls.object_type
    budget = _MOST_OBJECTS
    for index in range(min(calls.count_objects(parent), budget)):
        handle = get(parent, index)
        kind = kind_of(handle)
        if kind != _FORM:
            yield handle, kind, 0
            continue
        for inner in islice(_inside(handle, _DEEPEST), budget):
            budget -= 1
            yield inner, kind_of(inner), handle


def _inside(form: int, depth: int) -> Iterator[int]:
    """What a form paints, through the forms inside it."""
    for index in range(calls.count_form_objects(form)):
        handle = calls.get_form_object(form, index)
        if calls.object_type(handle) != _FORM:
            yield handle
        elif depth:
            yield from _inside(handle, depth - 1)


class _Look:
    """Looks of page objects. There are thousands on a page: buffers are made once, and usual colours judged once."""

    def __init__(self) -> None:
        self._buffer = (ctypes.c_uint32 * 4)()
        start = ctypes.addressof(self._buffer)
        self._out = (start, start + 4, start + 8, start + 12)
        self._grounds: dict[Colour, list[Box]] = {}
        self._plain: set[bytes] = set()
        """Colours that are neither pale nor faint nor like a ground."""

    def bounds(self, handle: int) -> Box:
        """Its box in the coordinates that it is painted in."""
        if not calls.bounds(handle, *self._out):
            return 0.0, 0.0, 0.0, 0.0
        box: Box = _FLOATS.unpack(self._buffer)
        return box

    def ground(self, handle: int) -> Box | None:
        """The bounds of a filled path that is more than a rule. Later text may be of its colour."""
        left, bottom, right, top = box = self.bounds(handle)
        if right - left < _BOX_SIDE or top - bottom < _BOX_SIDE:
            return None
        if not calls.draw_mode(handle, *self._out[:2]) or self._buffer[0] == raw.FPDF_FILLMODE_NONE:
            return None
        if calls.fill_colour(handle, *self._out):
            colour = tuple(self._buffer)
            if colour not in self._grounds:
                self._grounds[colour] = []
                self._plain.clear()
            self._grounds[colour].append(box)
        return box

    def doubtful(self, handle: int) -> bool:
        """Whether a text is pale, faint, on an optional layer, or on a ground of its own colour."""
        if not calls.fill_colour(handle, *self._out):
            return True  # a pattern
        key = bytes(self._buffer)
        if key not in self._plain and self._lost(handle, tuple(self._buffer)):
            return True
        marks = calls.count_marks(handle)
        return marks > 0 and any(_is_layer(handle, index) for index in range(marks))

    def _lost(self, handle: int, colour: Colour) -> bool:
        if colour[3] < _FAINT or min(colour) >= _PALE:
            return True
        grounds = [box for other, boxes in self._grounds.items() if _alike(colour, other) for box in boxes]
        if not grounds:
            self._plain.add(bytes(self._buffer))
            return False
        own = self.bounds(handle)
        return any(_touch(own, box) for box in grounds)


def _alike(one: Colour, other: Colour) -> bool:
    return all(abs(a - b) < _CLOSE for a, b in zip(one, other, strict=True))


def _is_layer(handle: int, index: int) -> bool:
    """Whether a content mark is "OC"."""
    buffer = (ctypes.c_ushort * 3)()
    size = ctypes.c_ulong()
    mark = raw.FPDFPageObj_GetMark(ctypes.cast(handle, raw.FPDF_PAGEOBJECT), index)
    named = raw.FPDFPageObjMark_GetName(mark, buffer, ctypes.sizeof(buffer), size)
    return bool(named) and bytes(buffer) == "OC\0".encode("utf-16-le")


def _touch(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _characters_of(text_page: pdfium.PdfTextPage, handles: Sequence[int], characters: str) -> frozenset[int]:
    """Indexes of the characters, white space left out, that these text objects paint."""
    if not handles:
        return frozenset()
    wanted = set(handles)
    owner, parent = calls.text_object, calls.address(text_page.raw)
    inked = (index for index, character in enumerate(characters) if not character.isspace())
    return frozenset(index for index in inked if owner(parent, index) in wanted)


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


def _traces(page: pdfium.PdfPage, handles: Sequence[int], picture: Image.Image) -> Callable[[Box], int]:
    """The largest difference, of 255, that these text objects make to the picture of the page, anywhere in a box."""
    for handle in handles:
        calls.set_active(handle, 0)
    red, green, blue = ImageChops.difference(picture, _drawn(page)).split()
    difference = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    for handle in handles:
        calls.set_active(handle, 1)
    width, height = page.get_size()
    across, down = picture.width / width, picture.height / height

    def trace(box: Box) -> int:
        left, right = max(0, int(box[0] * across) - 1), min(picture.width, int(box[2] * across) + 2)
        top = max(0, int((height - box[3]) * down) - 1)
        bottom = min(picture.height, int((height - box[1]) * down) + 2)
        if left >= right or top >= bottom:
            return 0
        _, high = cast("tuple[int, int]", difference.crop((left, top, right, bottom)).getextrema())
        return high

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
        left, bottom = min(box[0] for box in boxes), min(box[1] for box in boxes)
        right, top = max(box[2] for box in boxes), max(box[3] for box in boxes)
        if trace((left, bottom, right, top)) < _SEEN:
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
    place = _place(text_page, lambda x0, y0, x1, y1: (x0, y0, x1, y1))
    return frozenset(index for index in found if any(_touch(place(index), box) for box in inside))
