"""A small collection in memory: passages, a lexical index with BM25, vectors of the hash embedder."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from rag.analysis import stems
from rag.protocols import Embedder, Reranker
from rag.questions import Question, read_question
from rag.retrieval import HybridRetriever
from rag.scope import Within
from rag.testing import HashEmbedder, MemoryVectorStore
from rag.types import Contents, Language, Passage, ScoredId, Span, Vector

WORKSPACE = "w"


def document(name: str, *texts: str, headings: Sequence[tuple[str, ...]] = (), header: str = "") -> list[Passage]:
    """The passages of one document, one after the other with a line break between them."""
    passages, start = [], 0
    for ordinal, text in enumerate(texts):
        path = headings[ordinal] if headings else ()
        one = chunk(text, name=f"{name}{ordinal}", start=start, headings=path)
        one = replace(one, document_id=f"d-{name}", version_id=f"v-{name}", ordinal=ordinal, header=header)
        passages.append(one)
        start = one.span.end + 1
    return passages


def chunk(
    text: str, *, name: str, title: str = "", headings: tuple[str, ...] = (), language: Language = "en", start: int = 0
) -> Passage:
    """A passage that begins at `start` in a document of its own."""
    span = Span(start, start + len(text))
    return Passage(name, f"d-{name}", f"v-{name}", title, 0, span, text, language, heading_path=headings)


class MemoryLexicalIndex:
    """BM25 over title, headings and text of passages (k1 1.2, b .75)."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._words = {
            passage.chunk_id: Counter(
                stems(" ".join((passage.title, *passage.heading_path, passage.text)), passage.language)
            )
            for passage in passages
        }
        self._versions = {passage.chunk_id: passage.version_id for passage in passages}
        self._mean = sum(held.total() for held in self._words.values()) / max(1, len(self._words))

    def search(
        self, workspace_id: str, groups: Sequence[Collection[str]], *, limit: int, within: Within | None = None
    ) -> list[ScoredId]:
        total, frequencies = self.document_frequencies(workspace_id, groups)
        scored = []
        for name, held in self._words.items():
            if within is not None and self._versions[name] not in within:
                continue
            score = 0.0
            for group, frequency in zip(groups, frequencies, strict=True):
                count = sum(held[stem] for stem in group)
                rarity = math.log(1 + (total - frequency + 0.5) / (frequency + 0.5))
                score += rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * held.total() / self._mean))
            if score > 0:
                scored.append(ScoredId(name, score))
        return sorted(scored, key=lambda item: (-item.score, item.id))[:limit]

    def similar(self, workspace_id: str, stem: str, *, letters: int) -> list[tuple[str, int]]:
        often = Counter(word for held in self._words.values() for word in held)
        return [
            (word, count)
            for word, count in often.items()
            if word[:1] == stem[:1] and abs(len(word) - len(stem)) <= letters
        ]

    def document_frequencies(self, workspace_id: str, groups: Sequence[Collection[str]]) -> tuple[int, list[int]]:
        held = [sum(any(stem in words for stem in group) for words in self._words.values()) for group in groups]
        return len(self._words), held


class MemoryVectorSearch:
    """Exact search over the passages' vectors."""

    def __init__(self, embedder: Embedder, passages: Sequence[Passage]) -> None:
        self._store = MemoryVectorStore()
        self._versions = {passage.chunk_id: passage.version_id for passage in passages}
        if passages:
            matrix = embedder.embed_documents([passage.text for passage in passages])
            self._store.upsert(WORKSPACE, [passage.chunk_id for passage in passages], matrix)

    def search(self, workspace_id: str, vector: Vector, *, limit: int, within: Within | None = None) -> list[ScoredId]:
        found = self._store.search(WORKSPACE, vector, limit=len(self._versions))
        return [item for item in found if within is None or self._versions[item.id] in within][:limit]


class MemoryPassages:
    """The passages themselves; every hundred code points are a page, "p1", "p2" and so on."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = {passage.chunk_id: passage for passage in passages}

    def passages(self, workspace_id: str, chunk_ids: Sequence[str]) -> list[Passage]:
        return [self._passages[chunk_id] for chunk_id in chunk_ids if chunk_id in self._passages]

    def at_ordinals(self, workspace_id: str, ordinals: Sequence[tuple[str, int]]) -> list[Passage]:
        return [one for one in self._passages.values() if (one.version_id, one.ordinal) in ordinals]

    def documents(self, workspace_id: str, within: Within | None = None) -> list[Contents]:
        counted = Counter(
            (one.document_id, one.version_id, one.title)
            for one in self._passages.values()
            if within is None or one.version_id in within
        )
        return [Contents(*named, count) for named, count in counted.items()]

    def texts_at(self, spans: Sequence[tuple[str, Span]]) -> list[str]:
        """Passages of a document with a line break between them."""
        return [self._text(version_id)[span.start : span.end] for version_id, span in spans]

    def _text(self, version_id: str) -> str:
        text = ""
        mine = (one for one in self._passages.values() if one.version_id == version_id)
        for passage in sorted(mine, key=lambda passage: passage.ordinal):
            text = text.ljust(passage.span.start, "\n") + passage.text
        return text

    def languages(self, workspace_id: str, within: Within | None = None) -> frozenset[Language]:
        mine = (one for one in self._passages.values() if within is None or one.version_id in within)
        return frozenset(passage.language for passage in mine)

    def openings(self, workspace_id: str, version_ids: Collection[str]) -> dict[str, str]:
        """Those of documents that are more than one passage."""
        found: dict[str, list[str]] = {}
        for passage in sorted(self._passages.values(), key=lambda passage: passage.ordinal):
            if passage.version_id in version_ids:
                found.setdefault(passage.version_id, []).append(passage.text)
        return {version_id: texts[0] for version_id, texts in found.items() if len(texts) > 1}

    def pages_at(self, places: Sequence[tuple[str, int]]) -> list[tuple[int | None, str | None]]:
        return [(offset // 100 + 1, f"p{offset // 100 + 1}") for _, offset in places]


class WordReranker:
    """Counts the words of the question that a text holds."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        asked = set(stems(question, "en"))
        return [float(len(asked.intersection(stems(text, "en")))) for text in texts]


def retriever(
    *passages: Passage, embedder: Embedder | None = None, reranker: Reranker | None = None
) -> HybridRetriever:
    """The real retriever over these passages."""
    embedder = embedder or HashEmbedder()
    return HybridRetriever(
        embedder,
        MemoryVectorSearch(embedder, passages),
        MemoryLexicalIndex(passages),
        MemoryPassages(passages),
        reranker=reranker,
    )


def read(text: str, *passages: Passage) -> Question:
    """The question as it is read for a workspace of these passages."""
    languages = frozenset(passage.language for passage in passages)
    return read_question(text, index_id=WORKSPACE, languages=languages, lexical=MemoryLexicalIndex(passages))
