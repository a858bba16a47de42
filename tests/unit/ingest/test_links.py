"""What a page says to a crawler."""

from __future__ import annotations

import pytest

from ingest.links import read_links

BASE = "https://www.example.org/docs/guide/start.html"


def links(markup: str, *, robots: str = "") -> tuple[str, ...]:
    return read_links(markup.encode(), base=BASE, robots=robots).addresses


def test_links_are_absolute_in_order_and_each_once() -> None:
    markup = """<html><body><a href="b.html#x">b</a> <a href=" c d.html ">c</a> <a href="
    b.html">again</a><area href="/e"><a href="//cdn.example.org/f"><a name="nowhere"><a href="mailto:me@example.org">
    <a href="javascript:x()"><a href="https://[::1"><img src="g.png"><link href="h.css" rel="stylesheet">
    <a href="ä?q=ü" rel="noopener">i</a></body></html>"""
    assert links(markup) == (
        "https://www.example.org/docs/guide/b.html",
        "https://www.example.org/docs/guide/c%20d.html",
        "https://www.example.org/e",
        "https://cdn.example.org/f",
        "https://www.example.org/docs/guide/ä?q=ü",
    )


def test_the_base_of_a_page_counts_and_frames_and_refreshes_lead_on() -> None:
    assert links('<base href="/other/"><a href="a">') == ("https://www.example.org/other/a",)
    assert links('<frameset><frame src="menu.html"></frameset>') == ("https://www.example.org/docs/guide/menu.html",)
    refresh = '<meta http-equiv="Refresh" content="0; URL=\'latest/\'"><p>moved</p>'
    assert links(refresh) == ("https://www.example.org/docs/guide/latest/",)


@pytest.mark.parametrize(
    ("markup", "robots", "keep", "follow"),
    [
        ('<a href="x">', "", True, True),
        ('<meta name="ROBOTS" content="NoIndex"><a href="x">', "", False, True),
        ('<meta name="robots" content="index, nofollow"><a href="x">', "", True, False),
        ('<meta name="robots" content="none"><a href="x">', "", False, False),
        ('<meta name="footnote" content="noindex"><a href="x">', "", False, True),
        ('<meta name="googlebot" content="noindex"><a href="x">', "", True, True),
        ('<a href="x">', "noindex, nofollow", False, False),
        ('<a href="x">', "googlebot: noindex", True, True),
        ('<a href="x">', "Footnote: noindex", False, True),
        ('<a href="x">', "unavailable_after: 1 Jan 2030\nnofollow", True, False),
    ],
)
def test_what_a_page_asks_of_robots_is_read(markup: str, robots: str, keep: bool, follow: bool) -> None:
    says = read_links(markup.encode(), base=BASE, robots=robots)
    assert (says.keep, says.follow, bool(says.addresses)) == (keep, follow, follow)


def test_a_file_that_is_no_page_still_may_ask_not_to_be_kept() -> None:
    assert not read_links(b"", base=BASE, robots="noindex").keep
    assert read_links(b"", base=BASE).keep


def test_links_marked_nofollow_are_left_alone() -> None:
    assert links('<a href="x" rel="external NOFOLLOW">') == ()


def test_the_canonical_address_is_read() -> None:
    markup = b'<head><link rel="stylesheet" href="s"><link rel="Canonical" href="/docs/guide/real#top"></head>'
    assert read_links(markup, base=BASE).canonical == "https://www.example.org/docs/guide/real"
    assert read_links(b"<p>none</p>", base=BASE).canonical == ""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x01\xff",
        b"<" * 10_000,
        b"<a href=" * 5_000,
        b"<div>" * 20_000 + b"<a href=x>",
        b"\xff\xfe<\x00a\x00",
    ],
)
def test_hostile_markup_ends_quietly(data: bytes) -> None:
    read_links(data, base=BASE)


def test_a_page_of_links_without_end_is_cut() -> None:
    assert len(links("".join(f'<a href="{number}">' for number in range(5_000)))) == 2_000
    assert links("<a href=x>" + " " * (6 * 2**20)) == ()
