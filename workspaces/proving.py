"""Whether a vector index holds and finds what SQL says. Checks answer in words for people; None means all is well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from rag.protocols import VectorStore
from rag.stores.exact import exact_searches
from rag.types import Matrix, ScoredId, Vector
from workspaces import truth
from workspaces.truth import KEPT, SEARCHABLE

SELF_QUERIES = 20
EXACT_QUERIES = 50
NEAREST = 10
MOST_BESIDE = 500
"""Unreached vectors that are compared one by one, in a tenth of a millisecond; more of them mean a broken graph."""

_TOLERANCE = 1e-4
"""Cosines of the same two vectors differ by 2e-7 between the engines; a torn vector by more than this."""

_SEED = 1791


def differences(
    store: VectorStore, collection: str, connection: Connection, index_id: str
) -> tuple[set[str], set[str]]:
    """(searchable ids that the index lacks, ids in the index that no live chunk has). Raises StorageError."""
    held = store.ids(collection)
    missing = truth.vector_ids(connection, index_id, SEARCHABLE) - held
    return missing, held - truth.vector_ids(connection, index_id, KEPT)


def quick_problem(store: VectorStore, collection: str, connection: Connection, index_id: str) -> str | None:
    """Counts agree, and a sample of stored vectors find themselves (milliseconds). Raises StorageError."""
    held, wanted = store.count(collection), truth.count_stored(connection, index_id, SEARCHABLE)
    if held < wanted:
        return f"the vector index holds {held:,} of {wanted:,} passages"
    sample = truth.sample(connection, index_id, size=SELF_QUERIES)
    if sample is not None:
        for chunk_id, vector in zip(*sample, strict=True):
            found = store.search(collection, vector, limit=NEAREST)
            twins = len(found) == NEAREST and found[-1].score > 1 - _TOLERANCE
            if not twins and not any(item.id == chunk_id and item.score > 1 - _TOLERANCE for item in found):
                return "stored passages do not find themselves in the vector index"
    return None


def full_problem(store: VectorStore, collection: str, connection: Connection, index_id: str) -> str | None:
    """Ids agree as sets, and vectors are unchanged: then the collection holds what it should. Raises StorageError."""
    missing, foreign = differences(store, collection, connection, index_id)
    if missing or foreign:
        return f"{len(missing):,} passages are not in the vector index, {len(foreign):,} of its vectors have no passage"
    changed, _ = _compared(store, collection, connection, index_id)
    return f"{changed:,} vectors of the vector index are not those of their passages" if changed else None


@dataclass(frozen=True, slots=True)
class Reach:
    """What searches of a right collection find of it."""

    shortfall: str | None
    """What they would miss; None where they find all that is nearest."""
    beside: tuple[list[str], Matrix]
    """The few vectors that no search reaches, to be compared one by one."""


def reach(store: VectorStore, collection: str, connection: Connection, index_id: str) -> Reach:
    """Whether fixed queries find exactly the nearest, with the few vectors that the graph does not reach beside it.

    The graph is an approximation: of 100,000 vectors it may leave three unreached, torn files break it, and so can
    many identical vectors. Raises StorageError.
    """
    _, unreached = _compared(store, collection, connection, index_id)
    beside = truth.vectors_among(connection, index_id, unreached[:MOST_BESIDE])
    if len(unreached) > MOST_BESIDE:
        return Reach(f"{len(unreached):,} passages cannot be reached in the vector index", beside)
    entering = store.count(collection) - truth.count_stored(connection, index_id, SEARCHABLE)

    def search(query: Vector, limit: int) -> list[ScoredId]:
        found = with_beside(store.search(collection, query, limit=limit + entering), beside, query)
        live = truth.searchable_among(connection, index_id, [item.id for item in found])
        return [item for item in found if item.id in live][:limit]

    missed = misses(search, connection, index_id)
    told = f"the vector index misses nearest passages in {missed} of {EXACT_QUERIES} queries" if missed else None
    return Reach(told, beside)


def with_beside(found: list[ScoredId], beside: tuple[list[str], Matrix], query: Vector) -> list[ScoredId]:
    """What an index found and the vectors beside it, best first; an id counts once."""
    ids, matrix = beside
    if not ids:
        return found
    scores = dict(zip(ids, (matrix @ query).tolist(), strict=True)) | {item.id: item.score for item in found}
    return [ScoredId(id_, score) for id_, score in sorted(scores.items(), key=lambda item: (-item[1], item[0]))]


def misses(search: Callable[[Vector, int], list[ScoredId]], connection: Connection, index_id: str) -> int:
    """In how many of 50 fixed queries `search(vector, limit)` does not find what comparing with every vector finds.

    Equal scores may stand in any order.
    """
    sample = truth.sample(connection, index_id, size=EXACT_QUERIES)
    if sample is None:
        return 0
    queries = _between(sample[1])
    exact = exact_searches(truth.blocks(connection, index_id, SEARCHABLE), queries, limit=NEAREST)
    return sum(not _same(search(query, NEAREST), wanted) for query, wanted in zip(queries, exact, strict=True))


def _compared(store: VectorStore, collection: str, connection: Connection, index_id: str) -> tuple[int, list[str]]:
    """(changed, ids of the unreached): one search for everything, in a direction of no meaning, must return every
    vector with its exact score. A second for 100,000 passages."""
    sample = truth.sample(connection, index_id, size=1)
    if sample is None:
        return 0, []
    direction = np.random.default_rng(_SEED).standard_normal((sample[1].shape[1],)).astype(np.float32)
    direction /= np.linalg.norm(direction)
    found = {item.id: item.score for item in store.search(collection, direction, limit=store.count(collection))}
    changed, unreached = 0, []
    for ids, matrix in truth.blocks(connection, index_id, SEARCHABLE):
        wanted = dict(zip(ids, (matrix @ direction).tolist(), strict=True))
        reached = found.keys() & wanted.keys()
        unreached += [id_ for id_ in ids if id_ not in reached]
        changed += sum(not abs(found[id_] - wanted[id_]) < _TOLERANCE for id_ in reached)  # not "<": NaN is wrong too
    return changed, unreached


def _same(found: list[ScoredId], wanted: list[ScoredId]) -> bool:
    return len(found) == len(wanted) and all(
        abs(mine.score - exact.score) < _TOLERANCE for mine, exact in zip(found, wanted, strict=True)
    )


def _between(vectors: Matrix) -> Matrix:
    """Queries half-way between stored vectors: near the collection, and no one's own."""
    middles = vectors + np.roll(vectors, 1, axis=0)
    lengths = np.linalg.norm(middles, axis=1, keepdims=True)
    return np.where(lengths > _TOLERANCE, middles / np.maximum(lengths, _TOLERANCE), vectors).astype(np.float32)
