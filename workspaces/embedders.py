"""The embedders and splitters in use, each opened once: every search index has its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from rag.errors import EmbedderError, FootnoteError
from workspaces.models import SearchIndex

if TYPE_CHECKING:
    from ingest.protocols import Splitter
    from rag.protocols import Embedder


class Embedders:
    """Opens embedders by their key. Thread-safe."""

    def __init__(
        self, default: str, *, open_embedder: Callable[[str], Embedder], open_splitter: Callable[[Embedder], Splitter]
    ) -> None:
        """`default` is the key of those that new workspaces get."""
        self.default = default
        self._open_embedder = open_embedder
        self._open_splitter = open_splitter
        self._lock = threading.RLock()
        self._opened: dict[str, Embedder] = {}
        self._splitters: dict[str, Splitter] = {}

    def open(self, key: str = "") -> Embedder:
        """The embedder of a key, the default one where it is empty.

        Raises:
            NotFound: the catalogue has no such key.
            EmbedderError: it is not set up, or cannot be read.
        """
        wanted = key or self.default
        with self._lock:
            if wanted not in self._opened:
                self._opened[wanted] = self._open_embedder(wanted)
            return self._opened[wanted]

    def splitter(self, embedder: Embedder) -> Splitter:
        """What cuts documents for an embedder. Raises EmbedderError where its tokenizer cannot be read."""
        with self._lock:
            if embedder.name not in self._splitters:
                self._splitters[embedder.name] = self._open_splitter(embedder)
            return self._splitters[embedder.name]

    def of(self, index: SearchIndex) -> Embedder:
        """The embedder of an index. Raises EmbedderError where it is not at hand any more."""
        return self.open(self.key_of(index))

    def key_of(self, index: SearchIndex) -> str:
        """The key that opens an index's embedder: its own, or the default where that gives the same.

        Raises:
            EmbedderError: neither does.
            NotFound: the catalogue has no such key any more.
        """
        problems: list[FootnoteError] = []
        for key in dict.fromkeys((index.embedder_key or self.default, self.default)):
            try:
                if self.open(key).name == index.embedder:
                    return key
            except FootnoteError as error:  # a folder that is gone; the default may be the same embedder
                problems.append(error)
        if problems:
            raise problems[0]
        raise EmbedderError(
            "This workspace was made with another embedder than the one that is set up now.",
            hint="Set FOOTNOTE_EMBEDDER back, or build a new search index: `footnote reindex --embedder …`.",
        )

    def splitter_of(self, index: SearchIndex) -> Splitter:
        """The splitter of an index.

        Raises:
            EmbedderError: this program cuts documents otherwise, or the embedder is not at hand.
        """
        splitter = self.splitter(self.of(index))
        if splitter.recipe != index.splitter:
            raise EmbedderError(
                "This search index was made by another version of Footnote.",
                hint="Build a new one (`footnote reindex`).",
            )
        return splitter
