"""The seams. Each has one contract suite in tests/contract, run against the real adapter and its double."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from rag.scope import Within
from rag.types import (
    Contents,
    Language,
    Likeness,
    Matrix,
    Message,
    ModelEvent,
    Parameter,
    Passage,
    Retrieval,
    ScoredId,
    Span,
    Vector,
)


class Embedder(Protocol):
    """Turns text into unit vectors. Thread-safe."""

    @property
    def name(self) -> str:
        """Stable identity of model, weights and number format; stored with every vector."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def window(self) -> int:
        """How many tokens it really reads, special tokens included; longer text would be cut."""

    @property
    def languages(self) -> frozenset[Language]:
        """Languages it was trained for; retrieval trusts it less elsewhere."""

    @property
    def across(self) -> Embedder:
        """What compares texts in different languages: itself, or the part of it that knows several."""

    def likeness(self, language: Language, *, across: bool) -> Likeness:
        """How its cosines are to be read for questions in a language; `across`: put to documents in another."""

    def count_tokens(self, text: str) -> int:
        """Length of `text` in this model's tokens, special tokens included."""

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """One row per text, in order. Raises EmbedderError when a text exceeds the window: nothing is cut
        in silence."""

    def embed_query(self, text: str) -> Vector:
        """The question's vector; a question past the window is shortened at its end."""


@runtime_checkable
class FirstWords(Protocol):
    """A chat model that tells how it would begin."""

    def first_words(self, messages: Sequence[Message], *, stop: Callable[[], bool]) -> Mapping[str, float]:
        """The likeliest first words of a reply (one token each, in small letters) and their probabilities; none where
        it was stopped. The prompt counts as read for a chat that begins alike. Raises as `ChatModel.stream`."""


class Reranker(Protocol):
    """Reads question and passage together. Thread-safe."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers, higher is better, for as many of the first ones as there is time for. Raises
        EmbedderUnavailable."""


class VectorStore(Protocol):
    """Ids and vectors, nothing else: text and truth live in SQL. Scores are cosine similarities."""

    def upsert(self, collection: str, ids: Sequence[str], vectors: Matrix) -> None:
        """Enter vectors, in place of those that the ids had."""

    def search(self, collection: str, vector: Vector, *, limit: int) -> list[ScoredId]:
        """The nearest, best first; an unknown collection holds nothing."""

    def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Take ids out; unknown ones are fine."""

    def ids(self, collection: str) -> set[str]:
        """All ids of a collection."""

    def count(self, collection: str) -> int:
        """How many ids a collection holds."""

    def drop(self, collection: str) -> None:
        """Forget a collection; unknown names are fine."""

    def collections(self) -> set[str]:
        """The names of all collections."""


class VectorSearch(Protocol):
    """Nearest chunks of one search index, always correct: by its graph, or exactly from the stored vectors."""

    def search(self, index_id: str, vector: Vector, *, limit: int, within: Within | None = None) -> list[ScoredId]:
        """The nearest searchable chunks by cosine similarity, best first; `limit` of those `within`, where that is
        given, however few of all they are."""


class LexicalIndex(Protocol):
    """Words of one search index's chunks, stemmed in the language of their document."""

    def search(
        self, index_id: str, groups: Sequence[Collection[str]], *, limit: int, within: Within | None = None
    ) -> list[ScoredId]:
        """Chunks matching any group, by BM25 over body, headings and title; a group holds the stems of one query
        word in every language of the documents, and matches where any of them does.

        Where `within` is given, `limit` of those in it. Their scores are the same as without: how rare a word is, the
        whole index decides, for in ten documents about leases "lease" says no more than it did in a thousand.
        """

    def similar(self, index_id: str, stem: str, *, letters: int) -> list[tuple[str, int]]:
        """(stem, number of chunks) of those that begin with the same letter and are as long, give or take `letters`."""

    def document_frequencies(self, index_id: str, groups: Sequence[Collection[str]]) -> tuple[int, list[int]]:
        """(number of chunks, number of chunks matching each group)."""


class PassageSource(Protocol):
    """Loads chunks for display. Ids that are deleted, foreign to the index or unknown are left out."""

    def passages(self, index_id: str, chunk_ids: Sequence[str]) -> list[Passage]:
        """In the order of `chunk_ids`."""

    def languages(self, index_id: str, within: Within | None = None) -> frozenset[Language]:
        """Languages of the documents in it, or of those `within`."""

    def openings(self, index_id: str, version_ids: Collection[str]) -> dict[str, str]:
        """The first lines, by version, of documents that are much longer than these."""

    def documents(self, index_id: str, within: Within | None = None) -> list[Contents]:
        """The documents in it that have passages, or those of them that are `within`, by title."""

    def at_ordinals(self, index_id: str, ordinals: Sequence[tuple[str, int]]) -> list[Passage]:
        """The chunks of (version id, place of the chunk in it, from 0) that there are, in any order."""

    def texts_at(self, spans: Sequence[tuple[str, Span]]) -> list[str]:
        """For each (version id, span) the document's text there."""

    def pages_at(self, places: Sequence[tuple[str, int]]) -> list[tuple[int | None, str | None]]:
        """For each (version id, offset) the page that holds this code point: (number, label), or (None, None)."""


class Retriever(Protocol):
    """Finds the passages for a question and judges whether they are enough; it may look in a part of a workspace."""

    def retrieve(self, workspace_id: str, question: str, *, limit: int) -> Retrieval:
        """At most `limit` passages, best first."""

    def documents(self, workspace_id: str) -> list[Contents]:
        """The documents that it searches."""

    def at_ordinals(self, workspace_id: str, ordinals: Sequence[tuple[str, int]]) -> list[Passage]:
        """The passages of (version id, place in it) that there are, in any order."""


class ChatModel(Protocol):
    """A local model that writes prose."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def context_window(self) -> int:
        """Tokens of prompt and answer together that the server has been told to hold."""

    def count_tokens(self, text: str) -> int:
        """By the model's own tokenizer, or an upper bound."""

    def identity(self) -> str:
        """Digest of the weights ("sha256:…"), or "" where it is not known. Never raises."""

    def parameters(self, max_tokens: int) -> Mapping[str, Parameter]:
        """What `stream` sends beside the messages, by the names that its server uses. Never raises."""

    def stream(self, messages: Sequence[Message], *, max_tokens: int, stop: Callable[[], bool]) -> Iterator[ModelEvent]:
        """Tokens, then Finished. `stop` is polled; when it turns true the stream ends with Finished("stopped").
        Raises ModelError and its kind, with what to do next. The prompt tokens of Finished count the whole prompt, or
        are None."""


BlobBlocks = Iterable[tuple[Sequence[str], Matrix]]
"""Stored vectors in blocks: (chunk ids, matrix), so that no whole collection is ever in memory."""
