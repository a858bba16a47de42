"""Which engines stand behind the seams. What is heavy is imported here only when it is first needed; tests put doubles
in the places of some (`dataclasses.replace(ENGINES, …)`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workspaces.index_store import IndexStore
from workspaces.settings import Settings

if TYPE_CHECKING:
    from ingest.fetch import Fetcher
    from ingest.pace import Pace
    from ingest.parser.client import ParserClient
    from ingest.protocols import Splitter
    from rag.answering import Answering
    from rag.pace import ReadingPace
    from rag.prompts import Offer
    from rag.protocols import Embedder, LexicalIndex, Reranker, Retriever, VectorSearch
    from rag.retrieval import HybridRetriever
    from workspaces.passages import StoredPassages
    from workspaces.together import Place


@dataclass(frozen=True, slots=True)
class Engines:
    """What opens each engine."""

    embedder: Callable[[Settings], Embedder]
    store: Callable[[Path], IndexStore]
    parser: Callable[[], ParserClient]
    fetcher: Callable[[], Fetcher]
    pace: Callable[[], Pace]


MULTILINGUAL = "multilingual"
"""The key of the bundled embedder paired with one that knows 16 languages."""


def open_embedder(settings: Settings) -> Embedder:
    """The bundled embedder in its int8 form, alone or paired with a multilingual one; another such export; or any
    sentence-transformers model from a folder."""
    if settings.embedder == MULTILINGUAL:
        return _multilingual(settings)
    from rag.embedders.card import CARD_NAME
    from rag.embedders.onnx import OnnxEmbedder
    from rag.embedders.setup import embedder_folder

    chosen = Path(settings.embedder).expanduser()
    if chosen.is_dir() and not (chosen / CARD_NAME).is_file():
        from rag.embedders.reference import SentenceTransformerEmbedder

        return SentenceTransformerEmbedder(chosen)
    folder = chosen if chosen.is_dir() else embedder_folder(settings.embedder, models=settings.models_dir)
    return OnnxEmbedder(folder, threads=settings.threads)


def _multilingual(settings: Settings) -> Embedder:
    from rag.embedders.paired import MINILM_AND_USE, PairedEmbedder
    from rag.embedders.universal import UniversalEmbedder
    from rag.weights.catalogue import EMBEDDER

    minilm = open_embedder(settings.model_copy(update={"embedder": EMBEDDER.key}))
    return PairedEmbedder(minilm, UniversalEmbedder(), likenesses=MINILM_AND_USE)


def open_store(directory: Path) -> IndexStore:
    """Chroma in a child process, which is started with the first call."""
    from rag.stores.chroma import ChromaStore

    return ChromaStore(directory)


def open_parser() -> ParserClient:
    """The reading side of a helper process, which is started with the first file."""
    from ingest.parser.client import ParserClient

    return ParserClient()


def open_fetcher() -> Fetcher:
    """What fetches web pages."""
    from ingest.fetch import Fetcher

    return Fetcher()


def open_pace() -> Pace:
    """What keeps requests to one host apart."""
    from ingest.pace import Pace

    return Pace()


def open_splitter(embedder: Embedder) -> Splitter:
    """Cuts documents for this embedder's window."""
    from ingest.splitter import StructureSplitter

    return StructureSplitter(count_tokens=embedder.count_tokens, window=embedder.window, recipe=embedder.name)


def open_reranker(settings: Settings) -> Reranker | None:
    """A second reader of the first passages, where a person has set one."""
    if settings.reranker is None:
        return None
    from rag.rerankers import CrossEncoderReranker

    return CrossEncoderReranker(settings.reranker.expanduser())


def open_retriever(
    embedder: Embedder,
    *,
    vectors: VectorSearch,
    lexical: LexicalIndex,
    source: StoredPassages,
    reranker: Reranker | None,
) -> HybridRetriever:
    """Finds passages by words and by meaning."""
    from rag.retrieval import HybridRetriever

    return HybridRetriever(embedder, vectors=vectors, lexical=lexical, source=source, reranker=reranker)


def open_together(
    places: Sequence[Place],
    *,
    vectors: VectorSearch,
    lexical: LexicalIndex,
    source: StoredPassages,
    reranker: Reranker | None,
) -> Retriever:
    """Finds passages in several search indexes."""
    from workspaces.together import Together

    return Together(places, vectors=vectors, lexical=lexical, source=source, reranker=reranker)


def open_answering(
    retriever: Retriever,
    embedder: Embedder,
    *,
    source: StoredPassages,
    offer: Offer | None,
    pace: ReadingPace,
) -> Answering:
    """Answers from what the retriever finds; what the model is offered depends on its pace where nobody has set it."""
    from rag.answering import Answering
    from rag.prompts import Offer

    told = offer or Offer()
    return Answering(
        retriever,
        embedder,
        pages=source,
        source_tokens=told.source_tokens,
        offered=told.passages,
        pace=None if offer else pace,
    )


ENGINES = Engines(embedder=open_embedder, store=open_store, parser=open_parser, fetcher=open_fetcher, pace=open_pace)
"""The real ones."""
