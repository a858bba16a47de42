"""Embedder on the processor: an export of `rag.embedders.export`, run by ONNX Runtime. Neither torch nor
sentence-transformers is imported here."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag.embedders.card import MODEL_NAME, TOKENIZER_NAME, EmbedderCard, read_card
from rag.embedders.counting import TokenCounter
from rag.errors import EmbedderError, EmbedderUnavailable
from rag.machine import physical_cores
from rag.priority import give_way, is_in_background, rest
from rag.types import Language, Likeness, Matrix, Vector

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

_REBUILD = "Run `make setup` to build it again."


class OnnxEmbedder:
    """The embedder in `folder`. Tokenizer and model are loaded on first use, each on its own: counting tokens needs no
    model. Thread-safe.

    Args:
        folder: what `rag.embedders.export` wrote.
        threads: texts embedded side by side; 0 means one per physical core.
    """

    def __init__(self, folder: Path, *, threads: int = 0) -> None:
        self._folder = folder
        # A text has one thread to itself. On two cores this takes 0.7 of the time of one text after the other with two
        # threads each: those wait for one another at every layer.
        self._side_by_side = ThreadPoolExecutor(threads or physical_cores(), thread_name_prefix="embed")
        self._behind = ThreadPoolExecutor(
            threads or physical_cores(), thread_name_prefix="embed-behind", initializer=give_way
        )
        self._lock = threading.Lock()
        self._loaded_tokenizer: Tokenizer | None = None
        self._loaded_session: InferenceSession | None = None

    @cached_property
    def card(self) -> EmbedderCard:
        """Identity and shape. Raises EmbedderError where the embedder is not set up."""
        return read_card(self._folder)

    @property
    def name(self) -> str:
        """Model, weights and number format."""
        return self.card.name

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self.card.dimension

    @property
    def window(self) -> int:
        """Tokens it reads, special tokens included."""
        return self.card.window

    @property
    def languages(self) -> frozenset[Language]:
        """Languages it was trained for."""
        return self.card.languages

    @property
    def across(self) -> OnnxEmbedder:
        """Itself."""
        return self

    def likeness(self, language: Language, *, across: bool) -> Likeness:
        """That of MiniLM, whatever the language."""
        return Likeness()

    def load(self) -> None:
        """Load tokenizer and model now instead of on first use. Raises EmbedderError."""
        self.embed_query("")  # a first run also allocates what later runs need

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` as a document, special tokens included."""
        prefixed = self.card.document_prefix + text  # says first where the embedder is not set up at all
        return self._counter.count(prefixed)

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """One row per text, in order. Raises EmbedderError where a text exceeds the window."""
        encoded = [self._encode(self.card.document_prefix + text) for text in texts]
        longest = max(map(len, encoded), default=0)
        if longest > self.window:
            raise EmbedderError(f"A text of {longest} tokens does not fit the embedder's window of {self.window}.")
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, vector in zip(rows, self._run_all(encoded), strict=True):
            row[:] = vector
        return rows

    def embed_query(self, text: str) -> Vector:
        """The question's vector; a question past the window loses its end."""
        tokens = self._encode(self.card.query_prefix + text)
        if len(tokens) > self.window:
            tokens = [*tokens[: self.window - 1], tokens[-1]]  # the last one is the end marker
        return self._run(tokens)

    def _encode(self, text: str) -> list[int]:
        return self._tokenizer.encode(text).ids

    def _run_all(self, encoded: Sequence[list[int]]) -> Iterator[Vector]:
        if is_in_background():
            return self._behind.map(self._run_behind, encoded)
        return self._side_by_side.map(self._run, encoded) if len(encoded) > 1 else map(self._run, encoded)

    def _run_behind(self, tokens: list[int]) -> Vector:
        rest()
        return self._run(tokens)

    def _run(self, tokens: list[int]) -> Vector:
        # One text a run: a padded batch changes the vector (the numbers of an int8 run are scaled by the largest value
        # in the whole batch) and is no faster on a processor.
        outputs = self._session.run(None, {"input_ids": np.array([tokens], dtype=np.int64)})
        vector: Vector = outputs[0][0]
        return vector

    @cached_property
    def _counter(self) -> TokenCounter:
        return TokenCounter(self._tokenizer)

    @property
    def _tokenizer(self) -> Tokenizer:
        with self._lock:
            if self._loaded_tokenizer is None:
                self._loaded_tokenizer = _open_tokenizer(self._folder / TOKENIZER_NAME)
            return self._loaded_tokenizer

    @property
    def _session(self) -> InferenceSession:
        with self._lock:
            if self._loaded_session is None:
                self._loaded_session = _open_session(self._folder / MODEL_NAME)
            return self._loaded_session


def _open_tokenizer(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception for a missing or damaged file
        raise EmbedderUnavailable("The embedder's tokenizer cannot be loaded.", hint=_REBUILD) from error
    tokenizer.no_truncation()  # files of published models truncate and pad by themselves
    tokenizer.no_padding()
    return tokenizer


def _open_session(path: Path) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a run stays on the thread that calls it
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: it warns about things nobody can act on
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base class but Exception
        raise EmbedderUnavailable("The embedder's model cannot be loaded.", hint=_REBUILD) from error
