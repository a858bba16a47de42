"""Doubles that really work: an embedder, a vector store and a chat model without weights, network or native code."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rag.errors import EmbedderError, ModelError
from rag.types import Finished, Language, Likeness, Matrix, Message, ModelEvent, Parameter, ScoredId, Token, Vector

_WORD = re.compile(r"\w+")
_STEM_LENGTH = 5  # words that begin alike ("warranty", "warranties") share a direction, as a stemmer would have it


class HashEmbedder:
    """Each word is a fixed random direction, a text is their sum: texts that share words are near. Deterministic
    in every process. One word is one token; start and end add two."""

    def __init__(
        self,
        *,
        dimension: int = 128,
        window: int = 256,
        languages: frozenset[Language] = frozenset({"en", "de"}),
        name: str = "hash",
    ) -> None:
        self._dimension = dimension
        self._window = window
        self._languages = languages
        self._name = f"{name}-{dimension}"

    @property
    def name(self) -> str:
        """Changes with the dimension, as it must."""
        return self._name

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    @property
    def window(self) -> int:
        """Most words a text may hold, plus two."""
        return self._window

    @property
    def languages(self) -> frozenset[Language]:
        """As told by the test."""
        return self._languages

    @property
    def across(self) -> HashEmbedder:
        """Itself."""
        return self

    def likeness(self, language: Language, *, across: bool) -> Likeness:
        """That of MiniLM, whatever the language."""
        return Likeness()

    def count_tokens(self, text: str) -> int:
        """Words, plus two for start and end."""
        return len(_WORD.findall(text)) + 2

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """One row per text. Raises EmbedderError where a text exceeds the window."""
        for text in texts:
            if (tokens := self.count_tokens(text)) > self._window:
                raise EmbedderError(f"A text of {tokens} tokens does not fit the embedder's window of {self._window}.")
        if not texts:
            return np.zeros((0, self._dimension), dtype=np.float32)
        return np.stack([self._embed(_WORD.findall(text)) for text in texts])

    def embed_query(self, text: str) -> Vector:
        """The question's vector, of its first words if it is too long."""
        return self._embed(_WORD.findall(text)[: self._window - 2])

    def _embed(self, words: list[str]) -> Vector:
        total = _direction("", self._dimension) * 0.01  # a text without words has a vector too
        for word in words:
            total = total + _direction(word.casefold()[:_STEM_LENGTH], self._dimension)
        vector: Vector = (total / np.linalg.norm(total)).astype(np.float32)
        return vector


@lru_cache(maxsize=65_536)
def _direction(word: str, dimension: int) -> Vector:
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
    vector: Vector = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
    return vector


class MemoryVectorStore:
    """VectorStore in dictionaries. Thread-safe. Equal scores are ordered by id."""

    def __init__(self) -> None:
        self._collections: dict[str, dict[str, Vector]] = {}
        self._lock = threading.Lock()

    def upsert(self, collection: str, ids: Sequence[str], vectors: Matrix) -> None:
        """Add or replace. Raises ValueError where ids and rows differ in number: that is a mistake in the code."""
        if len(ids) != len(vectors):
            raise ValueError(f"{len(ids)} ids for {len(vectors)} vectors")
        with self._lock:
            stored = self._collections.setdefault(collection, {})
            stored.update({id_: np.array(row, dtype=np.float32) for id_, row in zip(ids, vectors, strict=True)})

    def search(self, collection: str, vector: Vector, *, limit: int) -> list[ScoredId]:
        """Nearest by cosine similarity; an unknown collection holds nothing."""
        with self._lock:
            stored = dict(self._collections.get(collection, {}))
        if not stored:
            return []
        matrix = np.stack(list(stored.values()))
        lengths = np.linalg.norm(matrix, axis=1) * float(np.linalg.norm(vector))
        scores = (matrix @ vector) / np.maximum(lengths, np.finfo(np.float32).tiny)
        scored = [ScoredId(id_, float(score)) for id_, score in zip(stored, scores, strict=True)]
        return sorted(scored, key=lambda item: (-item.score, item.id))[:limit]

    def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Forget these ids; unknown ones are fine."""
        with self._lock:
            stored = self._collections.get(collection, {})
            for id_ in ids:
                stored.pop(id_, None)

    def ids(self, collection: str) -> set[str]:
        """All ids of a collection."""
        with self._lock:
            return set(self._collections.get(collection, {}))

    def count(self, collection: str) -> int:
        """Number of vectors of a collection."""
        with self._lock:
            return len(self._collections.get(collection, {}))

    def drop(self, collection: str) -> None:
        """Forget a collection; unknown names are fine."""
        with self._lock:
            self._collections.pop(collection, None)

    def collections(self) -> set[str]:
        """Names of the collections that exist."""
        with self._lock:
            return set(self._collections)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a scripted model says next: `text` word by word, then `error` if there is one, else Finished."""

    text: str = ""
    error: ModelError | None = None


Scripted = str | Reply | Callable[[Sequence[Message]], str]
"""A reply: fixed text, a Reply, or a function of the messages."""


class ScriptedChatModel:
    """ChatModel that answers from a list and records what it was asked in `requests`.

    The last reply repeats. `before_token` is called before each token: a test can wait there.
    """

    def __init__(
        self,
        *replies: Scripted,
        name: str = "scripted",
        context_window: int = 8192,
        before_token: Callable[[], None] = lambda: None,
    ) -> None:
        self._replies = deque(replies)
        self._name = name
        self._context_window = context_window
        self._before_token = before_token
        self._lock = threading.Lock()
        self.requests: list[tuple[Message, ...]] = []

    @property
    def name(self) -> str:
        """As told by the test."""
        return self._name

    @property
    def context_window(self) -> int:
        """As told by the test."""
        return self._context_window

    def enqueue(self, *replies: Scripted) -> None:
        """More replies, after those that wait."""
        self._replies.extend(replies)

    def count_tokens(self, text: str) -> int:
        """One token per four characters, rounded up."""
        return -(-len(text) // 4)

    def identity(self) -> str:
        """Not known."""
        return ""

    def parameters(self, max_tokens: int) -> Mapping[str, Parameter]:
        """The limit alone."""
        return {"max_tokens": max_tokens}

    def stream(self, messages: Sequence[Message], *, max_tokens: int, stop: Callable[[], bool]) -> Iterator[ModelEvent]:
        """The next reply, a word a token; ends at `max_tokens` with "length", at `stop` with "stopped"."""
        reply = self._next(messages)
        prompt_tokens = sum(self.count_tokens(message.content) for message in messages)
        written = 0
        for word in re.findall(r"\s*\S+\s*$|\s*\S+|\s+$", reply.text):
            self._before_token()
            if stop() or written == max_tokens:
                yield Finished("stopped" if stop() else "length", prompt_tokens, written)
                return
            written += 1
            yield Token(word)
        if reply.error is not None:
            raise reply.error
        yield Finished("stop", prompt_tokens, written)

    def _next(self, messages: Sequence[Message]) -> Reply:
        with self._lock:
            self.requests.append(tuple(messages))
            if not self._replies:
                raise ValueError("this ScriptedChatModel was given no reply")
            reply = self._replies.popleft() if len(self._replies) > 1 else self._replies[0]
        if isinstance(reply, Reply):
            return reply
        return Reply(reply if isinstance(reply, str) else reply(messages))
