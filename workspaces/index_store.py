"""The directory of the vector index: one store for all search indexes, refilled or replaced from SQL."""

from __future__ import annotations

import hashlib
import shutil
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from rag.errors import StorageError
from rag.protocols import VectorStore
from workspaces import proving, truth
from workspaces.database import Database
from workspaces.truth import KEPT

_CURRENT = "current"
_REMOVED = "removed"

T = TypeVar("T")


class IndexStore(VectorStore, Protocol):
    """A VectorStore in a directory of its own."""

    def close(self) -> None:
        """Let go of the directory, for good."""


class DerivedStore:
    """Holds the current store and makes new ones. The caller sees to it that only one thread changes it."""

    def __init__(self, database: Database, directory: Path, *, open_store: Callable[[Path], IndexStore]) -> None:
        self._database = database
        self._directory = directory
        self._open_store = open_store
        self._interrupted = threading.Event()
        self._sweep()
        self.current = open_store(directory / _CURRENT)

    def refill(self, index_id: str) -> None:
        """Make one search index's collection anew from SQL.

        Raises:
            StorageError: the store failed.
        """
        self.drop(lambda name: name.startswith(collection_prefix(index_id)))
        self._fill(self.current, index_id)

    def replace(self) -> None:
        """Build a store from SQL in a new directory and put it in the place of the old one; nothing removed is in it.

        Raises:
            StorageError: the disk is full or cannot be written; the old store stays.
        """
        with self._database.read() as connection:
            wanted = truth.live_indexes(connection)
        fresh = self._directory / f"new-{uuid.uuid4().hex}"
        store = self._open_store(fresh)
        try:
            for index_id in wanted:
                self._fill(store, index_id)
        except BaseException:  # whatever it was: half a store is of no use to anybody
            store.close()
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        store.close()
        self.current.close()
        try:
            self._put_in_place(fresh)
        finally:
            self.current = self._open_store(self._directory / _CURRENT)
        self._sweep()
        (self._directory / _REMOVED).unlink(missing_ok=True)

    def drop(self, doomed: Callable[[str], bool]) -> None:
        """Forget the collections whose names `doomed` picks. Raises StorageError."""
        for name in filter(doomed, self.current.collections()):
            self.note_removed()
            self.current.drop(name)

    def problem(self, index_id: str) -> str | None:
        """What a search index's collection holds wrongly; None where it is right. Raises StorageError."""
        return self._look(proving.full_problem, index_id)

    def quick_problem(self, index_id: str) -> str | None:
        """As `problem`, by the count and a sample: milliseconds. Raises StorageError."""
        return self._look(proving.quick_problem, index_id)

    def reach(self, index_id: str) -> proving.Reach | None:
        """What searches of a right collection find of it; None where there is no such one. Raises StorageError."""
        return self._look(proving.reach, index_id)

    def differences(self, index_id: str) -> tuple[set[str], set[str]]:
        """(searchable ids that the collection lacks, its ids without a live chunk). Raises StorageError."""
        collection = self.collection(index_id)
        if collection is None:
            return set(), set()
        with self._database.read() as connection:
            return proving.differences(self.current, collection, connection, index_id)

    def delete_foreign(self, index_id: str) -> None:
        """Delete a collection's ids without a live chunk. Raises StorageError."""
        collection = self.collection(index_id)
        _, foreign = self.differences(index_id)
        if collection is not None and foreign:
            self.note_removed()
            self.current.delete(collection, sorted(foreign))

    def drop_strays(self) -> None:
        """Forget what belongs to no search index. Raises StorageError."""
        self.drop(self.strays().__contains__)

    def strays(self) -> set[str]:
        """Collections that belong to no search index, not even to one that waits to be purged. Raises StorageError."""
        held = self.current.collections()
        with self._database.read() as connection:
            return held - {collection_name(id_, name) for id_, name in truth.all_embedders(connection)}

    def collection(self, index_id: str) -> str | None:
        """Name of a search index's collection; None where there is no such live one."""
        with self._database.read() as connection:
            embedder = truth.embedder_of(connection, index_id)
        return None if embedder is None else collection_name(index_id, embedder)

    def note_removed(self) -> None:
        """Remember, past the end of this process, that bytes of removed vectors are on disk."""
        if (self._directory / _CURRENT).exists():
            (self._directory / _REMOVED).touch(mode=0o600)

    def has_removed(self) -> bool:
        """Whether bytes of removed vectors may still be on disk."""
        return (self._directory / _REMOVED).exists()

    def interrupt(self) -> None:
        """Break off what is being filled with a StorageError."""
        self._interrupted.set()

    def close(self) -> None:
        """Close the current store."""
        self.current.close()

    def _look(self, look: Callable[[VectorStore, str, Connection, str], T | None], index_id: str) -> T | None:
        collection = self.collection(index_id)
        if collection is None:
            return None
        with self._database.read() as connection:
            return look(self.current, collection, connection, index_id)

    def _fill(self, store: IndexStore, index_id: str) -> None:
        with self._database.read() as connection:
            embedder = truth.embedder_of(connection, index_id)
            if embedder is None:
                return
            for ids, matrix in truth.blocks(connection, index_id, KEPT):
                if self._interrupted.is_set():
                    raise StorageError(
                        "The rebuild of the vector index was broken off; it is taken up at the next start."
                    )
                store.upsert(collection_name(index_id, embedder), ids, matrix)

    def _put_in_place(self, fresh: Path) -> None:
        place = self._directory / _CURRENT
        try:
            if place.exists():
                place.rename(self._directory / f"old-{uuid.uuid4().hex}")
            if fresh.exists():  # a store may make its directory only when it holds something
                fresh.rename(place)
        except OSError as error:
            raise StorageError(
                "The rebuilt vector index cannot be put in its place.",
                hint="Check the permissions of the data directory.",
            ) from error

    def _sweep(self) -> None:
        """Remove what a replacement left behind, also one that a crash cut short."""
        for pattern in ("new-*", "old-*"):
            for left in self._directory.glob(pattern):
                shutil.rmtree(left, ignore_errors=True)


def collection_prefix(index_id: str) -> str:
    """How the names of all collections of a search index begin."""
    return f"w-{index_id}-"


def collection_name(index_id: str, embedder: str) -> str:
    """One collection a search index: vectors of different models are never in one."""
    return collection_prefix(index_id) + hashlib.sha256(embedder.encode()).hexdigest()[:8]
