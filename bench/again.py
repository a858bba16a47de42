"""Ingest of a manual for the first time, unchanged again, and with one page changed; in one run.

    python bench/again.py [PDF] [FOOTNOTE_EVAL_DIR]

Without a PDF it is the longest manual of the evaluation set debian-docs. What counts is the share of the first time.
"""

from __future__ import annotations

import io
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # else bench/ingest.py would shadow the package `ingest`

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject

AGAIN = 5
STAMP = b"q BT /FBench 9 Tf 72 40 Td (This line was added for the second edition.) Tj ET Q"


def main() -> int:
    """Print seconds and shares."""
    arguments = sys.argv[1:]
    pdf = Path(arguments.pop(0)) if arguments and arguments[0].endswith(".pdf") else None
    data = Path(arguments[0] if arguments else os.environ.get("FOOTNOTE_EVAL_DIR", "../shared/eval"))
    if pdf is None:
        manuals = sorted((data / "debian-docs").rglob("*.pdf"), key=_pages)
        if not manuals:
            print(f"The evaluation set debian-docs is not in {data}; set FOOTNOTE_EVAL_DIR, or name a PDF.")
            return 1
        pdf = manuals[-1]
    from workspaces.bootstrap import open_services
    from workspaces.settings import load_settings

    with tempfile.TemporaryDirectory() as folder:
        services = open_services(load_settings(data_dir=Path(folder) / "data"))
        try:
            services.start()
            workspace = services.library.create_workspace("bench").id
            _add(services, workspace, "warm.txt", b"Everything is loaded before the clock runs.")
            whole = pdf.read_bytes()
            first = _add(services, workspace, pdf.name, whole)
            same = [_add(services, workspace, pdf.name, whole) for _ in range(AGAIN)]
            changed = _add(services, workspace, pdf.name, _with_one_page_changed(whole))
        finally:
            services.close()
    print(f"{pdf.name}, {_pages(pdf)} pages: {first:.2f} s the first time")
    print(f"unchanged again: median {statistics.median(same):.3f} s, at least {first / max(same):.0f} times as fast")
    print(f"one page changed: {changed:.2f} s, {changed / first:.1%} of the first time")
    return 0


def _add(services: Any, workspace: str, name: str, content: bytes) -> float:
    started = time.perf_counter()
    record = services.library.add_file(workspace, name, io.BytesIO(content))
    if record.in_work or record.pending is not None:
        for _ in services.library.wait([record.id]):
            pass
    seconds = time.perf_counter() - started
    final = services.library.document(record.id)
    if final.state != "ready" or final.pending is not None:
        raise SystemExit(f"{name}: {final.problem or final.pending}")
    return seconds


def _with_one_page_changed(pdf: bytes) -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(pdf))
    page = writer.pages[len(writer.pages) // 2]
    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    made = writer._add_object(DictionaryObject({NameObject(key): NameObject(value) for key, value in font.items()}))
    resources = page["/Resources"].get_object()
    fonts = resources.setdefault(NameObject("/Font"), DictionaryObject()).get_object()
    fonts[NameObject("/FBench")] = made
    stream = DecodedStreamObject()
    stream.set_data(STAMP)
    contents = page["/Contents"].get_object()
    parts = list(contents) if isinstance(contents, ArrayObject) else [page.raw_get("/Contents")]
    page[NameObject("/Contents")] = ArrayObject([*parts, writer._add_object(stream)])
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _pages(pdf: Path) -> int:
    return len(PdfReader(pdf).pages)


if __name__ == "__main__":
    sys.exit(main())
