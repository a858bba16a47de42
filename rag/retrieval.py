"""From a question to passages: both indexes, one ranking, the answering sentence of each passage, and the gate."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from rag.analysis import stem, words
from rag.fusion import Candidate, first_scores, fused_scores, united
from rag.gate import THRESHOLD, Support, evidence
from rag.matching import match
from rag.naming import named
from rag.places import locate
from rag.protocols import Embedder, LexicalIndex, PassageSource, Reranker, VectorSearch
from rag.questions import Question, read_question
from rag.reranking import across_languages, by_reader, by_sentences
from rag.scope import Within
from rag.selection import Chosen, Found, choose, pull, scored, spread, wanting
from rag.types import Contents, Language, Likeness, Passage, Retrieval, ScoredId, Span, Vector

_LEXICAL_LIMIT = 60
_DENSE_LIMIT = 100
"""More than of the other half, so that most candidates have a score of their own in both."""
_READ = 40
"""Candidates whose text is read, half a millisecond each. 24 / 36 / 60 of them, MRR@10: English encyclopaedia passages
.984 / .983 / .982, German ones .962 / .962 / .962, headings of manuals .932 / .934 / .937 (600 questions each)."""
_AT_ONCE = 4
"""Questions whose halves are looked up side by side; both mostly wait, for SQLite and for another process."""


@dataclass(frozen=True, slots=True)
class _Near:
    """What is near a question in meaning."""

    vector: Vector
    """Of the question."""
    found: list[ScoredId]


class HybridRetriever:
    """Words and meaning, fused by score; implements what answering and search need. Thread-safe if its parts are."""

    def __init__(
        self,
        embedder: Embedder,
        vectors: VectorSearch,
        lexical: LexicalIndex,
        source: PassageSource,
        *,
        reranker: Reranker | None = None,
    ) -> None:
        self._embedder = embedder
        self._reranker = reranker
        self._vectors = vectors
        self._lexical = lexical
        self._source = source
        self._beside = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="meaning")

    def retrieve(self, index_id: str, question: str, *, limit: int = 10, within: Within | None = None) -> Retrieval:
        """The best passages of a search index, or of the versions `within`, each with its best sentence and the page of
        that sentence.

        Raises EmbedderError where the embedder cannot be loaded.
        """
        started = time.perf_counter()
        meaning = self._beside.submit(self._by_meaning, index_id, question, within)
        languages = self._source.languages(index_id, within)
        read = read_question(question, index_id=index_id, languages=languages, lexical=self._lexical)
        trusted, across = self._trusted(read, languages), read.across(languages)
        embedder = self._embedder.across if across else self._embedder
        likeness = embedder.likeness(read.language, across=across)
        found = self._ranked(index_id, read, meaning, within=within, trusted=trusted)
        if across and trusted:
            found = across_languages(found, question, embedder, likeness)
        strength = evidence(read, _support(found, likeness, trusted=trusted, across=across))
        if strength < THRESHOLD and trusted and not across:  # the words leave doubt; it costs 30 to 100 ms
            found = by_sentences(found, meaning.result().vector, embedder)
            strength = evidence(read, _support(found, likeness, trusted=trusted, across=across))
        if self._reranker is not None:
            found = by_reader(found, question, self._reranker)
        chosen, others = choose(found, limit)
        return Retrieval(
            question=question,
            passages=self._shown(index_id, chosen),
            evidence=strength,
            sufficient=strength >= THRESHOLD,
            seconds=time.perf_counter() - started,
            others=tuple(others),
            respelled=tuple(_respelled(read, found)),
        )

    def documents(self, index_id: str, *, within: Within | None = None) -> list[Contents]:
        """The documents that are searched, or those of them that are `within`."""
        return self._source.documents(index_id, within)

    def at_ordinals(self, index_id: str, ordinals: Sequence[tuple[str, int]]) -> list[Passage]:
        """The passages of (version id, place in it) that there are, in any order."""
        return self._source.at_ordinals(index_id, ordinals)

    def _trusted(self, question: Question, languages: Collection[Language]) -> bool:
        """Whether the embedder was trained for the question's language and for one of the documents'."""
        known = self._embedder.languages
        asked = not question.language or question.language in known
        return asked and (not languages or not known.isdisjoint(languages))

    def _by_meaning(self, index_id: str, question: str, within: Within | None) -> _Near:
        vector = self._embedder.embed_query(question)
        return _Near(vector, self._vectors.search(index_id, vector, limit=_DENSE_LIMIT, within=within))

    def _ranked(
        self, index_id: str, question: Question, meaning: Future[_Near], *, within: Within | None, trusted: bool
    ) -> list[Found]:
        if not question.text.strip():
            return []
        by_words = (
            self._lexical.search(index_id, question.groups, limit=_LEXICAL_LIMIT, within=within)
            if question.groups
            else []
        )
        candidates = {one.id: one for one in _candidates(by_words, meaning.result().found, trusted=trusted)}
        passages = self._source.passages(index_id, list(candidates))
        present = [candidates[passage.chunk_id] for passage in passages]
        matches = match(question, passages)
        shares = named(question, passages, self._source.openings(index_id, {one.version_id for one in passages}))
        scores = fused_scores(present, matches, shares, trusted=trusted).tolist()
        found = [
            Found(candidate, passage, matched, share, score, best=next(iter(matched.sentences), None))
            for candidate, passage, matched, share, score in zip(
                present, passages, matches, shares, scores, strict=True
            )
        ]
        found.sort(key=lambda entry: -entry.score)
        return spread(found)

    def _shown(self, index_id: str, chosen: Sequence[Chosen]) -> tuple[Passage, ...]:
        """Passages as they are shown: with what they lean on, on the page where the best sentence begins."""
        if asked := wanting(chosen):
            beside = {(one.version_id, one.ordinal): one for one in self._source.at_ordinals(index_id, asked)}
            for one in chosen:
                pull(one, beside)
        passages = [scored(one.found) for one in chosen]
        grown = [place for place, one in enumerate(chosen) if len(one.parts) > 1]
        texts = self._source.texts_at([(passages[place].version_id, chosen[place].span) for place in grown])
        for place, text in zip(grown, texts, strict=True):
            passages[place] = _grown(passages[place], chosen[place], text)
        pages = self._source.pages_at([(one.version_id, _answering(one).start) for one in passages])
        return tuple(
            replace(passage, page=page, page_label=label, locator=locate(passage, _answering(passage)))
            for passage, (page, label) in zip(passages, pages, strict=True)
        )


def _respelled(question: Question, found: Sequence[Found]) -> Iterator[tuple[str, str]]:
    """(word as typed, word as the documents have it)."""
    for typed, looked_for in question.meant:
        for passage in (entry.passage for entry in found):
            head = " ".join((passage.title, *passage.heading_path, passage.text))
            if spelled := next((one for one in words(head) if stem(one, passage.language) == looked_for), None):
                yield typed, spelled
                break


def _answering(passage: Passage) -> Span:
    return passage.best_sentence or passage.span


def _candidates(by_words: Sequence[ScoredId], by_meaning: Sequence[ScoredId], *, trusted: bool) -> list[Candidate]:
    """The best of both halves, as far as that can be told before any text has been read."""
    candidates = united(by_words, by_meaning, lexical_limit=_LEXICAL_LIMIT)
    order = np.argsort(-first_scores(candidates, trusted=trusted), kind="stable")[:_READ]
    return [candidates[index] for index in order]


def _grown(passage: Passage, chosen: Chosen, text: str) -> Passage:
    """A passage of several parts. `text`: the document's, from the first to the last."""
    first = chosen.parts[0]
    places = tuple(place for part in chosen.parts for place in part.places)
    return replace(passage, ordinal=first.ordinal, span=chosen.span, text=text, header=first.header, places=places)


def _support(found: Sequence[Found], likeness: Likeness, *, trusted: bool, across: bool) -> Support:
    """Across languages only sentences tell: they were compared by an embedder with a measure of its own."""
    cosines = [entry.similarity for entry in found]
    if not (trusted and across):
        cosines += [entry.candidate.dense for entry in found]
    return Support(
        matches=[entry.match for entry in found],
        near=likeness.near(max((cosine for cosine in cosines if cosine is not None), default=0.0)),
        trusted=trusted,
        across=across,
    )
