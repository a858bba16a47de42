from __future__ import annotations

import pytest

from tests.support.retrieval import chunk, read

ENGLISH = chunk("The panthers die in winter. What was bought in the sale?", name="a")
GERMAN = chunk("Die Häuser stehen am Fluss.", name="b", language="de")


def test_function_words_carry_no_meaning() -> None:
    question = read("How many houses are there in the town?", ENGLISH)
    assert [term.word for term in question.terms if term.content] == ["houses", "town"]


def test_a_question_of_function_words_alone_is_searched_for_all_the_same() -> None:
    assert all(term.content for term in read("who are you", ENGLISH).terms)


def test_a_word_is_stemmed_in_every_language_of_the_workspace() -> None:
    (term,) = read("Häuser", ENGLISH, GERMAN).terms
    assert {"haus", "häuser"} <= term.group


def test_a_code_is_searched_whole_but_weighed_by_its_parts() -> None:
    question = read("ISO-27001", ENGLISH)
    assert len(question.groups) == 3
    assert [term.word for term in question.terms] == ["iso", "27001"]


def test_function_words_of_another_language_are_not_searched_for() -> None:
    searched = frozenset().union(*read("Warum sind die Panthers in der Stadt gestorben?", ENGLISH).groups)
    assert "die" not in searched
    assert "die" in frozenset().union(*read("Which panthers die in the town?", ENGLISH).groups)


def test_rare_words_weigh_more() -> None:
    question = read("panthers bought houses", ENGLISH, chunk("Houses were bought.", name="c"))
    weights = {term.word: term.rarity for term in question.terms}
    assert weights["panthers"] > weights["bought"] > 0


@pytest.mark.parametrize(
    "text",
    [
        "Summarise this document",
        "What is this document about?",
        "What are the main points?",
        "Worum geht es in dem Dokument?",
        "Fasse den Text zusammen",
    ],
)
def test_a_question_about_the_documents_as_such_is_known_as_one(text: str) -> None:
    assert read(text, ENGLISH).about_documents


@pytest.mark.parametrize(
    "text", ["Summarise the chapter on panthers", "Who are you?", "Fasse den Mietvertrag zusammen", ""]
)
def test_a_question_that_names_something_is_not(text: str) -> None:
    assert not read(text, ENGLISH).about_documents
