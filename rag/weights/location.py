"""Where weights live: one folder for all data directories, since they are large and never hold a person's text."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

VARIABLE = "FOOTNOTE_MODELS_DIR"


def models_dir() -> Path:
    """The folder of all weights: $FOOTNOTE_MODELS_DIR, or the platform's cache folder. It may not exist yet."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen).expanduser().absolute() if chosen else user_cache_path("footnote", appauthor=False) / "models"
