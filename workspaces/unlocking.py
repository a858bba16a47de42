"""Opens PDFs that are protected with a password. The password goes to the parser's helper through its pipe; it is in no
row, no job, no log and no file.

Either the readable copy is kept, from which text and pages then come like those of any other file; or the text is read
at once, and the password is asked for again whenever pages are to be seen.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from ingest import media
from rag.errors import InvalidInput, NotFound, PasswordNeeded, SourceError
from workspaces import extracts, repository, runs
from workspaces.database import Database
from workspaces.files import Files
from workspaces.models import DocumentRecord
from workspaces.recognitions import DocumentReadings
from workspaces.runs import Run

if TYPE_CHECKING:
    from ingest.parser.client import ParserClient

_LONGEST = 1_000


class Unlocking:
    """Works beside the queue, for a person who waits; a document goes on in the queue once it is open."""

    def __init__(
        self, database: Database, files: Files, *, parser: Callable[[], ParserClient], upload_limit: int
    ) -> None:
        self._database = database
        self._files = files
        self._parser = parser
        self._upload_limit = upload_limit

    def unlock(self, document_id: str, password: str, *, keep: bool) -> Run | None:
        """Open a document that failed for want of a password.

        Args:
            document_id: of the document.
            password: as a person types it.
            keep: keep a copy without the password in the data directory.

        Returns:
            The run that takes it further; None where it was opened and turned out not to be readable: then the document
            says why.

        Raises:
            NotFound: the document was deleted, or changed meanwhile.
            InvalidInput: it needs no password, it is no PDF, or this is not its password.
            StorageError: the disk is full or cannot be written.
        """
        whole = password.encode("utf-8", "ignore").decode()  # a terminal may hand on halves of characters
        typed = unicodedata.normalize("NFC", whole)[:_LONGEST]  # as PDF 2.0 wants it; PDFium knows older encodings
        with self._database.read() as connection:
            locked = _locked(connection, document_id)
        try:
            return self._keep(locked, typed) if keep else self._read(locked, typed)
        except PasswordNeeded as error:
            raise InvalidInput(
                "That is not the password.", hint="Mind capital letters and the layout of the keyboard."
            ) from error
        except SourceError as error:
            with self._database.write() as connection:
                _still(connection, locked)
                repository.set_failed(connection, locked.version_id, error)
            return None

    def _keep(self, locked: DocumentRecord, password: str) -> Run:
        data = self._parser().unlock(self._path(locked), password)
        with self._files.guard:
            digest, size = self._files.store(io.BytesIO(data), limit=self._upload_limit)
            with self._database.write() as connection:
                _still(connection, locked)
                repository.note_original(connection, sha256=digest, size=size)
                repository.set_version(connection, locked.version_id, readable_sha256=digest)
                return runs.restart(connection, locked.version_id)

    def _read(self, locked: DocumentRecord, password: str) -> Run:
        with self._database.read() as connection:
            title = repository.title_to_keep(connection, locked.version_id)
        readings = DocumentReadings(self._database, locked.version_id, commit=lambda: self._still_locked(locked))
        document = self._parser().parse(
            self._path(locked),
            media.PDF,
            title=title,
            cancelled=lambda: False,
            progress=lambda _done, _total: None,
            password=password,
            readings=readings,
        )
        with self._still_locked(locked) as connection:
            run = runs.restart(connection, locked.version_id)
            extracts.write_parsed(connection, locked, document, media_type=media.PDF)
            readings.settle(connection)
        return run

    @contextmanager
    def _still_locked(self, locked: DocumentRecord) -> Iterator[Connection]:
        with self._database.write() as connection:
            _still(connection, locked)
            yield connection

    def _path(self, locked: DocumentRecord) -> Path:
        with self._database.read() as connection:
            return self._files.path(repository.sha256_of(connection, locked.version_id) or "")


def _locked(connection: Connection, document_id: str) -> DocumentRecord:
    """The newest version of a document, which a password keeps from being read."""
    record = repository.get_document(connection, document_id)
    if record.pending is not None:
        record = repository.get_version(connection, record.pending.version_id)
    if record.problem is None or record.problem.code != PasswordNeeded.code:
        raise InvalidInput("This document needs no password.", hint="Reload the list of documents.")
    if record.media_type not in ("", media.PDF):
        raise InvalidInput("Only PDFs can be opened with their password.", hint="Add a copy without the password.")
    return record


def _still(connection: Connection, locked: DocumentRecord) -> None:
    """Raise NotFound where the version was deleted, replaced or begun anew meanwhile: whoever did it always wins."""
    now = repository.get_version(connection, locked.version_id)
    if now.problem != locked.problem or now.state != locked.state:
        raise NotFound("This document has changed meanwhile.", hint="Reload the list of documents.")
