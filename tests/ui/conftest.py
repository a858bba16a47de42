"""A session without history for every test, and a real Chromium where there is one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import streamlit as st

from tests.conftest import ROOT
from tests.ui import fakes
from ui import resources

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
]
START_SECONDS = 60

Serve = Callable[..., str]


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[fakes.FakeServices]:
    """A furnished application in memory, which the pages get from `resources.services()`."""
    st.cache_resource.clear()
    made = fakes.furnished(tmp_path)
    fakes.install(made, replace_in=monkeypatch)
    monkeypatch.setattr(resources, "warm_up_soon", lambda: None)
    yield made
    resources.close()
    st.cache_resource.clear()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window; skipped with the reason where there is none.

    One a file: as long as Playwright runs, so does its event loop, and DBOS refuses to start beside one.
    """
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install Debian's `chromium` to run the browser tests")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts `python -m tests.ui.MODULE PORT …` and returns the link that it prints."""
    running: list[subprocess.Popen[str]] = []

    def start(module: str, *arguments: str) -> str:
        port = free_port()
        environment = os.environ | {"FOOTNOTE_DATA_DIR": str(tmp_path / f"data-{port}"), "PYTHONUNBUFFERED": "1"}
        log = tmp_path / f"server-{port}.log"
        with log.open("w", encoding="utf-8") as stream:
            command = [sys.executable, "-m", f"tests.ui.{module}", str(port), *arguments]
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=stream, stderr=stream, text=True)
        running.append(process)
        return _link(process, log)

    yield start
    for process in running:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _link(process: subprocess.Popen[str], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text(encoding="utf-8").splitlines():
            if "token=" in line:
                return line.strip()
        time.sleep(0.1)
    pytest.fail("the server did not start:\n" + log.read_text(encoding="utf-8"))
