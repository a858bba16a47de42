from __future__ import annotations

import pytest

from rag.followups import TOPIC_WORDS, is_elliptical, standalone
from rag.types import Exchange

HISTORY = [Exchange("Who founded the Siemens works in Berlin?", "Werner Siemens.")]


def after(*questions: str) -> list[Exchange]:
    return [Exchange(question, "That.") for question in questions]


@pytest.mark.parametrize(
    "question",
    [
        "And in 2022?",
        "When did he die?",
        "Why?",
        "Since when?",
        "How many are there?",
        "The deposit?",
        "Is that allowed?",
        "Which one?",
        "Und wann?",
        "Was ist mit ihm?",
        "Wer ist seine Frau?",
        "Was bedeutet das für Mieter?",
        "Wann wurde sie gebaut?",
    ],
)
def test_a_question_that_leans_on_the_last_one_gets_its_topic_in_front(question: str) -> None:
    assert standalone(question, HISTORY) == f"founded the Siemens works in Berlin: {question}"


@pytest.mark.parametrize(
    "question",
    [
        "What is the monthly rent of the harbour office?",
        "Wie hoch ist die monatliche Miete für das Hafenbüro in Hamburg?",
        "Which engineers may open the housing of the turbine when it runs?",
        "What is photosynthesis?",
        "Who is Siemens?",
        "Are there any fees?",
        "Why was the lease terminated early?",
        "How long does it take to move?",
        "Is it allowed to smoke?",
        "Is it true that pets are allowed?",
        "Summarise this document.",
        "Gibt es eine Kündigungsfrist?",
        "Was kostet das Ticket?",
        "Wann wurde das alte Gebäude errichtet?",
        "Können Sie die Miete nennen?",
        "Wie groß kann ein Haus sein?",
    ],
)
def test_a_complete_question_stays_alone(question: str) -> None:
    assert standalone(question, HISTORY) == question


def test_the_first_question_stays_alone() -> None:
    assert standalone("And in 2022?", []) == "And in 2022?"


def test_the_topic_is_that_of_the_last_complete_question_and_what_follow_ups_added() -> None:
    chain = after("What is the monthly rent of the harbour office?", "And who signed it?", "Since when?")
    assert standalone("Why?", chain) == "monthly rent of the harbour office signed: Why?"
    assert standalone("Why?", [*chain, *after("What is photosynthesis?")]) == "photosynthesis: Why?"


def test_another_year_takes_the_place_of_the_one_before() -> None:
    chain = after("What was the revenue of Siemens in 2021?")
    assert standalone("And in 2022?", chain) == "revenue of Siemens: And in 2022?"
    assert standalone("And the profit?", [*chain, *after("And in 2022?")]) == "revenue of Siemens 2022: And the profit?"


def test_what_a_follow_up_repeats_stands_once() -> None:
    chain = after("What is the monthly rent of the harbour office?", "And the rent in Hamburg?")
    assert standalone("Why?", chain) == "monthly rent of the harbour office Hamburg: Why?"


def test_codes_and_numbers_stay_whole() -> None:
    chain = after("What does ISO-27001 say on 1,250.50 euros?")
    assert standalone("And why?", chain) == "ISO-27001 say on 1,250.50 euros: And why?"


def test_a_topic_is_short_however_long_the_question_before_was() -> None:
    long = " ".join(f"word{number}" for number in range(300))
    assert len(standalone("And why?", after(long)).split()) == TOPIC_WORDS + 2


def test_follow_ups_without_any_topic_stay_as_they_are() -> None:
    assert is_elliptical("Why?")
    assert standalone("And when?", after("Why?")) == "And when?"
