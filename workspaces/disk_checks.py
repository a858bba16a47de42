"""What the doctor asks of the data directory: private, without leftovers, and not larger than what it holds."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from sqlalchemy import func, select, text

from workspaces import indexes, truth
from workspaces.database import Database
from workspaces.tables import originals

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
_TEMPORARY = ("originals/.incoming-*", "*.partial", "*.tmp", "vectors/new-*", "vectors/old-*")
_FRESH_SECONDS = 600.0
"""A file that nobody has written to for so long is no longer being received."""

_CHILD = "rag.stores.vectord"
"""The one child that stands in the data directory."""

_SLACK = 100_000_000
"""Bytes that are not worth a word: empty stores, logs of the databases, a checkpoint that is due."""

_BESIDE_A_VECTOR = 1_000
"""Bytes that the vector store keeps of a vector beside its numbers: links of its graph, ids, its own log."""

Findings = list[str]


def paths(data_dir: Path) -> list[Path]:
    """Everything in the data directory, and itself."""
    return [data_dir, *data_dir.rglob("*")]


def open_paths(data_dir: Path) -> Findings:
    """I11: what others can read."""
    if os.name == "nt":
        return []  # Windows has access lists instead; the user's profile folder is private there
    open_ = [path for path in paths(data_dir) if (mode := _mode(path)) is not None and mode & 0o077]
    return [f"{len(open_)} files or folders can be read by others"] if open_ else []


def close_paths(data_dir: Path) -> None:
    """Let nobody else read them."""
    for path in paths(data_dir):
        if not path.is_symlink():
            path.chmod(PRIVATE_FOLDER if path.is_dir() else PRIVATE_FILE)


def leftovers(data_dir: Path) -> Findings:
    """I12: temporary files that nobody finished, and children of a process that is gone."""
    files, children = temporary(data_dir), strangers(data_dir)
    found = [f"{len(files)} files were never finished"] if files else []
    return found + ([f"{len(children)} helper processes were left behind"] if children else [])


def temporary(data_dir: Path) -> list[Path]:
    """Temporary files and folders that nobody can be writing any more."""
    found = [path for pattern in _TEMPORARY for path in data_dir.glob(pattern)]
    return [path for path in found if (age := _age(path)) is not None and age > _FRESH_SECONDS]


def strangers(data_dir: Path) -> list[psutil.Process]:
    """Children of Footnote in this data directory that are not this process's."""
    mine = {process.pid for process in psutil.Process().children(recursive=True)}
    return [process for process in _children_in(data_dir) if process.pid not in mine]


def _children_in(data_dir: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if _CHILD in process.cmdline() and Path(process.cwd()).is_relative_to(data_dir.resolve()):
                yield process
        except (psutil.Error, OSError):  # it has ended meanwhile, or is another user's
            continue


def oversize(data_dir: Path, database: Database) -> Findings:
    """I14: more than twice what is alive: originals, pages of the database in use, vectors of every search index."""
    on_disk = sum(path.lstat().st_size for path in _stored(data_dir))
    with database.read() as connection:
        live = int(connection.execute(select(func.coalesce(func.sum(originals.c.size), 0))).scalar_one())
        page, pages, free = (
            int(connection.execute(text(f"PRAGMA {name}")).scalar_one())
            for name in ("page_size", "page_count", "freelist_count")
        )
        live += page * (pages - free)
        for index in indexes.all_live(connection):
            count = truth.count_stored(connection, index.id, truth.KEPT)
            live += count * (4 * index.dimension + _BESIDE_A_VECTOR)
    if on_disk <= 2 * live + _SLACK:
        return []
    return [f"the data directory takes {on_disk / 1e6:,.0f} MB for {live / 1e6:,.0f} MB of documents and indexes"]


def _stored(data_dir: Path) -> Iterator[Path]:
    for place in ("originals", "vectors"):
        yield from (path for path in (data_dir / place).rglob("*") if path.is_file())
    yield from (path for path in data_dir.glob("*.db*") if path.is_file())


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.lstat().st_mode)
    except FileNotFoundError:  # it was temporary
        return None


def _age(path: Path) -> float | None:
    try:
        return time.time() - path.lstat().st_mtime
    except FileNotFoundError:
        return None
