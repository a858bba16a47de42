"""Nearest vectors by comparing with every one, a block at a time: slow and always right."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np

from rag.errors import EmbedderError
from rag.protocols import BlobBlocks
from rag.types import Matrix, ScoredId, Vector


def exact_search(blocks: BlobBlocks, vector: Vector, *, limit: int) -> list[ScoredId]:
    """The `limit` vectors nearest to `vector` by cosine similarity, best first; equal scores are ordered by id.

    All vectors are of unit length. Memory is one block and the best so far. Raises EmbedderError where the stored
    vectors have another dimension.
    """
    return exact_searches(blocks, np.asarray(vector, dtype=np.float32)[np.newaxis], limit=limit)[0]


def exact_searches(blocks: BlobBlocks, vectors: Matrix, *, limit: int) -> list[list[ScoredId]]:
    """`exact_search` for several vectors, shape (queries, dimension), in one pass over the blocks."""
    best: list[list[ScoredId]] = [[] for _ in vectors]
    if limit <= 0:
        return best
    for ids, matrix in blocks:
        if matrix.shape[1] != vectors.shape[1]:
            raise EmbedderError(
                "These documents were embedded by another model than the question.",
                hint="Choose the model they were embedded with, or add the documents again.",
            )
        for number, scores in enumerate(vectors @ matrix.T):
            best[number] = _better(best[number], _top(ids, scores, limit), limit)
    return best


def _top(ids: Sequence[str], scores: Vector, limit: int) -> list[ScoredId]:
    """The best of one block, and every further one that equals the last of them: ties are decided by id."""
    if len(ids) <= limit:
        return [ScoredId(id_, float(score)) for id_, score in zip(ids, scores, strict=True)]
    threshold = np.partition(scores, len(scores) - limit)[len(scores) - limit]
    return [ScoredId(ids[row], float(scores[row])) for row in np.flatnonzero(scores >= threshold).tolist()]


def _better(best: list[ScoredId], more: list[ScoredId], limit: int) -> list[ScoredId]:
    return heapq.nsmallest(limit, [*best, *more], key=lambda item: (-item.score, item.id))
