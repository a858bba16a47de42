"""Retrieval never gets worse: floors just below what is reached, by the whole line. Lowering one needs a reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import EVAL_DIR, ROOT, needs_eval
from tests.support.minilm import minilm_export

pytestmark = [needs_eval, pytest.mark.timeout(900)]

SAMPLED = pytest.mark.parametrize(
    "sample", [["--sample", "150"], pytest.param([], marks=pytest.mark.full)], ids=["sampled", "all"]
)


@pytest.fixture(autouse=True, scope="module")
def embedder():
    minilm_export()


@pytest.mark.parametrize(("dataset", "floor"), [("xquad-en", 0.975), ("xquad-de", 0.945)])
@SAMPLED
def test_the_right_passage_comes_first(dataset, floor, sample):
    assert _figures(dataset, "--retrieval-only", *sample)["mrr@10"] >= floor


@SAMPLED
def test_near_misses_are_refused_and_answers_are_not(sample):
    figures = _figures("clapnq", "--no-model", *sample)
    assert figures["mrr@10"] >= 0.98
    assert figures["true_refusal"] >= 0.50
    assert figures["false_refusal"] <= 0.10
    assert figures["quotes_verbatim"] == 1.0


@pytest.mark.full
def test_the_right_page_of_a_long_manual_is_among_the_first_five():
    assert _figures("debian-docs", "--retrieval-only")["hit@5"] >= 0.98


@pytest.mark.full
def test_the_evidence_in_long_texts_is_inside_the_first_five_passages():
    assert _figures("chunkeval", "--retrieval-only")["span_recall@5"] >= 0.935


@pytest.mark.full
def test_the_right_one_of_look_alike_filings_is_found():
    assert _figures("sec10q", "--retrieval-only")["doc_recall@10"] >= 0.97


@pytest.mark.full
@pytest.mark.parametrize(
    ("dataset", "figure", "floor"),
    [
        ("xquad-en", "mrr@10", 0.978),
        ("xquad-de", "mrr@10", 0.96),
        ("xquad-de-en", "mrr@10", 0.89),
        ("debian-docs-de-en", "hit@5", 0.81),
    ],
)
def test_one_embedder_serves_both_languages_and_questions_across_them(dataset, figure, floor):
    assert _figures(dataset, "--retrieval-only", embedder="multilingual")[figure] >= floor


def _figures(dataset: str, *how: str, embedder: str = "") -> dict[str, float]:
    command = [sys.executable, "-m", "entrypoints.cli", "eval", str(EVAL_DIR / dataset), *how, "--json"]
    environment = {**os.environ, "FOOTNOTE_EMBEDDER": embedder} if embedder else None
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert found.returncode == 0, found.stderr
    figures: dict[str, float] = json.loads(found.stdout)
    return figures
