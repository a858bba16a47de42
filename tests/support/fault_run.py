"""Runs the process of tests/support/fault_driver.py while strace makes system calls fail or kill, and judges what is
left: what was accepted is there, once, whole, and nothing else is."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.support.containers import archive, mail
from tests.support.documents import pdf
from tests.support.fault_driver import DELETED, NEWER, canary, files_of
from tests.support.services import files_holding

CALLS = ("fsync", "fdatasync", "pwrite64", "rename", "renameat", "renameat2", "unlink", "unlinkat")
PATIENCE = 120.0
INSIDE = {"letter.eml": {"plan.txt"}, "pack.zip": {"a.txt", "b.md"}}
MACHINE_WORDS = re.compile(r"/tmp/|/home/|/root/|traceback|errno|\.py\b|\.db\b|sqlite|0x[0-9a-f]{6,}", re.IGNORECASE)
_CALL = re.compile(r"(\d+) +(\w+)\(")

Events = list[dict[str, Any]]
TOLD = ("refused", "closed")


def make_sources(folder: Path) -> Path:
    """A PDF, two texts, a mail with an attachment, an archive; and newer bytes of one text."""
    (folder / NEWER).mkdir(parents=True)
    (folder / "report.pdf").write_bytes(pdf([[f"The valve {canary('report.pdf')} opens."], ["The second page."]]))
    (folder / "notes.txt").write_text(f"The winter forest {canary('notes.txt')} is cold.")
    (folder / DELETED).write_text(f"The old lease {canary(DELETED)} ends.")
    attached = {"plan.txt": b"The plan of the harbour."}
    (folder / "letter.eml").write_bytes(mail(f"The letter {canary('letter.eml')} tells.", attachments=attached))
    files = {"a.txt": f"First {canary('pack.zip')} inside.", "b.md": "# Second\n\nAnother one inside."}
    (folder / "pack.zip").write_bytes(archive(files))
    (folder / NEWER / "notes.txt").write_text(f"The summer forest {canary(f'{NEWER}/notes.txt')} is warm.")
    return folder


class Driver:
    """The process; a context manager. `events` is what it has said."""

    def __init__(self, data: Path, sources: Path, *options: str) -> None:
        command = [sys.executable, "-m", "tests.support.fault_driver", str(data), str(sources), *options]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.pid = self._process.pid
        self.events: Events = []
        self._rest = b""

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def ask(self, task: str) -> None:
        """Give it a task, without waiting."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{task}\n".encode())
            self._process.stdin.flush()

    def heard(self, event: str, *, seconds: float = PATIENCE) -> bool:
        """Wait until it says something; False where it ends, or says nothing of the kind in time."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + seconds
        while (patience := deadline - time.monotonic()) > 0:
            if not select.select([self._process.stdout], [], [], patience)[0]:
                break
            data = os.read(self._process.stdout.fileno(), 1 << 16)
            lines = (self._rest + data).split(b"\n")
            self._rest = lines.pop()
            new = [json.loads(line) for line in lines if line]
            self.events += new
            if any(said["event"] == event for said in new):
                return True
            if not data:
                break
        return False

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def end(self) -> tuple[int, str]:
        """Close its input and wait; (exit status, what it wrote to the standard error)."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        assert self._process.stderr is not None
        if not self._process.stderr.closed:
            self.heard("", seconds=PATIENCE)
            if self._process.poll() is None:
                try:
                    self._process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
            self._errors = self._process.stderr.read().decode(errors="replace")
            self._process.stderr.close()
            assert self._process.stdout is not None
            self._process.stdout.close()
        return self._process.wait(), self._errors


@contextlib.contextmanager
def traced(driver: Driver, *options: str, log: str | Path = os.devnull) -> Iterator[None]:
    """strace on all threads of a driver that has started; afterwards its calls are what they were."""
    command = ["strace", "-f", "-qq", "-o", str(log), *options, "-p", str(driver.pid)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as tracer:
        try:
            deadline = time.monotonic() + PATIENCE
            while not _is_traced(driver.pid):
                assert tracer.poll() is None, tracer.stderr and tracer.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.005)
            yield
        finally:
            tracer.terminate()  # it lets go of what it traces
            try:
                tracer.wait(0.5)
            except subprocess.TimeoutExpired:  # strace can wait for ever for a thread that died with its process
                tracer.kill()


def _is_traced(pid: int) -> bool:
    states = [task / "status" for task in Path(f"/proc/{pid}/task").iterdir()]
    return all("\nTracerPid:\t0\n" not in state.read_text() for state in states)


def can_trace() -> str:
    """Why strace cannot be used here, or ""."""
    if sys.platform != "linux":
        return "system calls are traced on Linux"
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
    return f"strace cannot trace here: {done.stderr.strip()}" if done.returncode else ""


def points(trace: Path) -> list[tuple[str, int]]:
    """(call, number) for every number that some thread reaches, in the order in which the first one does."""
    seen: Counter[tuple[str, str]] = Counter()
    found: dict[tuple[str, int], None] = {}
    for line in trace.read_text().splitlines():
        call = _CALL.match(line)
        if call:
            seen[call.groups()] += 1  # type: ignore[index]  # a pair
            found.setdefault((call[2], seen[call[1], call[2]]))
    return list(found)


def spread(items: Sequence[tuple[str, int]], count: int) -> list[tuple[str, int]]:
    """`count` of them, evenly."""
    return [items[number * len(items) // count] for number in range(count)]


def said(events: Events, event: str) -> dict[str, Any]:
    """The last event of a kind."""
    return next(found for found in reversed(events) if found["event"] == event)


def broken_promises(
    accepted: Events, state: dict[str, Any], sources: Path, *, unready: Container[str] = ()
) -> list[str]:
    """What was accepted and is not there as it should be, and what is there and should not.

    Args:
        accepted: what a driver said while it worked.
        state: what one found afterwards.
        sources: the files that it worked with.
        unready: states that a document may be in besides `ready`; where it has failed, with a reason for people.
    """
    documents: list[dict[str, Any]] = state["documents"]
    there = {document["id"] for document in documents}
    acked = {(event["what"], event["name"]): event["id"] for event in accepted if event["event"] == "acked"}
    wrong = list(state["wrong"])
    for (what, name), id_ in acked.items():
        deleted = ("delete", name) in acked
        if what == "add" and (id_ in there) == deleted:
            wrong.append(f"{name} was {'deleted and is there' if deleted else 'accepted and is not there'}")
    for document in documents:
        name = document["source"]
        wrong += _of_document(document, state, sources)
        if not _is_ready(document) and document["newest"] not in unready:
            wrong.append(f"{name} is {document['state']}, {document['newest']} ({document['told']})")
        if ("renew", name) in acked and _is_ready(document) and _bytes_of(document, sources) != f"{NEWER}/{name}":
            wrong.append("the newer bytes were accepted and are not there")
    counts = Counter(document["source"] for document in documents)
    return wrong + [f"{name} is there {count} times" for name, count in counts.items() if count > 1]


def _of_document(document: dict[str, Any], state: dict[str, Any], sources: Path) -> Iterator[str]:
    """What is wrong with one document, whatever was accepted."""
    name, held = document["source"], _bytes_of(document, sources)
    if name in files_of(sources) and held not in (name, f"{NEWER}/{name}"):
        yield f"{name}: its original is not what was added ({document['sha256']})"
    if "failed" in (document["state"], document["newest"]) and unfit(document["told"]):
        yield f"{name}: the reason is not one for people: {document['told']}"
    if not _is_ready(document):
        return
    if name in INSIDE:
        inside = {found["source"] for found in state["documents"] if found["container"] == document["id"]}
        if inside != INSIDE[name]:
            yield f"{name} holds {sorted(inside)}"
    holders = ["a.txt"] if name == "pack.zip" else [name]
    members_ready = all(_is_ready(found) for found in state["documents"] if found["source"] in holders)
    if held is not None and members_ready and state["found"][held] != holders:
        yield f"{name} is ready, and its words are found in {state['found'][held]}"
    if held == f"{NEWER}/{name}" and state["found"][name]:
        yield f"{name} was renewed, and its former words are found"


def _bytes_of(document: dict[str, Any], sources: Path) -> str | None:
    """Which of the files a document has the bytes of."""
    known = {hashlib.sha256(path.read_bytes()).hexdigest(): name for name, path in files_of(sources).items()}
    return known.get(document["sha256"])


def _is_ready(document: dict[str, Any]) -> bool:
    return bool(document["state"] == document["newest"] == "ready")


def unfit(told: str) -> bool:
    """Whether a reason is not one for people."""
    return len(told) < 20 or MACHINE_WORDS.search(told) is not None


def incomplete(state: dict[str, Any], data: Path, sources: Path) -> list[str]:
    """What is wrong once all was done: every file ready, the newer bytes current, the deleted one off the disk."""
    wanted = {name for name in files_of(sources) if "/" not in name and name != DELETED}
    wanted |= {name for inside in INSIDE.values() for name in inside}
    everything: Events = [
        {"event": "acked", "what": "renew", "name": "notes.txt", "id": ""},
        *({"event": "acked", "what": "add", "name": d["source"], "id": d["id"]} for d in state["documents"]),
    ]
    wrong = broken_promises(everything, state, sources)
    there = {document["source"] for document in state["documents"]}
    if there != wanted:
        wrong.append(f"there is {sorted(there)}, not {sorted(wanted)}")
    wrong += [f"{name} holds what was deleted" for name in files_holding(data, canary(DELETED).encode())]
    return wrong + [f"{path.name} was left" for path in data.rglob(".incoming-*")]


def judged_unasked(data: Path, sources: Path, accepted: Events) -> list[str]:
    """What is wrong after the next start, when nobody helps."""
    with Driver(data, sources) as after:
        after.ask("mend")
        assert after.heard("unasked"), after.events
        after.kill()
    return broken_promises(accepted, said(after.events, "unasked"), sources)


def judged(data: Path, sources: Path, accepted: Events, *options: str, unready: Container[str] = ()) -> list[str]:
    """What is wrong after the next start, with options of the driver: at first, without help (`unready` as for
    `broken_promises`), and once all was done that was still to be done."""
    with Driver(data, sources, *options) as after:
        after.ask("mend")
        after.heard("mended")
        status, errors = after.end()
    if status != 0:
        return [f"it cannot be started again: {errors} {after.events}"]
    wrong = broken_promises(accepted, said(after.events, "unasked"), sources, unready=unready)
    return wrong + incomplete(said(after.events, "mended"), data, sources)


def judged_running(driver: Driver, sources: Path) -> list[str]:
    """What a driver that has met errors, and now meets none, has not mended by itself, or says that is not true or not
    fit for people; it is killed then."""
    driver.ask("rest")
    driver.heard("seen")
    driver.kill()
    _, errors = driver.end()
    wrong = [f"unfit: {event}" for event in driver.events if event["event"] in TOLD and unfit(event["told"])]
    if "in accept" in errors:
        wrong.append(f"something was raised that is no reason for people: {errors}")
    seen = [event for event in driver.events if event["event"] == "seen"]
    if not seen:
        return wrong if driver.events[-1]["event"] == "closed" else [*wrong, f"it does not answer any more: {errors}"]
    return wrong + broken_promises(driver.events, seen[-1], sources, unready=["failed"])
