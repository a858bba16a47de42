from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.errors import Cancelled, WeightsError
from rag.weights.catalogue import WeightsEntry, WeightsFile
from workspaces.model_download import ModelDownload, progress_line, progress_lines, raise_problem
from workspaces.models import Download, Problem

ENTRY = WeightsEntry("tiny", "Tiny", "chat", "MIT", (WeightsFile("tiny.gguf", 1000, "0" * 64, ()),), "tiny.gguf")


class Fetcher:
    """Fetches ENTRY block by block; `gate` holds it back, `error` ends it."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.halfway = threading.Event()
        self.calls = 0

    def __call__(
        self, entry: WeightsEntry, folder: Path, *, progress: Callable[[int, int], None], cancelled: Callable[[], bool]
    ) -> Path:
        self.calls += 1
        progress(0, entry.size)
        progress(500, entry.size)
        self.halfway.set()
        while not self.gate.wait(0.01):
            if cancelled():
                raise Cancelled("stopped")
        if self.error is not None:
            raise self.error
        progress(entry.size, entry.size)
        path = entry.path(folder)
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * entry.size)
        return path


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher()


@pytest.fixture
def download(tmp_path: Path, fetcher: Fetcher) -> Iterator[ModelDownload]:
    made = ModelDownload(ENTRY, tmp_path / "models", fetch=fetcher)
    yield made
    made.close()


def test_it_is_absent_until_it_was_fetched_and_present_afterwards(download: ModelDownload) -> None:
    assert download.state() == Download("absent", total=1000)
    download.start()
    download.wait(10)
    assert download.state() == Download("present", done=1000, total=1000)
    assert download.path.is_file()


def test_while_it_runs_it_tells_bytes_and_rate(download: ModelDownload, fetcher: Fetcher) -> None:
    fetcher.gate.clear()
    download.start()
    assert fetcher.halfway.wait(10)
    state = download.state()
    assert (state.state, state.done, state.total) == ("running", 500, 1000)
    assert state.rate > 0
    assert state.seconds_left is not None


def test_cancel_keeps_what_is_there_and_start_goes_on(download: ModelDownload, fetcher: Fetcher) -> None:
    fetcher.gate.clear()
    download.start()
    assert fetcher.halfway.wait(10)
    download.cancel()
    download.wait(10)
    assert download.state() == Download("cancelled", done=500, total=1000)
    fetcher.gate.set()
    download.start()
    download.wait(10)
    assert download.state().state == "present"


def test_a_failure_is_told_and_can_be_retried(download: ModelDownload, fetcher: Fetcher) -> None:
    fetcher.error = WeightsError("The disk is full.", hint="Make room.")
    download.start()
    download.wait(10)
    failed = download.state()
    assert failed.state == "failed"
    assert failed.problem == Problem("weights", "The disk is full.", "Make room.")
    with pytest.raises(WeightsError, match="disk is full"):
        raise_problem(failed)
    fetcher.error = None
    download.start()
    download.wait(10)
    assert download.state().state == "present"


def test_a_mistake_in_the_code_does_not_leave_it_running_for_ever(
    download: ModelDownload, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes: list[object] = []
    monkeypatch.setattr(threading, "excepthook", crashes.append)
    fetcher.error = KeyError("bug")
    download.start()
    download.wait(10)
    assert download.state().state == "failed"
    assert crashes


def test_two_starts_fetch_once(download: ModelDownload, fetcher: Fetcher) -> None:
    fetcher.gate.clear()
    download.start()
    download.start()
    fetcher.gate.set()
    download.wait(10)
    download.start()
    assert fetcher.calls == 1


def test_a_file_of_another_length_does_not_count_as_present(download: ModelDownload) -> None:
    download.path.parent.mkdir(parents=True)
    download.path.write_bytes(b"x" * 999)
    assert download.state().state == "absent"


@pytest.mark.parametrize(
    ("state", "line"),
    [
        (
            Download("running", done=412_000_000, total=1_117_000_000, rate=38_000_000),
            "Built-in model: 412 of 1,117 MB, 38.0 MB/s, 19 s left",
        ),
        (
            Download("running", done=0, total=1_117_000_000, rate=1_000_000),
            "Built-in model: 0 of 1,117 MB, 1.0 MB/s, 19 min left",
        ),
        (Download("running", total=1_117_000_000), "Built-in model: 0 of 1,117 MB"),
        (Download("verifying", done=5_000_000, total=5_000_000), "Built-in model: 5 of 5 MB, checking"),
        (Download("present"), "Built-in model: ready"),
        (Download("cancelled", done=1_000_000, total=5_000_000), "Built-in model: cancelled at 1 of 5 MB"),
        (
            Download("failed", problem=Problem("weights", "The disk is full.", "Make room.")),
            "Built-in model: not fetched: The disk is full. Make room.",
        ),
        (Download("off"), "Built-in model: switched off"),
        (Download("absent", total=1_117_000_000), "Built-in model: not on this machine (1,117 MB)"),
    ],
)
def test_a_terminal_line_for_every_state(state: Download, line: str) -> None:
    assert progress_line(state) == line


def test_lines_end_with_how_it_ended_and_repeat_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspaces.model_download.time.sleep", lambda _: None)
    running = Download("running", done=1_000_000, total=5_000_000)
    states = iter([running, running, Download("verifying", done=5_000_000, total=5_000_000), Download("present")])
    assert list(progress_lines(lambda: next(states))) == [
        "Built-in model: 1 of 5 MB",
        "Built-in model: 5 of 5 MB, checking",
        "Built-in model: ready",
    ]
