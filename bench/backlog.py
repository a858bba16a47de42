"""Ten thousand documents that wait: what looking at them, adding one and pausing them costs, beside twenty.

    python bench/backlog.py [DOCUMENTS]

The waiting documents are rows with the bytes of one small file; they are read meanwhile, as far as they get. The
figures to compare are those of the same action with twenty and with all of them.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # else bench/ingest.py would shadow the package `ingest`

DOCUMENTS, FEW = 10_000, 20
TIMES = 15


def main() -> int:
    """Print milliseconds with few and with many."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else DOCUMENTS
    figures = {count: _figures(count) for count in (FEW, many)}
    print(f"{'':32}{FEW:>12,}{many:>12,}   times as long")
    for name, few in figures[FEW].items():
        much = figures[many][name]
        print(f"{name:32}{few * 1000:9.1f} ms{much * 1000:9.1f} ms   {much / few:.1f}")
    return 0


def _figures(count: int) -> dict[str, float]:
    from workspaces.bootstrap import open_services
    from workspaces.settings import load_settings

    with tempfile.TemporaryDirectory() as folder:
        services = open_services(load_settings(data_dir=Path(folder) / "data"))
        try:
            workspace = services.library.create_workspace("bench").id
            services.library.add_file(workspace, "one.txt", io.BytesIO(b"A small document."))
        finally:
            services.close()
        _plant(Path(folder) / "data", workspace, count)
        started = time.perf_counter()
        services = open_services(load_settings(data_dir=Path(folder) / "data"))
        try:
            services.start()
            figures = {"start": time.perf_counter() - started}
            time.sleep(2.0)
            return figures | _actions(services, workspace)
        finally:
            services.close()


def _actions(services: Any, workspace: str) -> dict[str, float]:
    library, reading = services.library, services.reading
    number = iter(range(1_000_000))

    def add() -> None:
        name = f"late {next(number)}.txt"
        library.add_file(workspace, name, io.BytesIO(name.encode()), batch="late")

    figures = {
        "how the queue stands": _time(lambda: reading.standing(workspace)),
        "first page of the list": _time(lambda: library.documents_page(workspace, limit=20)),
        "page in the middle": _time(lambda: library.documents_page(workspace, offset=4_000, limit=20)),
        "find by name": _time(lambda: library.documents_page(workspace, search="late", limit=20)),
        "add a file": _time(add),
    }
    started = time.perf_counter()
    late = library.add_file(workspace, "last.txt", io.BytesIO(b"Added last of all."), batch="last")
    for _ in library.wait([late.id]):
        pass
    figures["an added file is ready after"] = time.perf_counter() - started
    figures["pause"] = _time(lambda: reading.pause(workspace), times=1)
    figures["cancel all waiting"] = _time(lambda: reading.stop_waiting(workspace), times=1)
    return figures


def _time(act: Callable[[], object], *, times: int = TIMES) -> float:
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - started)
    return median(seconds)


def _plant(data_dir: Path, workspace_id: str, count: int) -> None:
    from sqlalchemy import insert, select

    from workspaces.database import Database
    from workspaces.identifiers import new_id, now
    from workspaces.tables import documents, originals, versions

    database = Database(data_dir / "footnote.db")
    database.open()
    try:
        with database.write() as connection:
            sha256, size = connection.execute(select(originals.c.sha256, originals.c.size)).one()
            ids = [new_id() for _ in range(count)]
            of = {"workspace_id": workspace_id, "title": "", "title_given": False, "source_kind": "file"}
            version = {"number": 1, "sha256": sha256, "size": size, "state": "stored", "batch": "old"}
            connection.execute(
                insert(documents),
                [{**of, "id": id_, "version_id": id_, "source": f"{id_}.txt", "created_at": now()} for id_ in ids],
            )
            connection.execute(
                insert(versions),
                [{**version, "id": id_, "document_id": id_, "created_at": now(), "updated_at": now()} for id_ in ids],
            )
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(main())
