"""The vector index of all workspaces: derived from the vectors in SQL, checked against them, and never in their way.

A search asks the index only for a workspace whose index has been proven (workspaces/mending.py): it holds what SQL
says, and finds what comparing with every vector finds. For the others, and whenever the index fails or offers what is
no longer live, the question is compared with every stored vector: slower, and always right.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from rag.errors import FootnoteError, StorageError
from rag.stores.exact import exact_search
from rag.types import Matrix, ScoredId, Vector
from workspaces import proving, truth
from workspaces.database import Database
from workspaces.index_store import DerivedStore, IndexStore, collection_prefix
from workspaces.mending import IndexStatus, Mending
from workspaces.truth import SEARCHABLE
from workspaces.upkeep import Upkeep

_log = logging.getLogger("footnote.vectors")

_QUIET_SECONDS = 2.0
"""From a write to the check of its workspace: a burst of documents is checked once."""

_RETRY_SECONDS = 60.0
_CLOSE_SECONDS = 15.0
_COMPACT = ""  # among the keys of the upkeep, which else are workspace ids
_UNREADABLE = "the vector index cannot be read"


class VectorIndex:
    """VectorSearch, and the writer side of it. Thread-safe.

    Writes come after their rows in SQL. They never raise because of the index: what it did not take, mending gives it.
    """

    def __init__(self, database: Database, directory: Path, *, open_store: Callable[[Path], IndexStore]) -> None:
        """`directory` is the index's own, made when it is first needed; `open_store` opens a store in a part of it."""
        self._database = database
        self._store = DerivedStore(database, directory, open_store=open_store)
        self._writing = threading.RLock()
        self._mending = Mending(database, self._store, distrusted=self._schedule_all)
        self._upkeep = Upkeep(self._keep, name="vector-index")

    def search(self, workspace_id: str, vector: Vector, *, limit: int) -> list[ScoredId]:
        """The nearest searchable chunks by cosine similarity, best first.

        Raises:
            EmbedderError: the workspace was embedded by another model than the question.
        """
        if limit <= 0:
            return []
        if self._mending.dimension(workspace_id) == len(vector):
            found = self._search_index(workspace_id, vector, limit)
            if found is not None:
                return found
        with self._database.read() as connection:
            return exact_search(truth.blocks(connection, workspace_id, SEARCHABLE), vector, limit=limit)

    # --- writing ---------------------------------------------------------------------------------

    def add(self, workspace_id: str, ids: Sequence[str], matrix: Matrix) -> None:
        """Enter the vectors of chunks that are in SQL already (state `embedded`), shape (len(ids), dimension)."""
        with self._writing:
            collection = self._store.collection(workspace_id)
            if collection is not None and len(ids):  # a workspace deleted meanwhile stays deleted
                self._write(lambda: self._store.current.upsert(collection, ids, matrix))
                self._upkeep.schedule(workspace_id, after=_QUIET_SECONDS)

    def remove(self, workspace_id: str, ids: Sequence[str], *, erase: bool = True) -> None:
        """Forget chunks.

        Args:
            workspace_id: whose they are.
            ids: of the chunks.
            erase: whether their bytes, and all that were forgotten before, have to leave the disk: `compact` does it.
        """
        with self._writing:
            collection = self._store.collection(workspace_id)
            if collection is not None and erase:
                self._store.note_removed()
            if collection is not None and len(ids):
                self._write(lambda: self._store.current.delete(collection, ids))
                self._upkeep.schedule(workspace_id, after=_QUIET_SECONDS)

    def drop(self, workspace_id: str) -> None:
        """Forget a workspace. Its bytes leave the disk with `compact`."""
        with self._writing:
            self._write(lambda: self._store.drop(lambda name: name.startswith(collection_prefix(workspace_id))))
            self._mending.forget(workspace_id)

    def compact(self) -> None:
        """Take the bytes of removed vectors off the disk by building the store anew, if any were removed.

        Where that fails it is tried again in the background, and after the next start.
        """
        with self._writing:
            if self._store.has_removed():
                try:
                    self._mending.replace()
                except StorageError as error:
                    _log.warning("removed vectors are still on disk: %s", error.__cause__ or error)
                    self._upkeep.schedule(_COMPACT, after=_RETRY_SECONDS)

    # --- checking and mending --------------------------------------------------------------------

    @property
    def status(self) -> IndexStatus:
        """Which workspaces are searched by the index, and what is wrong with others."""
        return self._mending.status

    def resume(self) -> None:
        """Take off the disk, in the background, what a former process removed and could not `compact` any more."""
        self._upkeep.schedule(_COMPACT)

    def start_probe(self) -> None:
        """Check every workspace in the background and mend what is wrong; searches are exact until theirs is proven.

        For a process that stays: comparing one question with every vector costs less than proving an index.
        """
        self._schedule_all()

    def wait(self, *, timeout: float) -> bool:
        """Until the background has nothing left to check or mend; False where `timeout` seconds do not suffice."""
        return self._upkeep.wait(timeout=timeout)

    def check(self, workspace_id: str, *, full: bool) -> str | None:
        """What is wrong with a workspace's index, in words for people; None where nothing is.

        Args:
            workspace_id: the workspace.
            full: compare everything (a second for 100,000 passages), not only the count and a sample.
        """
        with self._writing:
            try:
                if not full:
                    return self._store.quick_problem(workspace_id)
                return self._store.problem(workspace_id) or self._store.shortfall(workspace_id)
            except StorageError:
                return _UNREADABLE

    def verify(self, workspace_id: str) -> list[str]:
        """For the doctor: what the index of one workspace holds wrongly (I2, I3), or what searches miss (I10).

        Searches are what counts for I10: an index that would miss something is found out here, and is not asked.
        """
        with self._writing:
            try:
                found = self._store.problem(workspace_id)
                if found is not None:
                    return [found]
                self._mending.trust_or_not(workspace_id)
            except StorageError:
                return [_UNREADABLE]
            with self._database.read() as connection:
                missed = proving.misses(
                    lambda query, limit: self.search(workspace_id, query, limit=limit), connection, workspace_id
                )
            return [f"searches miss nearest passages in {missed} of {proving.EXACT_QUERIES} queries"] if missed else []

    def differences(self, workspace_id: str) -> tuple[int, int]:
        """(searchable passages that the index lacks, vectors without a passage); one that cannot be read lacks all."""
        with self._writing:
            try:
                missing, foreign = self._store.differences(workspace_id)
            except StorageError:
                with self._database.read() as connection:
                    return truth.count_stored(connection, workspace_id, SEARCHABLE), 0
            return len(missing), len(foreign)

    def strays(self) -> list[str]:
        """Collections that belong to no workspace, not even to one that waits to be purged."""
        with self._writing:
            try:
                return sorted(self._store.strays())
            except StorageError:
                return []  # `check` says so

    def rebuild(self, workspace_id: str | None = None) -> None:
        """Make the index of one workspace, or of all, anew from SQL, and prove it.

        Raises:
            StorageError: the disk is full or cannot be written.
        """
        with self._writing:
            if workspace_id is None:
                self._mending.replace()
            else:
                self._store.refill(workspace_id)
            for id_ in self._workspaces() if workspace_id is None else [workspace_id]:
                self._mending.set_right(id_)

    def close(self) -> None:
        """Finish what is being mended, within seconds, and end the store."""
        self._upkeep.close(still=self._mending.is_open, seconds=_CLOSE_SECONDS)
        self._store.interrupt()
        with self._writing:
            self._store.close()

    # --- inside ----------------------------------------------------------------------------------

    def _search_index(self, workspace_id: str, vector: Vector, limit: int) -> list[ScoredId] | None:
        """None where the index failed, or found fewer live chunks than were asked for."""
        collection = self._store.collection(workspace_id)
        if collection is None:
            return []
        try:
            found = self._store.current.search(collection, vector, limit=limit)
        except StorageError:
            self._mending.distrust()
            return None
        with self._database.read() as connection:
            live = truth.searchable_among(connection, workspace_id, [item.id for item in found])
        return found if len(live) == limit else None

    def _write(self, action: Callable[[], None]) -> None:
        """Try again where the store failed; where that fails too, the mending makes up for it."""
        for _ in range(2):
            try:
                action()
            except StorageError:
                self._mending.distrust()
            else:
                return

    def _keep(self, key: str) -> None:
        """One piece of background work; what goes wrong is tried again later."""
        try:
            if key == _COMPACT:
                self._tidy()
            else:
                with self._writing:
                    self._mending.mend(key)
        except FootnoteError as error:
            self._mending.note(key, error.message)
            self._upkeep.schedule(key, after=_RETRY_SECONDS)
        except Exception:  # noqa: BLE001  # a fault of ours must not end the thread, and with it all mending
            _log.exception("the vector index cannot be mended")

    def _tidy(self) -> None:
        self.compact()
        with self._writing, contextlib.suppress(StorageError):  # then the store is replaced, and nothing stray is in it
            self._store.drop_strays()

    def _schedule_all(self) -> None:
        """Look at every workspace again, in the background."""
        for workspace_id in self._workspaces():
            self._upkeep.schedule(workspace_id)

    def _workspaces(self) -> list[str]:
        with self._database.read() as connection:
            return truth.live_workspaces(connection)
