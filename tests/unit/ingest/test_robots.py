"""robots.txt: what it forbids, and what follows when it cannot be read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ingest.answers import BadStatus
from ingest.robots import NoRules, read_robots
from rag.errors import TooLarge, Unreachable


def serve(text: str) -> Callable[[str], bytes]:
    def fetch_bytes(url: str) -> bytes:
        assert url == "https://a.test/robots.txt"
        return text.encode()

    return fetch_bytes


def test_our_own_rules_go_before_those_for_all() -> None:
    text = "User-agent: *\nDisallow: /\n\nUser-agent: Footnote\nDisallow: /private/\nAllow: /private/open\n"
    robots = read_robots("https://a.test", "Footnote", serve(text + "Crawl-delay: 4\nSitemap: https://a.test/s.xml"))
    assert robots.allows("https://a.test/page")
    assert not robots.allows("https://a.test/private/x")
    assert robots.allows("https://a.test/private/open/x")
    assert not read_robots("https://a.test", "Other", serve(text)).allows("https://a.test/page"), "the control"
    assert (robots.delay, robots.sitemaps) == (4.0, ["https://a.test/s.xml"])


@pytest.mark.parametrize(
    ("line", "seconds"),
    [("Crawl-delay: 3600", 30.0), ("Crawl-delay: -1", 0.0), ("Crawl-delay: nan", 0.0), ("Request-rate: 1/5", 5.0)],
)
def test_a_delay_is_kept_within_reason(line: str, seconds: float) -> None:
    assert read_robots("https://a.test", "Footnote", serve(f"User-agent: *\n{line}\n")).delay == seconds


@pytest.mark.parametrize("text", ["", "<html>not found</html>", "\x00\xff", "Disallow: /\n", "User-agent\n" * 50_000])
def test_what_is_no_robots_txt_forbids_nothing(text: str) -> None:
    assert read_robots("https://a.test", "Footnote", serve(text)).allows("https://a.test/page")


def refuse(error: Exception) -> Callable[[str], bytes]:
    def fetch_bytes(_: str) -> bytes:
        raise error

    return fetch_bytes


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_site_without_rules_allows_all(status: int) -> None:
    error = BadStatus("x", hint="", status=status, retry_after=None)
    assert read_robots("https://a.test", "Footnote", refuse(error)).allows("https://a.test/page")


@pytest.mark.parametrize(
    "error",
    [
        BadStatus("x", hint="", status=429, retry_after=None),
        BadStatus("x", hint="", status=500, retry_after=None),
        Unreachable("no answer"),
        TooLarge("endless"),
    ],
)
def test_where_the_rules_are_not_known_nothing_is_allowed(error: Exception) -> None:
    with pytest.raises(NoRules, match=r"robots\.txt"):
        read_robots("https://a.test", "Footnote", refuse(error))
