"""Two embedders as one: their vectors one behind the other, so that a cosine is the mean of both cosines.

Where one was trained for English and the other for many languages, English texts keep the better eye of the first, and
a question in a language that the first does not know is left to the second. MRR@10 of the whole line, MiniLM alone /
Universal Sentence Encoder alone / both: English passages .983 / .979 / .983, German ones .962 / .969 / .968, long
English questions .985 / .967 / .987.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.languages import detect
from rag.protocols import Embedder
from rag.types import Language, Likeness, Matrix, Vector


@dataclass(frozen=True, slots=True)
class Likenesses:
    """Of a pair."""

    both: Likeness
    one: Likeness


MINILM_AND_USE = Likenesses(both=Likeness(0.382, 0.554), one=Likeness(0.249, 0.317))


class PairedEmbedder:
    """Thread-safe if both are. `likenesses` are measured for the pair: to questions that both know, and to those that
    one knows."""

    def __init__(self, first: Embedder, second: Embedder, *, likenesses: Likenesses) -> None:
        self._parts = (first, second)
        self._likenesses = likenesses

    @property
    def name(self) -> str:
        """Both names."""
        return "+".join(part.name for part in self._parts)

    @property
    def dimension(self) -> int:
        """Of both vectors together."""
        return sum(part.dimension for part in self._parts)

    @property
    def window(self) -> int:
        """What both read."""
        return min(part.window for part in self._parts)

    @property
    def languages(self) -> frozenset[Language]:
        """Those of either."""
        return frozenset().union(*(part.languages for part in self._parts))

    @property
    def across(self) -> Embedder:
        """The part that knows most languages."""
        return max(self._parts, key=lambda part: len(part.languages))

    def likeness(self, language: Language, *, across: bool) -> Likeness:
        """As measured within languages; across them ask `across`."""
        return self._likenesses.both if len(self._knowing(language)) > 1 else self._likenesses.one

    def count_tokens(self, text: str) -> int:
        """Tokens of the one that makes more of them of this text."""
        return max(part.count_tokens(text) for part in self._parts)

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """One row per text, in order. Raises EmbedderError where a text exceeds the window of either."""
        rows = np.hstack([part.embed_documents(texts) for part in self._parts])
        return (rows / np.float32(len(self._parts) ** 0.5)).astype(np.float32)

    def embed_query(self, text: str) -> Vector:
        """The question's vector, of those parts that know its language (of all where none does, or it is not known); a
        question past the window is shortened at its end."""
        knowing = self._knowing(detect(text))
        vectors = [
            part.embed_query(text) if part in knowing else np.zeros(part.dimension, dtype=np.float32)
            for part in self._parts
        ]
        vector: Vector = (np.hstack(vectors) / np.float32(len(knowing) ** 0.5)).astype(np.float32)
        return vector

    def _knowing(self, language: Language) -> Sequence[Embedder]:
        return [part for part in self._parts if language in part.languages] or self._parts
