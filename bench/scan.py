"""A scan for the first time; again after kill -9 at half of its pages; and with one page changed; in one run.

    python bench/scan.py [PAGES]

What counts is the share of the first time, and how many pages were recognised.
"""

from __future__ import annotations

import io
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # else bench/ingest.py would shadow the package `ingest`

PAGES = 20
SIZE, DPI = (2480, 3508), 300
LINES, WORDS = 40, 9
VOCABULARY = (
    "Miete Garten Straße Kündigung Frist Vertrag Monate gemäß Haus über jährlich Werktag Betrag Euro Äpfel Öl "
    "the lease garden notice period month street rent working day belongs house yearly amount water meter"
)
BEGIN = "begin"


def main() -> int:
    """Print seconds and shares."""
    if BEGIN in sys.argv:
        _begin(Path(sys.argv[2]), Path(sys.argv[3]))
        return 0
    count = int(sys.argv[1]) if len(sys.argv) > 1 else PAGES
    changed = [*range(count // 2), count, *range(count // 2 + 1, count)]
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "scan.pdf"
        scan.write_bytes(_scan(range(count)))
        first = _first(Path(folder) / "first", scan.read_bytes())
        newer = _newer(Path(folder) / "first", _scan(changed))
        kept, resumed = _resumed(Path(folder) / "killed", scan, half=count // 2)
    print(f"{count} pages: {first:.1f} s the first time, {first / count:.2f} s a page")
    print(f"killed when {kept} were recognised: {resumed:.1f} s from the next start on, {resumed / first:.0%}")
    print(f"one page changed: {newer:.1f} s, {newer / first:.0%} of the first time")
    return 0


def _opened(data: Path) -> Any:
    from workspaces.bootstrap import open_services
    from workspaces.settings import load_settings

    services = open_services(load_settings(data_dir=data))
    services.start()
    return services


def _first(data: Path, content: bytes) -> float:
    services = _opened(data)
    try:
        workspace = services.library.create_workspace("bench").id
        _add(services, workspace, "warm.txt", b"Everything is loaded before the clock runs.")
        return _add(services, workspace, "scan.pdf", content)
    finally:
        services.close()


def _newer(data: Path, content: bytes) -> float:
    services = _opened(data)
    try:
        workspace = services.library.workspaces()[0].id
        _add(services, workspace, "warm.txt", b"Everything is loaded again before the clock runs.")
        return _add(services, workspace, "scan.pdf", content)
    finally:
        services.close()


def _resumed(data: Path, scan: Path, *, half: int) -> tuple[int, float]:
    """(pages that were recognised when a process that began was killed, seconds that the next one takes)."""
    with subprocess.Popen([sys.executable, __file__, BEGIN, str(data), str(scan)], stdin=subprocess.PIPE) as process:
        while _kept(data) < half:
            if process.poll() is not None:
                raise SystemExit("it ended before it was killed")
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    kept = _kept(data)
    started = time.perf_counter()
    services = _opened(data)
    try:
        _await(services, services.library.documents(services.library.workspaces()[0].id)[0].id)
        return kept, time.perf_counter() - started
    finally:
        services.close()


def _begin(data: Path, scan: Path) -> None:
    services = _opened(data)
    services.library.add_file(services.library.create_workspace("bench").id, scan.name, scan)
    sys.stdin.read()


def _kept(data: Path) -> int:
    import sqlite3
    from contextlib import closing

    try:
        with closing(sqlite3.connect(f"file:{data / 'footnote.db'}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM recognitions").fetchone()[0])
    except sqlite3.OperationalError:  # it is not there yet
        return 0


def _add(services: Any, workspace: str, name: str, content: bytes) -> float:
    started = time.perf_counter()
    record = services.library.add_file(workspace, name, io.BytesIO(content))
    _await(services, record.id)
    return time.perf_counter() - started


def _await(services: Any, document_id: str) -> None:
    for _ in services.library.wait([document_id]):
        pass
    final = services.library.document(document_id)
    if final.state != "ready" or final.pending is not None:
        raise SystemExit(f"{final.source}: {final.problem or final.pending}")


def _scan(editions: Any) -> bytes:
    first, *others = map(_sheet, editions)
    out = io.BytesIO()
    first.save(out, "PDF", resolution=DPI, save_all=True, append_images=others)
    return out.getvalue()


def _sheet(edition: int) -> Image.Image:
    chosen = random.Random(edition)
    sheet = Image.new("L", SIZE, 245)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=44)
    for line in range(LINES):
        pen.text((250, 250 + 75 * line), " ".join(chosen.choices(VOCABULARY.split(), k=WORDS)), fill=30, font=font)
    return sheet


if __name__ == "__main__":
    sys.exit(main())
