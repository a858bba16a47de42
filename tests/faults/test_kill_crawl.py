"""kill -9 while a section is fetched: the next start goes on, asks for no page it has, and nothing is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.services import opened, rows
from tests.support.sites import Web, many_pages, online

PAGES = 12
PATIENCE = 60.0


@contextmanager
def driver(data: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.support.crawl_driver", str(data), str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None and process.stdin is not None:
                process.stdin.close()
                process.wait(30)


@pytest.mark.parametrize("after", [1, 5])
def test_a_killed_crawl_goes_on_where_it_stopped(tmp_path: Path, after: int) -> None:
    data = tmp_path / "data"
    with online(Web(many_pages(PAGES))) as web:
        assert web.server is not None
        with driver(data, web.server.port) as process:
            deadline = time.monotonic() + PATIENCE
            while len(web.page_requests()) <= after:
                assert time.monotonic() < deadline, "the kill point"
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait(30)
        taken = {url for (url,) in rows(data, "SELECT url FROM site_pages WHERE state = 'fetched'")}
        assert after <= len(taken) <= PAGES, "the control: it was killed midway"
        asked = len(web.page_requests())
        with driver(data, web.server.port) as process:
            assert process.stdout is not None
            assert process.stdout.readline().strip() == "done"
        again = {f"http://docs.example.org{target}" for target in web.page_requests()[asked:]}
    assert not again & taken
    assert again, "the control: there was something left to do"
    assert rows(data, "SELECT state, count(*) FROM versions GROUP BY state") == [("ready", PAGES + 1)]
    assert rows(data, "SELECT state FROM sites") == [("done",)]
    with opened(data) as services:
        assert [check for check in services.doctor.check() if not check.ok] == []
