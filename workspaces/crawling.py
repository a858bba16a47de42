"""The run over a section of the web: visits address after address, and lets each page become a document.

Everything it knows stands in SQL, one transaction a page, so that a run that was cut short goes on with the next page.
Whoever stops or deletes the section ends its run at the next look.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, update

from ingest.answers import GONE, BadStatus, Fetched, Validators
from ingest.crawl import Crawler, PassedOver, Visit
from ingest.robots import NoRules
from ingest.sections import Section
from rag.errors import Cancelled, FootnoteError, NotFound, SourceError, Unreachable
from workspaces import fetches, frontier, repository
from workspaces.database import Database
from workspaces.files import Files
from workspaces.identifiers import now
from workspaces.models import DocumentRecord, SitePage, SitePageState
from workspaces.refreshing import Refreshing
from workspaces.runs import Run
from workspaces.tables import documents

if TYPE_CHECKING:
    from ingest.fetch import Fetcher
    from ingest.pace import Pace

_LISTED_DEPTH = 2
"""A site's own list of pages counts as a page that the start links to: what it names is two links away."""

_SILENT = 5
"""Addresses in a row that nobody answers at: then the network is down, or the site."""


@dataclass(frozen=True, slots=True)
class _Work:
    """One run: the row of its section, and what visits the pages."""

    site: Row[Any]
    crawler: Crawler

    @property
    def id(self) -> str:
        return str(self.site.id)


class Crawling:
    """Runs sections; `workspaces.jobs` calls it in the background."""

    def __init__(
        self,
        database: Database,
        files: Files,
        *,
        fetcher: Callable[[], Fetcher],
        pace: Pace,
        refreshing: Callable[[], Refreshing],
        ingest: Callable[[Run], None],
        upload_limit: int,
        closing: threading.Event,
    ) -> None:
        self._database = database
        self._files = files
        self._fetcher = fetcher
        self._pace = pace
        self._refreshing = refreshing
        self._ingest = ingest
        self._upload_limit = upload_limit
        self._closing = closing

    def run(self, site_id: str, attempt: int) -> None:
        """Visit what is left of a section, then call it done.

        Raises:
            NotFound: it was stopped, deleted or begun anew.
            Cancelled: the application ends.
            SourceError: the start cannot be read, what the site allows is not known, or nobody answers any more.
        """

        def check() -> None:
            if self._closing.is_set():
                raise Cancelled("Footnote is closing.")
            with self._database.read() as connection:
                frontier.running(connection, site_id, attempt)

        with self._database.read() as connection:
            site = frontier.running(connection, site_id, attempt)
        section = Section.of(site.directory) if site.directory else None
        work = _Work(site, Crawler(self._fetcher(), self._pace, check=check, section=section))
        silent = 0
        for page in self._pages(work):
            silent = 0 if self._visit(work, page) else silent + 1
            if silent == _SILENT:
                raise Unreachable(
                    f"Nothing answered at {_SILENT} addresses in a row.", hint="Check the connection, then continue."
                )
        with self._database.write() as connection:
            frontier.running(connection, site_id, attempt)
            frontier.set_site(connection, site_id, state="done", crawled_at=now())

    def fail(self, site_id: str, attempt: int, error: FootnoteError) -> None:
        """End a run with the reason. Raises NotFound where it has ended otherwise meanwhile."""
        with self._database.write() as connection:
            frontier.running(connection, site_id, attempt)
            frontier.set_failed(connection, site_id, error)

    def _pages(self, work: _Work) -> Iterator[SitePage]:
        """Address after address; when the links are used up, what the site's own list names."""
        yield from self._waiting(work)
        with self._database.read() as connection:
            room = frontier.has_room(connection, work.id, page_limit=work.site.page_limit)
        if room and work.site.depth >= _LISTED_DEPTH:
            listed = work.crawler.listed()
            with self._commit(work) as connection:
                frontier.add_addresses(connection, work.id, listed, depth=_LISTED_DEPTH)
            yield from self._waiting(work)

    def _waiting(self, work: _Work) -> Iterator[SitePage]:
        while True:
            with self._database.read() as connection:
                page = frontier.next_address(connection, work.id, page_limit=work.site.page_limit)
            if page is None:
                return
            yield page

    def _visit(self, work: _Work, page: SitePage) -> bool:
        """Visit one address and settle it; whether anybody answered there."""
        with self._database.read() as connection:
            record = _document_at(connection, work, page.url, page.document_id)
            known = fetches.validators_of(connection, record.version_id) if record else Validators()
        try:
            self._arrive(work, page, record, work.crawler.visit(page.url, known))
        except NoRules:
            raise
        except SourceError as error:
            if record is not None and isinstance(error, BadStatus) and error.status in GONE:
                self._refreshing().mark_gone(record)
            at_start = work.crawler.section is None
            state: SitePageState = "refused" if isinstance(error, PassedOver) and not at_start else "failed"
            with self._commit(work) as connection:
                frontier.settle(connection, work.id, page.url, state, reason=error.told, document_id=page.document_id)
            if at_start:
                raise
            return not isinstance(error, Unreachable) or isinstance(error, BadStatus)
        return True

    def _arrive(self, work: _Work, page: SitePage, record: DocumentRecord | None, visit: Visit) -> None:
        """Make of a visit what it is: a document seen again, an address that is left out, or a new document."""
        if not visit.keep:
            reason = "The page asks not to be kept (noindex)."
            self._settle(work, page, visit, reason=reason, document_id=record.id if record else None)
        elif record is not None:
            reason = "" if self._compare(record, visit.page) else frontier.DELETED
            self._settle(work, page, visit, reason=reason, document_id=record.id)
        elif visit.page is None:
            raise Unreachable("The server calls the page unchanged, but it was never here.", hint="Try again later.")
        elif visit.canonical and self._stands_for(work, page, visit.canonical):
            self._settle(work, page, visit, reason=f"The page gives {visit.canonical} as its address.")
        else:
            self._enter(work, page, visit, visit.page)

    def _compare(self, record: DocumentRecord, page: Fetched | None) -> bool:
        """Take over what was fetched of a document; False where somebody has deleted it meanwhile."""
        try:
            self._refreshing().compare(record, page)
        except NotFound:
            return False
        return True

    def _settle(
        self, work: _Work, page: SitePage, visit: Visit, *, reason: str = "", document_id: str | None = None
    ) -> None:
        with self._commit(work) as connection:
            _note(connection, work, page, visit)
            state: SitePageState = "refused" if reason else "fetched"
            frontier.settle(connection, work.id, page.url, state, reason=reason, document_id=document_id)

    def _stands_for(self, work: _Work, page: SitePage, canonical: str) -> bool:
        """Whether another address is taken in the place of a page: not where it was looked at and left out itself."""
        with self._commit(work) as connection:
            frontier.add_addresses(connection, work.id, [canonical], depth=page.depth)
            return frontier.state_of(connection, work.id, canonical) in ("pending", "fetched")

    def _enter(self, work: _Work, page: SitePage, visit: Visit, fetched: Fetched) -> None:
        """Let what was fetched become a document, stored already, and enqueue its ingest."""
        with self._files.guard:
            original = self._files.store(io.BytesIO(fetched.data), limit=self._upload_limit)
            with self._commit(work) as connection:
                _note(connection, work, page, visit)
                run = _add_document(connection, work, page, visit.address, fetched, original)
        if run is not None:
            self._ingest(run)

    @contextmanager
    def _commit(self, work: _Work) -> Iterator[Connection]:
        """A transaction of a run. Raises NotFound, writing nothing, where the run has ended."""
        with self._database.write() as connection:
            frontier.running(connection, work.id, work.site.attempt)
            yield connection


def _document_at(connection: Connection, work: _Work, url: str, document_id: str | None) -> DocumentRecord | None:
    """The live document that was fetched from an address before, by this section or otherwise."""
    found = repository.get_documents(connection, [document_id]) if document_id else []
    found = found or repository.find_by_address(connection, work.site.workspace_id, url)
    return next((record for record in found if record.fetched_at is not None), None)


def _note(connection: Connection, work: _Work, page: SitePage, visit: Visit) -> None:
    """Remember what a visit has shown of the section: its directory, and further addresses."""
    section = work.crawler.section
    if section is not None and not work.site.directory:
        frontier.set_site(connection, work.id, directory=section.address_of_directory)
    if page.depth < work.site.depth:
        frontier.add_addresses(connection, work.id, visit.links, depth=page.depth + 1)


def _add_document(
    connection: Connection, work: _Work, page: SitePage, url: str, fetched: Fetched, original: tuple[str, int]
) -> Run | None:
    """The document of a page that ended at `url`, and the run that is to be enqueued; None where it is here already."""
    if url != page.url:
        frontier.settle(connection, work.id, page.url, "refused", reason=f"It leads to {url}.", document_id=None)
        frontier.add_addresses(connection, work.id, [url], depth=page.depth)
        settled = frontier.state_of(connection, work.id, url) == "fetched"
        if settled or _document_at(connection, work, url, None) is not None:  # then that address is looked at itself
            return None
    digest, size = original
    for twin in repository.find_by_bytes(connection, work.site.workspace_id, digest):
        reason = f"The same as “{twin.title or twin.source}”, which is here already."
        frontier.settle(connection, work.id, url, "refused", reason=reason, document_id=None)
        return None
    document_id, version_id = repository.add_document(
        connection, work.site.workspace_id, title="", kind="url", source=url
    )
    connection.execute(update(documents).where(documents.c.id == document_id).values(site_id=work.id))
    repository.attach_original(connection, version_id, sha256=digest, size=size, media_type=fetched.media_type)
    repository.set_version(connection, version_id, **fetches.values_of(fetched))
    frontier.settle(connection, work.id, url, "fetched", document_id=document_id)
    return Run(version_id)
