"""Fetching the built-in chat model: in the background, with progress, cancel and retry; and how a terminal shows it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from rag.errors import Cancelled, FootnoteError, WeightsError
from rag.weights.catalogue import WeightsEntry
from workspaces.models import Download, Problem

RATE_SECONDS = 5.0
"""The rate is that of the last seconds: a stall shows, and what a former run had fetched does not count."""

_CLOSE_SECONDS = 5.0
_UNEXPECTED = Problem("weights", "Fetching the built-in model ended unexpectedly.", "Fetch it again: it goes on.")


class Fetch(Protocol):
    """rag.weights.fetch.fetch, or a double of it."""

    def __call__(
        self, entry: WeightsEntry, folder: Path, *, progress: Callable[[int, int], None], cancelled: Callable[[], bool]
    ) -> Path:
        """Raises WeightsError, Cancelled."""


class ModelDownload:
    """One model's way onto this machine. Thread-safe; at most one thread fetches."""

    def __init__(self, entry: WeightsEntry, folder: Path, *, fetch: Fetch | None = None) -> None:
        """`fetch` None means rag.weights.fetch, imported when it is needed."""
        self.entry = entry
        self._folder = folder
        self._fetch = fetch or _fetch
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None
        self._state = Download("absent", total=entry.size)
        self._samples: deque[tuple[float, int]] = deque()

    @property
    def path(self) -> Path:
        """The model's file, once it is present."""
        return self.entry.path(self._folder)

    @property
    def present(self) -> bool:
        """Whether the model is on this machine, whole."""
        home = self.entry.home(self._folder)
        return all(_size(home / file.path) == file.size for file in self.entry.files)

    def state(self) -> Download:
        """How far it is."""
        with self._lock:
            state = replace(self._state, rate=self._rate() if self._state.state == "running" else 0.0)
        if state.state in ("running", "verifying"):
            return state
        if self.present:
            return Download("present", done=self.entry.size, total=self.entry.size)
        return state if state.state != "present" else Download("absent", total=self.entry.size)

    def start(self) -> None:
        """Fetch, unless that is under way or done."""
        with self._lock:
            if self._thread is not None or self.present:
                return
            self._cancelled = threading.Event()
            self._samples.clear()
            self._state = Download("running", total=self.entry.size)
            self._thread = threading.Thread(
                target=self._run, args=(self._cancelled,), name="model-download", daemon=True
            )
            self._thread.start()

    def cancel(self) -> None:
        """Stop fetching; what is there stays for the next time."""
        self._cancelled.set()

    def wait(self, seconds: float) -> None:
        """Wait until the fetching has ended, `seconds` at most."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def close(self) -> None:
        """Stop, and wait for it shortly."""
        self.cancel()
        self.wait(_CLOSE_SECONDS)

    def _run(self, cancelled: threading.Event) -> None:
        end = replace(self._state, state="failed", problem=_UNEXPECTED)
        try:
            self._fetch(self.entry, self._folder, progress=self._progress, cancelled=cancelled.is_set)
            end = Download("present", done=self.entry.size, total=self.entry.size)
        except Cancelled:
            end = Download("cancelled", done=self._state.done, total=self._state.total)
        except FootnoteError as error:
            problem = Problem(error.code, error.message, error.hint)
            end = Download("failed", done=self._state.done, total=self._state.total, problem=problem)
        finally:
            with self._lock:
                self._state, self._thread = end, None

    def _progress(self, done: int, total: int) -> None:
        now = time.monotonic()
        with self._lock:
            self._samples.append((now, done))
            while now - self._samples[0][0] > RATE_SECONDS and len(self._samples) > 2:
                self._samples.popleft()
            self._state = Download("verifying" if total and done >= total else "running", done=done, total=total)

    def _rate(self) -> float:
        """Bytes a second since the oldest sample, up to this moment."""
        if not self._samples:
            return 0.0
        (since, before), (_, done) = self._samples[0], self._samples[-1]
        seconds = time.monotonic() - since
        return max(0.0, (done - before) / seconds) if seconds > 0 else 0.0


def progress_line(download: Download) -> str:
    """One line for a terminal: "Built-in model: 412 of 1,117 MB, 38 MB/s, 18 s left"."""
    figures = f"{download.done / 1e6:,.0f} of {download.total / 1e6:,.0f} MB"
    match download.state:
        case "running":
            rate = f", {download.rate / 1e6:,.1f} MB/s" if download.rate else ""
            left = f", {_duration(download.seconds_left)} left" if download.seconds_left is not None else ""
            return f"Built-in model: {figures}{rate}{left}"
        case "verifying":
            return f"Built-in model: {figures}, checking"
        case "present":
            return "Built-in model: ready"
        case "cancelled":
            return f"Built-in model: cancelled at {figures}"
        case "failed":
            reason = f": {download.problem.told}" if download.problem else ""
            return f"Built-in model: not fetched{reason}".rstrip()
        case "off":
            return "Built-in model: switched off"
        case _:
            return f"Built-in model: not on this machine ({download.total / 1e6:,.0f} MB)"


def progress_lines(state: Callable[[], Download], *, every: float = 1.0) -> Iterator[str]:
    """Lines for a terminal while a download runs, one when something changed and `every` seconds at most; the last
    says how it ended. `state` is ChatModels.download."""
    last = ""
    while (download := state()).state in ("running", "verifying"):
        if (line := progress_line(download)) != last:
            yield line
        last = line
        time.sleep(every)
    yield progress_line(download)


def raise_problem(download: Download) -> None:
    """Raises what ended a download: Cancelled, or WeightsError with its reason. Returns when nothing did."""
    if download.state == "cancelled":
        raise Cancelled("Fetching the built-in model was cancelled.", hint="Fetch it again: it goes on.")
    if download.state == "failed":
        problem = download.problem or _UNEXPECTED
        raise WeightsError(problem.message, hint=problem.hint)


def _fetch(
    entry: WeightsEntry, folder: Path, *, progress: Callable[[int, int], None], cancelled: Callable[[], bool]
) -> Path:
    from rag.weights.fetch import fetch

    return fetch(entry, folder, progress=progress, cancelled=cancelled)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # not there
        return -1


def _duration(seconds: float | None) -> str:
    whole = max(1, round(seconds or 0))
    return f"{whole} s" if whole < 120 else f"{round(whole / 60)} min"
