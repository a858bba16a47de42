"""What a loader keeps of the pages that were recognised: how well each was read, and what a person should know."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from PIL import Image

from ingest.layout import Line
from ingest.ocr import LOW_CONFIDENCE, MOST_PAGES, Recognised, RecognitionFailed
from ingest.ocr.engines import installed, recipe
from ingest.ocr.pictures import is_empty, readable
from ingest.ocr.placing import placed_lines
from ingest.ocr.readings import name_of, pack, unpack
from ingest.ocr.turning import read_upright, turned_back
from ingest.page_ranges import page_ranges
from ingest.protocols import RecognisedPicture, Recognising

_LEAST_PIXELS = 16
"""A side shorter than that holds no letter."""
_MUCH_MORE = 1.5
"""Times as many characters."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What became of a page's picture, the same whenever it is looked at by the same engines."""

    picture: str = ""
    """The name of its reading; "" where it is empty and was not read."""
    confidence: float | None = None
    """From 0 to 1; None where the page's own text says as much."""
    engine: str = ""


@dataclass(slots=True)
class RecognisedPages:
    """Recognises pages of one document, and remembers."""

    known: dict[str, bytes] = field(default_factory=dict)
    """Readings by picture: those from before, and those of this time."""
    read: list[tuple[int, float]] = field(default_factory=list)
    """(page, mean confidence from 0 to 1), ascending; pages without text in their picture are not in it."""
    failed: list[int] = field(default_factory=list)
    """Pages on which no engine could be run."""
    engine: str = ""
    """The one that read most recently."""
    left_out: list[int] = field(default_factory=list)
    """Pages that came after MOST_PAGES of them."""
    last: Scan | None = None
    """The last page looked at; None where it might go otherwise another time."""
    _tried: int = 0

    def possible(self) -> bool:
        """Whether there is an engine."""
        return bool(installed())

    def lines(
        self,
        number: int,
        picture: Image.Image,
        *,
        dpi: int | None,
        points: tuple[float, float],
        own: Sequence[Line] = (),
    ) -> Generator[Recognising | RecognisedPicture, None, Sequence[Line]]:
        """Lines of page `number` in reading order; none where its picture holds no text. Tells when an engine is run,
        and what is known then.

        Args:
            picture: the page, grey and upright.
            dpi: its pixels per inch; None where that is unknown.
            points: width and height of the page as shown.
            own: the page's text layer, which is exact: it stays where the picture does not say much more.
        """
        self.last = None
        if min(picture.size) < _LEAST_PIXELS or is_empty(picture):
            self.last = Scan()
            return own
        if self._tried >= MOST_PAGES:
            self.left_out.append(number)
            return own
        self._tried += 1
        ready = readable(picture, dpi=dpi)
        scale = points[0] / ready.width
        try:
            name, found, turns = yield from self._reading(ready, dpi=round(72 / scale))
        except RecognitionFailed:
            self.failed.append(number)
            return own
        lines = placed_lines(found, scale=scale, height=points[1 - turns % 2])
        turned_back(lines, turns, points=points)
        more = _characters(lines) > _MUCH_MORE * _characters(own)
        scan = Scan(name, round(found.confidence, 3) if more else None, found.engine)
        self._note(number, scan)
        self.last = scan if name in self.known else None
        return lines if more else own

    def again(self, number: int, scan: Scan) -> bool:
        """Take down that page `number` is one that was looked at before. False where it has to be looked at anew."""
        if scan.picture:
            if self._tried >= MOST_PAGES or self._known(scan.picture) is None:
                return False
            self._tried += 1
        self._note(number, scan)
        return True

    def _note(self, number: int, scan: Scan) -> None:
        if scan.confidence is not None:
            self.read.append((number, scan.confidence))
            self.engine = scan.engine

    def _reading(
        self, picture: Image.Image, *, dpi: int
    ) -> Generator[Recognising | RecognisedPicture, None, tuple[str, Recognised, int]]:
        """The picture's name, what is known to stand in it, or else what the engines read in it, and the turns. Raises
        RecognitionFailed."""
        name = name_of(picture, dpi=dpi, recipe=recipe())
        known = self._known(name)
        if known is not None:
            yield RecognisedPicture(name)
            return name, *known
        yield Recognising()
        found, turns = read_upright(picture, dpi=dpi)
        if packed := pack(found, turns):
            self.known[name] = packed
            yield RecognisedPicture(name, packed)
        return name, found, turns

    def _known(self, name: str) -> tuple[Recognised, int] | None:
        try:
            return unpack(self.known[name])
        except (KeyError, ValueError):  # another Footnote may have kept other ones
            return None

    def has(self, number: int) -> bool:
        """Whether page `number`, the last one looked at, was recognised."""
        return bool(self.read) and self.read[-1][0] == number

    def notes(self) -> list[str]:
        """For people: which pages were recognised, by what, how well."""
        notes = []
        if self.failed:
            notes.append(f"{page_ranges(self.failed)}: text recognition (OCR) could not be run")
        if self.left_out:
            notes.append(
                f"{page_ranges(self.left_out)}: not recognised, only the first {MOST_PAGES:,} scanned pages are"
            )
        if not self.read:
            return notes
        mean = sum(confidence for _, confidence in self.read) / len(self.read)
        pages = page_ranges([number for number, _ in self.read])
        notes.append(f"{pages}: recognised from images ({self.engine}; mean confidence {mean:.0%})")
        if low := [number for number, confidence in self.read if confidence < LOW_CONFIDENCE]:
            notes.append(f"{page_ranges(low)}: hard to read; compare with the page image before you rely on it")
        return notes


def _characters(lines: Sequence[Line]) -> int:
    """Letters and digits: signs are also what a font gives that does not tell its characters."""
    return sum(sum(map(str.isalnum, line.text)) for line in lines)
