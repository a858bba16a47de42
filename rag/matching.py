"""How well the words of one passage match a question: what a bag of words over a whole index cannot see.

Computed for a few dozen candidates at question time, from their text: parts of words (German compounds, names in other
languages), words that stand in one sentence or side by side, headings, tables of contents.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from rag.questions import Question
from rag.types import Passage, Span
from rag.wording import BEFORE_STEM, BEFORE_WORD, Sentence, Wording, Words, joined, wording
from rag.words import STOP_WORDS

_GRAM = 4
"""Letters of a piece of a word."""


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
    quoted: float
    """Of what the question has in quotation marks, word for word as there."""
    listing: float
    """Of the passage's lines that look like a table of contents."""
    sentences: tuple[Marked, ...]
    """Best first."""


_Weighed = tuple[Sequence[str], float]
"""Spellings of one thing that is looked for, and its weight."""


class _Wanted:
    """What is looked for in every passage: the question's content words, pieces of them, and pairs of neighbours."""

    def __init__(self, question: Question, read: Sequence[Wording]) -> None:
        """Pieces are weighed by how few of the candidates hold them."""
        self.stems = frozenset().union(*question.groups)
        self._words = [([_framed(stem) for stem in group], rarity) for group, rarity in question.weights.items()]
        self._phrases = list(_phrases(question))
        asked = {piece: 0.0 for term in question.terms if term.content for piece in _pieces(term.word)}
        spelled = (joined((one.above, one.body)).spelled + BEFORE_WORD for one in read)
        self.held = [[piece for piece in asked if piece in text] for text in spelled]
        """For each passage, the pieces asked for that the words in it or above it hold."""
        frequency = Counter(chain.from_iterable(self.held))
        self._pieces = {piece: math.log(1 + len(read) / (frequency[piece] + 0.5)) for piece in asked}
        self._all_words = sum(rarity for _, rarity in self._words)
        self._all_phrases = sum(weight for _, weight in self._phrases)
        self._all_pieces = sum(self._pieces.values())

    def word_share(self, words: Words) -> float:
        """Of the content words, by rarity, those that `words` hold."""
        return _share(self._words, self._all_words, words)

    def word_shares(self, sentences: Sequence[Sentence], body: Words) -> list[float]:
        """The same for each sentence of a body: most bodies hold few of the words, which alone are looked for."""
        there = _held(self._words, body)
        return [_share(there, self._all_words, sentence.words) for sentence in sentences]

    def phrase_share(self, words: Words) -> float:
        """Of the pairs of neighbours, by rarity, those that are neighbours in `words`."""
        return _share(self._phrases, self._all_phrases, words)

    def piece_share(self, pieces: Iterable[str]) -> float:
        """Of all pieces, by rarity, these."""
        return sum(map(self._pieces.__getitem__, pieces)) / self._all_pieces if self._all_pieces else 0.0


def match(question: Question, passages: Sequence[Passage]) -> list[Match]:
    """One Match a passage, in order."""
    read = [wording(passage) for passage in passages]
    wanted = _Wanted(question, read)
    return [
        Match(
            phrase=wanted.phrase_share(one.body),
            heading=wanted.word_share(one.nearest) * _agreement(wanted.stems, one.nearest),
            grams=wanted.piece_share(held),
            quoted=_quoted(question, one),
            listing=one.listing,
            sentences=tuple(_marked(wanted, one, held, begin=passage.span.start)),
        )
        for passage, one, held in zip(passages, read, wanted.held, strict=True)
    ]


def _marked(wanted: _Wanted, read: Wording, held: Sequence[str], *, begin: int) -> list[Marked]:
    """Sentences, best first. `held`: the pieces that there are in the passage."""
    found: list[Marked] = []
    for sentence, coverage in zip(read.sentences, wanted.word_shares(read.sentences, read.body), strict=True):
        spelled = sentence.words.spelled + BEFORE_WORD
        found.append(
            Marked(
                span=_moved(sentence.span, begin),
                coverage=coverage,
                grams=wanted.piece_share(piece for piece in held if piece in spelled),
                heading=_moved(sentence.heading, begin) if sentence.heading else None,
            )
        )
    return sorted(found, key=lambda marked: -(marked.coverage + marked.grams))


def _quoted(question: Question, read: Wording) -> float:
    if not question.quoted:
        return 0.0
    text = joined((read.above, read.body)).spelled + BEFORE_WORD
    return sum(phrase + BEFORE_WORD in text for phrase in question.quoted) / len(question.quoted)


def _phrases(question: Question) -> Iterator[tuple[list[str], float]]:
    """(its spellings, weight) of each two neighbours of which one carries meaning."""
    for first, second in pairwise(question.terms):
        if first.content or second.content:
            spellings = [_framed(one, other) for one in first.group for other in second.group]
            yield spellings, first.rarity + second.rarity


def _share(weighed: Sequence[_Weighed], whole: float, words: Words) -> float:
    """Of the whole weight, that of which `words` hold one of the spellings."""
    return sum(weight for _, weight in _held(weighed, words)) / whole if whole and weighed else 0.0


def _held(weighed: Sequence[_Weighed], words: Words) -> list[_Weighed]:
    text = words.stemmed + BEFORE_STEM
    return [one for one in weighed if any(spelling in text for spelling in one[0])]


def _framed(*stems: str) -> str:
    return "".join(BEFORE_STEM + stem for stem in stems) + BEFORE_STEM


def _agreement(asked: Collection[str], heading: Words) -> float:
    """Share of the heading's content stems that the question holds."""
    stems = frozenset(heading.stems)
    content = stems - STOP_WORDS or stems
    return len(content.intersection(asked)) / len(content) if content else 0.0


def _moved(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)


def _pieces(word: str) -> Iterator[str]:
    framed = f"{BEFORE_WORD}{word}{BEFORE_WORD}"
    return (framed[at : at + _GRAM] for at in range(max(1, len(framed) - _GRAM + 1)))
