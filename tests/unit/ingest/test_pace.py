"""The distance between requests."""

from __future__ import annotations

import pytest

from ingest.pace import Pace
from rag.errors import Cancelled


def test_requests_to_one_host_keep_their_distance_and_other_hosts_do_not_wait() -> None:
    now = [100.0]
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(clock=lambda: now[0], sleep=sleep)
    pace.wait("a", seconds=3, check=lambda: None)
    assert slept == []
    pace.wait("b", check=lambda: None)
    assert slept == []
    pace.wait("a", check=lambda: None)
    assert sum(slept) == pytest.approx(3)
    pace.wait("a", check=lambda: None)
    assert sum(slept) == pytest.approx(4)


def test_a_wait_ends_when_the_run_does() -> None:
    now = [0.0]
    looks = iter([None, None, Cancelled("stop")])

    def check() -> None:
        if (error := next(looks)) is not None:
            raise error

    def sleep(seconds: float) -> None:
        now[0] += seconds

    pace = Pace(clock=lambda: now[0], sleep=sleep)
    pace.wait("a", seconds=3600, check=lambda: None)
    with pytest.raises(Cancelled):
        pace.wait("a", check=check)
    assert now[0] < 3600
