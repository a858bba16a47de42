"""Time from a question to the evidence on about 1,000 chunks, and what part of it is the search itself.

    python bench/evidence.py [FOOTNOTE_EVAL_DIR]

Two installation manuals, English and German, and their headings as questions.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # else bench/ingest.py would shadow the package `ingest`

QUESTIONS = 100


def main() -> int:
    """Print medians and 95th percentiles in milliseconds."""
    data = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("FOOTNOTE_EVAL_DIR", "../shared/eval"))
    dataset = data / "debian-docs"
    if not dataset.is_dir():
        print(f"The evaluation set debian-docs is not in {data}; set FOOTNOTE_EVAL_DIR.")
        return 1
    from rag.types import Evidence
    from workspaces.bootstrap import open_services
    from workspaces.settings import load_settings

    with (dataset / "questions.jsonl").open(encoding="utf-8") as file:
        questions = [json.loads(line) for line in file]
    asked = [line["question"] for line in questions if line["id"].startswith("install.")][:QUESTIONS]
    with tempfile.TemporaryDirectory() as folder:
        services = open_services(load_settings(data_dir=Path(folder) / "data"))
        try:
            services.start()
            workspace = services.library.create_workspace("bench")
            added = [
                services.library.add_file(workspace.id, path.name, path).id
                for path in (dataset / "files" / "install.en.pdf", dataset / "files" / "install.de.pdf")
            ]
            for record in services.library.wait(added):
                if record.problem is not None:
                    raise SystemExit(record.problem.message)
            chunks = services.library.workspace(workspace.id).chunks
            services.library.search(workspace.id, "warm up")
            whole, search = [], []
            for question in asked:
                started = time.perf_counter()
                for event in services.conversations.answer(workspace.id, question, model=None):
                    if isinstance(event, Evidence):
                        whole.append(time.perf_counter() - started)
                        search.append(event.retrieval.seconds)
                        break
        finally:
            services.close()
    print(f"{chunks} chunks, {len(asked)} questions")
    for name, seconds in (("question to evidence", whole), ("of which retrieval", search)):
        ordered = sorted(seconds)
        print(
            f"{name}: median {statistics.median(ordered) * 1000:.0f} ms,"
            f" 95th percentile {ordered[int(len(ordered) * 0.95)] * 1000:.0f} ms"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
