"""Several search indexes asked as one: their candidates stand in one pool and are ranked by one measure.

Ranking each index by itself and merging would put the best of an index that holds nothing on the matter beside the
best of one that does. So what is compared has to mean the same in all of them:

* **Words.** BM25 weighs a word by how rare it is in its own index. Each index's scores are multiplied by what the
  question's words weigh in all indexes together over what they weigh in this one, and the rarity that retrieval counts
  with is that of all together.
* **Meaning.** Cosines of one embedder are comparable as they are, whatever index they come from. Another embedder's are
  brought to its scale: as many standard deviations above the mean cosine to passages picked blindly.

After that every passage is read and scored alike (rag/retrieval.py).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from rag.protocols import Embedder, LexicalIndex, PassageSource, Reranker, VectorSearch
from rag.retrieval import HybridRetriever
from rag.scope import Within
from rag.types import Contents, Language, Matrix, Passage, Retrieval, ScoredId, Span, Vector

_LEAST = 30
"""Passages picked blindly; fewer say nothing of what is usual, and the cosine stays as it is."""
_NEVER = 1e-6
"""What FTS5 lets a word weigh that most of an index's chunks hold."""


@dataclass(frozen=True, slots=True)
class Place:
    """One search index that a question looks in."""

    index_id: str
    embedder: Embedder
    within: Within | None
    sample: Callable[[], Matrix | None]
    """Vectors of some of its passages, picked blindly; None where it is empty."""


class Together:
    """Finds passages in several indexes; what answering needs. The first is where the question was asked."""

    def __init__(
        self,
        places: Sequence[Place],
        *,
        vectors: VectorSearch,
        lexical: LexicalIndex,
        source: PassageSource,
        reranker: Reranker | None = None,
    ) -> None:
        self._places = places
        self._reranker = reranker
        self._vectors = vectors
        self._lexical = lexical
        self._source = source

    def retrieve(self, index_id: str, question: str, *, limit: int) -> Retrieval:
        """The best passages of all the places. Raises as `HybridRetriever.retrieve`."""
        one = HybridRetriever(
            self._places[0].embedder,
            vectors=_Vectors(self._places, self._vectors, question),
            lexical=_Words(self._places, self._lexical),
            source=_Passages(self._places, self._source),
            reranker=self._reranker,
        )
        return one.retrieve(index_id, question, limit=limit)

    def documents(self, index_id: str) -> list[Contents]:
        """The documents of all the places."""
        return _Passages(self._places, self._source).documents(index_id)

    def at_ordinals(self, index_id: str, ordinals: Sequence[tuple[str, int]]) -> list[Passage]:
        """The passages of (version id, place in it) that there are in any of the places."""
        return _Passages(self._places, self._source).at_ordinals(index_id, ordinals)


class _Words:
    """The places' words as one index; implements LexicalIndex, its arguments `index_id` and `within` aside."""

    def __init__(self, places: Sequence[Place], lexical: LexicalIndex) -> None:
        self._places = places
        self._lexical = lexical

    def search(
        self, index_id: str, groups: Sequence[Collection[str]], *, limit: int, within: Within | None = None
    ) -> list[ScoredId]:
        total, frequencies = self.document_frequencies(index_id, groups)
        found: list[ScoredId] = []
        for place in self._places:
            own = self._lexical.document_frequencies(place.index_id, groups)
            factor = _heavier(own, (total, frequencies))
            some = self._lexical.search(place.index_id, groups, limit=limit, within=place.within)
            found += [ScoredId(item.id, item.score * factor) for item in some]
        return _best(found, limit)

    def similar(self, index_id: str, stem: str, *, letters: int) -> list[tuple[str, int]]:
        often: Counter[str] = Counter()
        for place in self._places:
            often.update(dict(self._lexical.similar(place.index_id, stem, letters=letters)))
        return list(often.items())

    def document_frequencies(self, index_id: str, groups: Sequence[Collection[str]]) -> tuple[int, list[int]]:
        told = [self._lexical.document_frequencies(place.index_id, groups) for place in self._places]
        return sum(total for total, _ in told), [sum(each) for each in zip(*(some for _, some in told), strict=True)]


class _Vectors:
    """The places' vectors as one index; implements VectorSearch for one question."""

    def __init__(self, places: Sequence[Place], vectors: VectorSearch, question: str) -> None:
        self._places = places
        self._vectors = vectors
        self._question = question

    def search(self, index_id: str, vector: Vector, *, limit: int, within: Within | None = None) -> list[ScoredId]:
        home = self._places[0]
        found: list[ScoredId] = []
        for place in self._places:
            if place.embedder.name == home.embedder.name:
                found += self._vectors.search(place.index_id, vector, limit=limit, within=place.within)
                continue
            own = place.embedder.embed_query(self._question)
            some = self._vectors.search(place.index_id, own, limit=limit, within=place.within)
            found += _to_scale(some, usual=_usual(place, own), wanted=_usual(home, vector))
        return _best(found, limit)


class _Passages:
    """The places' passages as one source; implements PassageSource. No id of one place is found in another."""

    def __init__(self, places: Sequence[Place], source: PassageSource) -> None:
        self._places = places
        self._source = source

    def passages(self, index_id: str, chunk_ids: Sequence[str]) -> list[Passage]:
        found = {
            passage.chunk_id: passage
            for place in self._places
            for passage in self._source.passages(place.index_id, chunk_ids)
        }
        return [found[chunk_id] for chunk_id in chunk_ids if chunk_id in found]

    def languages(self, index_id: str, within: Within | None = None) -> frozenset[Language]:
        told = (self._source.languages(place.index_id, place.within) for place in self._places)
        return frozenset().union(*told)

    def openings(self, index_id: str, version_ids: Collection[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for place in self._places:
            found |= self._source.openings(place.index_id, version_ids)
        return found

    def documents(self, index_id: str, within: Within | None = None) -> list[Contents]:
        return [one for place in self._places for one in self._source.documents(place.index_id, place.within)]

    def at_ordinals(self, index_id: str, ordinals: Sequence[tuple[str, int]]) -> list[Passage]:
        return [passage for place in self._places for passage in self._source.at_ordinals(place.index_id, ordinals)]

    def texts_at(self, spans: Sequence[tuple[str, Span]]) -> list[str]:
        return self._source.texts_at(spans)

    def pages_at(self, places: Sequence[tuple[str, int]]) -> list[tuple[int | None, str | None]]:
        return self._source.pages_at(places)


def _best(found: Sequence[ScoredId], limit: int) -> list[ScoredId]:
    return sorted(found, key=lambda item: (-item.score, item.id))[:limit]


def _heavier(own: tuple[int, Sequence[int]], whole: tuple[int, Sequence[int]]) -> float:
    """How much more the words that an index knows weigh in all of them together than in it alone."""
    known = [(mine, every) for mine, every in zip(own[1], whole[1], strict=True) if mine]
    alone = sum(_weight(own[0], mine) for mine, _ in known)
    return sum(_weight(whole[0], every) for _, every in known) / alone if known else 1.0


def _weight(total: int, frequency: int) -> float:
    """Inverse document frequency as FTS5 computes it (https://sqlite.org/fts5.html, "The bm25() function")."""
    return max(_NEVER, math.log((total - frequency + 0.5) / (frequency + 0.5)))


def _usual(place: Place, query: Vector) -> tuple[float, float] | None:
    """(mean, standard deviation) of the cosines of a query to passages picked blindly."""
    sample = place.sample()
    if sample is None or len(sample) < _LEAST:
        return None
    cosines = sample @ query
    spread = float(cosines.std())
    return (float(cosines.mean()), spread) if spread > np.finfo(np.float32).eps else None


def _to_scale(
    found: Sequence[ScoredId], *, usual: tuple[float, float] | None, wanted: tuple[float, float] | None
) -> list[ScoredId]:
    """Cosines of one embedder as those of another would be that stand out as much."""
    if usual is None or wanted is None:
        return list(found)
    (mean, spread), (to_mean, to_spread) = usual, wanted
    return [ScoredId(item.id, min(1.0, to_mean + to_spread * (item.score - mean) / spread)) for item in found]
