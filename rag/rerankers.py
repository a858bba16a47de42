"""A second reader of the first passages, if a person has one: a sentence-transformers cross-encoder from a folder.

It reads question and passage together, which tells an answer from a near miss better than comparing vectors does
(Nogueira and Cho 2019, "Passage Re-ranking with BERT"), and takes 20 to 100 ms a passage on a processor. So it is off
unless it is set, reads best first, and stops when its time is up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import EmbedderUnavailable

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

SECONDS = 1.0
"""For one question."""
_AT_ONCE = 2
"""Passages between two looks at the clock."""


class CrossEncoderReranker:
    """The model in `folder`, loaded on first use. Thread-safe: one question at a time."""

    def __init__(self, folder: Path, *, seconds: float = SECONDS) -> None:
        self._folder = folder
        self._seconds = seconds
        self._lock = threading.Lock()
        self._loaded: CrossEncoder | None = None

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers, higher is better, for as many of the first ones as there is time for (at least
        one batch).

        Raises:
            EmbedderUnavailable: there is no such model, or it cannot be loaded.
        """
        with self._lock:
            model = self._model()
            until = time.monotonic() + self._seconds  # loading it the first time does not count
            found: list[float] = []
            while len(found) < len(texts) and (not found or time.monotonic() < until):
                some = texts[len(found) : len(found) + _AT_ONCE]
                pairs = [(question, text) for text in some]
                found += map(float, model.predict(pairs, batch_size=_AT_ONCE, show_progress_bar=False))
            return found

    def _model(self) -> CrossEncoder:
        if self._loaded is None:
            self._loaded = _load(self._folder)
        return self._loaded


def _load(folder: Path) -> CrossEncoder:
    """Nothing is fetched, no code of the model is run, and only safetensors are read: pickled weights can hold code."""
    if not (folder / "config.json").is_file():
        raise EmbedderUnavailable(
            "There is no cross-encoder in the folder that was set as reranker.",
            hint="Name the folder that holds its config.json, or unset FOOTNOTE_RERANKER.",
        )
    from sentence_transformers import CrossEncoder

    try:
        return CrossEncoder(
            str(folder), trust_remote_code=False, local_files_only=True, model_kwargs={"use_safetensors": True}
        )
    except Exception as error:  # transformers raises nearly anything for a model it cannot read
        raise EmbedderUnavailable(
            "The reranker cannot be loaded.",
            hint="It must be a complete cross-encoder with safetensors weights; or unset FOOTNOTE_RERANKER.",
        ) from error
