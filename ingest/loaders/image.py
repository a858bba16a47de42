"""Pictures with text: PNG, JPEG, TIFF (each frame a page) and WebP. What they show is recognised; see ingest/ocr."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from ingest.headings import FontProfile
from ingest.layout import Line, compose, hyphenated_words
from ingest.ocr.engines import AGAIN_HINT, INSTALL_HINT
from ingest.ocr.pages import RecognisedPages
from ingest.ocr.pictures import grey
from ingest.page_ranges import page_ranges
from ingest.protocols import Drawing, Loaded, LoadEvent, PageLoaded, PictureEvent
from rag.errors import DamagedSource, NoText, TooLarge
from rag.types import Page, Report, Span

MOST_PIXELS = 100_000_000
"""Of one frame: A3 at 600 dpi has 70 million."""
BROKEN = (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, IndexError)
"""What Pillow raises on damaged pictures."""
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP")
_PAGED = "TIFF"
"""The frames of other formats move; they are no pages."""
_GREYED = "JPEG"
_DPI = 150
"""Stands in where the file does not say, or says something that no scanner does."""
_SENSIBLE_DPI = (50, 2400)
_A4 = (595.0, 842.0)
"""Points; stands in for the size of a frame that cannot be read."""
_SEPARATOR = "\n\n"
_AGAIN = "Open it in another program, save it anew and add that."

Image.MAX_IMAGE_PIXELS = MOST_PIXELS


class ImageLoader:
    """Reads pictures; keeps no state between files."""

    def __init__(self, *, known: Mapping[str, bytes] | None = None) -> None:
        """`known` are readings of its frames from before (see ingest/ocr/readings.py)."""
        self._known = known or {}

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            DamagedSource: it is no picture, or none of its frames can be read.
            TooLarge: a frame has more than MOST_PIXELS.
            NoText: no text is found in it, or there is no engine to look for it.
        """
        with open_picture(path) as picture:
            if picture.format == _GREYED:
                picture.draft("L", picture.size)  # colours are not even unpacked
            yield from _Reading(picture, self._known).events(title)


def open_picture(path: Path) -> Image.Image:
    """A picture whose pixels are not read yet.

    Raises:
        DamagedSource, TooLarge
    """
    with _guarded():
        try:
            return Image.open(path, formats=_FORMATS)
        except BROKEN as error:
            raise DamagedSource("The picture is damaged and cannot be opened.", hint=_AGAIN) from error


def frames(picture: Image.Image) -> int:
    """How many pages it has.

    Raises:
        DamagedSource, TooLarge
    """
    with _guarded():
        try:
            return int(getattr(picture, "n_frames", 1)) if picture.format == _PAGED else 1
        except BROKEN as error:
            raise DamagedSource("The picture is damaged and cannot be opened.", hint=_AGAIN) from error


def frame(picture: Image.Image, index: int) -> tuple[Image.Image, int | None]:
    """Frame `index` (from 0) upright, and its pixels per inch where the file says so.

    Raises:
        TooLarge: it has more than MOST_PIXELS.
        One of BROKEN: it is damaged.
    """
    with _guarded():
        picture.seek(index)
        if picture.width * picture.height > MOST_PIXELS:
            raise _too_large()
        said = picture.info.get("dpi") or (0, 0)
        upright = ImageOps.exif_transpose(picture)
        upright.load()
    dpi = float(said[0])
    return upright, round(dpi) if _SENSIBLE_DPI[0] <= dpi <= _SENSIBLE_DPI[1] else None


@contextmanager
def _guarded() -> Iterator[None]:
    """Pillow's doubts about a picture's size become TooLarge; those about its metadata are nobody's business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            yield
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _too_large() from error


def size_in_points(picture: Image.Image, dpi: int | None) -> tuple[float, float]:
    """Width and height of the page that a frame is."""
    scale = 72 / (dpi or _DPI)
    return picture.width * scale, picture.height * scale


class _Reading:
    """One pass over one file."""

    def __init__(self, picture: Image.Image, known: Mapping[str, bytes]) -> None:
        self._picture = picture
        self._total = frames(picture)
        self._recognised = RecognisedPages(dict(known))
        self._position = 0
        self._vocabulary: set[str] = set()
        self._damaged: list[int] = []
        self._without_text: list[int] = []
        self._first_heading = ""

    def events(self, title: str | None) -> Iterator[LoadEvent]:
        """What is told of its picture and a PageLoaded for every frame, then Loaded."""
        if not self._recognised.possible():
            raise NoText("The text in pictures cannot be read on this machine.", hint=INSTALL_HINT)
        for number in range(1, self._total + 1):
            yield Drawing()
            lines, size = yield from self._lines(number)
            yield self._page(number, lines, size)
        if len(self._damaged) == self._total:
            raise DamagedSource("The picture is damaged and cannot be read.", hint=_AGAIN)
        if not self._position and self._recognised.failed:
            raise NoText("The text in the picture could not be recognised.", hint=AGAIN_HINT)
        if not self._position:
            raise NoText("The picture holds no text.", hint="Add pictures that show text, such as scans.")
        yield self._head(title)

    def _page(self, number: int, lines: Sequence[Line], size: tuple[float, float]) -> PageLoaded:
        separator = _SEPARATOR if lines and self._position else ""
        self._vocabulary |= hyphenated_words(lines)
        start = self._position + len(separator)
        headings = FontProfile.of([lines]).headings(lines)
        page = compose(lines, headings, offset=start, vocabulary=self._vocabulary)
        if headings and not self._first_heading:
            self._first_heading = " ".join(line.text for line in lines[headings[0].first : headings[0].last + 1])
        span = Span(start, start + len(page.text)) if lines else Span(self._position, self._position)
        self._position = span.end
        return PageLoaded(
            text=separator + page.text,
            blocks=page.blocks,
            page=Page(number, span, None, *size, page.words),
            total=self._total,
        )

    def _lines(self, number: int) -> Generator[PictureEvent, None, tuple[Sequence[Line], tuple[float, float]]]:
        try:
            upright, dpi = frame(self._picture, number - 1)
            picture = grey(upright)
        except BROKEN:  # told of in the notes; the other frames are read
            self._damaged.append(number)
            return [], _A4
        points = size_in_points(picture, dpi)
        lines = yield from self._recognised.lines(number, picture, dpi=dpi, points=points)
        if not lines:
            self._without_text.append(number)
        return lines, points

    def _head(self, title: str | None) -> Loaded:
        notes = self._recognised.notes()
        if self._without_text:
            notes.append(f"{page_ranges(self._without_text)}: no text")
        if self._damaged:
            notes.append(f"{page_ranges(self._damaged)}: damaged, could not be read")
        return Loaded(
            title=title or self._first_heading[:200],
            notes=tuple(notes),
            page_count=self._total,
            report=Report(
                pages_without_text=tuple(self._without_text),
                ocr_pages=tuple(self._recognised.read),
                ocr_engine=self._recognised.engine,
            ),
        )


def _too_large() -> TooLarge:
    return TooLarge(
        f"The picture has more than {MOST_PIXELS // 1_000_000} million pixels.", hint="Save it smaller and add that."
    )
