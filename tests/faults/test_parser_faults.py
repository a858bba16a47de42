"""Bombs and kills: one file fails with its reason, the application and the next file do not."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ingest import media
from ingest.parser.client import ParserClient
from ingest.parser.limits import ParserLimits
from rag.errors import Cancelled, DamagedSource, TooLarge
from rag.types import Document
from tests.conftest import ROOT
from tests.support.documents import long_text, pdf
from tests.support.pdf_files import flate_bomb, form_bomb

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and kills as Linux has them")

MEMORY = 200 * 2**20
ENOUGH = 600
"""Megabytes in a bomb: three times MEMORY."""
PAGES = 80
"""Of the long file: seconds of work, while a kill comes within milliseconds of the start."""
SLOW = b"q Q "
"""Two operators that draw nothing, over and over."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.pdf"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    good = tmp_path / "good.pdf"
    good.write_bytes(pdf([["all is well"]]))
    return good


@pytest.fixture
def make() -> Iterator[Callable[[ParserLimits], ParserClient]]:
    clients: list[ParserClient] = []

    def start(limits: ParserLimits) -> ParserClient:
        clients.append(ParserClient(limits))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


def parse(client: ParserClient, path: Path) -> Document:
    return client.parse(path, media.PDF, title=None, cancelled=lambda: False, progress=lambda done, total: None)


def unlimited_peak(path: Path) -> int:
    """Bytes of memory that reading the file takes when nobody stops it."""
    code = (
        "import sys, resource; from pathlib import Path; from ingest.loaders.pdf import PdfLoader\n"
        "try: list(PdfLoader().load(Path(sys.argv[1]), title=None))\n"
        "except Exception: pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, cwd=ROOT, check=True, timeout=120
    )
    return int(run.stdout) * 1024


@pytest.mark.parametrize("bomb", [flate_bomb(ENOUGH), form_bomb(7)], ids=["filters", "forms"])
def test_a_memory_bomb_is_refused_and_the_next_file_is_read(
    bomb: bytes, path: Path, good: Path, make: Callable[[ParserLimits], ParserClient]
) -> None:
    path.write_bytes(bomb)
    client = make(ParserLimits(memory_bytes=MEMORY))
    assert len(bomb) < 5000
    with pytest.raises(TooLarge, match="200 MB of memory"):
        parse(client, path)
    assert parse(client, good).text == "all is well"


def test_without_the_limit_the_memory_bomb_does_go_off(path: Path) -> None:
    path.write_bytes(flate_bomb(ENOUGH))
    assert unlimited_peak(path) > 2 * MEMORY


def test_a_time_bomb_is_refused_and_the_next_file_is_read(
    path: Path, good: Path, make: Callable[[ParserLimits], ParserClient]
) -> None:
    path.write_bytes(flate_bomb(200, SLOW))
    client = make(ParserLimits(seconds=1.0))
    with pytest.raises(TooLarge, match="longer than 1 seconds"):
        parse(client, path)
    assert parse(client, good).text == "all is well"


def test_the_same_content_in_little_is_read_in_time(path: Path, make: Callable[[ParserLimits], ParserClient]) -> None:
    content = pdf([["all is well"]])
    path.write_bytes(content)
    assert parse(make(ParserLimits(seconds=30.0)), path).text == "all is well"


@pytest.fixture
def long_file(path: Path) -> Path:
    page = [line for line in long_text(3, paragraphs=40).splitlines() if line]
    path.write_bytes(pdf([page] * PAGES))
    return path


def run_until_busy(client: ParserClient, path: Path) -> tuple[threading.Thread, list[object], int]:
    """Start reading in a thread; return when the worker is at it, with its process id."""
    outcome: list[object] = []

    def read() -> None:
        try:
            outcome.append(parse(client, path))
        except Exception as error:  # noqa: BLE001 - the test looks at whatever comes
            outcome.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    return thread, outcome, wait_for_worker(client, None)


def wait_for_worker(client: ParserClient, before: int | None) -> int:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        worker = client.worker_pid
        if worker is not None and worker != before:
            return worker
        time.sleep(0.005)
    raise TimeoutError("the worker never started")


def test_an_undisturbed_long_file_is_read(long_file: Path, make: Callable[[ParserLimits], ParserClient]) -> None:
    client = make(ParserLimits())
    thread, outcome, worker = run_until_busy(client, long_file)
    assert psutil.Process(worker).ppid() == client.pid
    thread.join()
    assert isinstance(outcome[0], Document)
    assert len(outcome[0].pages) == PAGES


@pytest.mark.parametrize("victim", ["helper", "worker"])
def test_one_kill_is_survived_and_leaves_no_orphan(
    victim: str, long_file: Path, make: Callable[[ParserLimits], ParserClient]
) -> None:
    client = make(ParserLimits())
    thread, outcome, worker = run_until_busy(client, long_file)
    helper = client.pid
    assert helper is not None
    os.kill(helper if victim == "helper" else worker, signal.SIGKILL)
    second = wait_for_worker(client, worker)
    thread.join()
    assert isinstance(outcome[0], Document)
    assert len(outcome[0].pages) == PAGES
    assert second != worker
    assert gone(worker)
    assert gone(helper)


def test_two_kills_on_one_file_are_reported_and_the_next_file_is_read(
    long_file: Path, good: Path, make: Callable[[ParserLimits], ParserClient]
) -> None:
    client = make(ParserLimits())
    thread, outcome, worker = run_until_busy(client, long_file)
    os.kill(worker, signal.SIGKILL)
    os.kill(wait_for_worker(client, worker), signal.SIGKILL)
    thread.join()
    assert isinstance(outcome[0], DamagedSource)
    assert "stopped twice" in outcome[0].message
    assert parse(client, good).text == "all is well"


def test_a_crash_inside_the_parser_is_damage_not_a_retry(
    long_file: Path, good: Path, make: Callable[[ParserLimits], ParserClient]
) -> None:
    client = make(ParserLimits())
    thread, outcome, worker = run_until_busy(client, long_file)
    os.kill(worker, signal.SIGSEGV)
    thread.join()
    assert isinstance(outcome[0], DamagedSource)
    assert "crashed" in outcome[0].message
    assert parse(client, good).text == "all is well"


def test_closing_while_a_file_is_read_stops_everything(
    long_file: Path, make: Callable[[ParserLimits], ParserClient]
) -> None:
    client = make(ParserLimits())
    thread, outcome, worker = run_until_busy(client, long_file)
    helper = client.pid
    client.close()
    thread.join()
    assert isinstance(outcome[0], Cancelled)
    assert gone(worker)
    assert helper is not None
    assert gone(helper)


def test_the_worker_is_limited_and_the_helper_is_not(
    long_file: Path, make: Callable[[ParserLimits], ParserClient]
) -> None:
    client = make(ParserLimits(memory_bytes=MEMORY * 4))
    thread, _, worker = run_until_busy(client, long_file)
    deadline = time.monotonic() + 10
    while resource.prlimit(worker, resource.RLIMIT_FSIZE)[0] != 0 and time.monotonic() < deadline:
        time.sleep(0.005)
    limits = {name: resource.prlimit(worker, name)[0] for name in (resource.RLIMIT_AS, resource.RLIMIT_CPU)}
    assert resource.prlimit(worker, resource.RLIMIT_FSIZE)[0] == 0
    assert 0 < limits[resource.RLIMIT_AS] < MEMORY * 4 + 2**30
    assert 0 < limits[resource.RLIMIT_CPU] <= ParserLimits().seconds_after(PAGES) + 1
    assert resource.prlimit(client.pid or 0, resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    thread.join()


def gone(pid: int) -> bool:
    """Whether a process has ended, within ten seconds."""
    try:
        psutil.Process(pid).wait(timeout=10)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True
