"""Sets up the bundled embedder: fetch its weights, export it in a child process. `python -m rag.embedders.setup`.

Nothing to do when it is there. Part of `make setup`; the running application only asks for `embedder_folder`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rag.embedders.card import read_card
from rag.errors import EmbedderError, FootnoteError
from rag.weights.catalogue import EMBEDDER, WeightsEntry, weights_entry
from rag.weights.location import models_dir

EXPORT_FORMAT = 1
"""Raised when the exporter writes something else: exports of another format are built anew."""
_REPORT_EVERY = 2.0  # seconds between two lines of progress


def embedder_folder(key: str = EMBEDDER.key, *, models: Path | None = None) -> Path:
    """Where the export of these weights belongs (it may not be there yet): other weights, another folder.

    Raises:
        NotFound: the catalogue has no such key.
    """
    name = f"{key}-{weights_entry(key).digest[:12]}-v{EXPORT_FORMAT}"
    return (models or models_dir()) / "embedders" / name


def is_ready(folder: Path) -> bool:
    """Whether an export is there. Its folder gets its name when it is complete."""
    try:
        read_card(folder)
    except EmbedderError:
        return False
    return True


def prepare(
    key: str = EMBEDDER.key,
    *,
    models: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """Fetch the weights and export them, where that has not been done; the folder for OnnxEmbedder.

    Raises:
        NotFound: the catalogue has no such key.
        WeightsError: the weights could not be fetched.
        EmbedderError: the export failed.
        Cancelled: a person stopped it.
    """
    entry = weights_entry(key)
    folder = embedder_folder(key, models=models)
    if is_ready(folder):
        return folder
    from rag.weights.fetch import fetch

    say(f"Fetching the embedder {entry.title} ({entry.size / 1e6:.0f} MB, {entry.licence}).")
    report = _Progress(say)
    weights = fetch(entry, models or models_dir(), progress=report.advanced, cancelled=cancelled)
    say("Converting it for this processor.")
    _export(entry, weights, folder, say)
    return folder


def _export(entry: WeightsEntry, weights: Path, folder: Path, say: Callable[[str], None]) -> None:
    """Run `rag.embedders.export` as a child: torch takes seconds to import and hundreds of megabytes."""
    command = [sys.executable, "-m", "rag.embedders.export", str(weights), str(folder), "--key", entry.key]
    command += ["--languages", *sorted(entry.languages)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    for line in result.stdout.splitlines():
        say(line)
    if result.returncode != 0 or not is_ready(folder):
        last = result.stderr.strip().splitlines()[-1:]
        raise EmbedderError("The embedder could not be converted.", hint=" ".join(last) or "Run `make setup` again.")


class _Progress:
    """Turns bytes into a line every few seconds."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._next = time.monotonic() + _REPORT_EVERY

    def advanced(self, done: int, total: int) -> None:
        """Called once a block."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _REPORT_EVERY
            self._say(f"  {done / 1e6:.0f} of {total / 1e6:.0f} MB")


def main() -> int:
    """Command line of `make setup`."""

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    try:
        folder = embedder_folder()
        known = is_ready(folder)
        prepare(say=say)
        card = read_card(folder)
        size = sum(path.stat().st_size for path in folder.iterdir())
        say(f"Embedder {card.name}: {'there already' if known else 'ready'} ({size / 1e6:.0f} MB).")
    except FootnoteError as error:
        sys.stderr.write(f"{error.told}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
