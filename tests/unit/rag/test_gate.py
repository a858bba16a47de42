from __future__ import annotations

from dataclasses import replace

import pytest

from rag.gate import THRESHOLD, Support, evidence
from rag.matching import match
from rag.types import Likeness, Passage
from tests.support.retrieval import chunk, read

RENT = chunk("The monthly rent of the harbour office is 1,250 euros.", name="rent")
MIETE = chunk("Die monatliche Miete des Hafenbüros beträgt 1.250 Euro.", name="miete", language="de")
OTHERS = [chunk(f"Report {i} deals with turbines, engines and their repair.", name=f"o{i}") for i in range(8)]


def judged(question: str, *passages: Passage, similarity: float = 0.3, trusted: bool = True) -> float:
    """Evidence for a question when `passages` come first, in a collection that holds others too."""
    asked = read(question, *passages, *OTHERS)
    languages = {passage.language for passage in passages}
    support = Support(
        match(asked, [*passages, *OTHERS])[: len(passages)],
        Likeness().near(similarity),
        trusted,
        across=asked.across(languages),
    )
    return evidence(asked, support)


def test_a_sentence_with_the_words_of_the_question_is_evidence() -> None:
    assert judged("How high is the monthly rent of the harbour office?", RENT) > THRESHOLD


def test_a_passage_on_something_else_is_none() -> None:
    assert judged("Who founded the zoological garden of Vienna?", RENT) < THRESHOLD / 2


def test_the_same_subject_without_the_answer_is_weak() -> None:
    near_miss = judged("Which architect drew the harbour office?", RENT, similarity=0.45)
    assert near_miss < judged("What is the rent of the harbour office?", RENT, similarity=0.45)


def test_meaning_counts_where_words_differ() -> None:
    question = "What do we pay for those premises?"
    assert judged(question, RENT, similarity=0.3) < THRESHOLD
    assert judged(question, RENT, similarity=0.85) > THRESHOLD


def test_meaning_is_not_believed_where_the_embedder_does_not_know_the_language() -> None:
    question = "Wer gründete den Tiergarten Schönbrunn?"
    assert judged(question, MIETE, similarity=0.9, trusted=False) == judged(
        question, MIETE, similarity=0.1, trusted=False
    )


def test_german_words_alone_are_evidence_for_an_english_embedder() -> None:
    assert judged("Wie hoch ist die monatliche Miete des Hafenbüros?", MIETE, trusted=False) > 0.5
    assert judged("Wer gründete den Tiergarten Schönbrunn?", MIETE, trusted=False) < THRESHOLD


@pytest.mark.parametrize("question", ["rent", "harbour office", "monthly rent"])
def test_keywords_that_all_occur_are_not_refused(question: str) -> None:
    assert judged(question, RENT) >= THRESHOLD


@pytest.mark.parametrize("question", ["Summarise this document", "Worum geht es in dem Dokument?"])
def test_a_question_about_the_documents_as_such_is_never_refused(question: str) -> None:
    assert judged(question, RENT) >= THRESHOLD


@pytest.mark.parametrize("question", ["rent", "Summarise this document"])
def test_without_passages_there_is_no_evidence(question: str) -> None:
    assert evidence(read(question, RENT), Support([], 0.9, trusted=True, across=False)) == 0.0


def test_evidence_is_a_probability() -> None:
    asked = read("monthly rent", RENT, *OTHERS)
    (found,) = match(asked, [RENT])
    for similarity in (-1.0, 0.0, 1.0):
        for strength in (replace(found, grams=0.0, sentences=()), found):
            assert 0 < evidence(asked, Support([strength], Likeness().near(similarity), trusted=True, across=False)) < 1


def test_an_embedder_that_knows_both_languages_answers_across_them_where_meaning_is_near_enough() -> None:
    question = "Wer gründete den Tiergarten Schönbrunn?"
    assert judged(question, RENT, similarity=0.3) < THRESHOLD
    assert judged(question, RENT, similarity=0.75) > THRESHOLD


def test_cosines_are_read_by_what_is_usual_for_the_embedder() -> None:
    narrow = Likeness(0.2, 0.3)
    assert narrow.near(0.15) == 0.0
    assert narrow.near(0.3) == pytest.approx(1.0)
    assert Likeness().near(0.3) == 0.0
