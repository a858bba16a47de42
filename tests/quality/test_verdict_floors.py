"""The checks of an answer never get worse: floors just below what the half of the documents reaches that no rule was
refined on. Lowering one needs a reason; `bench/verdicts.py` prints the whole table."""

from __future__ import annotations

import pytest

from rag.embedders.onnx import OnnxEmbedder
from rag.protocols import Embedder
from tests.conftest import EVAL_DIR, needs_eval
from tests.support.minilm import minilm_export
from tests.support.planted.cases import GOLD, Case, flagged, made, remembering
from tests.support.planted.contradictions import contradicted, said_otherwise

pytestmark = [needs_eval, pytest.mark.timeout(900)]

EACH = 12
"""Cases of every kind, language and half; all of the gold answers are many more."""
SOME_GOLD = 3
"""Every third of them."""


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return remembering(OnnxEmbedder(minilm_export()))


@pytest.fixture(scope="module")
def cases(embedder: Embedder) -> list[Case]:
    held = [case for case in made(EVAL_DIR, embedder, each=EACH) if case.source.held_out]
    gold = [case for case in held if case.kind == GOLD]
    return [case for case in held if case.kind != GOLD] + gold[::SOME_GOLD]


@pytest.mark.parametrize(("language", "least"), [("en", 0.95), ("de", 0.98)])
def test_planted_errors_are_flagged(cases: list[Case], embedder: Embedder, language: str, least: float) -> None:
    planted = [case for case in cases if case.planted and case.source.language == language]
    assert len(planted) >= 180
    assert _share([flagged(case, embedder) for case in planted]) >= least


@pytest.mark.parametrize(("language", "most"), [("en", 0.05), ("de", 0.02)])
def test_correct_sentences_are_not(cases: list[Case], embedder: Embedder, language: str, most: float) -> None:
    correct = [case for case in cases if not case.planted and case.source.language == language]
    assert len(correct) >= 60
    assert _share([flagged(case, embedder) for case in correct]) <= most


def test_planted_contradictions_are_found_and_others_are_not(cases: list[Case], embedder: Embedder) -> None:
    found, supported = [], []
    for case, passages in contradicted(cases):
        carried, copies = said_otherwise(case.right, passages, case, embedder)
        found.append("copy" in copies)
        supported.append(carried)
    alarms = [
        bool(said_otherwise(case.text, case.source.passages, case, embedder)[1]) for case in cases if not case.planted
    ]
    assert _share(found) >= 0.85
    assert _share(supported) >= 0.98
    assert _share(alarms) <= 0.01


def _share(flags: list[bool]) -> float:
    return sum(flags) / len(flags)
