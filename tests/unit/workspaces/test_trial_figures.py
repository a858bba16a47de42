"""Figures of a run and their intervals."""

from __future__ import annotations

import pytest

from workspaces.trial_figures import FIGURES, figures, measured, percentile, wilson


def by_key(results: list[dict[str, list[float]]]) -> dict[str, tuple[float | None, int, float | None, float | None]]:
    return {figure.key: (figure.value, figure.count, figure.low, figure.high) for figure in figures(results)}


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662), (1, 2, 0.0945, 0.9055)],
)
def test_the_interval_is_wilsons(successes: int, count: int, low: float, high: float) -> None:
    """The third is the example of Newcombe (1998), "Two-sided confidence intervals for the single proportion"."""
    assert wilson(successes, count) == pytest.approx((low, high), abs=0.0001)


def test_a_figure_without_data_has_no_value() -> None:
    assert by_key([]) == dict.fromkeys(FIGURES, (None, 0, None, None))


def test_shares_have_an_interval_and_means_and_times_have_none() -> None:
    found = by_key([{"hit@1": [1.0], "mrr@10": [0.5], "evidence_ms_p50": [3.0]}, {"hit@1": [0.0], "mrr@10": [0.0]}])
    assert found["hit@1"] == (0.5, 2, 0.0945, 0.9055)
    assert found["mrr@10"] == (0.25, 2, None, None)
    assert found["evidence_ms_p50"] == (3.0, 1, None, None)


def test_the_95th_percentile_is_of_the_times_of_all_questions() -> None:
    found = by_key([{"evidence_ms_p50": [float(number)]} for number in range(1, 101)])
    assert found["evidence_ms_p50"][0] == 50.5
    assert found["evidence_ms_p95"][:2] == (95.0, 100)
    assert percentile([7.0], 0.95) == 7.0


def test_each_citation_counts() -> None:
    found = by_key([{"citation_precision": [1.0, 0.0, 0.0]}, {"citation_precision": [1.0]}])
    assert found["citation_precision"][:2] == (0.5, 4)


def test_a_question_that_was_not_answered_says_nothing_about_answers() -> None:
    values = {"false_refusal": [0.0], "citation_precision": [1.0], "quotes_verbatim": [1.0], "hit@1": [True]}
    assert measured(values, answers=False, placed=True) == {"false_refusal": [0.0], "hit@1": [1.0]}


def test_without_a_known_place_footnotes_are_not_judged_but_their_quotes_are() -> None:
    values = {"citation_precision": [0.0], "quotes_verbatim": [1.0]}
    assert measured(values, answers=True, placed=False) == {"quotes_verbatim": [1.0]}
