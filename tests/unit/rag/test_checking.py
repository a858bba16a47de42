from __future__ import annotations

from collections.abc import Sequence

import pytest

from rag.alignment import Aligner
from rag.checking import Checker
from rag.citations import Footnotes
from rag.languages import detect
from rag.testing import HashEmbedder
from rag.types import Passage, Sentence
from tests.support.answers import ENGINE, LEASE, passage

PASSAGES = [passage(LEASE), passage(ENGINE, name="b", title="Turbine")]


METRIC = passage(
    "Eine Abbildung heißt Metrik, wenn gilt: Symmetrie: d(x, y) = d(y, x) für alle Punkte der Menge.", language="de"
)


def checked(
    text: str, *, step: int = 10_000, passages: Sequence[Passage] = PASSAGES, language: str = "en"
) -> list[Sentence]:
    checker = Checker(Aligner(HashEmbedder(), question="", passages=passages), Footnotes(), language=language)
    for start in range(0, len(text), step):
        list(checker.feed(text[start : start + step]))
    list(checker.finish())
    return checker.sentences


@pytest.mark.parametrize("step", [1, 3, 17, 10_000])
def test_sentences_are_the_same_however_the_stream_is_cut(step: int) -> None:
    text = (
        "The rent is 1,250.50 euros. It was signed by Maria Weber.\n\n- The turbine delivers 12.5 MW.\n- No. 5 is new."
    )
    found = checked(text, step=step)
    assert [item.text for item in found] == [
        "The rent is 1,250.50 euros.",
        "It was signed by Maria Weber.",
        "- The turbine delivers 12.5 MW.",
        "- No. 5 is new.",
    ]
    assert all(text[item.span.start : item.span.end] == item.text for item in found)


def test_a_sentence_is_checked_before_the_answer_ends() -> None:
    checker = Checker(Aligner(HashEmbedder(), question="", passages=PASSAGES), Footnotes(), language="en")
    assert list(checker.feed("The monthly rent is 1,250.50 euros. It ")) != []


@pytest.mark.parametrize("lead", ["## Rent\n\n", "Here is a summary:\n\n", "**Rent**\n", "Yes. "])
def test_a_line_that_claims_nothing_belongs_to_the_next_sentence(lead: str) -> None:
    (sentence,) = checked(f"{lead}The monthly rent is 1,250.50 euros.")
    assert sentence.text == f"{lead}The monthly rent is 1,250.50 euros."
    assert sentence.verdict == "supported"


def test_a_lead_in_with_figures_is_checked_too() -> None:
    (sentence,) = checked("In 1999 it was agreed:\n- The monthly rent is 1,250.50 euros.")
    assert sentence.verdict == "partly"


def test_a_name_in_a_lead_in_is_checked_too() -> None:
    (sentence,) = checked("These are the rules of Peter Krause:\n- The monthly rent is 1,250.50 euros.")
    assert sentence.verdict == "partly"


def test_a_lead_in_that_claims_something_is_a_sentence_of_its_own() -> None:
    found = checked("Tenants insure glass, bicycles and garden furniture:\n- The monthly rent is 1,250.50 euros.")
    assert [item.verdict for item in found] == ["not_found", "supported"]


def test_list_numbers_and_reporting_phrases_are_not_claims() -> None:
    found = checked(
        "1. According to the provided sources, the monthly rent is 1,250.50 euros.\n2. Smoking is not permitted."
    )
    assert [item.verdict for item in found] == ["supported", "supported"]


def test_a_formula_is_in_the_language_of_its_answer() -> None:
    formula = "Symmetrie: d(x, y) = d(y, x)"
    assert detect(formula) not in ("", "de", "en"), "it looks like another language"
    assert [item.verdict for item in checked(formula, passages=[METRIC], language="de")] == ["supported"]


def test_an_english_answer_from_a_german_source_is_compared_across_languages() -> None:
    (sentence,) = checked("The distance is the same in both directions.", passages=[METRIC], language="de")
    assert sentence.verdict == "not_found", "words of two languages say nothing about each other"
