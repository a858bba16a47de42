"""The page of a second session, while nothing is read and while a manual is.

    python bench/responsive.py [FOOTNOTE_EVAL_DIR]

A server runs on a new data directory. A browser opens the list of documents in a session of its own again and again: at
rest, and while `footnote add` lets the server read the manuals of the evaluation set debian-docs.
"""

from __future__ import annotations

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

OPENINGS = 10
SHOWN = "() => document.querySelector('.st-key-documents')?.innerText.includes('note.txt')"
FOOTNOTE = [str(ROOT / ".venv" / "bin" / "footnote")]


def main() -> int:
    """Print the seconds of both."""
    data = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("FOOTNOTE_EVAL_DIR", "../shared/eval")).absolute()
    manuals = sorted((data / "debian-docs").rglob("*.pdf"))
    if CHROMIUM is None or not manuals:
        sys.exit("No Chromium on this machine, or no evaluation set; set FOOTNOTE_EVAL_DIR.")
    folder = tempfile.mkdtemp()
    environment = os.environ | {"FOOTNOTE_DATA_DIR": folder, "FOOTNOTE_BUILTIN_MODEL": "ask", "PYTHONUNBUFFERED": "1"}
    (Path(folder) / "note.txt").write_text("A first document.")
    port = free_port()
    serve = [*FOOTNOTE, "serve", "--port", str(port)]
    server = subprocess.Popen(serve, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        link = next(line.strip() for line in server.stdout or () if "token=" in line)
        subprocess.run([*FOOTNOTE, "add", "-w", "bench", f"{folder}/note.txt"], env=environment, check=True)
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            _openings(browser, link, port)  # the first ones load
            rest = _openings(browser, link, port)
            added = subprocess.Popen(
                [*FOOTNOTE, "add", "-w", "bench", *map(str, manuals)], env=environment, stderr=subprocess.DEVNULL
            )
            time.sleep(5.0)
            busy = _openings(browser, link, port)
            if added.poll() is not None:
                sys.exit("Everything was read before the page had been opened often enough.")
            added.send_signal(signal.SIGINT)
            browser.close()
    finally:
        server.terminate()
        server.wait()
    for name, seconds in (("at rest", rest), ("while manuals are read", busy)):
        print(f"{name}: median {median(seconds):.2f} s, at most {max(seconds):.2f} s")
    print(f"{median(busy) / median(rest):.2f} times as long")
    return 0


def _openings(browser: Browser, link: str, port: int) -> list[float]:
    """Seconds from the address to the list of documents, each in a session of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    steps.enter(page, link)  # leaves the cookie
    seconds = []
    for _ in range(OPENINGS):
        page.goto("about:blank")
        started = time.perf_counter()
        page.goto(f"http://127.0.0.1:{port}/documents")
        page.wait_for_function(SHOWN, polling="raf", timeout=30_000)  # a locator would look every half second
        seconds.append(time.perf_counter() - started)
    context.close()
    return seconds


if __name__ == "__main__":
    sys.exit(main())
