"""Footnotes: their numbers, their spans, and the quote that stands there, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rag.alignment import Unit
from rag.places import locate
from rag.sentences import sentences
from rag.types import Citation, Passage, Span

NEAREST = 3
"""Passages shown with a refusal."""

MOST_SENTENCES = 2
"""Neighbouring source sentences that become one quote."""


class PageSource(Protocol):
    """Knows on which page a place of a document stands."""

    def pages_at(self, places: Sequence[tuple[str, int]]) -> list[tuple[int | None, str | None]]:
        """For each (version id, code point): page number and label, or (None, None) without pages."""


class Footnotes:
    """Numbers the footnotes of one answer in the order in which they are first used, from 1."""

    def __init__(self, pages: PageSource | None = None) -> None:
        self._pages = pages
        self._citations: list[Citation] = []

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Every footnote so far."""
        return tuple(self._citations)

    def cite(self, units: Sequence[Unit]) -> tuple[tuple[int, ...], tuple[Citation, ...]]:
        """Footnotes for source sentences: (their numbers, the citations that are new).

        Neighbouring sentences become one quote. A place that an earlier footnote quotes keeps its number.
        """
        numbers: list[int] = []
        new: list[Citation] = []
        for passage, span in _quotes(units):
            known = self._known(passage.version_id, span)
            if known is None:
                known = self._add(passage, span)
                new.append(known)
            if known.number not in numbers:
                numbers.append(known.number)
        return tuple(numbers), tuple(new)

    def nearest(self, passages: Sequence[Passage], limit: int = NEAREST) -> tuple[Citation, ...]:
        """The first passages as footnotes: what a refusal shows."""
        for passage in passages[:limit]:
            span = best_sentence(passage)
            if span and self._known(passage.version_id, span) is None:
                self._add(passage, span)
        return self.citations

    def _known(self, version_id: str, span: Span) -> Citation | None:
        for citation in self._citations:
            if citation.version_id == version_id and citation.span.overlap(span) == len(span):
                return citation
        return None

    def _add(self, passage: Passage, span: Span) -> Citation:
        number, label = passage.page, passage.page_label
        if self._pages is not None:
            ((number, label),) = self._pages.pages_at([(passage.version_id, span.start)])
        citation = Citation(
            number=len(self._citations) + 1,
            chunk_id=passage.chunk_id,
            document_id=passage.document_id,
            version_id=passage.version_id,
            title=passage.title,
            span=span,
            quote=quote_at(passage, span),
            page=number,
            page_label=label,
            locator=locate(passage, span),
        )
        self._citations.append(citation)
        return citation


def quote_at(passage: Passage, span: Span) -> str:
    """The passage's own text at a span of its document."""
    return passage.text[span.start - passage.span.start : span.end - passage.span.start]


def best_sentence(passage: Passage) -> Span | None:
    """The sentence that retrieval marked, or else the first; None for a passage of white space."""
    if passage.best_sentence and passage.best_sentence.overlap(passage.span) == len(passage.best_sentence) > 0:
        return passage.best_sentence
    first = next(iter(sentences(passage.text, passage.language)), None)
    return Span(first.start + passage.span.start, first.end + passage.span.start) if first else None


def _quotes(units: Sequence[Unit]) -> list[tuple[Passage, Span]]:
    """Spans to quote, in the order of the units; neighbours of one passage are joined."""
    quotes: list[tuple[Passage, Span, int]] = []
    for unit in units:
        for place, (passage, span, count) in enumerate(quotes):
            if (
                passage.chunk_id == unit.passage.chunk_id
                and count < MOST_SENTENCES
                and _adjacent(passage, span, unit.span)
            ):
                joined = Span(min(span.start, unit.span.start), max(span.end, unit.span.end))
                quotes[place] = (passage, joined, count + 1)
                break
        else:
            quotes.append((unit.passage, unit.span, 1))
    return [(passage, span) for passage, span, _ in quotes]


def _adjacent(passage: Passage, one: Span, other: Span) -> bool:
    first, second = sorted((one, other))
    return first.end <= second.start and not quote_at(passage, Span(first.end, second.start)).strip()
