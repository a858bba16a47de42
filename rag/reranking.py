"""The first passages again, by what their sentences mean: for questions of which the words leave doubt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag.citations import quote_at
from rag.fusion import standardised
from rag.protocols import Embedder, Reranker
from rag.selection import Found
from rag.types import Likeness, Vector, embedding_text

_PASSAGES = 5
_SENTENCES = 2
"""Of each of the first passages: a short sentence takes 3 to 8 ms on two cores."""
_SENTENCE = 2.5
"""Weight of the cosine between question and nearest sentence, among the first passages."""
_PASSAGES_ACROSS = 20
"""All their sentences are read, a millisecond each. 8 / 12 / 20 / 40 of them: page hit@5 of German headings in English
manuals .823 / .857 / .880 / .883 (without .797), MRR@10 of German questions on English encyclopaedia passages .895 /
.894 / .898 / .892 (.862), of English ones on German passages .905 / .905 / .904 / .905 (.888); 300 questions each."""
_PASSAGES_READ = 20
_READER = 3.0
"""Weight of the z-score of what a reader thinks: about as much as words and meaning differ by among these."""
_SENTENCE_ACROSS = 1.5
"""Weight of the z-score of the nearest sentence's cosine among them."""
_HEADING_ACROSS = 4.0
"""Weight of the heading's cosine, as far as it is above what unrelated texts have."""


def by_sentences(found: Sequence[Found], vector: Vector, embedder: Embedder) -> list[Found]:
    """The first few by the meaning of their best sentences as well, the rest as they are. `vector`: of the question."""
    return _in_front(_weighed(found[:_PASSAGES], vector, embedder), found)


def across_languages(found: Sequence[Found], question: str, embedder: Embedder, likeness: Likeness) -> list[Found]:
    """The first ones by the meaning of all their sentences and of their headings: where question and documents are in
    different languages, words tell neither which sentence answers nor which heading is meant.

    `embedder` knows both languages; `likeness` says how its cosines are to be read.
    """
    head = list(found[:_PASSAGES_ACROSS])
    texts = [list(_all_texts(entry)) for entry in head]
    if not any(texts):
        return list(found)
    matrix = embedder.embed_documents([text for some in texts for text in some])
    cosines = iter((matrix @ embedder.embed_query(question)).tolist())
    read = [_read_across(entry, [next(cosines) for _ in some]) for entry, some in zip(head, texts, strict=True)]
    nearest = standardised([entry.similarity for entry, _ in read])
    head = [
        replace(
            entry,
            score=entry.score
            + _SENTENCE_ACROSS * float(near)
            + _HEADING_ACROSS * max(0.0, heading - likeness.unrelated),
        )
        for (entry, heading), near in zip(read, nearest, strict=True)
    ]
    return _in_front(head, found)


def by_reader(found: Sequence[Found], question: str, reranker: Reranker) -> list[Found]:
    """The first ones as far as a reader gets, by what it thinks of them as well; the rest as they are."""
    head = found[:_PASSAGES_READ]
    texts = [
        embedding_text(one.title, one.heading_path, one.text, header=one.header)
        for one in (entry.passage for entry in head)
    ]
    told = standardised(reranker.scores(question, texts))
    read = [
        replace(entry, score=entry.score + _READER * float(thought))
        for entry, thought in zip(head[: len(told)], told, strict=True)
    ]
    return _in_front(read, found)


def _in_front(weighed: Sequence[Found], found: Sequence[Found]) -> list[Found]:
    """The first of `found`, weighed anew, best first, before the rest as they are."""
    return [*sorted(weighed, key=lambda entry: -entry.score), *found[len(weighed) :]]


def _all_texts(entry: Found) -> Iterator[str]:
    """The sentences, best first by words, then the nearest heading (or "")."""
    for marked in entry.match.sentences:
        yield quote_at(entry.passage, marked.span)
    yield entry.passage.heading_path[-1] if entry.passage.heading_path else ""


def _read_across(entry: Found, cosines: Sequence[float]) -> tuple[Found, float]:
    """(the passage with its nearest sentence, cosine of its heading). Where the heading is nearer than any sentence it
    is the section that is asked for, and that begins with its first one."""
    sentences, heading = cosines[:-1], cosines[-1] if entry.passage.heading_path else 0.0
    if not sentences:
        return entry, heading
    near = max(sentences)
    marked = entry.match.sentences
    best = min(marked, key=lambda one: one.span.start) if heading > near else marked[sentences.index(near)]
    return replace(entry, best=best, similarity=max(near, heading)), heading


def _weighed(found: Sequence[Found], vector: Vector, embedder: Embedder) -> list[Found]:
    """Each with what its best sentences mean; they are embedded in one call, so that they share the processors."""
    texts = [list(_texts(entry)) for entry in found]
    if not any(texts):
        return list(found)
    matrix = embedder.embed_documents([text for some in texts for _, text in some])
    cosines = iter((matrix @ vector).tolist())
    weighed = []
    for entry, some in zip(found, texts, strict=True):
        nearest: dict[int, float] = {}  # place of the sentence → cosine to it or to the heading above it
        for place, _ in some:
            nearest[place] = max(next(cosines), nearest.get(place, -1.0))
        weighed.append(_with_meaning(entry, list(nearest.values())) if nearest else entry)
    return weighed


def _texts(entry: Found) -> Iterator[tuple[int, str]]:
    """(place, text) of the sentences that are embedded, and of the headings right above them."""
    for place, marked in enumerate(entry.match.sentences[:_SENTENCES]):
        for span in (marked.span, marked.heading):
            if span:
                yield place, quote_at(entry.passage, span)


def _with_meaning(entry: Found, similarities: Sequence[float]) -> Found:
    marked = entry.match.sentences[:_SENTENCES]
    fits = [one.coverage + one.grams + near for one, near in zip(marked, similarities, strict=True)]
    near = max(similarities)
    return replace(entry, best=marked[fits.index(max(fits))], similarity=near, score=entry.score + _SENTENCE * near)
