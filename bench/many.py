"""Ten thousand pages: whether memory stays flat, and whether the last thousand are read as fast as the first.

    python bench/many.py [PAGES] [FOOTNOTE_EVAL_DIR]

The documents are PDFs of 100 pages, each page some 1,500 characters of shuffled sentences of the evaluation sets, so no
text is embedded twice. Memory is the resident memory of the whole process tree, sampled every half second; its base is
taken after the first document, when everything is loaded.
"""

from __future__ import annotations

import io
import os
import random
import sys
import tempfile
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # else bench/ingest.py would shadow the package `ingest`

import psutil

from bench.scale import text_of
from tests.support.documents import pdf

PAGES = 10_000
IN_A_DOCUMENT = 100
PORTION = 1_000
CHARACTERS = 1_500
_SAMPLE_SECONDS = 0.5


def main() -> int:
    """Read so many pages; print memory and throughput of each thousand."""
    pages = int(sys.argv[1]) if len(sys.argv) > 1 else PAGES
    data = Path(sys.argv[2] if len(sys.argv) > 2 else os.environ.get("FOOTNOTE_EVAL_DIR", "../shared/eval"))
    if not (data / "clapnq").is_dir():
        print(f"The evaluation sets are not in {data}; set FOOTNOTE_EVAL_DIR.")
        return 1
    sentences = text_of(data).sentences
    from workspaces.bootstrap import open_services
    from workspaces.settings import load_settings

    with tempfile.TemporaryDirectory() as folder:
        services = open_services(load_settings(data_dir=Path(folder) / "data"))
        try:
            services.start()
            workspace = services.library.create_workspace("bench").id
            _read(services, workspace, [0], sentences)
            memory = Memory()
            print(f"base: {memory.base / 1e6:.0f} MB")
            rates = []
            documents = range(1, pages // IN_A_DOCUMENT + 1)
            at_once = PORTION // IN_A_DOCUMENT
            for start in range(0, len(documents), at_once):
                some = documents[start : start + at_once]
                seconds = _read(services, workspace, some, sentences)
                rates.append(len(some) * IN_A_DOCUMENT / seconds)
                print(f"{some[-1] * IN_A_DOCUMENT:7,} pages: {rates[-1]:6.1f} pages/s, {memory.told()}", flush=True)
            print(f"the last portion is read at {rates[-1] / rates[0]:.0%} of the speed of the first")
            print(f"memory rises by {memory.most_above_base() / 1e6:.0f} MB at most")
        finally:
            services.close()
    return 0


class Memory:
    """Resident memory of this process and its children, sampled in a thread."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self.base = self._now()
        self._samples: list[int] = [self.base]
        self._most = self.base
        threading.Thread(target=self._sample, daemon=True).start()

    def told(self) -> str:
        """The mean and the most since it was last asked."""
        samples, self._samples = self._samples, self._samples[-1:]
        return f"{sum(samples) / len(samples) / 1e6:.0f} MB, {max(samples) / 1e6:.0f} MB at most"

    def most_above_base(self) -> int:
        """The most at any time, above the base."""
        return self._most - self.base

    def _sample(self) -> None:
        while True:
            now = self._now()
            self._samples.append(now)
            self._most = max(self._most, now)
            time.sleep(_SAMPLE_SECONDS)

    def _now(self) -> int:
        total = 0
        for process in (self._process, *self._process.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:  # a parser that has just ended
                continue
        return total


def _read(services: Any, workspace: str, numbers: Any, sentences: list[str]) -> float:
    """Seconds until documents of these numbers are ready; making them is not counted."""
    made = {f"{number}.pdf": _document(number, sentences) for number in numbers}
    started = time.perf_counter()
    ids = [services.library.add_file(workspace, name, io.BytesIO(data)).id for name, data in made.items()]
    for record in services.library.wait(ids):
        if record.problem is not None:
            raise SystemExit(f"{record.source}: {record.problem.message}")
    return time.perf_counter() - started


def _document(number: int, sentences: list[str]) -> bytes:
    random_ = random.Random(number)
    pages = []
    for page in range(IN_A_DOCUMENT):
        text = f"Page {page} of volume {number}."
        while len(text) < CHARACTERS:
            text += f" {random_.choice(sentences)}"
        pages.append([line.encode("cp1252", "replace").decode("cp1252") for line in textwrap.wrap(text, 95)])
    return pdf(pages)


if __name__ == "__main__":
    sys.exit(main())
