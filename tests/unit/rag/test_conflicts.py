from __future__ import annotations

from dataclasses import replace

import pytest

from rag.alignment import Aligner
from rag.checking import Checker
from rag.citations import Footnotes
from rag.conflicts import other_period
from rag.testing import HashEmbedder
from rag.types import Answer, Citation, Passage, Sentence
from tests.support.answers import LEASE, passage, quotes_stand


def checked(
    answer: str, *passages: Passage, question: str = "What does it say?"
) -> tuple[Sentence, tuple[Citation, ...]]:
    checker = Checker(Aligner(HashEmbedder(), question=question, passages=passages), Footnotes(), language="en")
    list(checker.feed(answer))
    list(checker.finish())
    (sentence,) = checker.sentences
    return sentence, checker.citations


def letter(changed: str, to: str) -> Passage:
    """The lease as another document tells it."""
    return passage(LEASE.replace(changed, to), name="b", title="Letter")


@pytest.mark.parametrize(
    ("answer", "changed", "to"),
    [
        ("The lease of the harbour office began on 3 October 2021.", "3 October 2021", "3 October 2022"),
        ("The lease of the harbour office began on 3 October 2021.", "began", "ended"),
        ("Smoking is not permitted in the building.", "is not permitted", "is permitted"),
    ],
)
def test_a_source_that_says_otherwise_is_cited_beside_the_one_that_carries_the_sentence(
    answer: str, changed: str, to: str
) -> None:
    letters = letter(changed, to), passage(LEASE)
    for shown in (letters, letters[::-1]):
        sentence, citations = checked(answer, *shown)
        assert (sentence.verdict, len(sentence.citations), len(sentence.conflicts)) == ("supported", 1, 1)
        chunks = {citation.number: citation.chunk_id for citation in citations}
        assert [chunks[number] for number in sentence.citations + sentence.conflicts] == ["a", "b"]
        assert quotes_stand(citations, letters)


def test_what_agrees_does_not_conflict() -> None:
    sentence, _ = checked(
        "The lease of the harbour office began on 3 October 2021.", passage(LEASE), letter("3 October", "October 3,")
    )
    assert sentence.conflicts == ()


def test_who_asks_about_one_thing_is_not_contradicted_by_another() -> None:
    shown = (
        passage("The fee of the harbour office was 40 crowns in 2021."),
        passage("The fee of the harbour office was 40 crowns in 2022.", name="b"),
    )
    answer = "The fee of the harbour office was 40 crowns in 2021."
    assert checked(answer, *shown, question="When was the fee 40 crowns?")[0].conflicts != ()
    assert checked(answer, *shown, question="What was the fee in 2021?")[0].conflicts == ()


def test_two_differences_are_two_things() -> None:
    shown = (
        passage("The fee of the harbour office was 40 crowns in 2021."),
        passage("The fee of the harbour office was 50 crowns in 2022.", name="b"),
    )
    assert checked(shown[0].text, *shown)[0].conflicts == ()


def test_reports_of_different_periods_do_not_conflict() -> None:
    first = replace(passage("The fee of the harbour office is 40 crowns a day."), title="Report 2021 Q3")
    second = passage("The fee of the harbour office is 50 crowns a day.", name="b", title="Report 2022 Q1")
    assert checked(first.text, first, second)[0].conflicts == ()
    assert checked(first.text, first, replace(second, title="Report 2021 Q3"))[0].conflicts == (2,)
    assert not other_period("Contract, version 2", "Contract, version 3")


def test_what_only_says_otherwise_carries_no_sentence() -> None:
    sentence, citations = checked("Smoking is not permitted in the building.", passage(LEASE), letter("not ", ""))
    answer = Answer(sentence.text, (sentence,), citations, model=None)
    assert [citation.chunk_id for citation in answer.grounds] == ["a"]
