from __future__ import annotations

import numpy as np
import pytest

from rag.fusion import Candidate, first_scores, fused_scores, standardised, united
from rag.matching import Match
from rag.types import ScoredId

NOTHING = Match(phrase=0.0, heading=0.0, grams=0.0, quoted=0.0, listing=0.0, sentences=())


def scored(**scores: float) -> list[ScoredId]:
    return [ScoredId(id_, score) for id_, score in scores.items()]


def best(candidates: list[Candidate], *, trusted: bool) -> str:
    return candidates[int(np.argmax(first_scores(candidates, trusted=trusted)))].id


def test_each_candidate_of_both_halves_stands_once() -> None:
    found = united(scored(a=3.0, b=2.0), scored(b=0.9, c=0.8), lexical_limit=2)
    assert found == [Candidate("a", 3.0, None), Candidate("b", 2.0, 0.9), Candidate("c", None, 0.8)]


def test_a_candidate_without_any_of_the_words_scores_nothing_when_all_with_words_are_known() -> None:
    found = united(scored(a=3.0), scored(c=0.8), lexical_limit=2)
    assert found[-1] == Candidate("c", 0.0, 0.8)


def test_a_missing_score_counts_as_the_lowest() -> None:
    assert standardised([3.0, 1.0, None])[2] == standardised([3.0, 1.0, 1.0])[2]


def test_z_scores_have_mean_zero_and_deviation_one() -> None:
    values = standardised([4.0, 1.0, 7.5, 2.0])
    assert values.mean() == pytest.approx(0)
    assert values.std() == pytest.approx(1)


@pytest.mark.parametrize("values", [[], [5.0], [2.0, 2.0], [None, None]])
def test_scores_that_do_not_differ_decide_nothing(values: list[float | None]) -> None:
    assert list(standardised(values)) == [0.0] * len(values)


def test_the_scale_of_a_half_does_not_matter() -> None:
    one = [Candidate("a", 1.0, 0.5), Candidate("b", 2.0, 0.1), Candidate("c", 0.0, 0.2)]
    other = [Candidate(c.id, 100 * (c.lexical or 0) + 7, c.dense) for c in one]
    assert first_scores(one, trusted=True) == pytest.approx(first_scores(other, trusted=True))


def test_what_both_halves_like_comes_first() -> None:
    candidates = [Candidate("words", 9.0, 0.1), Candidate("both", 8.0, 0.8), Candidate("meaning", 1.0, 0.9)]
    assert best(candidates, trusted=True) == "both"


def test_an_embedder_that_does_not_know_the_language_weighs_less() -> None:
    candidates = [Candidate("words", 5.0, 0.25), Candidate("meaning", 0.0, 0.9), Candidate("none", 0.0, 0.0)]
    candidates += [Candidate(f"other{i}", 1.0, 0.2) for i in range(5)]
    gap = {trusted: np.subtract(*first_scores(candidates, trusted=trusted)[:2].tolist()) for trusted in (True, False)}
    assert gap[False] > gap[True]


@pytest.mark.parametrize("better", ["phrase", "heading", "grams", "quoted"])
def test_equal_candidates_are_told_apart_by_their_words(better: str) -> None:
    candidates = [Candidate("a", 1.0, 0.5), Candidate("b", 1.0, 0.5)]
    matches = [
        NOTHING,
        Match(
            **{"phrase": 0.0, "heading": 0.0, "grams": 0.0, "quoted": 0.0, "listing": 0.0, better: 1.0}, sentences=()
        ),
    ]
    scores = fused_scores(candidates, matches, [0.0, 0.0], trusted=True)
    assert scores[1] > scores[0]


def test_a_table_of_contents_comes_after_the_text_it_points_to() -> None:
    candidates = [Candidate("contents", 1.0, 0.5), Candidate("text", 1.0, 0.5)]
    listing = Match(phrase=0.0, heading=0.0, grams=0.0, quoted=0.0, listing=1.0, sentences=())
    scores = fused_scores(candidates, [listing, NOTHING], [0.0, 0.0], trusted=True)
    assert scores[1] > scores[0]


def test_of_equal_candidates_that_of_the_document_named_comes_first() -> None:
    candidates = [Candidate("a", 1.0, 0.5), Candidate("b", 1.0, 0.5)]
    scores = fused_scores(candidates, [NOTHING, NOTHING], [0.0, 1.0], trusted=True)
    assert scores[1] > scores[0]
