"""What a site allows crawlers: its robots.txt (RFC 9309)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin

from protego import Protego

from ingest.answers import BadStatus
from rag.errors import SourceError, Unreachable

READ_BYTES = 512 * 1024
"""What is read of it; RFC 9309, section 2.5, asks for 500 kibibytes at least."""

_LONGEST_DELAY = 30.0
"""Seconds; a site that asks for more between two requests gets this."""

_TOO_MANY = 429


class NoRules(Unreachable):
    """What a site allows cannot be known, so nothing is fetched from it."""


class Robots:
    """The rules of one robots.txt for one crawler."""

    def __init__(self, text: str, agent: str) -> None:
        self._rules = Protego.parse(text)
        self._agent = agent

    def allows(self, url: str) -> bool:
        """Whether an address may be fetched."""
        return self._rules.can_fetch(url, self._agent)

    @property
    def delay(self) -> float:
        """Seconds that the site wants between two requests, 0 where it does not say; at most 30."""
        rate = self._rules.request_rate(self._agent)
        wanted = max(self._rules.crawl_delay(self._agent) or 0.0, rate.seconds / rate.requests if rate else 0.0)
        return min(wanted, _LONGEST_DELAY)

    @property
    def sitemaps(self) -> list[str]:
        """Addresses of the site's lists of pages; not checked in any way."""
        return list(self._rules.sitemaps)


def read_robots(address: str, agent: str, fetch_bytes: Callable[[str], bytes]) -> Robots:
    """The rules for the origin of an address. A site that answers with a 4xx status has none (RFC 9309, 2.3.1.3),
    unless it only asks for fewer requests.

    Raises:
        NoRules: the server fails or is not reached; then nothing may be fetched (2.3.1.4).
    """
    try:
        data = fetch_bytes(urljoin(address, "/robots.txt"))
    except BadStatus as error:
        if 400 <= error.status < 500 and error.status != _TOO_MANY:
            return Robots("", agent)
        raise _unknown(error) from error
    except SourceError as error:
        raise _unknown(error) from error
    return Robots(data[:READ_BYTES].decode("utf-8-sig", "replace"), agent)


def _unknown(error: SourceError) -> NoRules:
    return NoRules(
        f"What the site allows cannot be read (robots.txt): {error.message}",
        hint="Footnote does not fetch a section without knowing that. Try again later, or add single pages.",
    )
