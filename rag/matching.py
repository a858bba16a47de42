"""How well the words of one passage match a question: what a bag of words over a whole index cannot see.

Computed for a few dozen candidates at question time, from their text: parts of words (German compounds, names in other
languages), words that stand in one sentence or side by side, headings, tables of contents.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from typing import TypeVar

from rag.analysis import stem, stems, words
from rag.questions import Question
from rag.sentences import sentences
from rag.types import Language, Passage, Span
from rag.words import STOP_WORDS

_Part = TypeVar("_Part")

_GRAM = 4
"""Letters of a piece of a word."""
_LEADER = re.compile(r"(?:[.…·_]\s?){4,}|\S\s+\d{1,4}$")
"""A dotted line or a number at the end: how a line of a table of contents or of an index looks."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A sentence of a passage and how much of the question it holds."""

    span: Span
    """In code points of the document's text."""
    coverage: float
    """Share (0 to 1) of the question's content words, by rarity. A heading right above counts as its own words."""
    grams: float
    """Share (0 to 1) of the pieces of the question's content words, by rarity among the candidates."""
    heading: Span | None = None
    """The headings right above, if the passage holds them."""


@dataclass(frozen=True, slots=True)
class Match:
    """What one passage and a question share; all figures are shares from 0 to 1."""

    phrase: float
    """Of the question's pairs of neighbouring words, by rarity, that are neighbours in the passage."""
    heading: float
    """Agreement of question and nearest heading: words of each that the other holds, multiplied."""
    grams: float
    """Of the pieces of the question's content words, by rarity among the candidates, that the passage holds."""
    listing: float
    """Of the passage's lines that look like a table of contents."""
    sentences: tuple[Marked, ...]
    """Best first."""


class _Wanted:
    """What is looked for in every passage: the question's content words, and pieces of them, each with its weight."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self._words = question.weights
        self._asked = frozenset().union(*(_pieces(term.word) for term in question.terms if term.content))
        self._pieces: dict[str, float] = {}
        self._of_word: dict[str, frozenset[str]] = {}

    def weigh(self, held: Sequence[frozenset[str]]) -> None:
        """Weigh the pieces by how few of the candidates hold them."""
        frequency = Counter(piece for pieces in held for piece in pieces)
        self._pieces = {piece: math.log(1 + len(held) / (frequency[piece] + 0.5)) for piece in self._asked}

    def pieces_in(self, spelled: Iterable[str]) -> frozenset[str]:
        """The pieces asked for that these words hold. Remembered by word: passages share most of theirs."""
        known = self._of_word
        found: set[str] = set()
        for word in spelled:
            held = known.get(word)
            if held is None:
                held = known[word] = self._asked & _pieces(word)
            if held:
                found |= held
        return frozenset(found)

    def word_share(self, stemmed: Iterable[str]) -> float:
        held = frozenset(stemmed)
        return _share(self._words, (group for group in self._words if not group.isdisjoint(held)))

    def piece_share(self, pieces: frozenset[str]) -> float:
        return _share(self._pieces, pieces)


class _Text:
    """Words and stems of a text, and the pieces asked for that its words hold; made once, used for several shares."""

    def __init__(self, text: str, language: Language, wanted: _Wanted) -> None:
        spelled = words(text)
        self.stems = [stem(word, language) for word in spelled]
        self.pieces = wanted.pieces_in(spelled)


class _Read:
    """A passage, read once: what stands above it (title, headings, table header), and its sentences."""

    def __init__(self, passage: Passage, wanted: _Wanted) -> None:
        self.passage = passage
        self.above = _Text(" ".join((passage.title, *passage.heading_path, passage.header)), passage.language, wanted)
        self.spans = sentences(passage.text, passage.language)
        self.sentences = [_Text(passage.text[span.start : span.end], passage.language, wanted) for span in self.spans]
        self.pieces = self.above.pieces.union(*(sentence.pieces for sentence in self.sentences))


def match(question: Question, passages: Sequence[Passage]) -> list[Match]:
    """One Match a passage, in order."""
    wanted = _Wanted(question)
    read = [_Read(passage, wanted) for passage in passages]
    wanted.weigh([one.pieces for one in read])
    return [_match(wanted, one) for one in read]


def _match(wanted: _Wanted, read: _Read) -> Match:
    path = read.passage.heading_path
    nearest = stems(path[-1], read.passage.language) if path else []
    return Match(
        phrase=_phrases(wanted.question, list(chain.from_iterable(sentence.stems for sentence in read.sentences))),
        heading=wanted.word_share(nearest) * _agreement(wanted.question, nearest),
        grams=wanted.piece_share(read.pieces),
        listing=_listing(read.passage.text),
        sentences=tuple(_marked(wanted, read)),
    )


def _share(weights: dict[_Part, float], held: Iterable[_Part]) -> float:
    whole = sum(weights.values())
    return sum(weights[part] for part in held) / whole if whole else 0.0


def _agreement(question: Question, heading: Sequence[str]) -> float:
    """Share of the heading's content stems that the question holds."""
    content = set(heading) - STOP_WORDS or set(heading)
    asked = frozenset().union(*question.groups)
    return len(content & asked) / len(content) if content else 0.0


def _phrases(question: Question, inside: Sequence[str]) -> float:
    neighbours = set(pairwise(inside))
    total = found = 0.0
    for first, second in pairwise(question.terms):
        if first.content or second.content:
            weight = first.rarity + second.rarity
            total += weight
            if any((one, other) in neighbours for one in first.group for other in second.group):
                found += weight
    return found / total if total else 0.0


def _listing(text: str) -> float:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return sum(_LEADER.search(line) is not None for line in lines) / len(lines) if lines else 0.0


def _marked(wanted: _Wanted, read: _Read) -> list[Marked]:
    """Sentences, best first. A heading says nothing of its own: its words help the sentence below it to be found."""
    begin = read.passage.span.start
    above = frozenset(read.above.stems)
    lent: list[_Text] = []
    heading: Span | None = None
    found: list[Marked] = []
    for span, sentence in zip(read.spans, read.sentences, strict=True):
        absolute = Span(begin + span.start, begin + span.end)
        if above.issuperset(sentence.stems) and span is not read.spans[-1]:
            lent.append(sentence)
            heading = Span(heading.start if heading else absolute.start, absolute.end)
            continue
        stemmed = frozenset(sentence.stems).union(*(one.stems for one in lent))
        pieces = sentence.pieces.union(*(one.pieces for one in lent))
        found.append(Marked(absolute, wanted.word_share(stemmed), wanted.piece_share(pieces), heading))
        lent, heading = [], None
    return sorted(found, key=lambda marked: -(marked.coverage + marked.grams))


@lru_cache(maxsize=100_000)
def _pieces(word: str) -> frozenset[str]:
    framed = f"_{word}_"
    return frozenset(framed[at : at + _GRAM] for at in range(max(1, len(framed) - _GRAM + 1)))
