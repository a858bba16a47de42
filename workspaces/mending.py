"""Which search indexes' vectors may be asked of the store, and how wrong ones are set right.

A search index is **proven** when its collection holds what SQL says and finds what comparing with every vector finds.
What is wrong is mended: foreign ids are deleted, a wrong collection is refilled, and a store that cannot be read is
built anew in a new directory, which takes its place. An index whose collection holds the right vectors and still misses
some is **approximate**: it is searched exactly.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rag.errors import StorageError
from rag.types import Matrix
from workspaces import truth
from workspaces.database import Database
from workspaces.index_store import DerivedStore

_NOTHING: tuple[list[str], Matrix] = ([], np.empty((0, 0), dtype=np.float32))
_log = logging.getLogger("footnote.vectors")


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """What the index is good for right now."""

    proven: frozenset[str]
    """Workspaces that are searched by the index; the others are searched exactly."""
    approximate: frozenset[str]
    """Those of the others whose index holds the right vectors, but would miss nearest passages."""
    problems: dict[str, str]
    """Workspace id to what is wrong with its index, in words for people."""


class Mending:
    """The caller sees to it that only one thread mends; `dimension`, `distrust` and `status` are for any."""

    def __init__(self, database: Database, store: DerivedStore, *, distrusted: Callable[[], None]) -> None:
        """`distrusted` is called when the store failed, and every index has to be looked at again."""
        self._database = database
        self._store = store
        self._distrusted = distrusted
        self._proven: dict[str, int] = {}  # index id → dimension of its vectors
        self._approximate: set[str] = set()
        self._refilled: set[str] = set()  # because they were approximate
        self._problems: dict[str, str] = {}
        self._beside: dict[str, tuple[list[str], Matrix]] = {}

    @property
    def status(self) -> IndexStatus:
        """Which indexes are searched by the store, and what is wrong with others."""
        return IndexStatus(frozenset(self._proven), frozenset(self._approximate), dict(self._problems))

    def dimension(self, index_id: str) -> int | None:
        """Length of the vectors of a proven index; None for others."""
        return self._proven.get(index_id)

    def beside(self, index_id: str) -> tuple[list[str], Matrix]:
        """The few vectors that searches of a proven index do not reach."""
        return self._beside.get(index_id, _NOTHING)

    def is_open(self, index_id: str) -> bool:
        """Whether an index still waits for its judgement."""
        return index_id not in self._proven and index_id not in self._approximate

    def forget(self, index_id: str) -> None:
        """An index is gone."""
        self._proven.pop(index_id, None)
        self._problems.pop(index_id, None)
        self._approximate.discard(index_id)
        self._beside.pop(index_id, None)

    def distrust(self) -> None:
        """The store failed: what any index has in it must prove itself again."""
        self._proven.clear()
        self._distrusted()

    def note(self, index_id: str, problem: str) -> None:
        """An index is wrong, or cannot be mended for now."""
        _log.warning("search index %s: %s", index_id, problem)
        self._problems[index_id] = problem
        self._proven.pop(index_id, None)

    def mend(self, index_id: str) -> None:
        """Check, mend what is wrong, and decide whether the index is asked. Raises StorageError."""
        for _ in range(2):  # a child killed from outside breaks one call, not the files
            try:
                self.set_right(index_id)
            except StorageError:
                self.distrust()
            else:
                return
        self.replace()
        self.set_right(index_id)

    def set_right(self, index_id: str) -> None:
        """As `mend`, within the present store. Raises StorageError where that does not suffice."""
        if index_id not in self._approximate and self._store.quick_problem(index_id) is None:
            self._trust(index_id)  # good enough to search, while the rest is compared
        found = self._store.problem(index_id)
        if found is not None:
            self.note(index_id, found)
            self._store.delete_foreign(index_id)
            if self._store.problem(index_id) is not None:
                self._store.refill(index_id)
                found = self._store.problem(index_id)
                if found is not None:
                    raise StorageError(f"The vector index cannot be mended: {found}.")
        if not self.trust_or_not(index_id) and index_id not in self._refilled:
            self._refilled.add(index_id)  # once: it may be a torn file; what is missed after that lies in the graph
            self._store.refill(index_id)
            self.trust_or_not(index_id)

    def trust_or_not(self, index_id: str) -> bool:
        """For an index that holds the right vectors: whether it also finds them."""
        found = self._store.reach(index_id)
        if found is None or found.shortfall is None:
            self._trust(index_id)
            if found is not None and found.beside[0]:
                self._beside[index_id] = found.beside
            return True
        self.note(index_id, found.shortfall)
        self._problems.pop(index_id, None)
        self._approximate.add(index_id)
        return False

    def _trust(self, index_id: str) -> None:
        with self._database.read() as connection:
            sample = truth.sample(connection, index_id, size=1)
        self._problems.pop(index_id, None)
        self._approximate.discard(index_id)
        self._beside.pop(index_id, None)
        self._proven[index_id] = 0 if sample is None else sample[1].shape[1]

    def replace(self) -> None:
        """Build the store anew; every index has to be looked at after that. Raises StorageError."""
        self._proven.clear()
        self._store.replace()
        self._distrusted()
