"""Whatever runs in the process that reads a file can reach that file and nothing else of the user's."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ingest import media
from ingest.parser import landlock
from ingest.parser.client import ParserClient
from rag.errors import FootnoteError
from tests.conftest import ROOT
from tests.support.pdf_files import flate_bomb

pytestmark = pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")

ATTEMPTS = """
import json, os, socket, subprocess, sys
from pathlib import Path
from ingest.parser import landlock
own, other, new, port, confined = sys.argv[1:]
if confined == "yes":
    landlock.confine(Path(own))
def tried(action):
    try:
        action()
    except OSError:
        return False
    return True
attempts = {
    "read its file": lambda: open(own).read(),
    "import more": lambda: __import__("mailbox"),
    "read another file": lambda: open(other).read(),
    "list a folder": lambda: os.listdir(os.path.dirname(other)),
    "change its file": lambda: open(own, "a").write("x"),
    "make a file": lambda: open(new, "w").close(),
    "delete a file": lambda: os.unlink(new),
    "read the application": lambda: open("app.py").read(),
    "read a system file": lambda: open("/etc/passwd").read(),
    "connect": lambda: socket.create_connection(("127.0.0.1", int(port))).close(),
    "start a program": lambda: subprocess.run(["/usr/bin/env"], capture_output=True),
    "signal its parent": lambda: os.kill(os.getppid(), 0),
}
print(json.dumps({name: tried(action) for name, action in attempts.items()}))
"""
HARMLESS = {"read its file", "import more"}
LATER = {"connect": 4, "signal its parent": 6}
"""What only these versions of Landlock deny."""


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def succeeded(folder: Path, port: int, *, confined: bool) -> dict[str, bool]:
    own, other = folder / "own.txt", folder / "other.txt"
    for path in (own, other):
        path.write_text("text")
    arguments = [str(own), str(other), str(folder / "new.txt"), str(port), "yes" if confined else "no"]
    run = subprocess.run([sys.executable, "-c", ATTEMPTS, *arguments], cwd=ROOT, capture_output=True, check=True)
    found: dict[str, bool] = json.loads(run.stdout)
    return found


def test_a_confined_process_reads_its_file_and_does_nothing_else(tmp_path: Path, port: int) -> None:
    found = succeeded(tmp_path, port, confined=True)
    expected = HARMLESS | {name for name, since in LATER.items() if landlock.version() < since}
    assert {name for name, done in found.items() if done} == expected


def test_an_unconfined_process_does_it_all(tmp_path: Path, port: int) -> None:
    assert all(succeeded(tmp_path, port, confined=False).values())


STARTS = """
import subprocess, sys
from pathlib import Path
from ingest.parser import landlock
given, other, own = sys.argv[1:]
landlock.confine(Path(own), programs=[Path(given)])
subprocess.run([given, "x"], check=True, capture_output=True)
for action in (lambda: subprocess.run([other]), lambda: open(own, "a")):
    try:
        action()
    except OSError:
        continue
    sys.exit("more than the given program can be started, or it can do more")
"""


def test_a_confined_process_starts_only_the_programs_it_was_given(tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text("text")
    given, other = (str(Path(shutil.which(name) or "").resolve()) for name in ("echo", "env"))
    run = subprocess.run([sys.executable, "-c", STARTS, given, other, str(own)], cwd=ROOT, capture_output=True)
    assert (run.returncode, run.stderr.decode()) == (0, "")


def test_the_process_that_reads_a_document_is_confined(tmp_path: Path) -> None:
    path = tmp_path / "slow.pdf"
    path.write_bytes(flate_bomb(200, b"q Q "))
    client, cancelled = ParserClient(), threading.Event()

    def read() -> None:
        try:
            client.parse(path, media.PDF, title=None, cancelled=cancelled.is_set, progress=lambda *_: None)
        except FootnoteError as error:
            ended.append(error)

    ended: list[FootnoteError] = []
    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert confined_soon(client)
    finally:
        cancelled.set()
        reader.join(30)
        client.close()
    assert len(ended) == 1


def confined_soon(client: ParserClient) -> bool:
    """Whether a fork of the helper gave up its privileges, as a process that confines itself must."""
    for _ in range(400):
        try:
            for child in psutil.Process(client.pid).children() if client.pid else ():
                if "NoNewPrivs:\t1" in Path(f"/proc/{child.pid}/status").read_text():
                    return True
        except (psutil.NoSuchProcess, OSError):  # it came and went
            continue
        threading.Event().wait(0.05)
    return False
