"""kill -9 during ingest and deletion, of the application, of the vector child and of the parser helper: nothing
accepted is lost, nothing deleted comes back, and `footnote doctor` is clean without anybody's help."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ingest.ocr import engines
from tests.conftest import ROOT
from tests.support.documents import long_text, pdf
from tests.support.scans import GERMAN, drawn, scanned_pdf

STATES = ["received", "stored", "parsed", "chunked", "embedded", "indexed", "ready"]
POINTS = ["stored", "parsed", "embedding", "indexed", "ready"]
VECTORS, PARSER = "rag.stores.vectord", "ingest.parser.helper"
PATIENCE = 90.0
SCANNED = 6
"""Pages of the scan."""

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("sources")
    files = []
    for number in range(2):
        lines = long_text(number, paragraphs=30).replace("\n\n", " ").split(". ")
        pages = [[line[:90] for line in lines[start : start + 20]] for start in range(0, len(lines), 20)]
        files.append(folder / f"report {number}.pdf")
        files[-1].write_bytes(pdf(pages))
        files.append(folder / f"notes {number}.txt")
        files[-1].write_text(long_text(100 + number, paragraphs=110), encoding="utf-8")
    return [str(file) for file in files]


@pytest.fixture(scope="module")
def scan(tmp_path_factory) -> list[str]:
    file = tmp_path_factory.mktemp("scans") / "scan.pdf"
    file.write_bytes(scanned_pdf([drawn([*GERMAN, f"Blatt {number}00"]) for number in range(1, SCANNED + 1)]))
    return [str(file)]


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_application_goes_on_where_it_stopped(tmp_path, sources, point):
    _kill_application(tmp_path / "data", sources, lambda data: _reached(data, point))


@pytest.mark.full
@pytest.mark.parametrize("seed", range(15))
def test_a_killed_application_goes_on_from_any_moment(tmp_path, sources, seed):
    moment = time.monotonic() + random.Random(seed).uniform(0.8, 5.0)
    _kill_application(tmp_path / "data", sources, lambda _: time.monotonic() > moment)


@pytest.mark.skipif(not engines.installed(), reason="nothing here recognises text")
@pytest.mark.parametrize("kept", [1, 4])
def test_a_killed_scan_goes_on_at_its_next_page(tmp_path, scan, kept):
    data = tmp_path / "data"
    with _driver(data, scan) as process:
        _await(lambda: len(_rows(data, "SELECT 1 FROM recognitions")) >= kept, "the kill point")
        _kill(process)
    finished = len(_rows(data, "SELECT 1 FROM recognitions"))
    with _driver(data, []) as process:
        assert _recognised_until_done(process) == SCANNED - finished < SCANNED
    assert _count(data, "ready") == 1
    _assert_clean(data)


@pytest.mark.skipif(not engines.installed(), reason="nothing here recognises text")
def test_without_what_was_kept_a_killed_scan_begins_again(tmp_path, scan):
    data = tmp_path / "data"
    with _driver(data, [*scan, "--forgetful"]) as process:
        assert process.stdout is not None
        told = iter(process.stdout)
        assert sum(line == "recognising\n" for line, _ in zip(told, range(5), strict=False)) == 4, "the control"
        _kill(process)
    with _driver(data, []) as process:
        assert _recognised_until_done(process) == SCANNED


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_parser_does_not_take_the_application_along(tmp_path, sources, point):
    _kill_child(tmp_path / "data", sources, PARSER, lambda data: _reached(data, point))


@pytest.mark.parametrize("ready", range(4))
def test_a_killed_vector_child_does_not_take_the_application_along(tmp_path, sources, ready):
    _kill_child(tmp_path / "data", sources, VECTORS, lambda data: _count(data, "ready") >= ready)


def test_a_killed_vector_child_of_an_idle_application_costs_nothing(tmp_path, sources):
    _kill_child(tmp_path / "data", sources, VECTORS, lambda data: _count(data, "ready") == len(sources))


@pytest.mark.full
@pytest.mark.parametrize("child", [VECTORS, PARSER])
@pytest.mark.parametrize("seed", range(15))
def test_a_child_killed_at_any_moment_does_not_take_the_application_along(tmp_path, sources, child, seed):
    moment = time.monotonic() + random.Random(seed).uniform(0.8, 4.0)
    _kill_child(tmp_path / "data", sources, child, lambda _: time.monotonic() > moment)


@pytest.mark.parametrize("left", [2, 0])
def test_what_is_deleted_stays_deleted_when_the_application_is_killed(tmp_path, sources, left):
    data = tmp_path / "data"
    with _driver(data, sources) as process:
        _await_done(process)
    assert _count(data, "ready") == len(sources)
    with _driver(data, ["--delete"]) as process:
        _await(lambda: len(_rows(data, "SELECT 1 FROM documents")) <= left, "the kill point")
        acked = _kill(process)
    assert acked == len(sources)
    _assert_clean(data)
    assert _rows(data, "SELECT 1 FROM documents") == []
    assert _rows(data, "SELECT 1 FROM chunks") == []
    assert _rows(data, "SELECT 1 FROM embeddings") == []
    assert not [path for path in (data / "originals").rglob("*") if path.is_file()]


@pytest.mark.parametrize("point", ["nothing", "chunks", "a document", "two documents"])
def test_a_killed_build_of_a_search_index_goes_on_where_it_stopped(tmp_path, sources, point):
    data = tmp_path / "data"
    with _driver(data, sources) as process:
        _await_done(process)
    reached = {
        "nothing": "SELECT 1 FROM indexes WHERE state = 'building'",
        "chunks": "SELECT 1 FROM chunks JOIN indexes ON indexes.id = index_id WHERE state = 'building'",
        "a document": "SELECT 1 FROM entries JOIN indexes ON indexes.id = index_id WHERE state = 'building'",
        "two documents": """SELECT 1 FROM entries JOIN indexes ON indexes.id = index_id WHERE state = 'building'
                            LIMIT 1 OFFSET 1""",
    }[point]
    with _driver(data, ["--reindex"]) as process:
        _await(lambda: bool(_rows(data, reached)), "the kill point")
        assert _kill(process) <= 1
    assert _rows(data, "SELECT embedder FROM indexes WHERE state = 'current'") == [("hash-128",)], "the old one serves"
    finished = """SELECT chunks.rowid, chunks.id FROM chunks JOIN entries USING (index_id, version_id)
                  JOIN indexes ON indexes.id = chunks.index_id WHERE dimension = 64"""
    kept = set(_rows(data, finished))
    assert bool(kept) or point in ("nothing", "chunks"), "the control: something was finished"
    with _driver(data, ["--reindex"]) as process:
        _await_done(process)
    states = _rows(data, "SELECT state, embedder FROM indexes ORDER BY state")
    assert states == [("current", "hash-64"), ("previous", "hash-128")]
    assert kept <= set(_rows(data, finished)), "what was finished was not made again"
    _assert_clean(data)


def _kill_application(data: Path, sources: list[str], when: Callable[[Path], bool]) -> None:
    with _driver(data, sources) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("acked"), "the control: something was accepted before the kill"
        _await(lambda: when(data), "the kill point")
        acked = 1 + _kill(process)
    with _driver(data, []) as process:
        _await_done(process)
    assert _count(data, "ready") == len(_rows(data, "SELECT 1 FROM documents")) >= acked
    _assert_clean(data)


def _kill_child(data: Path, sources: list[str], module: str, when: Callable[[Path], bool]) -> None:
    with _driver(data, sources) as process:
        _await(lambda: when(data) and bool(_children(process.pid, module)), "the kill point")
        victims = _children(process.pid, module)
        for victim in victims:
            victim.kill()
        assert victims, "the control: somebody was killed"
        _await_done(process)
        assert process.poll() is None, "the application outlives its child"
    assert _count(data, "ready") == len(sources)
    _assert_clean(data)


@contextlib.contextmanager
def _driver(data: Path, sources: list[str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.support.ingest_driver", str(data), *sources]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None and process.stdin is not None:
                process.stdin.close()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()


def _kill(process: subprocess.Popen[str]) -> int:
    """SIGKILL; returns how many files it had accepted."""
    process.send_signal(signal.SIGKILL)
    output, _ = process.communicate()
    return output.count("acked")


def _await_done(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "done":
            return
    pytest.fail("the driver ended before it was done")


def _await(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what} was never reached"
        time.sleep(0.005)


def _recognised_until_done(process: subprocess.Popen[str]) -> int:
    """How often an engine was begun until every document is ready or failed."""
    assert process.stdout is not None
    begun = 0
    for line in process.stdout:
        if line.strip() == "done":
            return begun
        begun += line.strip() == "recognising"
    pytest.fail("the driver ended before it was done")


def _reached(data: Path, point: str) -> bool:
    """Whether any document got as far as `point`, or further."""
    rows = _rows(data, "SELECT state, progress_done FROM versions")
    if point == "embedding":
        return any(state == "chunked" and done > 0 for state, done in rows)
    return any(state in STATES and STATES.index(state) >= STATES.index(point) for state, _ in rows)


def _count(data: Path, state: str) -> int:
    return len(_rows(data, f"SELECT 1 FROM versions WHERE state = '{state}'"))


def _rows(data: Path, query: str) -> list[tuple]:
    path = data / "footnote.db"
    if not path.exists():
        return []
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []  # the tables are not there yet
    finally:
        connection.close()


def _children(pid: int, module: str) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children(recursive=True) if module in _command_line(child)]


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""


def _assert_clean(data: Path) -> None:
    environment = {**os.environ, "FOOTNOTE_DATA_DIR": str(data)}
    command = [sys.executable, "-m", "entrypoints.cli", "doctor", "--json"]
    found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    wrong = [check for check in json.loads(found.stdout) if not check["ok"]]
    assert (wrong, found.returncode) == ([], 0), found.stderr
    assert not list(data.rglob(".incoming-*"))
