"""The document line, one method a step: each reads what the last one stored, replaces what it wrote before, and ends in
one transaction. Running a step twice gives what running it once gives.

    received → stored → parsed → chunked → embedded → indexed → ready | failed(reason)

A newer version of a document goes the same way; becoming `ready`, it takes its predecessor's place
(workspaces/versions.py).

Every transaction begins by asking whether its run may still go on, so that whoever deletes, stops or restarts a
document always wins: nothing is written for it afterwards.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from ingest.convert import converted
from ingest.media import HEAD_BYTES, detect
from rag.errors import FootnoteError, InvalidInput, NoText, PasswordNeeded, SourceError, StorageError
from workspaces import extracts, fetches, frontier, indexes, members, repository, versions
from workspaces.database import Database
from workspaces.files import Files
from workspaces.former import FormerVersion
from workspaces.indexing import Indexing
from workspaces.intake import Intake
from workspaces.models import DocumentRecord, SearchIndex
from workspaces.recognitions import DocumentReadings, drop_others
from workspaces.runs import Run, Runs

if TYPE_CHECKING:
    from ingest.fetch import Fetcher
    from ingest.parser.client import ParserClient


class Ingestion:
    """The steps; `workspaces.jobs` runs them in order, several documents at once."""

    def __init__(
        self,
        database: Database,
        files: Files,
        *,
        fetcher: Callable[[], Fetcher],
        parser: Callable[[], ParserClient],
        extendable: Callable[[str], SearchIndex | None],
        indexing: Indexing,
        upload_limit: int,
        enqueue: Callable[[Run], None],
        twins: MutableMapping[str, str],
        closing: threading.Event,
    ) -> None:
        """`extendable` gives a workspace's index where documents may enter it; `enqueue` gets the runs of files inside
        files; `twins` learns which document a web page turned out to be; `closing` ends every step at its next look."""
        self._database = database
        self._files = files
        self._fetcher = fetcher
        self._parser = parser
        self._extendable = extendable
        self._indexing = indexing
        self._upload_limit = upload_limit
        self._enqueue = enqueue
        self._twins = twins
        self._runs = Runs(database, closing=closing)
        self._parsing = threading.Lock()

    def receive(self, run: Run) -> None:
        """Fetch a web address and store its bytes; an upload has its bytes already."""
        record = self._runs.record(run, "received")
        if record is None:
            return
        page = self._fetcher().fetch(record.source)
        with self._files.guard:
            digest, size = self._files.store(io.BytesIO(page.data), limit=self._upload_limit)
            with self._runs.commit(run) as connection:
                twin = next(iter(repository.find_by_bytes(connection, record.workspace_id, digest)), None)
                if twin is None:
                    repository.attach_original(
                        connection, run.version_id, sha256=digest, size=size, media_type=page.media_type
                    )
                    repository.set_version(connection, run.version_id, **fetches.values_of(page))
                elif twin.id == record.id:  # a newer version that is not new
                    versions.supersede(connection, run.version_id)
                elif record.number > 1:
                    raise InvalidInput(
                        f"This page is now the same as “{twin.title or twin.source}”, byte for byte.",
                        hint="Delete one of the two.",
                    )
                else:  # the same bytes are the same document
                    members.adopt(connection, twin.id, kind="url", source=record.source)
                    repository.forget_document(connection, record.id)
                    self._twins[record.id] = twin.id

    def parse(self, run: Run) -> None:
        """Extract text, pages and structure in the parser process."""
        record = self._runs.record(run, "stored")
        if record is None:
            return
        path = self._original(run)
        media_type = record.media_type or _media_type(path, record.source)
        with self._database.read() as connection:
            known = repository.title_to_keep(connection, run.version_id)
        intake = self._intake(run, record)

        def cancelled() -> bool:
            return not self._runs.may_go_on(run)

        try:
            with (
                self._runs.turn(self._parsing, run),
                converted(path, media_type, cancelled=cancelled) as (read, read_as),
            ):
                readings = DocumentReadings(self._database, run.version_id, commit=lambda: self._runs.commit(run))
                former = FormerVersion(self._database, run.version_id)
                document = self._parser().parse(
                    read,
                    read_as,
                    title=known,
                    cancelled=cancelled,
                    progress=self._runs.progress(run),
                    embedded=intake.take,
                    readings=readings,
                    former=former,
                )
        except PasswordNeeded:  # whether a password can be asked for depends on what it is
            with self._runs.commit(run) as connection:
                repository.set_version(connection, run.version_id, media_type=media_type)
            raise
        document = intake.told(document)
        with self._runs.commit(run) as connection:
            extracts.write_parsed(connection, record, document, media_type=media_type, read_as=read_as)
            readings.settle(connection)
            former.settle(connection, run.version_id)

    def chunk(self, run: Run) -> None:
        """Split the text along its structure, for the index that is searched; where that one cannot be extended any
        more, the document waits for the next one."""
        record = self._runs.record(run, "parsed")
        if record is None:
            return
        index = self._extendable(record.workspace_id)
        if index is None:
            return
        pieces = self._indexing.split(index, record)
        if not pieces and not record.report.embedded:  # what only holds others is ready with them
            raise NoText("There is no text in it.", hint="If it is a scan, make its text readable (OCR) and add that.")
        with self._runs.commit(run) as connection:
            self._indexing.write_chunks(connection, index, record, pieces)
            repository.set_version(connection, run.version_id, chunk_count=len(pieces))
            repository.set_state(connection, run.version_id, "chunked")

    def embed(self, run: Run) -> None:
        """Embed what no document has embedded before."""
        record = self._runs.record(run, "chunked")
        if record is None:
            return

        def report(connection: Connection, done: int, total: int) -> None:
            repository.set_version(connection, run.version_id, progress_done=done, progress_total=total)

        self._indexing.embed(self._runs.work(run), self._index_of(record), record, report=report)
        with self._runs.commit(run) as connection:
            repository.set_state(connection, run.version_id, "embedded")

    def index(self, run: Run) -> None:
        """Enter the vectors and the words into their indexes, then let the document be found."""
        record = self._runs.record(run, "embedded", "indexed")
        if record is None:
            return
        index, work = self._index_of(record), self._runs.work(run)
        try:
            self._indexing.enter(
                work,
                index,
                record,
                half=lambda connection: repository.set_state(connection, run.version_id, "indexed"),
                last=lambda connection: self._let_be_found(connection, run),
            )
        except FootnoteError:  # deleted, stopped or failed on the way: nothing of it stays in the indexes
            if not self._runs.closing.is_set():
                self._indexing.withdraw(index, run.version_id)
            raise

    def fail(self, run: Run, error: FootnoteError) -> str | None:
        """End the run in `failed(reason)`. Raises NotFound where it has ended otherwise meanwhile.

        Returns:
            The id of the document where it is to be purged: a page of a section that cannot be read (a login, a notice)
            is no document, but an address with a reason. One that wants a password waits for it.
        """
        unreadable = isinstance(error, SourceError) and not isinstance(error, PasswordNeeded)
        with self._runs.commit(run) as connection:
            gone = frontier.turn_away(connection, run.version_id, error) if unreadable else None
            if gone is None:
                repository.set_failed(connection, run.version_id, error)
        return gone

    def _index_of(self, record: DocumentRecord) -> SearchIndex:
        """The index that is searched. Where another has just taken the place of the one that the document was cut for,
        the run has ended with that, and its next transaction says so."""
        with self._database.read() as connection:
            return indexes.current(connection, record.workspace_id)

    def _let_be_found(self, connection: Connection, run: Run) -> None:
        former = versions.make_current(connection, run.version_id)
        drop_others(connection, run.version_id)
        if former is not None:
            self._indexing.forget_everywhere(connection, former)

    def _intake(self, run: Run, record: DocumentRecord) -> Intake:
        return Intake(
            self._database,
            self._files,
            self._runs,
            run=run,
            container=record,
            limit=self._upload_limit,
            enqueue=self._enqueue,
        )

    def _original(self, run: Run) -> Path:
        with self._database.read() as connection:
            return self._files.path(repository.readable_of(connection, run.version_id) or "")


def _media_type(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise StorageError(
            "The stored original is missing or cannot be read.", hint="Delete the document and add it again."
        ) from error
    return detect(head, name)
