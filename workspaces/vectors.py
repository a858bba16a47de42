"""The vectors of all search indexes in one store: derived from SQL, checked against it, and never in the way.

A search asks the store only for a search index that has been proven (workspaces/mending.py): it holds what SQL says,
and finds what comparing with every vector finds. For the others, and whenever the store fails or offers what is no
longer live, the question is compared with every stored vector: slower, and always right.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from rag.errors import FootnoteError, StorageError
from rag.scope import Within
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
"""From a write to the check of its index: a burst of documents is checked once."""

_RETRY_SECONDS = 60.0
_CLOSE_SECONDS = 15.0
_FEW = 700
"""Chunks that are compared one by one rather than looked for in the graph. Of 3,000, in ms: 300 compared 3, by the
graph 22; 750 compared 6, by the graph 13; 1,500 both 10; all 3,000 compared 41, by the graph 8."""
_SPARE = 1.5
"""A filter and a question often go together, or against each other: more is asked for than the share says."""
_MOST_ASKED = 4_000
"""Nearest vectors of one request to the graph, some 16 µs each with the look whether they are within."""
_COMPACT = ""  # among the keys of the upkeep, which else are index ids
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

    def search(self, index_id: str, vector: Vector, *, limit: int, within: Within | None = None) -> list[ScoredId]:
        """The nearest searchable chunks by cosine similarity, best first; of these versions only where they are given.

        Raises:
            EmbedderError: the vectors are of another model than the question.
        """
        if limit <= 0 or within == frozenset():
            return []
        if self._mending.dimension(index_id) == len(vector):
            found = self._search_index(index_id, vector, limit, within)
            if found is not None:
                return found
        with self._database.read() as connection:
            return exact_search(truth.blocks(connection, index_id, SEARCHABLE, within), vector, limit=limit)

    # --- writing ---------------------------------------------------------------------------------

    def add(self, index_id: str, ids: Sequence[str], matrix: Matrix) -> None:
        """Enter the vectors of chunks that are in SQL already (state `embedded`), shape (len(ids), dimension)."""
        with self._writing:
            collection = self._store.collection(index_id)
            if collection is not None and len(ids):  # an index deleted meanwhile stays deleted
                self._write(lambda: self._store.current.upsert(collection, ids, matrix))
                self._upkeep.schedule(index_id, after=_QUIET_SECONDS)

    def remove(self, index_id: str, ids: Sequence[str], *, erase: bool = True) -> None:
        """Forget chunks.

        Args:
            index_id: whose they are.
            ids: of the chunks.
            erase: whether their bytes, and all that were forgotten before, have to leave the disk: `compact` does it.
        """
        with self._writing:
            collection = self._store.collection(index_id)
            if collection is not None and erase:
                self._store.note_removed()
            if collection is not None and len(ids):
                self._write(lambda: self._store.current.delete(collection, ids))
                self._upkeep.schedule(index_id, after=_QUIET_SECONDS)

    def drop(self, index_id: str) -> None:
        """Forget a search index. Its bytes leave the disk with `compact`."""
        with self._writing:
            self._write(lambda: self._store.drop(lambda name: name.startswith(collection_prefix(index_id))))
            self._mending.forget(index_id)

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

    def has_removed(self) -> bool:
        """Whether bytes of removed vectors may still be on disk, although what was due has been done."""
        return self._store.has_removed() and self._upkeep.wait(timeout=_CLOSE_SECONDS) and self._store.has_removed()

    # --- checking and mending --------------------------------------------------------------------

    @property
    def status(self) -> IndexStatus:
        """Which search indexes are asked of the store, and what is wrong with others."""
        return self._mending.status

    def resume(self) -> None:
        """Take off the disk, in the background, what a former process removed and could not `compact` any more."""
        self._upkeep.schedule(_COMPACT)

    def start_probe(self) -> None:
        """Check every search index in the background and mend what is wrong; searches are exact until theirs is proven.

        For a process that stays: comparing one question with every vector costs less than proving an index.
        """
        self._schedule_all()

    def wait(self, *, timeout: float) -> bool:
        """Until the background has nothing left to check or mend; False where `timeout` seconds do not suffice."""
        return self._upkeep.wait(timeout=timeout)

    def check(self, index_id: str, *, full: bool) -> str | None:
        """What is wrong with the vectors of a search index, in words for people; None where nothing is.

        Args:
            index_id: the search index.
            full: compare everything (a second for 100,000 passages), not only the count and a sample.
        """
        with self._writing:
            try:
                if not full:
                    return self._store.quick_problem(index_id)
                found = self._store.problem(index_id)
                reach = self._store.reach(index_id) if found is None else None
                return found if reach is None else reach.shortfall
            except StorageError:
                return _UNREADABLE

    def prove(self, index_id: str) -> None:
        """Check a search index that is to serve, mend what is wrong, and decide whether it is asked.

        Raises:
            StorageError: it cannot be mended.
        """
        with self._writing:
            self._mending.mend(index_id)

    def verify(self, index_id: str) -> list[str]:
        """For the doctor: what the collection of one search index holds wrongly (I2, I3), or what searches miss (I10).

        Searches are what counts for I10: an index that would miss something is found out here, and is not asked.
        """
        with self._writing:
            try:
                found = self._store.problem(index_id)
                if found is not None:
                    return [found]
                self._mending.trust_or_not(index_id)
            except StorageError:
                return [_UNREADABLE]
            with self._database.read() as connection:
                missed = proving.misses(
                    lambda query, limit: self.search(index_id, query, limit=limit), connection, index_id
                )
            return [f"searches miss nearest passages in {missed} of {proving.EXACT_QUERIES} queries"] if missed else []

    def differences(self, index_id: str) -> tuple[int, int]:
        """(searchable passages that the index lacks, vectors without a passage); one that cannot be read lacks all."""
        with self._writing:
            try:
                missing, foreign = self._store.differences(index_id)
            except StorageError:
                with self._database.read() as connection:
                    return truth.count_stored(connection, index_id, SEARCHABLE), 0
            return len(missing), len(foreign)

    def strays(self) -> list[str]:
        """Collections that belong to no search index, not even to one that waits to be purged."""
        with self._writing:
            try:
                return sorted(self._store.strays())
            except StorageError:
                return []  # `check` says so

    def rebuild(self, index_id: str | None = None) -> None:
        """Make the collection of one search index, or of all, anew from SQL, and prove it.

        Raises:
            StorageError: the disk is full or cannot be written.
        """
        with self._writing:
            if index_id is None:
                self._mending.replace()
            else:
                self._store.refill(index_id)
            for id_ in self._indexes() if index_id is None else [index_id]:
                self._mending.set_right(id_)

    def close(self) -> None:
        """Finish what is being mended, within seconds, and end the store."""
        self._upkeep.close(still=self._mending.is_open, seconds=_CLOSE_SECONDS)
        self._store.interrupt()
        with self._writing:
            self._store.close()

    # --- inside ----------------------------------------------------------------------------------

    def _search_index(self, index_id: str, vector: Vector, limit: int, within: Within | None) -> list[ScoredId] | None:
        """None where the index failed, or found fewer chunks than were asked for, or would have to be asked for so many
        that comparing is quicker."""
        collection = self._store.collection(index_id)
        if collection is None:
            return []
        wanted = limit if within is None else self._reaching(index_id, limit, within)
        if wanted is None:
            return None
        try:
            found = self._store.current.search(collection, vector, limit=wanted)
        except StorageError:
            self._mending.distrust()
            return None
        found = proving.with_beside(found, self._mending.beside(index_id), vector)[:wanted]
        with self._database.read() as connection:
            live = truth.searchable_among(connection, index_id, [item.id for item in found], within)
        if within is not None:  # the nearest of all, so the nearest of those within are the first of them
            found = [item for item in found if item.id in live][:limit]
        return found if len(live) >= limit else None

    def _reaching(self, index_id: str, limit: int, within: Within) -> int | None:
        """How many nearest of all are asked for, so that `limit` of them are likely within; None where few chunks are
        within, or too many would be asked for."""
        with self._database.read() as connection:
            inside, total = truth.count_within(connection, index_id, within), truth.count_entered(connection, index_id)
        if inside <= _FEW:
            return None
        wanted = int(limit * total / inside * _SPARE) + 1
        return wanted if wanted <= _MOST_ASKED else None

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
        """Look at every index again, in the background."""
        for index_id in self._indexes():
            self._upkeep.schedule(index_id)

    def _indexes(self) -> list[str]:
        with self._database.read() as connection:
            return truth.live_indexes(connection)
