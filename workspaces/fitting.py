"""A workspace holds vectors of one embedder; those of another mean something else, even where they are as long."""

from __future__ import annotations

from collections.abc import Callable

from rag.errors import EmbedderError
from rag.protocols import VectorSearch
from rag.types import ScoredId, Vector
from workspaces import truth
from workspaces.database import Database


def check_embedder(database: Database, workspace_id: str, embedder: str) -> None:
    """Raise EmbedderError where the workspace was made with another embedder than the one of this name."""
    with database.read() as connection:
        expected = truth.embedder_of(connection, workspace_id)
    if expected not in (None, embedder):
        raise EmbedderError(
            "This workspace was made with another embedder than the one that is set up now.",
            hint="Set FOOTNOTE_EMBEDDER back, or make a new workspace and add the documents there.",
        )


class FittingVectors:
    """VectorSearch that answers only questions embedded like the workspace's passages."""

    def __init__(self, vectors: VectorSearch, database: Database, *, embedder: Callable[[], str]) -> None:
        self._vectors = vectors
        self._database = database
        self._embedder = embedder

    def search(self, workspace_id: str, vector: Vector, *, limit: int) -> list[ScoredId]:
        """As the index does. Raises EmbedderError."""
        check_embedder(self._database, workspace_id, self._embedder())
        return self._vectors.search(workspace_id, vector, limit=limit)
