"""Rows of sections and their addresses: which page is next, and what became of each. Every function takes the caller's
connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, exists, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from ingest.sections import path_of
from rag.errors import FootnoteError, NotFound
from workspaces.batches import batches
from workspaces.deleting import mark_deleted
from workspaces.identifiers import new_id, now
from workspaces.models import Site, SitePage, SitePageState
from workspaces.problems import NO_PROBLEM, problem_of, problem_values
from workspaces.tables import documents, site_pages, sites, versions, workspaces

_MOST_ADDRESSES = 5_000
"""Addresses remembered of one section."""

_QUERIES_A_PATH = 20
"""Addresses that differ in their query only: calendars and filters have endlessly many."""

_ASKED_A_DOCUMENT = 3
"""Addresses asked for, for each document that is wanted: a section of pages that are refused ends too."""

_PAGE_STATES = get_args(SitePageState)
DELETED = "You deleted this document."


def add_site(connection: Connection, workspace_id: str, *, start: str, depth: int, page_limit: int) -> str:
    """A running section whose start is its first address; its id."""
    site_id = new_id()
    values = {"start": start, "depth": depth, "page_limit": page_limit}
    connection.execute(
        insert(sites).values(id=site_id, workspace_id=workspace_id, state="running", created_at=now(), **values)
    )
    add_addresses(connection, site_id, [start], depth=0)
    return site_id


def list_sites(connection: Connection, *where: ColumnElement[bool]) -> list[Site]:
    """Sections of live workspaces with their figures, the newest first."""
    figures = (
        select(
            site_pages.c.site_id,
            *(func.count().filter(site_pages.c.state == state).label(state) for state in _PAGE_STATES),
        )
        .group_by(site_pages.c.site_id)
        .subquery()
    )
    query = (
        select(sites, *(figures.c[state] for state in _PAGE_STATES))
        .join(workspaces, workspaces.c.id == sites.c.workspace_id)
        .outerjoin(figures, figures.c.site_id == sites.c.id)
        .where(workspaces.c.deleted_at.is_(None), *where)
        .order_by(sites.c.created_at.desc(), sites.c.id)
    )
    return [_site_of(row) for row in connection.execute(query)]


def get_site(connection: Connection, site_id: str) -> Site:
    """One section. Raises NotFound."""
    found = list_sites(connection, sites.c.id == site_id)
    if not found:
        raise NotFound("This section does not exist any more.", hint="Reload the list of documents.")
    return found[0]


def running(connection: Connection, site_id: str, attempt: int) -> Row[Any]:
    """The row of a section that this attempt works on. Raises NotFound where it was stopped, deleted or begun anew."""
    query = (
        select(sites)
        .join(workspaces, workspaces.c.id == sites.c.workspace_id)
        .where(
            sites.c.id == site_id,
            sites.c.attempt == attempt,
            sites.c.state == "running",
            workspaces.c.deleted_at.is_(None),
        )
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("This section is not in work any more.")
    return row


def unfinished(connection: Connection) -> list[tuple[str, int]]:
    """(id, attempt) of every section in work."""
    query = select(sites.c.id, sites.c.attempt).where(sites.c.state == "running")
    return [(row.id, row.attempt) for row in connection.execute(query)]


def set_site(connection: Connection, site_id: str, **values: object) -> None:
    """Update columns of a section."""
    connection.execute(update(sites).where(sites.c.id == site_id).values(**values))


def set_bounds(connection: Connection, site_id: str, *, depth: int, page_limit: int) -> None:
    """Change how far a section reaches. A deeper one needs the links of pages that have not changed, so these are
    fetched as if for the first time."""
    set_site(connection, site_id, depth=depth, page_limit=page_limit)
    mine = select(site_pages.c.document_id).where(
        site_pages.c.site_id == site_id, site_pages.c.document_id.is_not(None)
    )
    known = update(versions).where(versions.c.document_id.in_(mine))
    connection.execute(known.values(etag="", last_modified=""))


def set_failed(connection: Connection, site_id: str, error: FootnoteError) -> None:
    """End a crawl with the reason."""
    set_site(connection, site_id, state="failed", **problem_values(error))


def begin(connection: Connection, site_id: str, *, again: bool) -> int:
    """Let a section run as a new attempt, whose number it returns: on with what is left and what failed, or `again`
    with every address. What a person deleted is not asked for again."""
    mine = site_pages.c.site_id == site_id
    live = exists().where(documents.c.id == site_pages.c.document_id, documents.c.deleted_at.is_(None))
    deleted = update(site_pages).where(mine, site_pages.c.document_id.is_not(None), ~live)
    connection.execute(deleted.values(state="refused", reason=DELETED))
    wanted = site_pages.c.state.in_(("fetched", "refused", "failed") if again else ("failed",))
    once_more = update(site_pages).where(mine, wanted, site_pages.c.document_id.is_(None) | live)
    connection.execute(once_more.values(state="pending", reason=""))
    attempt: int = connection.execute(select(sites.c.attempt).where(sites.c.id == site_id)).scalar_one() + 1
    set_site(connection, site_id, state="running", attempt=attempt, **NO_PROBLEM)
    return attempt


def remove(connection: Connection, site_ids: Sequence[str]) -> None:
    """Delete the rows of sections; their documents only forget where they belonged."""
    for some in batches(site_ids):
        connection.execute(update(documents).where(documents.c.site_id.in_(some)).values(site_id=None))
        connection.execute(delete(site_pages).where(site_pages.c.site_id.in_(some)))
        connection.execute(delete(sites).where(sites.c.id.in_(some)))


def list_pages(connection: Connection, site_id: str) -> list[SitePage]:
    """All addresses of a section in the order they were found."""
    query = select(site_pages).where(site_pages.c.site_id == site_id).order_by(site_pages.c.ordinal)
    return [
        SitePage(row.url, row.depth, row.state, row.reason, document_id=row.document_id)
        for row in connection.execute(query)
    ]


def add_addresses(connection: Connection, site_id: str, addresses: Iterable[str], *, depth: int) -> None:
    """Remember addresses that are not known yet, within the limits of one section."""
    known = list(connection.execute(select(site_pages.c.url).where(site_pages.c.site_id == site_id)).scalars())
    seen, variants = set(known), Counter(path_of(url) for url in known if "?" in url)
    rows: list[dict[str, object]] = []
    for url in addresses:
        if url in seen or len(seen) >= _MOST_ADDRESSES:
            continue
        if "?" in url:
            variants[path_of(url)] += 1
            if variants[path_of(url)] > _QUERIES_A_PATH:
                continue
        seen.add(url)
        rows.append({"site_id": site_id, "url": url, "ordinal": len(seen), "depth": depth, "state": "pending"})
    if rows:
        connection.execute(sqlite_insert(site_pages).on_conflict_do_nothing(), rows)


def has_room(connection: Connection, site_id: str, *, page_limit: int) -> bool:
    """Whether more addresses of a section may be asked for."""
    figures = select(func.count(), func.count().filter(site_pages.c.state == "fetched")).where(
        site_pages.c.site_id == site_id, site_pages.c.state != "pending"
    )
    asked, taken = connection.execute(figures).one()
    return bool(taken < page_limit and asked < _ASKED_A_DOCUMENT * page_limit)


def next_address(connection: Connection, site_id: str, *, page_limit: int) -> SitePage | None:
    """The page to visit now: those that are documents first, then the nearest to the start; None at the limit."""
    if not has_room(connection, site_id, page_limit=page_limit):
        return None
    query = (
        select(site_pages)
        .where(site_pages.c.site_id == site_id, site_pages.c.state == "pending")
        .order_by(site_pages.c.document_id.is_(None), site_pages.c.depth, site_pages.c.ordinal)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else SitePage(row.url, row.depth, row.state, document_id=row.document_id)


def state_of(connection: Connection, site_id: str, url: str) -> SitePageState | None:
    """What became of an address; None where it is not known."""
    found: SitePageState | None = connection.execute(
        select(site_pages.c.state).where(_is(site_id, url))
    ).scalar_one_or_none()
    return found


def settle(
    connection: Connection, site_id: str, url: str, state: SitePageState, *, reason: str = "", document_id: str | None
) -> None:
    """Write down what became of an address."""
    values = {"state": state, "reason": reason, "document_id": document_id}
    connection.execute(update(site_pages).where(_is(site_id, url)).values(**values))


def turn_away(connection: Connection, version_id: str, error: FootnoteError) -> str | None:
    """Let a new document that a section brought and that cannot be read be an address with a reason instead; its id,
    None where it is no such document. It is marked deleted."""
    query = (
        select(documents.c.id)
        .join(versions, versions.c.id == documents.c.version_id)
        .where(versions.c.id == version_id, versions.c.number == 1, documents.c.site_id.is_not(None))
    )
    document_id: str | None = connection.execute(query).scalar_one_or_none()
    if document_id is not None:
        of = update(site_pages).where(site_pages.c.document_id == document_id)
        connection.execute(of.values(state="failed", reason=error.told, document_id=None))
        mark_deleted(connection, document_id)
    return document_id


def documents_of(site_id: str) -> Select[Any]:
    """Ids of the live documents that a section brought."""
    return select(documents.c.id).where(documents.c.site_id == site_id, documents.c.deleted_at.is_(None))


def _is(site_id: str, url: str) -> ColumnElement[bool]:
    return and_(site_pages.c.site_id == site_id, site_pages.c.url == url)


def _site_of(row: Row[Any]) -> Site:
    return Site(
        id=row.id,
        workspace_id=row.workspace_id,
        start=row.start,
        depth=row.depth,
        page_limit=row.page_limit,
        state=row.state,
        created_at=row.created_at,
        crawled_at=row.crawled_at,
        problem=problem_of(row.problem_code, row.problem_message, row.problem_hint),
        waiting=int(row.pending or 0),
        taken=int(row.fetched or 0),
        refused=int(row.refused or 0),
        failed=int(row.failed or 0),
    )
