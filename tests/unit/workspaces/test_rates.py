"""How long the rest takes."""

from __future__ import annotations

import pytest

from workspaces.rates import Rates


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def test_nothing_is_claimed_in_the_first_seconds_nor_after_few_documents() -> None:
    clock = Clock()
    rates = Rates(clock=clock)
    assert rates.seconds_left("w", documents=5, size=5_000) is None
    for _ in range(4):
        rates.done("w", 1_000)
        clock.seconds += 1
    assert rates.seconds_left("w", documents=5, size=5_000) is None
    clock.seconds += 7
    assert rates.seconds_left("w", documents=5, size=5_000) is not None
    assert rates.seconds_left("other", documents=5, size=5_000) is None


def test_equal_documents_take_as_long_as_those_before() -> None:
    clock = Clock()
    rates = Rates(clock=clock)
    for _ in range(21):
        rates.done("w", 100_000)
        clock.seconds += 2
    assert rates.seconds_left("w", documents=30, size=30 * 100_000) == pytest.approx(60, rel=0.1)
    assert rates.seconds_left("w", documents=1, size=30 * 100_000) < 60


def test_only_the_last_minutes_count_and_a_rest_does_not() -> None:
    clock = Clock()
    rates = Rates(clock=clock)
    for _ in range(200):
        rates.done("w", 0)
        clock.seconds += 1
    for _ in range(40):
        rates.done("w", 0)
        clock.seconds += 10
    assert rates.seconds_left("w", documents=10, size=0) == pytest.approx(100, rel=0.1)
    rates.rest()
    assert rates.seconds_left("w", documents=10, size=0) is None
