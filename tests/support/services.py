"""The whole application with real SQLite, DBOS, parser process and Chroma; only the embedder is a double."""

from __future__ import annotations

import io
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy

from ingest.parser.client import ParserClient
from rag.errors import NotFound
from rag.testing import HashEmbedder
from rag.types import Document, Matrix
from workspaces.adapters import ENGINES
from workspaces.bootstrap import Services, open_services
from workspaces.database import Database
from workspaces.models import DocumentRecord
from workspaces.settings import load_settings

PATIENCE = 60.0


class Gate:
    """Closed, it holds whoever comes; `reached` is set when somebody has come."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()
        self._open.set()

    def close(self) -> None:
        self.reached.clear()
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def open_soon(self) -> None:
        """After what follows has begun."""
        threading.Timer(0.5, self.open).start()

    def wait(self, give_up: Callable[[], bool] = lambda: False) -> None:
        self.reached.set()
        while not self._open.wait(0.02):
            if give_up():
                return


class GatedEmbedder(HashEmbedder):
    """Waits at a gate before each batch of documents."""

    def __init__(self, gate: Gate, *, close_at: int | None = None) -> None:
        """The gate closes by itself when `close_at` texts have been embedded."""
        super().__init__()
        self._gate = gate
        self._close_at = close_at
        self.embedded = 0

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        if self._close_at is not None and self.embedded >= self._close_at:
            self._close_at = None
            self._gate.close()
        self._gate.wait()
        self.embedded += len(texts)
        return super().embed_documents(texts)


class GatedParser(ParserClient):
    """Waits at a gate before it parses, as a slow file would: it looks ten times a second whether it may go on."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    def parse(self, path: Path, media_type: str, *, cancelled: Callable[[], bool], **options: Any) -> Document:
        self._gate.wait(give_up=cancelled)
        return super().parse(path, media_type, cancelled=cancelled, **options)


@contextmanager
def opened(folder: Path, *, jobs: bool = True, start: bool = True, **engines: Any) -> Iterator[Services]:
    """Services on a data directory; `engines` replaces some (see workspaces.adapters.Engines)."""
    doubles = {"embedder": lambda _: HashEmbedder(), **engines}
    services = open_services(load_settings(data_dir=folder), jobs=jobs, engines=replace(ENGINES, **doubles))
    try:
        if start:
            services.start()
        yield services
    finally:
        services.close()


def add(services: Services, workspace_id: str, content: bytes | str, name: str = "notes.txt", **options: Any) -> str:
    """Enqueue a document, one of its own unless `keep_both` says otherwise; its id."""
    data = content.encode() if isinstance(content, str) else content
    return services.library.add_file(workspace_id, name, io.BytesIO(data), **{"keep_both": True, **options}).id


def settled(services: Services, *ids: str) -> list[DocumentRecord]:
    """The documents when all are ready or failed; those deleted are left out."""
    for _ in services.library.wait(ids, timeout=PATIENCE):
        pass
    found = []
    for id_ in ids:
        with suppress(NotFound):
            found.append(services.library.document(id_))
    assert all(record.state in ("ready", "failed") for record in found), "it takes too long"
    return found


def ingested(services: Services, workspace_id: str, content: bytes | str, name: str = "notes.txt") -> DocumentRecord:
    """A document that became ready."""
    [record] = settled(services, add(services, workspace_id, content, name))
    assert record.state == "ready", record.problem
    return record


def wait_until(holds: Callable[[], bool]) -> None:
    """Look until something holds; an AssertionError where that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query of the application's database finds, by a connection of its own."""
    engine = sqlalchemy.create_engine(f"sqlite:///{folder / 'footnote.db'}", poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sqlalchemy.text(query))]
    engine.dispose()
    return found


@contextmanager
def database(folder: Path) -> Iterator[Database]:
    """The database of a data directory that no services have open."""
    found = Database(folder / "footnote.db")
    found.open()
    try:
        yield found
    finally:
        found.close()


def change(folder: Path, statement: str, **values: Any) -> None:
    """Change rows behind the application's back."""
    engine = sqlalchemy.create_engine(f"sqlite:///{folder / 'footnote.db'}", poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(statement), values)
    engine.dispose()


def files_holding(folder: Path, *needles: bytes) -> list[str]:
    """Files below a folder that hold any of these bytes; a journal may go while the folder is read."""
    found = []
    for path in sorted(folder.rglob("*")):
        with suppress(FileNotFoundError):
            content = path.read_bytes() if path.is_file() else b""
            if any(needle in content for needle in needles):
                found.append(str(path.relative_to(folder)))
    return found


def jobs_db(folder: Path, statement: str) -> list[Any]:
    """What a statement finds in the list of jobs, or does there."""
    with closing(sqlite3.connect(folder / "jobs.db", timeout=PATIENCE)) as connection, connection:
        return connection.execute(statement).fetchall()
