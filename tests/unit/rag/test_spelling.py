from __future__ import annotations

import pytest

from rag.spelling import allowance, can_be_misspelled, distance
from rag.spelling import meant as nearest


def meant(word: str, known: list[tuple[str, int]]) -> str | None:
    return nearest(word, known, allowed=allowance(word)) if can_be_misspelled(word) else None


KNOWN = [("kündigungsfrist", 4), ("kündigung", 9), ("notice", 12), ("notion", 3), ("period", 7), ("müller", 2)]


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("kündigungsfirst", "kündigungsfrist"),  # two letters swapped
        ("kündigunsfrst", "kündigungsfrist"),  # two missing
        ("kuendigung", "kündigung"),
        ("notise", "notice"),
        ("peroid", "period"),
        ("mueller", "müller"),
    ],
)
def test_a_slip_is_forgiven(typed: str, word: str) -> None:
    assert meant(typed, KNOWN) == word


@pytest.mark.parametrize("typed", ["nota", "perxxd", "ab1234", "fristlos", "kündigungsbestätigung"])
def test_what_is_short_a_code_or_too_far_away_stays_as_it_is(typed: str) -> None:
    assert meant(typed, KNOWN) is None


def test_of_words_that_are_equally_near_the_commoner_one_is_meant() -> None:
    assert meant("notiie", [("notice", 2), ("notiae", 9)]) == "notiae"
    assert meant("notiie", [("notice", 9), ("notiae", 2)]) == "notice"


def test_the_distance_stops_counting_past_the_limit() -> None:
    assert distance("abcdef", "abcdef", most=2) == 0
    assert distance("abcdef", "badcef", most=2) == 2
    assert distance("abcdef", "uvwxyz", most=2) == 3
    assert distance("abc", "abcdefgh", most=2) == 3
