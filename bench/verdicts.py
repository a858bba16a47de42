"""Planted errors and correct sentences: how many of each kind the checker of an answer flags.

    python bench/verdicts.py [--each 40] [--half dev|held|both] [--misses FILE] [FOOTNOTE_EVAL_DIR]

Sentences of the evaluation sets, said again by rules, with and without one planted error (tests/support/planted), each
among the passages that would have been shown with it. A sentence is flagged when its verdict is not "supported". Rules
were refined on the development half of the documents; the other half is what to quote. Intervals of 95 % are Wilson's
(1927).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # else bench/ingest.py would shadow the package `ingest`

from rag.embedders.onnx import OnnxEmbedder
from rag.embedders.setup import embedder_folder, is_ready
from rag.protocols import Embedder
from tests.support.planted.cases import GOLD, Case, flagged, made, remembering
from tests.support.planted.contradictions import contradicted, said_otherwise
from workspaces.trial_figures import wilson

LANGUAGES = ("en", "de")


def main() -> int:
    """Print the table; 1 where it cannot be made."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path, default=_default())
    parser.add_argument("--each", type=int, default=40, help="cases of every kind, language and half")
    parser.add_argument("--half", choices=("dev", "held", "both"), default="held")
    parser.add_argument("--misses", type=Path, help="write the sentences that were judged wrongly to this file")
    options = parser.parse_args()
    if not options.directory.is_dir() or not is_ready(embedder_folder()):
        print(
            f"This needs the evaluation sets in {options.directory} (FOOTNOTE_EVAL_DIR) and the embedder (make setup)."
        )
        return 1
    embedder = remembering(OnnxEmbedder(embedder_folder()))
    halves = {"dev": (False,), "held": (True,), "both": (False, True)}[options.half]
    cases = [case for case in made(options.directory, embedder, each=options.each) if case.source.held_out in halves]
    started = time.perf_counter()
    found = [(case, flagged(case, embedder)) for case in cases]
    seconds = time.perf_counter() - started
    _table(found)
    _contradictions(cases, embedder)
    print(f"{len(found)} sentences, {1000 * seconds / len(found):.1f} ms each, embedding of shared texts counted once")
    if options.misses:
        options.misses.write_text("\n".join(_miss(case) for case, wrong in found if wrong != case.planted))
    return 0


def share(flags: Sequence[bool]) -> str:
    """ "38/40 .95 (.84 to .99)"; "" where there are none."""
    if not flags:
        return ""
    low, high = wilson(sum(flags), len(flags))
    return f"{sum(flags)}/{len(flags)} {sum(flags) / len(flags):.3f} ({low:.2f} to {high:.2f})"


def _table(found: Sequence[tuple[Case, bool]]) -> None:
    for planted, heading in ((True, "flagged, of sentences with an error"), (False, "flagged, of correct sentences")):
        rows: dict[str, list[tuple[str, bool]]] = {"all": []}
        for case, flag in found:
            if case.planted is planted:
                family, _, _ = case.kind.partition(":")
                for name in dict.fromkeys(("all", family, f"  {case.kind}" if ":" in case.kind else family)):
                    rows.setdefault(name, []).append((case.source.language, flag))
        _rows(heading, rows)


def _contradictions(cases: Sequence[Case], embedder: Embedder) -> None:
    """Planted beside the right passage: the share found. Among the passages as they are: false alarms, by set."""
    rows: dict[str, list[tuple[str, bool]]] = {"their correct sentence supported": []}
    for case, passages in contradicted(cases):
        supported, copies = said_otherwise(case.right, passages, case, embedder)
        for name in ("planted contradictions found", "  " + case.kind):
            rows.setdefault(name, []).append((case.source.language, "copy" in copies))
        rows["their correct sentence supported"].append((case.source.language, supported))
    for case in cases:
        if not case.planted:
            supported, others = said_otherwise(case.text, case.source.passages, case, embedder)
            if supported:
                name = f"false alarm, {case.source.dataset}{', ' + GOLD if case.source.human else ''}"
                rows.setdefault(name, []).append((case.source.language, bool(others)))
    _rows("contradicting sources", rows)


def _rows(heading: str, rows: Mapping[str, Sequence[tuple[str, bool]]]) -> None:
    print(f"{heading:38}" + "".join(f"{language:>30}" for language in LANGUAGES))
    for name, flags in rows.items():
        columns = [share([flag for spoken, flag in flags if spoken == language]) for language in LANGUAGES]
        print(f"{name:38}" + "".join(f"{column:>30}" for column in columns))
    print()


def _miss(case: Case) -> str:
    lines = [f"## {case.kind} [{case.source.language} {case.source.dataset}] {case.source.question}", f"- {case.text}"]
    lines += [f"  right: {case.right}"] if case.planted else []
    lines += [f"  source: {case.source.text}"] if case.source.text != case.right else []
    lines += [f"  passage: {case.source.own.text}"] if case.source.human else []
    return "\n".join(lines)


def _default() -> Path:
    return Path(os.environ.get("FOOTNOTE_EVAL_DIR", ROOT.parent / "shared" / "eval"))


if __name__ == "__main__":
    sys.exit(main())
