"""Work in the background rests while somebody opens a page, and never for long."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from rag import priority


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were slept; time passes with them alone."""
    slept: list[float] = []
    now = 1000.0

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(priority, "_opened_at", 0.0)
    return slept


def test_nothing_waits_where_nobody_opens_a_page(clock: list[float]) -> None:
    priority.rest()
    assert clock == []


def test_work_rests_until_the_page_that_is_opened_is_drawn(clock: list[float]) -> None:
    priority.page_opened()
    priority.rest()
    assert sum(clock) == pytest.approx(1.2)
    priority.rest()
    assert sum(clock) == pytest.approx(1.2)


def test_work_that_comes_in_small_pieces_rests_a_little_before_each(clock: list[float]) -> None:
    priority.page_opened()
    assert priority.rest(0.1) == pytest.approx(0.1)
    assert sum(clock) == pytest.approx(0.1)


def test_work_goes_on_however_many_pages_are_opened(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    pause = time.sleep

    def opened_again(seconds: float) -> None:
        pause(seconds)
        priority.page_opened()

    monkeypatch.setattr(time, "sleep", opened_again)
    priority.page_opened()
    priority.rest()
    assert sum(clock) == pytest.approx(2.0)


def test_the_background_is_that_of_a_thread() -> None:
    other: list[bool] = []
    with priority.in_background():
        assert priority.is_in_background()
        thread = threading.Thread(target=lambda: other.append(priority.is_in_background()))
        thread.start()
        thread.join()
    assert (other, priority.is_in_background()) == ([False], False)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no niceness of their own")
def test_a_thread_gives_way_and_its_process_does_not() -> None:
    found: list[int] = []

    def behind() -> None:
        priority.give_way()
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    before = os.getpriority(os.PRIO_PROCESS, 0)
    thread = threading.Thread(target=behind)
    thread.start()
    thread.join()
    assert (found, os.getpriority(os.PRIO_PROCESS, 0)) == ([priority.NICENESS], before)


@pytest.mark.skipif(os.name == "nt", reason="niceness is POSIX")
def test_a_child_gives_way_and_one_that_has_ended_is_no_error() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        priority.let_give_way(child.pid)
        assert os.getpriority(os.PRIO_PROCESS, child.pid) == priority.NICENESS
        child.communicate(b"\n")
    priority.let_give_way(child.pid)
