"""VectorStore in Chroma, which lives in a process of its own (rag.stores.vectord): it can take its process along."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag.stores.child import Child, stopped
from rag.types import Matrix, ScoredId, Vector

_FOLDER = Path(__file__).resolve().parents[2]
"""Where the package `rag` lies: the child is started there, whatever the working directory."""

_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")
_SET_VARIABLES = {"ANONYMIZED_TELEMETRY": "False", "MALLOC_ARENA_MAX": "2"}
"""Two malloc arenas instead of eight a core: 47 instead of 51 MB with 3,000 vectors."""

_SEARCH_SECONDS = 1.5
"""Wall limit of a search in a collection that this child has searched before; 100,000 vectors take 3 ms."""

_SECONDS_PER_RESULT = 1e-4
_CLOSE_SECONDS = 5.0
_UPSERT_ROWS = 500
"""Rows a call: 0.2 s, so that a search never waits longer for its turn. Chroma takes 5,461 at most."""

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,510}[a-zA-Z0-9]")


class ChromaStore:
    """Collections in `directory` (made if missing), cosine similarity. Thread-safe.

    The child starts with the first call. A call that meets a dead or hanging child raises StorageError, so that the
    caller learns of it; the next call starts a new one. The directory may be torn then: the caller has to check.
    """

    def __init__(self, directory: Path, *, timeout: float = 30.0) -> None:
        """`timeout`: wall limit in seconds of any one call, the start of the child included."""
        self._directory = directory
        self._timeout = timeout
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._closed = False
        self._warm: set[str] = set()

    @property
    def pid(self) -> int | None:
        """Process id of the child, None where it does not run."""
        child = self._child
        return child.pid if child is not None and child.alive() else None

    def upsert(self, collection: str, ids: Sequence[str], vectors: Matrix) -> None:
        """Add or replace vectors, shape (len(ids), dimension); made if the collection does not exist.

        Raises:
            StorageError: the child failed, or the collection has another dimension. Part of the rows may be stored.
            ValueError: ids and rows differ in number, or the name is not one that Chroma takes.
        """
        if len(ids) != len(vectors):
            raise ValueError(f"{len(ids)} ids for {len(vectors)} vectors")
        for start in range(0, len(ids), _UPSERT_ROWS):
            rows = np.ascontiguousarray(vectors[start : start + _UPSERT_ROWS], dtype="<f4")
            request = {"ids": list(ids[start : start + _UPSERT_ROWS]), "dimension": rows.shape[1]}
            self._call("upsert", collection, request, rows.tobytes())

    def search(self, collection: str, vector: Vector, *, limit: int) -> list[ScoredId]:
        """Nearest by cosine similarity, best first; an unknown collection holds nothing. Raises StorageError."""
        if limit <= 0:
            return []
        payload = np.ascontiguousarray(vector, dtype="<f4").tobytes()
        answer, body = self._call("search", collection, {"limit": limit}, payload)
        scores = np.frombuffer(body, dtype="<f4")
        return [ScoredId(id_, float(score)) for id_, score in zip(answer["ids"], scores, strict=True)]

    def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Forget these ids; unknown ones are fine. Their bytes stay on disk. Raises StorageError."""
        if ids:
            self._call("delete", collection, {"ids": list(ids)})

    def ids(self, collection: str) -> set[str]:
        """All ids of a collection. Raises StorageError."""
        return set(self._call("ids", collection)[0]["ids"])

    def count(self, collection: str) -> int:
        """Number of vectors of a collection. Raises StorageError."""
        return int(self._call("count", collection)[0]["count"])

    def drop(self, collection: str) -> None:
        """Forget a collection; unknown names are fine. Its bytes stay on disk. Raises StorageError."""
        self._call("drop", collection)

    def collections(self) -> set[str]:
        """Names of the collections that exist. Raises StorageError."""
        return set(self._call("collections")[0]["names"])

    def close(self) -> None:
        """End the child, for good: further calls raise StorageError."""
        with self._lock:
            self._closed = True
            child, self._child = self._child, None
            if child is not None:
                child.close(seconds=_CLOSE_SECONDS)

    def _call(
        self, op: str, collection: str = "", request: dict[str, Any] | None = None, payload: bytes = b""
    ) -> tuple[dict[str, Any], bytes]:
        if collection and not _NAME.fullmatch(collection):
            raise ValueError(f"{collection!r} is no name for a collection")
        header = {"op": op, "collection": collection, **(request or {})}
        seconds = self._limit(header)
        if not self._lock.acquire(timeout=seconds):
            raise stopped(f"{op}: another call took longer than {seconds:.1f} s")
        try:
            child = self._running()
            try:
                answer = child.call(header, payload, seconds=seconds)
            except BaseException:  # also a KeyboardInterrupt: half an exchange makes the pipe useless
                self._child = None
                child.kill()
                raise
            if op == "search":
                self._warm.add(collection)
            return answer
        finally:
            self._lock.release()

    def _limit(self, header: dict[str, Any]) -> float:
        """A search is quick once its collection is in memory; the first one loads it."""
        if header["op"] != "search" or header["collection"] not in self._warm:
            return self._timeout
        patience: float = _SEARCH_SECONDS + _SECONDS_PER_RESULT * header["limit"]
        return min(self._timeout, patience)

    def _running(self) -> Child:
        if self._closed:
            raise stopped("it has been closed")
        if self._child is None:
            kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
            command = [sys.executable, "-m", "rag.stores.vectord", str(self._directory.absolute())]
            self._warm = set()
            self._child = Child(command, environment=kept | _SET_VARIABLES, folder=_FOLDER)
        return self._child
