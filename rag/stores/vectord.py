"""The process that holds Chroma: python -m rag.stores.vectord DIRECTORY.

Chroma's embedded engine can end the process that it runs in (a torn index file makes it segfault), and two processes on
one directory corrupt it. So it lives alone here, and rag.stores.chroma speaks to it over pipes.

    request    {"op": ..., "collection": ..., ...}\\n            followed by `bytes` bytes of little-endian float32
    answer     {"bytes": ..., ...}\\n  or  {"error": ...}\\n      likewise

After an error the process ends: its state is not trusted any further, and a fresh one is there within 0.2 s.

It drives `chromadb_rust_bindings`, the engine inside chromadb's own PersistentClient, without the Python layer around:
no telemetry, no embedding functions, no configuration from the environment, and 60 MB less (17 against 77 MB after the
import). tests/contract holds that a PersistentClient reads the same directory.
Nothing heavier than `json` may be imported here.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from array import array
from typing import Any, BinaryIO

Answer = tuple[dict[str, Any], bytes]

TENANT = "default_tenant"
DATABASE = "default_database"

CONFIGURATION = {"hnsw": {"space": "cosine", "ef_construction": 200, "max_neighbors": 32, "ef_search": 2000}}
"""Measured against an exact search, vectors of 384. Chroma's own values (100, 16, 100) leave 8 % of the 100 nearest out
with 3,000 vectors, and with 100,000 there are 20 that no search reaches at all. These miss nothing in 100,000 clustered
vectors, nor any of the 10 nearest in 20,000 without structure (ef_search 1000: 0.1 %), at 7 ms a query."""

LOCK_SECONDS = 10.0

OPEN_INDEXES = 65_536
"""Chroma's own default; it must never be reached. What the engine has not yet written of an index (fewer than 1,000
vectors) it forgets when its cache drops the index, and then answers "Nothing found on disk". It is split by hash: of
64 places, two of 20 collections shared one."""

OPEN_FILES = 10_240
"""An index that was written keeps four files open; this is 2,500 workspaces. Not more: macOS refuses it."""

_DELETE_ROWS = 500
_PR_SET_PDEATHSIG = 1


class Engine:
    """Collections by name in one directory."""

    def __init__(self, directory: str) -> None:
        import chromadb_rust_bindings as bindings  # type: ignore[import-untyped]  # native code without stubs

        self._bindings = bindings.Bindings(
            allow_reset=False,
            sqlite_db_config=bindings.SqliteDBConfig(
                url=os.path.join(directory, "chroma.sqlite3"),
                hash_type=bindings.MigrationHash.MD5,
                migration_mode=bindings.MigrationMode.Apply,
            ),
            persist_path=directory,
            hnsw_cache_size=OPEN_INDEXES,
        )
        found = self._bindings.list_collections(None, None, TENANT, DATABASE)
        self._ids = {collection.name: str(collection.id) for collection in found}

    def answer(self, request: dict[str, Any], payload: bytes) -> Answer:
        """Do what one request asks. Unknown collections are empty."""
        op, name = request["op"], request.get("collection", "")
        if op == "upsert":
            return self._upsert(name, request, payload)
        if op == "collections":
            return {"names": sorted(self._ids)}, b""
        collection = self._ids.get(name)
        if collection is None:
            return {"ids": [], "count": 0}, b""
        if op == "search":
            return self._search(collection, request["limit"], payload)
        if op == "ids":
            return {"ids": self._bindings.get(collection, None, None, None, 0, None, [], TENANT, DATABASE).ids}, b""
        if op == "count":
            return {"count": self._bindings.count(collection, TENANT, DATABASE)}, b""
        if op == "delete":
            return self._delete(collection, request["ids"])
        if op == "drop":
            self._bindings.delete_collection(name, TENANT, DATABASE)
            del self._ids[name]
            return {}, b""
        raise ValueError(f"unknown operation {op!r}")

    def _upsert(self, name: str, request: dict[str, Any], payload: bytes) -> Answer:
        if name not in self._ids:
            made = self._bindings.create_collection(name, json.dumps(CONFIGURATION), None, None, True, TENANT, DATABASE)
            self._ids[name] = str(made.id)
        width, numbers = request["dimension"], _floats(payload)
        rows = [numbers[start : start + width].tolist() for start in range(0, len(numbers), width)]
        self._bindings.upsert(self._ids[name], request["ids"], rows, None, None, None, TENANT, DATABASE)
        return {}, b""

    def _search(self, collection: str, limit: int, payload: bytes) -> Answer:
        found = self._bindings.query(
            collection, None, [_floats(payload).tolist()], limit, None, None, ["distances"], TENANT, DATABASE
        )
        scores = array("f", (1.0 - distance for distance in found.distances[0]))
        return {"ids": found.ids[0]}, _bytes(scores)

    def _delete(self, collection: str, ids: list[str]) -> Answer:
        for start in range(0, len(ids), _DELETE_ROWS):
            some = ids[start : start + _DELETE_ROWS]
            self._bindings.delete(collection, some, None, None, None, TENANT, DATABASE)
        return {}, b""


def serve(requests: BinaryIO, answers: BinaryIO, engine: Engine) -> int:
    """Answer until the requests end (0) or one fails (1)."""
    while line := requests.readline():
        request = json.loads(line)
        payload = requests.read(request.get("bytes", 0))
        try:
            header, body = engine.answer(request, payload)
        except BaseException as error:  # noqa: BLE001  # a panic of the native code is not an Exception
            _send(answers, {"error": f"{type(error).__name__}: {error}"[:1000]}, b"")
            return 1
        _send(answers, header, body)
    return 0


def hold_lock(directory: str, *, seconds: float) -> BinaryIO:
    """Own the directory until this process ends; wait for a former owner that is still ending.

    Raises:
        TimeoutError: another process kept it for longer than `seconds`.
    """
    file = open(os.path.join(directory, "owner.lock"), "ab")  # noqa: SIM115  # it is the lock, held until the end
    deadline = time.monotonic() + seconds
    while not _try_lock(file.fileno()):
        if time.monotonic() > deadline:
            file.close()
            raise TimeoutError("another process holds this directory")
        time.sleep(0.02)
    return file


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _send(answers: BinaryIO, header: dict[str, Any], body: bytes) -> None:
    header["bytes"] = len(body)
    answers.write(json.dumps(header, separators=(",", ":")).encode() + b"\n" + body)
    answers.flush()


def _floats(payload: bytes) -> array[float]:
    numbers = array("f")
    numbers.frombytes(payload)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _bytes(numbers: array[float]) -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _allow_open_files() -> None:
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _end_with_parent() -> None:
    """The kernel kills this process when the thread that started it ends; elsewhere the end of the pipe ends it."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """(requests, answers); whatever prints from now on prints to the error stream, not into an answer."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return sys.stdin.buffer, answers


def main(directory: str) -> int:
    """Serve one directory, made if missing, readable by its owner alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the parent decides when to end
    _end_with_parent()
    _allow_open_files()
    os.umask(0o077)
    requests, answers = _private_pipes()
    os.makedirs(directory, exist_ok=True)
    with hold_lock(directory, seconds=LOCK_SECONDS):
        return serve(requests, answers, Engine(directory))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
