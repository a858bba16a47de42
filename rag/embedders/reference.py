"""The reference embedder: sentence-transformers itself, for conversion, for a GPU and for models without an export."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rag.errors import EmbedderError, EmbedderUnavailable
from rag.types import Language, Likeness, Matrix, Vector

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BLOCK = 1 << 20


def load_model(folder: Path, *, device: str | None = None) -> SentenceTransformer:
    """The sentence-transformers model in `folder`. Nothing is fetched, no code of the model is run, and only
    safetensors are read: pickled weights can hold code.

    Raises:
        EmbedderError: no such model there, or one that breaks these rules.
    """
    if not (folder / "modules.json").is_file():
        raise EmbedderUnavailable(
            "There is no sentence-transformers model in the folder that was set as embedder.",
            hint="Name the folder that holds its modules.json.",
        )
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(
            str(folder),
            device=device,
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )
    except Exception as error:  # transformers raises nearly anything for a model it cannot read
        raise EmbedderUnavailable(
            "The embedder cannot be loaded.",
            hint="It must be a complete sentence-transformers model with safetensors weights.",
        ) from error


def weights_digest(folder: Path) -> str:
    """SHA-256 over the safetensors files in `folder`, in the order of their names.

    Raises:
        EmbedderError: there are none.
    """
    paths = sorted(folder.rglob("*.safetensors"))
    if not paths:
        raise EmbedderError(
            "The embedder has no safetensors weights.",
            hint="Pickled weights are refused: they can hold code. Convert the model to safetensors.",
        )
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


class SentenceTransformerEmbedder:
    """Any sentence-transformers model in a folder, at its own precision. Loaded on first use. Thread-safe: one text
    or batch at a time.

    Args:
        folder: the model, as sentence-transformers saves it.
        languages: the languages it was trained for; a model does not say.
        device: "cpu", "cuda"; None lets torch choose.
        batch_size: texts a run; padding changes vectors of full precision by rounding only.
    """

    def __init__(
        self,
        folder: Path,
        *,
        languages: frozenset[Language] = frozenset(),
        device: str | None = None,
        batch_size: int = 16,
    ) -> None:
        self._folder = folder
        self._languages = languages
        self._device = device
        self._batch_size = batch_size
        self._lock = threading.RLock()
        self._loaded: SentenceTransformer | None = None
        self._name: str | None = None

    @property
    def name(self) -> str:
        """Folder name and the hash of its weights."""
        with self._lock:
            if self._name is None:
                self._name = f"{self._folder.name}-{weights_digest(self._folder)[:8]}"
            return self._name

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        size = self._model.get_embedding_dimension()
        if size is None:
            raise EmbedderError("The embedder does not say how long its vectors are.")
        return int(size)

    @property
    def window(self) -> int:
        """Tokens it reads, special tokens included."""
        size = self._model.max_seq_length
        if size is None:
            raise EmbedderError("The embedder does not say how much text it reads.")
        return int(size)

    @property
    def languages(self) -> frozenset[Language]:
        """As told."""
        return self._languages

    @property
    def across(self) -> SentenceTransformerEmbedder:
        """Itself."""
        return self

    def likeness(self, language: Language, *, across: bool) -> Likeness:
        """That of MiniLM, whatever the language."""
        return Likeness()

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` as a document, special tokens included."""
        return self._count(self._prefix("document") + text)

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        """One row per text, in order. Raises EmbedderError where a text exceeds the window."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        prefix = self._prefix("document")
        for text in texts:
            if (tokens := self._count(prefix + text)) > self.window:
                raise EmbedderError(f"A text of {tokens} tokens does not fit the embedder's window of {self.window}.")
        return self._encode([prefix + text for text in texts])

    def embed_query(self, text: str) -> Vector:
        """The question's vector; a question past the window loses its end."""
        vector: Vector = self._encode([self._prefix("query") + text])[0]
        return vector

    @property
    def _model(self) -> SentenceTransformer:
        with self._lock:
            if self._loaded is None:
                self._loaded = load_model(self._folder, device=self._device)
            return self._loaded

    def _prefix(self, role: str) -> str:
        return str((self._model.prompts or {}).get(role, ""))

    def _count(self, text: str) -> int:
        with self._lock:  # a fast tokenizer is changed by its own truncation settings
            return len(self._model.tokenizer(text, truncation=False, verbose=False)["input_ids"])

    def _encode(self, texts: list[str]) -> Matrix:
        with self._lock:
            rows = self._model.encode(
                texts,
                prompt="",
                batch_size=self._batch_size,
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return np.asarray(rows, dtype=np.float32)
