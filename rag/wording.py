"""The words of a passage, read once: nothing here depends on the question.

Words are kept as one string, every word behind a mark, so that asking for a word, for a piece of one or for two
neighbours is a search for a substring: forty passages are asked in two milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from rag.analysis import stem, words
from rag.sentences import sentences
from rag.types import Language, Passage, Span

BEFORE_WORD = "_"
BEFORE_STEM = " "
"""No word holds either (rag/analysis.py)."""

_REMEMBERED = 2_000
"""Passages, 5 KB each: all of a small workspace."""
_DOTTED = re.compile(r"(?:[.…·_]\s?){4,}")
_NUMBERED = re.compile(r"\S\s+\d{1,4}$")


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text in order, and their stems, each behind its mark."""

    spelled: str
    stemmed: str

    @property
    def stems(self) -> list[str]:
        """Without their marks."""
        return self.stemmed.split(BEFORE_STEM)[1:]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, in code points of the passage. A heading says nothing of its own: its words help the sentence below
    it to be found."""

    span: Span
    heading: Span | None
    """The headings right above, if the passage holds them."""
    words: Words
    """With those of the headings."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What matching reads of a passage."""

    above: Words
    """Of title, headings and table header."""
    nearest: Words
    """Of the nearest heading."""
    sentences: tuple[Sentence, ...]
    """In order."""
    body: Words
    """All words of the text."""
    listing: float
    """Share of the lines that look like a table of contents."""


def wording(passage: Passage) -> Wording:
    """Remembered by content: a passage that has changed is another one."""
    return _wording(passage.text, passage.language, passage.title, tuple(passage.heading_path), passage.header)


def joined(parts: Iterable[Words]) -> Words:
    """The words of several texts, one after the other."""
    every = list(parts)
    return Words("".join(part.spelled for part in every), "".join(part.stemmed for part in every))


@lru_cache(maxsize=_REMEMBERED)
def _wording(text: str, language: Language, title: str, headings: tuple[str, ...], header: str) -> Wording:
    above = _words(" ".join((title, *headings, header)), language)
    read = tuple(_sentences(text, language, frozenset(above.stems)))
    return Wording(
        above=above,
        nearest=_words(headings[-1] if headings else "", language),
        sentences=read,
        body=joined(sentence.words for sentence in read),
        listing=_listing(text),
    )


def _words(text: str, language: Language) -> Words:
    spelled = words(text)
    stemmed = [stem(word, language) for word in spelled]
    return Words(BEFORE_WORD.join(("", *spelled)), BEFORE_STEM.join(("", *stemmed)))


def _sentences(text: str, language: Language, above: frozenset[str]) -> Iterator[Sentence]:
    lent: list[Words] = []
    heading: Span | None = None
    spans = sentences(text, language)
    for span in spans:
        read = _words(text[span.start : span.end], language)
        if above.issuperset(read.stems) and span is not spans[-1]:
            lent.append(read)
            heading = Span(heading.start if heading else span.start, span.end)
            continue
        yield Sentence(span, heading, joined((*lent, read)))
        lent, heading = [], None


def _listing(text: str) -> float:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return sum(map(_is_listed, lines)) / len(lines) if lines else 0.0


def _is_listed(line: str) -> bool:
    """A dotted line or a number at the end: how a line of a table of contents or of an index looks."""
    return bool(_DOTTED.search(line) or (line[-1].isdecimal() and _NUMBERED.search(line)))
