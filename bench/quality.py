"""One table of what every evaluation set measures, through `footnote eval`, beside what is aimed at.

    python bench/quality.py [--answers] [--sample 80] [--seed 2026] [--only SET] [--runs FOLDER] [FOOTNOTE_EVAL_DIR]

Retrieval on every set of the directory, with the bundled embedder and where languages meet with the multilingual one;
`--answers` adds questions of clapnq with answers by the chosen chat model, half of them without an answer in the set.
`--runs` keeps the run lines, so that a bench that was stopped goes on where it was, and samples of other seeds add up.
Intervals of 95 % are Wilson's, of what is right or wrong.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # else bench/ingest.py would shadow the package `ingest`

from workspaces.evaluation import Evaluation, resume_runs
from workspaces.scoring import Values, summarised, values_of
from workspaces.trial_figures import SHARES, wilson

BUNDLED, MULTILINGUAL = "minilm", "multilingual"
_EMBEDDERS = {BUNDLED: {}, MULTILINGUAL: {"FOOTNOTE_EMBEDDER": MULTILINGUAL}}


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table."""

    dataset: str
    figure: str
    target: float
    embedder: str = BUNDLED
    answers: bool = False
    most: bool = False
    """The target is the most that it may be."""

    @property
    def run(self) -> str:
        """Lines of the same name come from one run."""
        return f"{self.dataset}-{self.embedder}" + ("-answers" if self.answers else "")


MEASURES = (
    Measure("xquad-en", "mrr@10", 0.975),
    Measure("xquad-de", "mrr@10", 0.95),
    Measure("xquad-en", "mrr@10", 0.98, MULTILINGUAL),
    Measure("xquad-de", "mrr@10", 0.96, MULTILINGUAL),
    Measure("xquad-de-en", "mrr@10", 0.88, MULTILINGUAL),
    Measure("clapnq", "mrr@10", 0.988),
    Measure("chunkeval", "span_recall@5", 0.93),
    Measure("debian-docs", "hit@1", 0.80),
    Measure("debian-docs", "hit@5", 0.985),
    Measure("debian-docs-de-en", "hit@5", 0.80, MULTILINGUAL),
    Measure("sec10q", "doc_recall@10", 0.96),
    Measure("clapnq", "true_refusal", 0.75, answers=True),
    Measure("clapnq", "false_refusal", 0.10, answers=True, most=True),
    Measure("clapnq", "answer_recall", 0.55, answers=True),
    Measure("clapnq", "citation_precision", 0.90, answers=True),
    Measure("clapnq", "answers_with_citation", 1.0, answers=True),
    Measure("clapnq", "quotes_verbatim", 1.0, answers=True),
)


def main() -> int:
    """Print the table; 1 where a set could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path, default=_default())
    parser.add_argument("--answers", action="store_true")
    parser.add_argument("--sample", type=int, default=80, help="questions with answers")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--only", action="append", metavar="SET")
    parser.add_argument("--runs", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    wanted = [
        measure
        for measure in MEASURES
        if (options.answers or not measure.answers)
        and (not options.only or measure.dataset in options.only)
        and (options.directory / measure.dataset / "questions.jsonl").is_file()
    ]
    if not wanted:
        print(f"There are no evaluation sets in {options.directory}; set FOOTNOTE_EVAL_DIR.")
        return 1
    with tempfile.TemporaryDirectory() as temporary:
        runs = options.runs or Path(temporary)
        runs.mkdir(parents=True, exist_ok=True)
        sample = ["--sample", str(options.sample), "--seed", str(options.seed)]
        measured = {one.run: _measured(options.directory, one, runs, sample) for one in _first_of_each(wanted)}
    _print([("set", "embedder", "questions", "figure", "value", "target", "p50 ms")])
    _print([_row(one, measured[one.run]) for one in wanted])
    return 0 if all(measured.values()) else 1


def _default() -> Path:
    return Path(os.environ.get("FOOTNOTE_EVAL_DIR", ROOT.parent / "shared" / "eval"))


def _first_of_each(measures: Sequence[Measure]) -> list[Measure]:
    """One measure of every run."""
    return list({one.run: one for one in measures}.values())


def _measured(directory: Path, measure: Measure, runs: Path, sample: Sequence[str]) -> Values | None:
    """What each question of a run contributes; None where it could not be made."""
    kept, folder = runs / f"{measure.run}.jsonl", (directory / measure.dataset).resolve()
    command = [sys.executable, "-m", "entrypoints.cli", "eval", str(folder), "--runs", str(kept.resolve())]
    command += sample if measure.answers else ["--retrieval-only"]
    print(f"{measure.run} …", file=sys.stderr, flush=True)
    environment = {**os.environ, **_EMBEDDERS[measure.embedder]}
    if subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False, env=environment).returncode != 0:
        return None
    evaluation = Evaluation(folder)
    return values_of(evaluation.corpus, evaluation.questions, resume_runs(kept))


def _row(measure: Measure, values: Values | None) -> tuple[str, ...]:
    target = f"{'≤' if measure.most else '≥'} {measure.target:.3f}"
    if values is None:
        return (measure.dataset, measure.embedder, "–", measure.figure, "failed", target, "–")
    means, found = summarised(values), values[measure.figure]
    value = f"{means[measure.figure]:.3f}"
    if measure.figure in SHARES:
        low, high = wilson(sum(found), len(found))
        value += f" ({low:.2f} to {high:.2f})"
    time = means["answer_ms_p50" if measure.answers else "evidence_ms_p50"]
    return (measure.dataset, measure.embedder, str(len(found)), measure.figure, value, target, f"{time:.0f}")


def _print(rows: Sequence[tuple[str, ...]]) -> None:
    for row in rows:
        cells = zip(row, (18, 13, 10, 22, 22, 8, 7), strict=True)
        print("  ".join(cell.ljust(width) for cell, width in cells).rstrip())


if __name__ == "__main__":
    sys.exit(main())
