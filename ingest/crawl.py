"""Visits the pages of a section of a site, politely: one at a time, by its robots.txt, never outside the section.

Which page is next, and what is remembered of it, is the caller's business (workspaces/crawling.py).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from ingest import media
from ingest.answers import BadStatus, Fetched, Validators
from ingest.fetch import AGENT, Fetcher
from ingest.links import read_links
from ingest.pace import LEAST_SECONDS, Pace
from ingest.robots import Robots, read_robots
from ingest.sections import Section, address_of, may_move
from ingest.sitemaps import LARGEST, read_sitemap
from rag.errors import SourceError

TAKEN = frozenset(
    {media.HTML, media.TEXT, media.MARKDOWN, media.PDF, media.RTF, media.EPUB}
    | {media.DOCX, media.PPTX, media.XLSX, media.ODT, media.ODP, media.ODS, media.DOC, media.PPT, media.XLS}
)
"""What a section is made of: pages, and texts in files."""

_ROBOTS_BYTES = 4 * 1024 * 1024
_SITEMAPS = 10
"""Files read of a site that lists its lists."""

_BUSY = frozenset({429, 503})
_LONGEST_PAUSE = 60.0
"""Seconds of a Retry-After that are waited."""

T = TypeVar("T")


class PassedOver(SourceError):
    """A page that the rules of a crawl leave out."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One page visited."""

    address: str
    """Where it ended, in the section's form."""
    page: Fetched | None
    """None where it has not changed."""
    links: tuple[str, ...] = ()
    """Addresses of the section that it links to, in order."""
    canonical: str = ""
    """Another address of the section that the page gives as its own, else ""."""
    keep: bool = True
    """False where the page asks not to be kept."""


class Crawler:
    """One run over one section; not thread-safe."""

    def __init__(
        self, fetcher: Fetcher, pace: Pace, *, check: Callable[[], None], section: Section | None = None
    ) -> None:
        """`check` raises what should end the run; without a `section` the first page visited decides it."""
        self._fetcher = fetcher
        self._pace = pace
        self._check = check
        self.section = section
        """None until the first page is there: it may move from http to https, or to www., and then it is there."""
        self._robots: dict[str, Robots] = {}

    def visit(self, address: str, known: Validators) -> Visit:
        """Fetch one page and read its links.

        Args:
            address: in the form that `Section.address` gives, or the start.
            known: what the server said of the page when it was fetched before.

        Raises:
            PassedOver: robots.txt forbids it, it leads out of the section, or it is no text.
            NoRules: robots.txt cannot be read, so nothing of the site may be.
            SourceError: one of Fetcher.fetch's.
        """
        self._require_allowed(address)

        def passes(target: str) -> None:
            if not self._belongs(address, target):
                raise PassedOver(f"It leads to {target}, outside the section.", hint="Add that address on its own.")
            self._require_allowed(target)

        page = self._asked(address, lambda: self._fetcher.fetch_changed(address, known, passes=passes))
        if page is None:
            return Visit(address, None)
        if self.section is None:
            self.section = Section.of(page.final_url)
        if page.media_type not in TAKEN:
            raise PassedOver("It is neither a page nor a text document.", hint="Add that address on its own.")
        return self._visited(self.section, page)

    def listed(self) -> list[str]:
        """Addresses of the section that the site's own lists of pages name, in order; none where it has no list."""
        if self.section is None:
            return []
        origin = f"{self.section.scheme}://{self.section.authority}"
        robots = self._rules(origin)
        waiting = [*robots.sitemaps, urljoin(origin, "/sitemap.xml")]
        found: dict[str, None] = {}
        read: set[str] = set()
        while waiting and len(read) < _SITEMAPS:
            sitemap = waiting.pop(0)
            if sitemap in read or not self._is_ours(sitemap):
                continue
            read.add(sitemap)
            with suppress(SourceError):  # a site without a usable list is found by its links
                listed = read_sitemap(self._asked(sitemap, lambda: self._fetcher.fetch_bytes(sitemap, limit=LARGEST)))  # noqa: B023
                waiting += listed.more
                found |= dict.fromkeys(self._inside(self.section, listed.pages))
        return list(found)

    def _visited(self, section: Section, page: Fetched) -> Visit:
        markup = page.data if page.media_type == media.HTML else b""
        says = read_links(markup, base=page.final_url, robots=page.robots)
        address = section.address(page.final_url) or address_of(page.final_url)
        canonical = section.address(says.canonical) if says.canonical else None
        return Visit(
            address,
            page,
            links=self._inside(section, says.addresses),
            canonical=canonical if canonical and canonical != address else "",
            keep=says.keep,
        )

    def _inside(self, section: Section, addresses: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(inside for address in addresses if (inside := section.address(address))))

    def _belongs(self, address: str, target: str) -> bool:
        return may_move(address, target) if self.section is None else self.section.address(target) is not None

    def _is_ours(self, sitemap: str) -> bool:
        """Whether a sitemap lies on the host of the section; lists on other hosts are not ours to ask for."""
        section = self.section
        with suppress(SourceError, ValueError):
            return section is not None and urlsplit(address_of(sitemap)).netloc == section.authority
        return False

    def _require_allowed(self, address: str) -> None:
        if not self._rules(address).allows(address):
            raise PassedOver("The site asks crawlers not to fetch this page (robots.txt).", hint="Add it on its own.")

    def _rules(self, address: str) -> Robots:
        """The rules of an address's origin, read once a run."""
        parts = urlsplit(address)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._robots:
            self._pace.wait(parts.netloc, check=self._check)
            self._robots[origin] = read_robots(
                origin, AGENT, lambda url: self._fetcher.fetch_bytes(url, limit=_ROBOTS_BYTES)
            )
        return self._robots[origin]

    def _asked(self, address: str, ask: Callable[[], T]) -> T:
        """Ask in the host's pace; once more where the server is busy and says for how long."""
        self._wait(address)
        try:
            return ask()
        except BadStatus as busy:
            if busy.status not in _BUSY or busy.retry_after is None or busy.retry_after > _LONGEST_PAUSE:
                raise
            self._pace.sleep(busy.retry_after, check=self._check)
            self._wait(address)
            return ask()

    def _wait(self, address: str) -> None:
        seconds = max(LEAST_SECONDS, self._rules(address).delay)
        self._pace.wait(urlsplit(address).netloc, seconds=seconds, check=self._check)
