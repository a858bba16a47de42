from __future__ import annotations

from dataclasses import replace

from rag.matching import Match, match
from rag.types import Passage
from tests.support.retrieval import chunk, read

FILLER = chunk("Nothing here is of any interest to anybody at all.", name="filler")


def matched(question: str, *passages: Passage) -> list[Match]:
    return match(read(question, *passages, FILLER), passages)


def best_sentence(question: str, passage: Passage) -> str:
    span = matched(question, passage)[0].sentences[0].span
    return passage.text[span.start - passage.span.start : span.end - passage.span.start]


def test_the_sentence_that_holds_the_rarest_words_is_best() -> None:
    passage = chunk("The house is old. The rent is 900 euros. The garden is large.", name="a", start=40)
    assert best_sentence("How high is the rent?", passage) == "The rent is 900 euros."


def test_a_heading_lends_its_words_to_the_sentence_below() -> None:
    text = "Warranty period\n\nIt lasts two years. Batteries are excluded. Call us for repairs."
    passage = chunk(text, name="a", headings=("Warranty period",))
    assert best_sentence("What is the warranty period?", passage) == "It lasts two years."


def test_a_passage_that_is_only_a_heading_still_has_a_sentence() -> None:
    passage = chunk("Warranty period", name="a", headings=("Warranty period",))
    assert best_sentence("warranty period", passage) == "Warranty period"


def test_words_side_by_side_are_a_phrase() -> None:
    near = chunk("We visited New York in spring.", name="near")
    far = chunk("York is older, and the new bridge is there.", name="far")
    phrases = [found.phrase for found in matched("New York", near, far)]
    assert phrases == [1.0, 0.0]


def test_part_of_a_compound_is_found() -> None:
    compound = chunk("Die Stadtverwaltung schließt um vier.", name="a", language="de")
    other = chunk("Der Hafen liegt im Norden.", name="b", language="de")
    grams = [found.grams for found in matched("Wann schließt die Verwaltung?", compound, other)]
    assert grams[0] > 0.5
    assert grams[1] < 0.1


def test_a_heading_that_says_more_than_the_question_agrees_less() -> None:
    exact = chunk("Text.", name="a", headings=("Shell prompt",))
    wider = chunk("Text.", name="b", headings=("Shell prompt colours and history",))
    first, second = matched("Shell prompt", exact, wider)
    assert first.heading == 1.0
    assert 0 < second.heading < 0.7


def test_lines_with_leaders_and_page_numbers_are_a_listing() -> None:
    contents = chunk("1 Start . . . . . . . 3\n2 Setup ........ 14\n2.1 Network 27", name="a")
    prose = chunk("The network is set up first.\nThen the disk is parted.", name="b")
    assert [found.listing for found in matched("network", contents, prose)] == [1.0, 0.0]


def test_spans_are_those_of_the_document() -> None:
    passage = chunk("One thing. Another rent.", name="a", start=1000)
    assert all(1000 <= marked.span.start < marked.span.end <= 1024 for marked in matched("rent", passage)[0].sentences)


def test_an_empty_passage_matches_nothing() -> None:
    assert matched("rent", chunk(" ", name="a"))[0].sentences == ()


def test_a_tables_header_lends_its_words_to_the_passage() -> None:
    rows = chunk("pump | 5\nvalve | 6", name="a")
    [without, under] = (matched("What is the warranty?", one)[0] for one in (rows, replace(rows, header="Warranty")))
    assert under.grams > without.grams
