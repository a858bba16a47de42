"""Wires the application together: `open_services(settings)`.

Nothing heavy happens here: engines (workspaces/adapters.py) are imported and started when they are first used, or by
`warm_up` in the background after the first page has been painted.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from rag.errors import FootnoteError
from rag.pace import ReadingPace
from workspaces.adapters import (
    ENGINES,
    Engines,
    open_answering,
    open_reranker,
    open_retriever,
    open_splitter,
    open_together,
)
from workspaces.background import Background
from workspaces.building import Builder
from workspaces.chat_models import ChatModels
from workspaces.conversations import Conversations
from workspaces.database import Database
from workspaces.doctor import Doctor
from workspaces.embedders import Embedders
from workspaces.files import Files
from workspaces.indexing import Indexing
from workspaces.jobs import Jobs
from workspaces.lexical import Fts5Index
from workspaces.library import Library
from workspaces.owner import Ownership
from workspaces.passages import StoredPassages
from workspaces.preferences import Preferences
from workspaces.purging import Purging
from workspaces.reading import Reading
from workspaces.receipts import Receipts
from workspaces.refreshing import Refreshing
from workspaces.reindexing import Reindexing
from workspaces.scoping import Scoping
from workspaces.searching import Searching
from workspaces.settings import Settings
from workspaces.sites import Sites
from workspaces.tagging import Tags
from workspaces.trial_making import Maker
from workspaces.trial_questions import TrialQuestions
from workspaces.trials import Trials
from workspaces.unlocking import Unlocking
from workspaces.vectors import VectorIndex
from workspaces.viewer import Viewer
from workspaces.watching import Folders

if TYPE_CHECKING:
    from ingest.parser.client import ParserClient
    from workspaces.crawling import Crawling
    from workspaces.ingestion import Ingestion

T = TypeVar("T")
_log = logging.getLogger("footnote")


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a front end may call."""

    settings: Settings
    library: Library
    reindexing: Reindexing
    reading: Reading
    sites: Sites
    folders: Folders
    conversations: Conversations
    receipts: Receipts
    scoping: Scoping
    tags: Tags
    trial_questions: TrialQuestions
    trials: Trials
    viewer: Viewer
    chat_models: ChatModels
    doctor: Doctor
    start: Callable[[], None]
    """Launch the background work: what a former process left unfinished goes on."""
    warm_up: Callable[[], None]
    """Do that, begin to watch folders, and load, in a thread of its own, what the first question and the first document
    will need."""
    close: Callable[[], None]
    """Stop everything and give the data directory back. Work in progress continues at the next start."""


class Lazy(Generic[T]):
    """Makes a value when it is first called for, once, whatever thread asks."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.RLock()
        self._made: list[T] = []

    def __call__(self) -> T:
        """The value."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]

    def made(self) -> T | None:
        """The value if it was ever called for."""
        return self._made[0] if self._made else None


_READING_SPEEDS = "reading-speeds"
"""What is kept of how fast each chat model reads."""


def open_services(
    settings: Settings, *, jobs: bool = True, port: int | None = None, engines: Engines = ENGINES
) -> Services:
    """Own the data directory and wire the services.

    Args:
        settings: what is in force.
        jobs: whether background work runs here; commands that only read do without.
        port: of the server that this process is, so that the command line finds it.
        engines: what stands behind the seams.

    Raises:
        DataDirectoryInUse: another process owns the data directory.
        StorageError: the database is damaged or cannot be written.
    """
    ownership = Ownership(settings.data_dir)
    ownership.take(port=port)
    with ExitStack() as cleanup:
        cleanup.callback(ownership.release)
        parts = _Parts(settings, engines, cleanup)
        if jobs:
            parts.conversations.recover()
        return _wire(parts, jobs=jobs, close=cleanup.pop_all().close)


class _Parts:
    """What the services are made of. Closed in the opposite order."""

    def __init__(self, settings: Settings, engines: Engines, cleanup: ExitStack) -> None:
        self.settings = settings
        self.engines = engines
        self.database = Database(settings.data_dir / "footnote.db")
        self.database.open()
        cleanup.callback(self.database.close)
        self.files = Files(settings.data_dir / "originals")
        self.lexical = Fts5Index(self.database)
        self.vectors = VectorIndex(self.database, settings.data_dir / "vectors", open_store=engines.store)
        cleanup.callback(self.vectors.close)
        self.passages = StoredPassages(self.database)
        self.embedders = Embedders(
            settings.embedder,
            open_embedder=lambda key: engines.embedder(settings.model_copy(update={"embedder": key})),
            open_splitter=open_splitter,
        )
        self.indexing = Indexing(self.database, embedders=self.embedders, lexical=self.lexical, vectors=self.vectors)
        self.reading, self.viewing = Lazy(lambda: _behind(engines.parser())), Lazy(engines.parser)
        for parser in (self.reading, self.viewing):
            cleanup.callback(partial(_close, parser))
        self.purging = Purging(self.database, self.files, lexical=self.lexical, vectors=self.vectors)
        self.twins: dict[str, str] = {}
        self.fetcher, self.pace = Lazy(engines.fetcher), Lazy(engines.pace)
        self.library, self.refreshing = Lazy(self._library), Lazy(self._refreshing)
        self.jobs = Jobs(
            settings.data_dir,
            self.database,
            ingestion=Lazy(self._ingestion),
            building=Lazy(self._builder),
            purging=lambda: self.purging,
            crawling=Lazy(self._crawling),
        )
        cleanup.callback(self.jobs.close)
        preferences = Preferences(self.database)
        self.reindexing = Reindexing(self.database, self.jobs, self.embedders, preferences)
        self.folders = Folders(self.database, self.library, data_dir=settings.data_dir)
        cleanup.callback(self.folders.close)
        self.reading_pace = ReadingPace(
            seconds=settings.first_word_seconds,
            known=preferences.get(_READING_SPEEDS),
            keep=partial(preferences.set, _READING_SPEEDS),
        )
        self.chat_models = ChatModels(settings, preferences=preferences)
        cleanup.callback(self.chat_models.close)
        reranker = open_reranker(settings)
        self.searching = Searching(
            self.database,
            self.embedders,
            open_retriever=lambda embedder: open_retriever(
                embedder, vectors=self.vectors, lexical=self.lexical, source=self.passages, reranker=reranker
            ),
            open_answering=lambda retriever, embedder, offer: open_answering(
                retriever, embedder, source=self.passages, offer=offer, pace=self.reading_pace
            ),
            open_together=lambda places: open_together(
                places, vectors=self.vectors, lexical=self.lexical, source=self.passages, reranker=reranker
            ),
        )
        self.conversations = Conversations(self.database, answering=self.searching, open_model=self.chat_models.open)
        cleanup.callback(self.conversations.close)
        self.background = Background()
        cleanup.callback(self.background.close)

    @property
    def upload_limit(self) -> int:
        """Bytes that one document may have."""
        return self.settings.max_upload_mb * 1_000_000

    def _ingestion(self) -> Ingestion:
        from workspaces.ingestion import Ingestion

        return Ingestion(
            self.database,
            self.files,
            fetcher=self.fetcher,
            parser=self.reading,
            extendable=self.reindexing.extendable,
            indexing=self.indexing,
            upload_limit=self.upload_limit,
            enqueue=self.jobs.ingest,
            twins=self.twins,
            closing=self.jobs.closing,
        )

    def _builder(self) -> Builder:
        return Builder(
            self.database,
            indexing=self.indexing,
            lexical=self.lexical,
            vectors=self.vectors,
            closing=self.jobs.closing,
        )

    def _library(self) -> Library:
        return Library(
            self.database,
            self.files,
            self.jobs,
            lexical=self.lexical,
            retriever=self.searching,
            embedders=self.embedders,
            upload_limit=self.upload_limit,
            twins=self.twins,
            unlocking=Unlocking(self.database, self.files, parser=self.viewing, upload_limit=self.upload_limit),
        )

    def _crawling(self) -> Crawling:
        from workspaces.crawling import Crawling

        return Crawling(
            self.database,
            self.files,
            fetcher=self.fetcher,
            pace=self.pace(),
            refreshing=self.refreshing,
            ingest=self.jobs.ingest,
            upload_limit=self.upload_limit,
            closing=self.jobs.closing,
        )

    def _refreshing(self) -> Refreshing:
        return Refreshing(
            self.database,
            self.files,
            fetcher=self.fetcher,
            pace=self.pace(),
            parser=self.reading,
            library=self.library,
            upload_limit=self.upload_limit,
            closing=self.jobs.closing,
        )


def _wire(parts: _Parts, *, jobs: bool, close: Callable[[], None]) -> Services:
    doctor = Doctor(
        parts.settings.data_dir,
        parts.database,
        parts.files,
        parts.jobs,
        lexical=parts.lexical,
        vectors=parts.vectors,
        purging=parts.purging,
        reindexing=parts.reindexing,
        conversations=parts.conversations,
    )
    start = Lazy(lambda: _start(parts) if jobs else None)
    return Services(
        settings=parts.settings,
        library=parts.library(),
        reindexing=parts.reindexing,
        reading=Reading(parts.database, parts.jobs),
        sites=Sites(parts.database, parts.jobs, refreshing=parts.refreshing),
        folders=parts.folders,
        conversations=parts.conversations,
        receipts=Receipts(parts.database),
        scoping=Scoping(parts.database),
        tags=Tags(parts.database),
        trial_questions=TrialQuestions(
            parts.database,
            parts.background,
            maker=Maker(parts.database, lexical=parts.lexical, passages=parts.passages),
            open_model=parts.chat_models.open,
        ),
        trials=Trials(parts.database, parts.background, asker=parts.searching, open_model=parts.chat_models.open),
        viewer=Viewer(parts.database, parts.files, parser=parts.viewing),
        chat_models=parts.chat_models,
        doctor=doctor,
        start=start,
        warm_up=lambda: _warm_up(start, parts, watch=jobs),
        close=close,
    )


def _start(parts: _Parts) -> None:
    parts.purging.remove_orphans()
    parts.vectors.resume()
    parts.jobs.launch()
    parts.reindexing.look_after()


def _warm_up(start: Callable[[], None], parts: _Parts, *, watch: bool) -> None:
    def work() -> None:
        try:
            start()
            if watch:  # only here: a command that runs for a moment leaves the folders alone
                parts.folders.start()
            parts.embedders.open().embed_query("warm up")
            parts.vectors.start_probe()
        except FootnoteError as error:  # whoever then adds or asks meets the same error, with its hint
            _log.warning("%s", error.told)

    threading.Thread(target=work, name="warm-up", daemon=True).start()


def _behind(parser: ParserClient) -> ParserClient:
    parser.gives_way = True
    return parser


def _close(parser: Lazy[ParserClient]) -> None:
    made = parser.made()
    if made is not None:
        made.close()
