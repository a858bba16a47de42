"""A disk that runs full at some byte of an ingest, and has room again later: the reason says so, nothing is called
ready that is not, and what was accepted is read then, unasked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fault_run import TOLD, Driver, judged, judged_running

pytestmark = pytest.mark.timeout(240)

LAST_BYTE = "--last-byte"
SIZE = 24 * 2**20
SECONDS = 6.0
"""How long the disk stays full, unless all is done before."""
SHORT = (0, 64, 512)
FULL = (4, 8, 16, 24, 32, 48, 80, 96, 128, 160, 192, 224, 256, 320, 384, 448, 640, 768, 1024, 1536, 2048)
"""KB that are free when the work begins."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid():
        pytest.skip("mounting a small disk takes Linux and root")
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("free", SHORT)
def test_a_full_disk_is_said_and_costs_nothing(disk: Path, sources: Path, free: int) -> None:
    _fill_and_judge(disk, sources, free * 1024)


@pytest.mark.full
@pytest.mark.parametrize("free", FULL)
def test_a_disk_that_is_full_at_any_byte_is_said_and_costs_nothing(disk: Path, sources: Path, free: int) -> None:
    _fill_and_judge(disk, sources, free * 1024)


def _fill_and_judge(disk: Path, sources: Path, free: int) -> None:
    data, filler = disk / "data", disk / "filler"
    with Driver(data, sources, LAST_BYTE) as driver:
        assert driver.heard("started")
        filler.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - free)))
        driver.ask("work")
        driver.heard("done", seconds=SECONDS)
        left = shutil.disk_usage(disk).free
        filler.unlink()
        wrong = judged_running(driver, sources)
    refused = [event for event in driver.events if event["event"] in TOLD]
    assert refused or left > 4096 or free, "the control: with no byte free nothing can be accepted"
    assert [event for event in refused if not re.search("disk is full|No space left", event["told"])] == []
    assert wrong + judged(data, sources, driver.events, LAST_BYTE, unready=["failed"]) == []
