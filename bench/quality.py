"""One table of what every evaluation set measures, through `footnote eval`.

    python bench/quality.py [--answers] [--only SET] [--runs FOLDER] [FOOTNOTE_EVAL_DIR]

Retrieval on every set of the directory; `--answers` adds 80 questions of clapnq with answers by the chosen chat model,
half of them without an answer in the set. `--runs` keeps the run lines of each set, so that a bench that was stopped
goes on where it was; a set whose lines are all there is only scored.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # else bench/ingest.py would shadow the package `ingest`

from workspaces.evaluation import Evaluation, resume_runs

ANSWERED = "clapnq"
SAMPLE = 80
"""Questions with answers, stratified: as many without an answer as with one, for the set has as many of each."""

FIGURES = {
    "chunkeval": "span_recall@5",
    "debian-docs": "hit@5",
    "debian-docs-de-en": "hit@5",
    "sec10q": "doc_recall@10",
}
"""What a set is made to measure; the others, MRR@10."""

ACROSS = "-de-en"
"""How a set is called whose questions are in another language than its documents: the multilingual embedder's."""

TARGETS = {
    "chunkeval": 0.93,
    "clapnq": 0.988,
    "debian-docs": 0.985,
    "debian-docs-de-en": 0.80,
    "sec10q": 0.96,
    "xquad-de": 0.95,
    "xquad-de-en": 0.88,
    "xquad-en": 0.975,
}
"""What is aimed at, with the embedder that the set is measured with."""

ANSWERS = ("answer_f1", "false_refusal", "true_refusal", "citation_precision", "quotes_verbatim")


def main() -> int:
    """Print the table; 1 where a set could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path, default=_default())
    parser.add_argument("--answers", action="store_true")
    parser.add_argument("--only", action="append", metavar="SET")
    parser.add_argument("--runs", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    sets = [folder for folder in _sets(options.directory) if not options.only or folder.name in options.only]
    if not sets:
        print(f"There are no evaluation sets in {options.directory}; set FOOTNOTE_EVAL_DIR.")
        return 1
    if options.runs:
        options.runs.mkdir(parents=True, exist_ok=True)
    rows, failed = [], 0
    for folder in sets:
        figures = _measured(folder, options.runs, ["--retrieval-only"], name=folder.name)
        failed += figures is None
        rows += [_row(folder.name, figures)]
        if options.answers and folder.name == ANSWERED:
            figures = _measured(folder, options.runs, ["--sample", str(SAMPLE)], name=f"{folder.name}-answers")
            failed += figures is None
            rows += [_row(f"{folder.name}, answers", figures, figure=name) for name in ANSWERS]
    _print([("set", "questions", "figure", "value", "target", "p50 ms"), *rows])
    return 1 if failed else 0


def _default() -> Path:
    return Path(os.environ.get("FOOTNOTE_EVAL_DIR", ROOT.parent / "shared" / "eval"))


def _sets(directory: Path) -> list[Path]:
    """Folders that hold a corpus and questions of a set that has places or answers to find."""
    if not directory.is_dir():
        return []
    return [
        folder
        for folder in sorted(directory.iterdir())
        if (folder / "corpus.jsonl").is_file() and _has_evidence(folder / "questions.jsonl")
    ]


def _has_evidence(questions: Path) -> bool:
    if not questions.is_file():
        return False
    with questions.open(encoding="utf-8") as file:
        return any(json.loads(line).get("evidence") for line in file if line.strip())


def _measured(folder: Path, runs: Path | None, arguments: list[str], *, name: str) -> dict[str, Any] | None:
    kept = runs / f"{name}.jsonl" if runs else None
    size = SAMPLE if "--sample" in arguments else None
    if kept is not None and (figures := _scored(folder, kept, size)) is not None:
        return figures
    command = [sys.executable, "-m", "entrypoints.cli", "eval", str(folder.resolve()), "--json", *arguments]
    command += ["--runs", str(kept.resolve())] if kept else []
    print(f"{name} …", file=sys.stderr, flush=True)
    across = {"FOOTNOTE_EMBEDDER": "multilingual"} if folder.name.endswith(ACROSS) else {}
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False, env={**os.environ, **across}
    )
    if done.returncode != 0:
        return None
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _scored(folder: Path, kept: Path, size: int | None) -> dict[str, Any] | None:
    """The figures of a set whose run lines are all there; None where some are missing."""
    evaluation = Evaluation(folder)
    wanted = {question["id"] for question in evaluation.sample(size, seed=0)}
    run = [line for line in resume_runs(kept) if line["id"] in wanted]
    return evaluation.score(run) if len(run) == len(wanted) else None


def _row(name: str, figures: dict[str, Any] | None, *, figure: str = "") -> tuple[str, ...]:
    shown = figure or FIGURES.get(name, "mrr@10")
    if figures is None:
        return (name, "–", shown, "failed", "–", "–")
    value, target = figures.get(shown), None if figure else TARGETS.get(name)
    time = figures.get("answer_ms_p50" if figure else "evidence_ms_p50")
    return (
        name,
        str(figures["questions"]),
        shown,
        "–" if value is None else f"{value:.3f}",
        "–" if target is None else f"{target:.3f}",
        "–" if time is None else f"{time:.0f}",
    )


def _print(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
