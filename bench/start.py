"""From the command to a question box, and what the server takes.

    python bench/start.py [--runs 5] [--data DIR]

Each run starts `make run` on a data directory that has been used before, opens the page in a headless Chromium, and
waits for the question box. Then the engines warm up (embedder, vector index) and the process tree is weighed.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # else bench/ingest.py would shadow the package `ingest`

from tests.conftest import ROOT
from tests.ui import steps
from tests.ui.conftest import CHROMIUM, FLAGS, free_port
from tests.ui.memory import maps, proportional_bytes

WARM_SECONDS = 60.0


def main() -> int:
    """Print seconds and bytes of each start, and their medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--data", type=Path, help="a data directory with documents; without it an empty one")
    options = parser.parse_args()
    if CHROMIUM is None:
        sys.exit("No Chromium on this machine.")
    data = options.data or Path(tempfile.mkdtemp())
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        print("run   link printed   question box   warm, all processes")
        figures = [_run(data, browser) for _ in range(options.runs + 1)][1:]  # the first fills the disk's cache
        browser.close()
    for number, (link, box, weight) in enumerate(figures, 1):
        print(f"{number:3}   {link:10.2f} s   {box:10.2f} s   {weight / 1e6:16.0f} MB")
    print(f"median {median(f[0] for f in figures):9.2f} s   {median(f[1] for f in figures):10.2f} s", end="")
    print(f"   {median(f[2] for f in figures) / 1e6:16.0f} MB")
    return 0


def _run(data: Path, browser: Browser) -> tuple[float, float, int]:
    """(seconds to the printed link, seconds to the question box, bytes when warm) of one start."""
    environment = os.environ | {
        "FOOTNOTE_DATA_DIR": str(data),
        "FOOTNOTE_BUILTIN_MODEL": "ask",
        "PYTHONUNBUFFERED": "1",
    }
    begun = time.perf_counter()
    server = subprocess.Popen(
        ["make", "run", f"PORT={free_port()}"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        link = next(line.strip() for line in server.stdout or () if "token=" in line)
        printed = time.perf_counter() - begun
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.goto(link)
        page.wait_for_selector(steps.CHAT_INPUT, timeout=30_000)
        box = time.perf_counter() - begun
        weight = _warm(server.pid)
        context.close()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
    return printed, box, weight


def _warm(pid: int) -> int:
    """Bytes of the tree once the embedder is loaded and the vector index runs."""
    deadline = time.monotonic() + WARM_SECONDS
    while time.monotonic() < deadline:
        if maps(pid, "onnxruntime") and maps(pid, "chromadb_rust"):
            time.sleep(2)
            return sum(proportional_bytes(pid).values())
        time.sleep(0.2)
    sys.exit("The server did not warm up.")


if __name__ == "__main__":
    sys.exit(main())
