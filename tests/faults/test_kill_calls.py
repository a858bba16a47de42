"""kill -9 at counted system calls of an ingest, a newer version and a deletion: what was accepted is there after the
next start, without help.

strace counts the calls of each thread, so a point is the moment when the first thread makes its N-th call of a kind.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.fault_run import CALLS, Driver, can_trace, judged, judged_unasked, points, spread, traced

pytestmark = [
    pytest.mark.skipif(bool(can_trace()), reason=can_trace() or "strace works"),
    pytest.mark.timeout(240),
]

SHORT, FULL = 12, 200


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory, library: Path, sources: Path) -> list[tuple[str, int]]:
    """The points of a run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("faults")
    data, trace = folder / "data", folder / "trace"
    shutil.copytree(library, data)
    with Driver(data, sources) as driver:
        assert driver.heard("started")
        with traced(driver, "-e", f"trace={','.join(CALLS)}", log=trace):
            driver.ask("work")
            assert driver.heard("done")
    return points(trace)


@pytest.mark.parametrize("number", range(SHORT))
def test_nothing_accepted_is_lost_by_a_kill_at_a_system_call(
    data: Path, sources: Path, counted: list[tuple[str, int]], number: int
) -> None:
    _kill_and_judge(data, sources, spread(counted, SHORT)[number])


@pytest.mark.full
@pytest.mark.parametrize("number", range(FULL))
def test_nothing_accepted_is_lost_by_a_kill_at_any_system_call(
    data: Path, sources: Path, counted: list[tuple[str, int]], number: int
) -> None:
    assert len(counted) >= FULL
    _kill_and_judge(data, sources, spread(counted, FULL)[number])


def test_a_file_that_is_named_before_it_is_stored_would_be_found(data: Path, sources: Path) -> None:
    with Driver(data, sources, "--unsafe") as driver:
        assert driver.heard("started")
        driver.ask("work")
        assert driver.heard("acked")
        driver.kill()
        driver.end()
    wrong = judged_unasked(data, sources, driver.events)
    assert any("original" in line for line in wrong), wrong


def _kill_and_judge(data: Path, sources: Path, point: tuple[str, int]) -> None:
    call, number = point
    log = data.with_name("trace")
    with Driver(data, sources) as driver:
        assert driver.heard("started")
        with traced(driver, "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}", log=log):
            driver.ask("work")
            driver.heard("done")
        status, errors = driver.end()
    child = "killed by SIGKILL" in log.read_text()
    print(f"{call} {number} killed", "the application" if status == -9 else "a child" if child else "nobody")
    assert status == -9 or (status == 0 and "Traceback" not in errors), errors
    assert judged(data, sources, driver.events) == []
