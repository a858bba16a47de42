"""A process that works on a data directory while something goes wrong:

    python -m tests.support.fault_driver DATA SOURCES [--unsafe] [--last-byte]

Each line of its input is a task. `work` adds the files of a folder, then newer bytes of one, then deletes one, and says
what was accepted. `look` says what there is. `rest` waits for what goes on without help, and looks. `mend` waits for
that, says what there is, does by hand whatever is still to be done, and says what there is then. Every line that it
prints is JSON. The embedder is the double of rag/testing.py, and waits between tries are short.

`--last-byte` lets it use a disk to the last byte, where else it stops before. `--unsafe` is the control: it breaks the
rule that a file is on the disk before the row that names it is committed.
"""

from __future__ import annotations

import ctypes
import hashlib
import io
import json
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from rag.errors import FootnoteError
from rag.testing import HashEmbedder
from workspaces import feeding, queueing, room
from workspaces.adapters import ENGINES
from workspaces.bootstrap import Services, open_services
from workspaces.files import Files
from workspaces.models import DocumentRecord
from workspaces.settings import load_settings

WORKSPACE = "fault test"
NEWER = "newer"
"""The folder of newer bytes, inside that of the files."""
DELETED = "gone.txt"
CLOSED = 3
"""Exit status where the data directory could not be worked with; the reason was said."""
PATIENCE = 60.0
PATIENCE_AT_WORK = 10.0
"""Where something may stand still for good."""
TRIES = 5
LATE_SECONDS = 3.0
SHORT_DELAYS = (timedelta(seconds=3), timedelta(seconds=6), timedelta(seconds=6))
TROUBLE_SECONDS = 2.0
_PR_SET_PTRACER, _ANY = 0x59616D61, -1


def main(data: Path, sources: Path) -> int:
    """Do the tasks of the input, until it ends or the data directory cannot be worked with."""
    engines = replace(ENGINES, embedder=lambda _: HashEmbedder())
    try:
        services = open_services(load_settings(data_dir=data), engines=engines)
        try:
            services.start()
            _say("started")
            for line in sys.stdin:
                _TASKS[line.strip()](services, sources)
                _say("done")
        finally:
            services.close()
    except FootnoteError as error:
        _say("closed", **_told(error))
        return CLOSED
    return 0


def canary(name: str) -> str:
    """The word that only one of the files holds."""
    return f"canary{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def files_of(sources: Path) -> dict[str, Path]:
    """The files, and those with newer bytes, by name."""
    found = {path.name: path for path in sorted(sources.iterdir()) if path.is_file()}
    return found | {f"{NEWER}/{path.name}": path for path in sorted((sources / NEWER).iterdir())}


def _work(services: Services, sources: Path) -> None:
    services.library.create_workspace(WORKSPACE)
    _add_all(services, sources)
    _wait(services, seconds=PATIENCE_AT_WORK)
    _renew_and_delete(services, sources)
    _wait(services, seconds=PATIENCE_AT_WORK)
    services.library.wait_purged(timeout=PATIENCE_AT_WORK)


def _look(services: Services, sources: Path) -> None:
    _say("seen", **_state(services, sources), wrong=[])


def _rest(services: Services, sources: Path) -> None:
    _wait(services)
    services.library.wait_purged(timeout=PATIENCE)
    _look(services, sources)


def _mend(services: Services, sources: Path) -> None:
    _wait(services)
    services.library.wait_purged(timeout=PATIENCE)
    _say("unasked", **_state(services, sources), wrong=_wrong(services))
    if not services.library.workspaces():
        services.library.create_workspace(WORKSPACE)
    _add_all(services, sources, but=[record.source for record in _documents(services)])
    for _ in range(TRIES):
        _wait(services)
        for record in _documents(services):
            services.library.retry(record.id)
    _renew_and_delete(services, sources)
    _wait(services)
    services.library.wait_purged(timeout=PATIENCE)
    _say("mended", **_state(services, sources), wrong=_wrong(services))


_TASKS = {"work": _work, "look": _look, "rest": _rest, "mend": _mend}


def _add_all(services: Services, sources: Path, *, but: list[str] | None = None) -> None:
    for name, path in files_of(sources).items():
        if "/" not in name and name not in (but or ()):
            _accept("add", name, lambda path=path: services.library.add_file(WORKSPACE, path.name, path).id)


def _renew_and_delete(services: Services, sources: Path) -> None:
    for name, path in files_of(sources).items():
        if "/" in name:
            _accept("renew", path.name, lambda path=path: services.library.add_file(WORKSPACE, path.name, path).id)
    for record in _documents(services):
        if record.source == DELETED:
            _accept("delete", DELETED, lambda record=record: _delete(services, record))


def _delete(services: Services, record: DocumentRecord) -> str:
    services.library.delete(record.id)
    return record.id


def _accept(what: str, name: str, act: Callable[[], str]) -> None:
    """In a thread of its own: system calls are counted by thread, so each of these begins at one."""

    def accept() -> None:
        try:
            _say("acked", what=what, name=name, id=act())
        except FootnoteError as error:
            _say("refused", what=what, name=name, **_told(error))

    thread = threading.Thread(target=accept)
    thread.start()
    thread.join()


def _wait(services: Services, *, seconds: float = PATIENCE) -> None:
    for _ in services.library.wait([record.id for record in _documents(services)], timeout=seconds):
        pass


def _documents(services: Services) -> list[DocumentRecord]:
    return [record for found in services.library.workspaces() for record in services.library.documents(found.id)]


def _state(services: Services, sources: Path) -> dict[str, Any]:
    documents = _documents(services)
    names = {record.id: record.source for record in documents}
    found: dict[str, list[str]] = {}
    for name in files_of(sources) if documents else ():
        passages = services.library.search(WORKSPACE, canary(name)).passages
        found[name] = sorted({names[item.document_id] for item in passages if canary(name) in item.text})
    return {
        "documents": [_described(services, record) for record in documents],
        "found": found,
    }


def _wrong(services: Services) -> list[str]:
    return [f"{check.id}: {check.detail}" for check in services.doctor.check() if not check.ok]


def _described(services: Services, record: DocumentRecord) -> dict[str, Any]:
    newest = record.pending or record
    told = "" if newest.problem is None else f"{newest.problem.message} {newest.problem.hint}"
    try:
        digest = hashlib.sha256(services.viewer.original(record.id).path.read_bytes()).hexdigest()
    except (FootnoteError, OSError) as error:
        digest = f"cannot be read: {error}"
    return {
        "id": record.id,
        "source": record.source,
        "container": record.container_id,
        "number": record.number,
        "state": record.state,
        "newest": newest.state,
        "told": told,
        "sha256": digest,
    }


def _told(error: FootnoteError) -> dict[str, str]:
    return {"code": error.code, "told": f"{error.message} {error.hint}"}


def _say(event: str, **values: Any) -> None:
    print(json.dumps({"event": event, **values}), flush=True)


def _store_late() -> None:
    """Let a file be named in the database long before it is on the disk."""
    store = Files.store

    def late(self: Files, stream: BinaryIO, *, limit: int) -> tuple[str, int]:
        data = stream.read()
        timer = threading.Timer(LATE_SECONDS, lambda: store(self, io.BytesIO(data), limit=limit))
        timer.daemon = True
        timer.start()
        return hashlib.sha256(data).hexdigest(), len(data)

    Files.store = late  # type: ignore[method-assign]


if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANY, 0, 0, 0)  # a tracer may come that is no ancestor
    queueing.DELAYS = SHORT_DELAYS
    feeding._TROUBLE_SECONDS = room._LOOK_SECONDS = TROUBLE_SECONDS
    if "--last-byte" in sys.argv:
        room._RESERVE_BYTES = 0
    if "--unsafe" in sys.argv:
        _store_late()
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
