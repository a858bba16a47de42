from __future__ import annotations

import pytest

from rag.followups import standalone
from rag.types import Exchange

HISTORY = [Exchange("Who founded the Siemens works in Berlin?", "Werner Siemens.")]


@pytest.mark.parametrize("question", ["And in 2022?", "When did he die?", "Why?", "Und wann?", "Was ist mit ihm?"])
def test_a_question_that_leans_on_the_last_one_gets_it_in_front(question: str) -> None:
    assert standalone(question, HISTORY) == f"{HISTORY[0].question} {question}"


@pytest.mark.parametrize(
    "question",
    [
        "What is the monthly rent of the harbour office?",
        "Wie hoch ist die monatliche Miete für das Hafenbüro in Hamburg?",
        "Which engineers may open the housing of the turbine when it runs?",
    ],
)
def test_a_complete_question_stays_alone(question: str) -> None:
    assert standalone(question, HISTORY) == question


def test_the_first_question_stays_alone() -> None:
    assert standalone("And in 2022?", []) == "And in 2022?"
