"""Use cases on sections of the web, and on single pages that came from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from sqlalchemy import select, update

from ingest.sections import address_of
from rag.errors import InvalidInput
from workspaces import frontier, repository
from workspaces.database import Database
from workspaces.identifiers import now
from workspaces.jobs import Jobs
from workspaces.models import SECTION_DEPTH, SECTION_PAGES, Site, SitePage
from workspaces.purging import blank_quotes
from workspaces.refreshing import Outcome, Refreshing
from workspaces.tables import documents, sites

_WAIT_SECONDS = 0.3


class Sites:
    """Sections of the web. Every method is safe to call from any thread."""

    def __init__(self, database: Database, jobs: Jobs, *, refreshing: Callable[[], Refreshing]) -> None:
        self._database = database
        self._jobs = jobs
        self._refreshing = refreshing

    def add(
        self, workspace_id: str, start: str, *, depth: int = SECTION_DEPTH.usual, pages: int = SECTION_PAGES.usual
    ) -> Site:
        """Enqueue the crawl of a page and the section below it. A section that is there already is looked at again.

        Args:
            workspace_id: where its documents go.
            start: the page that it begins at.
            depth: links from the start that are followed.
            pages: the most documents that are made of it.

        Raises:
            ForbiddenAddress: no address of a public web server.
            InvalidInput: a figure out of bounds.
            NotFound: no such workspace.
        """
        if not (0 <= depth <= SECTION_DEPTH.most and 1 <= pages <= SECTION_PAGES.most):
            raise InvalidInput(
                f"A section is followed 0 to {SECTION_DEPTH.most} links deep and has 1 to {SECTION_PAGES.most} pages.",
                hint="Choose other figures, or add several smaller sections.",
            )
        address = address_of(start.strip())
        with self._database.write() as connection:
            found = repository.workspace_id_of(connection, workspace_id)
            query = select(sites.c.id).where(sites.c.workspace_id == found, sites.c.start == address)
            site_id = connection.execute(query).scalar_one_or_none()
            attempt = 1
            if site_id is None:
                site_id = frontier.add_site(connection, found, start=address, depth=depth, page_limit=pages)
            else:
                frontier.set_bounds(connection, site_id, depth=depth, page_limit=pages)
                attempt = frontier.begin(connection, site_id, again=True)
        self._jobs.crawl(site_id, attempt)
        return self.site(site_id)

    def in_workspace(self, workspace_id: str) -> list[Site]:
        """The sections of a workspace, the newest first."""
        with self._database.read() as connection:
            found = repository.workspace_id_of(connection, workspace_id)
            return frontier.list_sites(connection, sites.c.workspace_id == found)

    def site(self, site_id: str) -> Site:
        """One section with its figures. Raises NotFound."""
        with self._database.read() as connection:
            return frontier.get_site(connection, site_id)

    def pages(self, site_id: str) -> list[SitePage]:
        """Every address found in a section and what became of it. Raises NotFound."""
        with self._database.read() as connection:
            frontier.get_site(connection, site_id)
            return frontier.list_pages(connection, site_id)

    def stop(self, site_id: str) -> None:
        """Let a crawl rest: nothing more is fetched, what was taken stays. Raises NotFound."""
        with self._database.write() as connection:
            if frontier.get_site(connection, site_id).state == "running":
                frontier.set_site(connection, site_id, state="paused")

    def resume(self, site_id: str) -> None:
        """Go on with what is left and what failed. Raises NotFound."""
        self._begin(site_id, again=False)

    def refresh(self, site_id: str) -> None:
        """Look at every page again, and for new ones. Raises NotFound."""
        self._begin(site_id, again=True)

    def delete(self, site_id: str) -> None:
        """Delete a section with the documents it brought: out of every search at once, off the disk soon after. Raises
        NotFound."""
        with self._database.write() as connection:
            frontier.get_site(connection, site_id)
            doomed = list(connection.execute(frontier.documents_of(site_id)).scalars())
            mine = update(documents).where(documents.c.site_id == site_id, documents.c.deleted_at.is_(None))
            connection.execute(mine.values(deleted_at=now()))
            for document_id in doomed:
                blank_quotes(connection, document_id)
            frontier.remove(connection, [site_id])
        for document_id in doomed:
            self._jobs.purge("document", document_id)

    def refresh_document(self, document_id: str) -> Outcome:
        """Fetch a web document again; what has changed is read in the background. See `Refreshing.refresh`."""
        return self._refreshing().refresh(document_id)

    def wait(self, site_id: str) -> Iterator[Site]:
        """The section whenever its figures change, until its crawl has ended. Raises NotFound."""
        last: Site | None = None
        while last is None or last.state == "running":
            found = self.site(site_id)
            if found != last:
                yield found
            last = found
            if found.state == "running":
                time.sleep(_WAIT_SECONDS)

    def _begin(self, site_id: str, *, again: bool) -> None:
        with self._database.write() as connection:
            frontier.get_site(connection, site_id)
            attempt = frontier.begin(connection, site_id, again=again)
        self._jobs.crawl(site_id, attempt)
