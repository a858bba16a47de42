"""Which source sentences an answer sentence rests on, and how well they carry it.

The score of a source sentence is the mean of two views: the share of the answer's content stems that it holds,
weighted by rarity among the sources (inverse document frequency, Spärck Jones 1972), and the cosine of the two
embeddings. Stems are compared first because they cost nothing; only the few best are embedded, each once an answer.
Sentences that add what the best one lacks (a number, a name, a good part of the stems) are cited beside it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from rag.analysis import stems
from rag.conflicts import disputes, other_period
from rag.facts import NOTHING, Facts, Ground, facts_of, ground_of, missing, openings, telling_names
from rag.polarity import contradicts
from rag.protocols import Embedder
from rag.sentences import sentences
from rag.substitution import substitutes
from rag.types import CELL_BORDER, Language, Passage, Span, Vector
from rag.words import STOP_WORDS

MOST_UNITS = 3
"""Source sentences cited for one answer sentence."""

_EMBEDDED = 6
"""Source sentences embedded for one answer sentence, best by stems first (3 to 8 ms each)."""

_GIVEN = 0.5
"""Weight of stems that the question or a title already says: they claim little."""

_HINT = 0.05
"""What a marker typed by the model adds: it decides between equals, it proves nothing."""

_GAIN = 0.15
"""Share of the answer's weight that a further sentence must add to be cited."""

_CLAUSE = 3
"""Words, numbers aside, that a further sentence of another passage must share with the answer."""

_RIVAL = 0.1
"""Sources may contradict one another: where the best sentence denies the answer, one that scores this little less may
carry it."""

_SHARED = 0.5
"""Stems of the shorter of two sentences that must be in the other before they are compared word by word."""

_ENOUGH = 0.85
"""Coverage from which the embedding cannot change the outcome and is not asked for."""


class Unit:
    """One sentence of a passage, as a candidate for citation. Stems and facts are read when first needed."""

    def __init__(self, passage: Passage, span: Span, *, rank: int) -> None:
        self.passage = passage
        self.span = span
        self.rank = rank
        """Rank of the passage in the prompt, from 1: what a model's own marker names."""
        self.text = passage.text[span.start - passage.span.start : span.end - passage.span.start]

    @property
    def read(self) -> str:
        """The text as a person reads it: a row of a table under its header."""
        header = self.passage.header if CELL_BORDER in self.text else ""
        return f"{header}\n{self.text}" if header else self.text

    @cached_property
    def stems(self) -> frozenset[str]:
        """Content stems."""
        return content_stems(self.read, self.passage.language)

    @cached_property
    def ground(self) -> Ground:
        """What facts may be compared with."""
        return ground_of(self.read)


@dataclass(frozen=True, slots=True)
class Alignment:
    """How source sentences carry one answer sentence."""

    units: tuple[Unit, ...]
    """Best first; empty when nothing is near."""
    coverage: float
    """Share (0 to 1) of the answer's weighted stems that the units hold."""
    similarity: float | None
    """Cosine to the best unit; None where it was not asked for."""
    missing: Facts
    """Facts of the answer that no unit holds."""
    stated: Facts
    """All facts of the answer sentence."""
    contradicts: bool
    comparable: bool
    """Whether the check can see a paraphrase: same language, or an embedder that was trained for both."""

    @property
    def faultless(self) -> bool:
        """Whether no fact of the answer is missing or differs."""
        return not self.missing and not self.contradicts


class Aligner:
    """Aligns the sentences of one answer with the passages that its model was given."""

    def __init__(self, embedder: Embedder, *, question: str, passages: Sequence[Passage]) -> None:
        self._embedder = embedder
        self._units = [
            Unit(passage, Span(span.start + passage.span.start, span.end + passage.span.start), rank=rank)
            for rank, passage in enumerate(passages, 1)
            for span in sentences(passage.text, passage.language)
        ]
        self._frequency = Counter(stem for unit in self._units for stem in unit.stems)
        self._vectors: dict[int, Vector] = {}
        self._question = question
        self._names = telling_names(one.text for one in passages if one.language != "de")
        self._heads = {
            rank: " ".join((passage.title, *passage.heading_path)) for rank, passage in enumerate(passages, 1)
        }

    @property
    def languages(self) -> frozenset[Language]:
        """The languages of the passages, as far as they are known."""
        return frozenset(unit.passage.language for unit in self._units) - {""}

    def align(self, text: str, language: Language, *, hints: Collection[int] = ()) -> Alignment:
        """The source sentences that carry `text`; `hints` are ranks of passages that the model named itself."""
        stated = facts_of(text, language, known=self._names)
        weights = self._weights(text, language)
        order = sorted(range(len(self._units)), key=lambda index: -self._coverage(weights, [index]))
        if not order:
            return Alignment((), 0.0, None, stated, stated, contradicts=False, comparable=True)
        similarities = self._similarities(text, weights, order)
        scores = {index: self._score(index, weights, similarities, hints) for index in order}
        best = max(order, key=scores.__getitem__)
        first = self._aligned(text, language, best, weights, similarities, stated)
        if first.faultless:
            return first
        rivals = [index for index in order if index != best and scores[index] >= scores[best] - _RIVAL]
        others = (self._aligned(text, language, index, weights, similarities, stated) for index in rivals[:MOST_UNITS])
        return next((other for other in others if other.faultless), first)

    def conflicts(self, text: str, language: Language, units: Sequence[Unit]) -> tuple[Unit, ...]:
        """Sentences of other passages than those of `units` that make the statement `text` with another fact."""
        cited = {unit.passage.chunk_id for unit in units}
        titles = {unit.passage.title for unit in units}
        wanted = content_stems(text, language)
        return tuple(
            unit
            for unit in self._units
            if unit.passage.chunk_id not in cited
            and not any(other_period(unit.passage.title, title) for title in titles)
            and len(unit.stems & wanted) >= _SHARED * min(len(unit.stems), len(wanted))
            and disputes(
                text,
                unit.text,
                question=self._question,
                answer_language=language,
                source_language=unit.passage.language,
            )
        )

    def _aligned(
        self,
        text: str,
        language: Language,
        best: int,
        weights: dict[str, float],
        similarities: dict[int, float],
        stated: Facts,
    ) -> Alignment:
        """The alignment that begins with one source sentence."""
        chosen = self._complete([best], weights, stated)
        return Alignment(
            units=tuple(self._units[index] for index in chosen),
            coverage=self._coverage(_without_numbers(weights), chosen),
            similarity=similarities.get(best),
            missing=missing(stated, self._ground(chosen)),
            stated=stated,
            contradicts=self._contradicts(text, language, chosen),
            comparable=self._comparable(language, self._units[best].passage.language),
        )

    def _contradicts(self, text: str, language: Language, chosen: Sequence[int]) -> bool:
        units = [self._units[index] for index in chosen]
        if contradicts(text, " ".join(unit.text for unit in units), partial(stems, language=language)):
            return True
        source_language = units[0].passage.language
        read = [unit.text for unit in units]
        known = self._names | openings(text)
        return substitutes(text, read, answer_language=language, source_language=source_language, known=known)

    def given(self, language: Language) -> frozenset[str]:
        """Content stems that the question and the titles already say."""
        return content_stems(self._question, language) | content_stems(" ".join(self._heads.values()), language)

    def _weights(self, text: str, language: Language) -> dict[str, float]:
        given = self.given(language)
        total = len(self._units)
        return {
            stem: math.log(1 + total / max(self._frequency[stem], 0.5)) * (_GIVEN if stem in given else 1.0)
            for stem in content_stems(text, language)
        }

    def _coverage(self, weights: dict[str, float], indices: Iterable[int]) -> float:
        held = frozenset().union(*(self._units[index].stems for index in indices))
        whole = sum(weights.values())
        return sum(weight for stem, weight in weights.items() if stem in held) / whole if whole else 0.0

    def _similarities(self, text: str, weights: dict[str, float], order: Sequence[int]) -> dict[int, float]:
        """Cosines to the sentences that come first by stems, and to the best sentence of the first passages."""
        if self._coverage(weights, order[:1]) >= _ENOUGH:
            return {}
        wanted = list(order[:_EMBEDDED])
        for index, unit in enumerate(self._units):
            marked = unit.passage.best_sentence
            if unit.rank <= MOST_UNITS and marked and marked.overlap(unit.span) and index not in wanted:
                wanted.append(index)
        for index in wanted:
            if index not in self._vectors:
                self._vectors[index] = self._embed(self._units[index].read)
        query = self._embedder.embed_query(text)
        return {index: float(self._vectors[index] @ query) for index in wanted}

    def _embed(self, text: str) -> Vector:
        """A source sentence's vector; one that no full stop ends (a table) may pass the window and is shortened."""
        if self._embedder.count_tokens(text) > self._embedder.window:
            return self._embedder.embed_query(text)
        row: Vector = self._embedder.embed_documents([text])[0]
        return row

    def _score(
        self, index: int, weights: dict[str, float], similarities: dict[int, float], hints: Collection[int]
    ) -> float:
        hint = _HINT if self._units[index].rank in hints else 0.0
        return self._coverage(weights, [index]) + similarities.get(index, 0.0) + hint

    def _complete(self, chosen: list[int], weights: dict[str, float], stated: Facts) -> list[int]:
        """Add sentences, neighbours of the best first, while they hold facts or stems that are still open."""
        while len(chosen) < MOST_UNITS:
            open_facts = missing(stated, self._ground(chosen))
            covered = self._coverage(weights, chosen)
            gains = {
                index: self._gain(index, chosen, weights, open_facts, covered)
                for index in range(len(self._units))
                if index not in chosen
            }
            best = max(
                gains, key=lambda index: (gains[index], index - 1 in chosen or index + 1 in chosen), default=None
            )
            if best is None or gains[best] < _GAIN:
                break
            chosen.append(best)
        return chosen

    def _gain(
        self, index: int, chosen: Sequence[int], weights: dict[str, float], open_facts: Facts, covered: float
    ) -> float:
        """What one more sentence adds; a fact counts only where the sentence shares more with the answer than it, and a
        sentence of another passage where it shares a clause: a word that it happens to hold carries nothing."""
        unit = self._units[index]
        shared = unit.stems & weights.keys()
        elsewhere = all(self._units[other].rank != unit.rank for other in chosen)
        if elsewhere and sum(not stem.isdigit() for stem in shared) < _CLAUSE:
            return 0.0
        gain = self._coverage(weights, [*chosen, index]) - covered
        near = any(abs(index - other) == 1 and self._units[other].rank == unit.rank for other in chosen)
        found = _count(open_facts) - _count(missing(open_facts, unit.ground))
        if found and (near or len(shared) > found + 1):
            gain += _GAIN * found
        return gain

    def _ground(self, indices: Iterable[int]) -> Ground:
        ground = NOTHING
        for index in indices:
            unit = self._units[index]
            ground |= unit.ground | ground_of(self._heads[unit.rank])
        return ground

    def _comparable(self, one: Language, other: Language) -> bool:
        return not one or not other or one == other or {one, other} <= self._embedder.languages


def content_stems(text: str, language: Language) -> frozenset[str]:
    """The stems of a text's words, function words left out."""
    words = " ".join(word for word in text.split() if word.strip(".,;:!?()\"'„“”«»").casefold() not in STOP_WORDS)
    return frozenset(stems(words, language)) - STOP_WORDS


def _without_numbers(weights: dict[str, float]) -> dict[str, float]:
    """Numbers help to find a source sentence; whether they agree is read from the facts, whatever their spelling."""
    return {stem: weight for stem, weight in weights.items() if not stem.isdigit()} or weights


def _count(facts: Facts) -> int:
    return len(facts.quantities) + len(facts.dates) + len(facts.names)
