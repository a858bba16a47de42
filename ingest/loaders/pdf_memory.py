"""What is remembered of a PDF's pages, so that a newer version of the document takes over those that stay as they are.

Of each page that is its fingerprint (ingest/loaders/pdf_fingerprints.py), what follows from the page alone, and what
else its text followed from: which of its lines repeat on others, how headings are told, which words of other pages were
looked for to join a cut one. Where all of that comes out the same again, so does the text.

The bytes come back from outside, written by a process that a hostile file may have taken over: whatever in them is not
as `pack` writes it counts as nothing remembered.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ingest.loaders.pdf_findings import PageFindings
from ingest.ocr.pages import Scan
from ingest.protocols import MOST_REMEMBERED
from ingest.running_lines import OuterLine

_FORMAT = 1
_MOST_UNPACKED = 2**28
_MOST_ALIKE = 16
"""Pages with one fingerprint that are remembered; blank ones are many."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What follows from a page alone."""

    size: tuple[float, float]
    """Points."""
    findings: PageFindings
    outer: tuple[OuterLine, ...]
    empty: bool
    """Nothing is written on it."""
    scan: Scan | None = None
    """What became of its picture, if that was looked at."""


@dataclass(frozen=True, slots=True)
class PageMemory:
    """A page as it was read, and what its text followed from."""

    number: int
    """From 1."""
    facts: PageFacts
    context: str
    """How its headings are told."""
    dropped: frozenset[int]
    """Of its lines, those that repeat an earlier page's."""
    words: frozenset[str]
    """Its hyphenated words."""
    asked: Mapping[str, bool]
    """Words that were looked for among all hyphenated ones up to here, and whether they were there."""
    length: int
    """Of its text in characters."""
    tables: int
    heading: str
    """The first one on it, or ""."""


@dataclass(slots=True)
class Vocabulary:
    """The hyphenated words of the pages so far; remembers what it was asked."""

    words: set[str] = field(default_factory=set)
    asked: dict[str, bool] = field(default_factory=dict)

    def __contains__(self, word: object) -> bool:
        found = word in self.words
        self.asked[str(word)] = found
        return found

    def add(self, words: Iterable[str]) -> None:
        """Those of the next page, about which it is asked afresh."""
        self.words.update(words)
        self.asked = {}

    def agrees(self, page: PageMemory) -> bool:
        """Whether it would give that page, if it came next, the answers that it got."""
        return all((word in self.words or word in page.words) == found for word, found in page.asked.items())


def pack(recipe: str, pages: Iterable[tuple[bytes, PageMemory]]) -> bytes:
    """Pages with their fingerprints as bytes, 330 a page of a manual; none where there are too many.

    Args:
        recipe: names and versions of all that took part in reading them.
    """
    values = [_FORMAT, recipe, [[name.hex(), *_values(page)] for name, page in pages]]
    data = zlib.compress(json.dumps(values, separators=(",", ":")).encode(), 1)
    return data if len(data) <= MOST_REMEMBERED else b""


def unpack(data: bytes, recipe: str) -> dict[bytes, list[PageMemory]]:
    """Pages by their fingerprints; none where another recipe read them, or `pack` does not write that."""
    pages: dict[bytes, list[PageMemory]] = {}
    try:
        stream = zlib.decompressobj()
        text = stream.decompress(data, _MOST_UNPACKED)
        written, by, rows = json.loads(text) if stream.eof else (0, "", [])
        for name, *row in rows if (written, by) == (_FORMAT, recipe) else ():
            alike = pages.setdefault(bytes.fromhex(name), [])
            if len(alike) < _MOST_ALIKE:
                alike.append(_page(*row))
    except (zlib.error, ValueError, TypeError, AttributeError, RecursionError):
        return {}
    return pages


def _values(page: PageMemory) -> list[Any]:
    facts, scan, found = page.facts, page.facts.scan, page.facts.findings
    return [
        page.number,
        [
            facts.size,
            [found.text_layer, found.hidden_characters, found.hidden_sample, found.garbled],
            facts.outer,
            facts.empty,
            scan and [scan.picture, scan.confidence, scan.engine],
        ],
        page.context,
        sorted(page.dropped),
        sorted(page.words),
        page.asked,
        page.length,
        page.tables,
        page.heading,
    ]


def _page(
    number: Any, facts: Any, context: Any, dropped: Any, words: Any, asked: Any, length: Any, tables: Any, heading: Any
) -> PageMemory:
    (width, height), (layer, hidden, sample, garbled), outer, empty, scan = facts
    if number < 1 or length < 0 or hidden < 0:
        raise ValueError("no page")
    return PageMemory(
        number=int(number),
        facts=PageFacts(
            size=(float(width), float(height)),
            findings=PageFindings(bool(layer), int(hidden), str(sample), bool(garbled)),
            outer=tuple(
                OuterLine(int(i), bool(top), int(row), float(far), str(text)) for i, top, row, far, text in outer
            ),
            empty=bool(empty),
            scan=_scan(*scan) if scan else None,
        ),
        context=str(context),
        dropped=frozenset(map(int, dropped)),
        words=frozenset(map(str, words)),
        asked={str(word): bool(found) for word, found in asked.items()},
        length=int(length),
        tables=int(tables),
        heading=str(heading),
    )


def _scan(picture: Any, confidence: Any, engine: Any) -> Scan:
    return Scan(str(picture), None if confidence is None else float(confidence), str(engine))
