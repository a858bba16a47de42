"""System calls that fail with EIO or ENOSPC, once or until they are let work again: nothing is called ready that is
not, every reason is one for people, what was accepted is read once they work, unasked, and the next start finds
everything.

As in test_kill_calls.py, calls are counted by thread.
"""

from __future__ import annotations

import time
from itertools import product
from pathlib import Path

import pytest

from tests.support.fault_run import Driver, broken_promises, can_trace, judged, judged_running, said, traced

pytestmark = [
    pytest.mark.skipif(bool(can_trace()), reason=can_trace() or "strace works"),
    pytest.mark.timeout(240),
]

CLASSES = {
    "fsync": (1, 4),
    "fdatasync": (1, 3),
    "pwrite64": (3, 60),
    "rename": (1, 2),
    "unlink": (1, 3),
    "ftruncate": (1, 2),
}
"""System calls, and which of a thread's fail first."""
SECONDS = 4.0
"""How long calls fail that fail again and again, counted from the first of them, unless all is done before."""
FAULTS = [
    (call, first, error, lasting)
    for (call, numbers), error, lasting in product(CLASSES.items(), ("EIO", "ENOSPC"), (False, True))
    for first in numbers
]
SHORT = [
    ("fsync", 1, "EIO", False),
    ("fsync", 4, "ENOSPC", True),
    ("fdatasync", 1, "EIO", True),
    ("pwrite64", 3, "ENOSPC", False),
    ("pwrite64", 3, "ENOSPC", True),
    ("pwrite64", 60, "EIO", True),
    ("rename", 1, "EIO", False),
    ("unlink", 1, "EIO", True),
]


@pytest.mark.parametrize("fault", SHORT)
def test_a_failing_system_call_leaves_a_true_state(
    data: Path, sources: Path, fault: tuple[str, int, str, bool]
) -> None:
    _fail_and_judge(data, sources, *fault)


@pytest.mark.full
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in SHORT])
def test_any_failing_system_call_leaves_a_true_state(
    data: Path, sources: Path, fault: tuple[str, int, str, bool]
) -> None:
    _fail_and_judge(data, sources, *fault)


def _fail_and_judge(data: Path, sources: Path, call: str, first: int, error: str, lasting: bool) -> None:
    when = f"{first}+" if lasting else f"{first}"
    log = data.with_name("trace")
    with Driver(data, sources) as driver:
        assert driver.heard("started")
        with traced(driver, "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={when}", log=log):
            driver.ask("work")
            _wait(driver, log, lasting=lasting)
        assert "(INJECTED)" in log.read_text(), "the control: a call has failed"
        wrong = judged_running(driver, sources)
    assert wrong + judged(data, sources, driver.events, unready=["failed"]) == []


def _wait(driver: Driver, log: Path, *, lasting: bool) -> None:
    """Until all is done; where calls go on failing, until `SECONDS` after the first of them."""
    end = time.monotonic() + 60
    while time.monotonic() < end and not driver.heard("done", seconds=0.2):
        if lasting and "(INJECTED)" in log.read_text():
            driver.heard("done", seconds=SECONDS)
            return


def test_a_document_that_is_called_ready_and_is_not_would_be_found(data: Path, sources: Path) -> None:
    with Driver(data, sources) as driver:
        driver.ask("work")
        driver.ask("look")
        assert driver.heard("seen")
    seen = said(driver.events, "seen")
    assert broken_promises(driver.events, seen, sources) == []
    for lie in ({"found": seen["found"] | {"report.pdf": []}}, {"documents": seen["documents"][1:]}):
        assert broken_promises(driver.events, {**seen, **lie}, sources) != []
