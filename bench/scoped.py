"""What a filter costs: a question in all of a workspace, and in some of its documents.

    python bench/scoped.py [CHUNKS] [FOOTNOTE_EVAL_DIR]

The workspace is that of bench/scale.py, in documents of 30 chunks. For each share of the documents: the median of
finding by words, of finding by meaning (compared one by one, and by the graph with what it brings too few of), and of
the whole search, also without the second look at sentences that is taken where the words leave doubt, as they do in
documents that do not hold the answer; and whether each gave all the passages that it was asked for.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # else bench/ingest.py would shadow the package `ingest`

from bench import scale

CHUNKS = 3_000
SHARES = (0.01, 0.1, 0.25, 0.5, 1.0)
QUESTIONS = 60
LIMIT = 100


def main() -> int:
    """Fill a data directory and print the figures."""
    chunks = int(sys.argv[1]) if len(sys.argv) > 1 else CHUNKS
    data = Path(sys.argv[2] if len(sys.argv) > 2 else os.environ.get("FOOTNOTE_EVAL_DIR", "../shared/eval"))
    text = scale.text_of(data)
    scale.IN_A_DOCUMENT = 30
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        workspace = scale._fill(data_dir, text, chunks)
        services = scale._open(data_dir)
        try:
            services.doctor.check(repair=True)
            services.library.search(workspace, "warm up")
            _measure(services, workspace, text.questions[:QUESTIONS])
        finally:
            services.close()
    return 0


def _measure(services: Any, workspace: str, questions: list[str]) -> None:
    from rag.questions import read_question
    from rag.retrieval import HybridRetriever
    from rag.scope import Scope
    from workspaces import scopes

    index = services.doctor._vectors
    every = services.library.documents(workspace)
    index_id = services.reindexing.indexes(workspace)[0].id
    embedder = services.library._embedders.open()
    queries = [embedder.embed_query(question) for question in questions]
    print(f"{len(every)} documents; medians in ms of {len(questions)} questions")
    print(f"by meaning, all of it: {_median(lambda query: index.search(index_id, query, limit=LIMIT), queries):.1f}")
    print(f"the whole search, all of it: {_median(lambda q: services.library.search(workspace, q), questions):.0f}")
    with services.scoping._database.read() as connection:
        started = time.perf_counter()
        every_version = scopes.within(connection, workspace, Scope(languages=("en",)))
        print(f"resolving a filter that fits all of them: {(time.perf_counter() - started) * 1000:.1f}")
    retriever = services.library._retriever._retriever(embedder)
    lexical = retriever._lexical
    read = [read_question(q, index_id=index_id, languages={"en"}, lexical=lexical) for q in questions]
    print(f"by words, all of it: {_median(lambda q: lexical.search(index_id, q.groups, limit=60), read):.1f}")
    for share in SHARES:
        within = frozenset(sorted(every_version)[: max(1, int(len(every) * share))])
        print(f"{share:5.0%} of them:", *_with(index, index_id, queries, within), end=" ")
        by_words = _median(partial(_by_words, lexical, index_id, within), read)
        whole = _median(lambda q, w=within: retriever.retrieve(index_id, q, within=w), questions)
        with patch.object(HybridRetriever, "_reranked", lambda _, found, vector: found):
            once = _median(lambda q, w=within: retriever.retrieve(index_id, q, within=w), questions)
            least = min(len(retriever.retrieve(index_id, q, within=within).passages) for q in questions[:20])
        print(f"by words {by_words:.1f}, whole search {whole:.0f},", end=" ")
        print(f"{once:.0f} without a second look, at least {least} passages")


def _by_words(lexical: Any, index_id: str, within: frozenset[str], question: Any) -> None:
    lexical.search(index_id, question.groups, limit=60, within=within)


def _with(index: Any, index_id: str, queries: list[Any], within: frozenset[str]) -> list[str]:
    """By meaning, each way."""
    from workspaces import vectors

    usual, line = vectors._FEW, []
    for name, few in (("compared", 10**9), ("graph", 0), ("as it decides", usual)):
        vectors._FEW = few
        found = _median(lambda query: index.search(index_id, query, limit=LIMIT, within=within), queries)
        line.append(f"{name} {found:.1f},")
    vectors._FEW = usual
    return line


def _median(act: Callable[[Any], object], values: list[Any]) -> float:
    seconds = []
    for value in values:
        started = time.perf_counter()
        act(value)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1000


if __name__ == "__main__":
    sys.exit(main())
