"""The fused ranking beside each of its halves, on every evaluation set: words alone, meaning alone, and what is shown.

    python bench/halves.py [--only SET] [--embedder minilm|multilingual] [--sample N] [FOOTNOTE_EVAL_DIR]

The halves are the workspace's own indexes, asked as they are for a fused ranking. MRR@10, and what the set is made to
measure; the last column is how far the fused ranking lies above the better half.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal
from unittest.mock import patch

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # else bench/ingest.py would shadow the package `ingest`

from rag.protocols import PassageSource
from rag.questions import read_question
from rag.retrieval import HybridRetriever
from rag.scope import Within
from rag.types import Passage, Retrieval, ScoredId
from workspaces import bootstrap
from workspaces.evaluation import Evaluation
from workspaces.settings import load_settings

MEASURED = {
    "chunkeval": "span_recall@5",
    "debian-docs": "hit@5",
    "debian-docs-de-en": "hit@5",
    "sec10q": "doc_recall@10",
}
_DEPTH = 100
Half = Literal["words", "meaning", "fused"]
HALVES: tuple[Half, ...] = ("words", "meaning", "fused")


class HalfRetriever(HybridRetriever):
    """Ranks by one half alone, while `half` says so."""

    half: Half = "fused"

    def retrieve(self, index_id: str, question: str, *, limit: int = 10, within: Within | None = None) -> Retrieval:
        """By the half that is chosen; the passages of one half are its chunks as they are."""
        if HalfRetriever.half == "fused":
            return super().retrieve(index_id, question, limit=limit, within=within)
        if HalfRetriever.half == "meaning":
            found = self._vectors.search(index_id, self._embedder.embed_query(question), limit=_DEPTH)
        else:
            languages = self._source.languages(index_id)
            read = read_question(question, index_id=index_id, languages=languages, lexical=self._lexical)
            found = self._lexical.search(index_id, read.groups, limit=_DEPTH) if read.groups else []
        return Retrieval(question, tuple(_passages(self._source, index_id, found[:limit])), 1.0, sufficient=True)


def _passages(source: PassageSource, index_id: str, found: Sequence[ScoredId]) -> Iterator[Passage]:
    """In the order in which they were found, each on the page where it begins."""
    ranked = source.passages(index_id, [scored.id for scored in found])
    pages = source.pages_at([(one.version_id, one.span.start) for one in ranked])
    for passage, (page, _) in zip(ranked, pages, strict=True):
        yield replace(passage, page=page)


def main() -> int:
    """Print a line for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?", type=Path, default=_default())
    parser.add_argument("--only", action="append", metavar="SET")
    parser.add_argument("--embedder", choices=("minilm", "multilingual"), default="minilm")
    parser.add_argument("--sample", type=int)
    options = parser.parse_args()
    if options.embedder == "multilingual":
        os.environ["FOOTNOTE_EMBEDDER"] = "multilingual"
    wanted = options.only or sorted(path.parent.name for path in options.directory.glob("*/questions.jsonl"))
    print(f"{'set':20}{'figure':16}" + "".join(f"{half:>9}" for half in HALVES) + f"{'above':>9}", flush=True)
    for name in wanted:
        figures = _measured(options.directory / name, options.sample)
        for figure in dict.fromkeys(("mrr@10", MEASURED.get(name, "mrr@10"))):
            values = [one[figure] for one in figures]
            above = f"{values[-1] - max(values[:-1]):+9.3f}"
            print(f"{name:20}{figure:16}" + "".join(f"{value:9.3f}" for value in values) + above, flush=True)
    return 0


def _default() -> Path:
    return Path(os.environ.get("FOOTNOTE_EVAL_DIR", ROOT.parent / "shared" / "eval"))


def _measured(directory: Path, sample: int | None) -> list[dict[str, float]]:
    """The figures of each half and of both."""
    evaluation = Evaluation(directory)
    with tempfile.TemporaryDirectory() as folder, patch.object(bootstrap, "open_retriever", HalfRetriever):
        services = bootstrap.open_services(load_settings(data_dir=Path(folder) / "data"))
        try:
            services.start()
            workspace_id = services.library.create_workspace("halves").id
            evaluation.ingest(services.library, workspace_id, progress=lambda *_: None)
            questions = evaluation.sample(sample, seed=0)
            found = []
            for half in HALVES:
                HalfRetriever.half = half
                found.append(evaluation.score(list(evaluation.search(services.library, workspace_id, questions))))
            return found
        finally:
            services.close()


if __name__ == "__main__":
    sys.exit(main())
