from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rag.fusion import Candidate
from rag.matching import match
from rag.selection import Found, choose, near, pull, wanting
from rag.types import Passage, Place
from tests.support.retrieval import WORKSPACE, chunk, document, read, retriever

RENT = "The monthly rent is 1,250 euros and is due on the third day."
ELSEWHERE = [chunk(f"Protocol {number} of the sports club meeting.", name=f"filler{number}") for number in range(8)]


def ranked(question: str, *passages: Passage, named: float = 0.0) -> list[Found]:
    """In this order, whatever the question."""
    matches = match(read(question, *passages), passages)
    return [
        Found(Candidate(one.chunk_id, 1.0, 1.0), one, matched, named, -rank, next(iter(matched.sentences), None))
        for rank, (one, matched) in enumerate(zip(passages, matches, strict=True))
    ]


def ids(found: Sequence[Passage]) -> list[str]:
    return [one.chunk_id for one in found]


def test_what_says_the_same_is_shown_once_and_its_twin_says_with_which() -> None:
    copy = chunk("The  monthly rent\nis 1,250 euros and is due on the third day.", name="copy")
    found = ranked("rent", chunk(RENT, name="lease"), copy, ELSEWHERE[0])
    chosen, others = choose(found, 10)
    assert [one.found.passage.chunk_id for one in chosen] == ["lease", "filler0"]
    assert [(one.chunk_id, one.shown_with) for one in others] == [("copy", "lease")]


@pytest.mark.parametrize(
    "text",
    [
        RENT.replace("1,250", "1,520"),  # figures are what look-alikes differ in
        RENT.replace("monthly rent", "yearly insurance premium"),
    ],
)
def test_what_differs_in_a_figure_or_in_words_is_shown_beside_it(text: str) -> None:
    chosen, _ = choose(ranked("rent", chunk(RENT, name="lease"), chunk(text, name="other")), 10)
    assert len(chosen) == 2


def test_documents_that_the_question_names_are_all_shown_though_they_say_the_same() -> None:
    twins = [chunk(RENT, name=name) for name in ("berlin", "hamburg")]
    assert len(choose(ranked("rent in Berlin and Hamburg", *twins, named=0.5), 10)[0]) == 2


def test_passages_beside_each_other_become_one_in_the_order_of_the_document() -> None:
    first, second, third = document("lease", RENT, "Heating costs come on top.", "Pets are allowed.")
    (one, far), others = choose(ranked("heating", second, ELSEWHERE[0], first), 10)
    assert ids(one.parts) == [first.chunk_id, second.chunk_id]
    assert far.found.passage.chunk_id == "filler0"
    assert [(each.chunk_id, each.shown_with) for each in others] == [(first.chunk_id, second.chunk_id)]
    assert len(choose(ranked("pets", third, first), 10)[0]) == 2  # what lies between is missing


@pytest.mark.parametrize("apart", [{"heading_path": ("Annex",)}, {"page": 2}, {"version_id": "v-other"}])
def test_passages_of_other_headings_pages_or_documents_stay_apart(apart: dict[str, object]) -> None:
    first, second = document("lease", RENT, "Heating costs come on top.")
    assert len(choose(ranked("heating", first, replace(second, **apart)), 10)[0]) == 2  # type: ignore[arg-type]


def test_a_joined_passage_has_three_parts_at_most() -> None:
    passages = document("lease", *(f"Clause {number} is about {number} {'abcd'[number]}pples." for number in range(4)))
    chosen, _ = choose(ranked("clause", *passages), 10)
    assert [len(one.parts) for one in chosen] == [3, 1]


def test_what_is_shown_of_parts_is_the_text_of_the_document() -> None:
    lease = document("lease", RENT, "Heating costs come on top of the monthly rent.", "Nothing else is owed.")
    shown = retriever(*lease, *ELSEWHERE).retrieve(WORKSPACE, "How high is the monthly rent?").passages[0]
    whole = "\n".join(one.text for one in lease)
    assert len(shown.text) > len(RENT)
    assert shown.text == whole[shown.span.start : shown.span.end]


def pulled(question: str, passage: Passage, *beside: Passage) -> list[Passage]:
    """The parts of a passage that is shown alone, once those that it asks for were pulled in."""
    ((one,), _) = choose(ranked(question, passage), 10)
    wanted = wanting([one])
    pull(one, {(each.version_id, each.ordinal): each for each in beside if (each.version_id, each.ordinal) in wanted})
    return one.parts


FILLING = "The house was built long ago by people nobody remembers. " * 3


def test_a_best_sentence_at_the_edge_brings_the_sentences_beyond_it() -> None:
    texts = (f"{FILLING}The boiler is serviced every autumn.", f"The fee for it is 90 euros. {FILLING * 4}")
    first, second = document("house", *texts)
    kept, piece = pulled("When is the boiler serviced?", first, second)
    assert kept == first
    assert piece.text.startswith("The fee for it is 90 euros.")
    assert piece.text == second.text[: len(piece.text)]
    assert 200 < len(piece.text) <= 300
    assert piece.text.endswith("remembers.")  # whole sentences
    before, kept = pulled("What is the fee?", second, first)
    assert kept == second
    assert before.text.endswith("The boiler is serviced every autumn.")


def test_a_best_sentence_in_the_middle_brings_nothing() -> None:
    first, second = document("house", f"{FILLING}The boiler is serviced every autumn. {FILLING}", FILLING)
    assert pulled("When is the boiler serviced?", first, second) == [first]


def test_rows_of_a_table_come_with_the_rows_around_them() -> None:
    rows = [f"Article {number} | {number * 3} euros" for number in range(180)]
    parts = ["\n".join(rows[start : start + 60]) for start in (0, 60, 120)]
    table = document("prices", *parts, header="Article | Price")
    table = [replace(one, places=(Place("rows", one.span, "", 2 + 60 * one.ordinal),)) for one in table]
    above, kept, below = pulled("article 90", table[1], table[0], table[2])
    assert kept == table[1]
    assert rows[59] in above.text
    assert rows[0] not in above.text
    assert above.places[0].number == 2 + rows.index(above.text.split("\n")[0])
    assert rows[120] in below.text
    assert rows[179] not in below.text


def test_what_stands_under_another_heading_is_not_pulled_in() -> None:
    first, second = document("house", "The boiler runs.", "Pets are allowed.", headings=[("A",), ("B",)])
    assert pulled("When does the boiler run?", first, second) == [first]


def test_a_neighbour_whose_first_sentence_is_too_long_is_left_out() -> None:
    first, second = document("house", "The boiler runs.", "and so on " * 40)
    assert pulled("When does the boiler run?", first, second) == [first]


def test_what_comes_far_behind_the_best_is_not_worth_reading() -> None:
    passages = [replace(chunk(RENT, name=str(score)), score=score) for score in (8.0, 1.0, 4.0, 1.5, 1.7, 0.2)]
    assert [one.score for one in near(passages)] == [8.0, 1.0, 4.0, 1.7], "the first two are read in any case"
    assert near([]) == ()
    below_zero = [replace(one, score=-one.score) for one in passages]
    assert near(below_zero) == tuple(below_zero[:2])
