"""Looking at a web document again: unchanged, changed, or gone. What has changed becomes a new version; a document that
is gone from the web stays here."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from sqlalchemy import select

from ingest import media
from ingest.answers import GONE, BadStatus, Fetched
from rag.errors import Cancelled, InvalidInput, SourceError
from workspaces import fetches, repository
from workspaces.database import Database
from workspaces.files import Files
from workspaces.identifiers import now
from workspaces.models import DocumentRecord
from workspaces.tables import texts
from workspaces.unnamed import drop_unnamed

if TYPE_CHECKING:
    from ingest.fetch import Fetcher
    from ingest.pace import Pace
    from ingest.parser.client import ParserClient
    from workspaces.library import Library

Outcome = Literal["unchanged", "changed", "gone"]


class Refreshing:
    """Fetches again and compares. Thread-safe."""

    def __init__(
        self,
        database: Database,
        files: Files,
        *,
        fetcher: Callable[[], Fetcher],
        pace: Pace,
        parser: Callable[[], ParserClient],
        library: Callable[[], Library],
        upload_limit: int,
        closing: threading.Event,
    ) -> None:
        self._database = database
        self._files = files
        self._fetcher = fetcher
        self._pace = pace
        self._parser = parser
        self._library = library
        self._upload_limit = upload_limit
        self._closing = closing

    def refresh(self, document_id: str) -> Outcome:
        """Fetch a web document again; what has changed is read in the background.

        Raises:
            NotFound: the document was deleted.
            InvalidInput: it is not from the web, or was never fetched.
            SourceError: it cannot be fetched now, shows a login or a notice instead, or has become the same as another
                document; nothing changes then.
        """
        with self._database.read() as connection:
            record = repository.get_document(connection, document_id)
            known = fetches.validators_of(connection, record.version_id)
        if record.source_kind != "url" or record.fetched_at is None:
            raise InvalidInput(
                f"“{record.title or record.source}” was not fetched from the web.",
                hint="Only web pages can be fetched again.",
            )
        self._pace.wait(urlsplit(record.source).netloc, check=self._check)
        try:
            page = self._fetcher().fetch_changed(record.source, known)
        except BadStatus as error:
            if error.status not in GONE:
                raise
            self.mark_gone(record)
            return "gone"
        return self.compare(record, page)

    def compare(self, record: DocumentRecord, page: Fetched | None) -> Outcome:
        """Take over what was fetched of a document; None says that the server calls it unchanged. Raises as `refresh`
        does."""
        if page is None or self._is_same(record, page):
            said = (
                {} if page is None else {"etag": page.validators.etag, "last_modified": page.validators.last_modified}
            )
            with self._database.write() as connection:
                repository.set_version(connection, record.version_id, checked_at=now(), gone_at=None, **said)
            return "unchanged"
        renewed = self._library().add_version(record.id, io.BytesIO(page.data), fetched=fetches.values_of(page))
        with self._database.write() as connection:
            repository.set_version(connection, record.version_id, gone_at=None)
        if renewed.id != record.id:
            raise SourceError(
                f"This page is now the same as “{renewed.title or renewed.source}”, byte for byte.",
                hint="Delete one of the two.",
            )
        return "changed"

    def mark_gone(self, record: DocumentRecord) -> None:
        """Note that there is nothing at a document's address any more; the first time counts."""
        if record.gone_at is None:
            with self._database.write() as connection:
                repository.set_version(connection, record.version_id, gone_at=now())

    def _is_same(self, record: DocumentRecord, page: Fetched) -> bool:
        """Whether the bytes are the same, or at least the main text, which menus, dates and advertisements around it
        do not change. A page that shows a login in its place is told by the loader."""
        with self._database.read() as connection:
            if hashlib.sha256(page.data).hexdigest() == repository.sha256_of(connection, record.version_id):
                return True
            text = connection.execute(
                select(texts.c.text).where(texts.c.version_id == record.version_id)
            ).scalar_one_or_none()
        if page.media_type != media.HTML:
            return False
        with self._files.guard:
            digest, _ = self._files.store(io.BytesIO(page.data), limit=self._upload_limit)
        try:
            parsed = self._parser().parse(
                self._files.path(digest),
                page.media_type,
                title=None,
                cancelled=self._closing.is_set,
                progress=lambda *_: None,
            )
            return parsed.text == text
        finally:
            drop_unnamed(self._database, self._files, digest)

    def _check(self) -> None:
        if self._closing.is_set():
            raise Cancelled("Footnote is closing.")
