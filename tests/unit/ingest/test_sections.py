"""Which addresses belong to a section of a site."""

from __future__ import annotations

import pytest

from ingest.sections import Section, may_move
from rag.errors import ForbiddenAddress

BASE = "https://www.example.org/docs/guide/start.html"


@pytest.mark.parametrize(
    ("start", "directory"),
    [
        ("https://example.org", "/"),
        ("https://example.org/docs/", "/docs/"),
        ("https://example.org/docs/start.html?x=1#top", "/docs/"),
        ("https://example.org/docs/start", "/docs/"),
        ("https://example.org/handbook", "/handbook/"),
        ("https://example.org/handbook.html", "/"),
        ("https://example.org/a/../docs/%7euser/x", "/docs/~user/"),
    ],
)
def test_a_section_is_the_directory_of_its_start(start: str, directory: str) -> None:
    section = Section.of(start)
    assert section.directory == directory
    assert Section.of(section.address_of_directory) == section


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://www.example.org/docs/guide/a", "https://www.example.org/docs/guide/a"),
        ("https://WWW.Example.org:443/docs/guide/a#part", "https://www.example.org/docs/guide/a"),
        ("http://www.example.org/docs/guide/a", "https://www.example.org/docs/guide/a"),
        ("https://www.example.org/docs/guide/%7Ea/%c3%a4", "https://www.example.org/docs/guide/~a/%C3%A4"),
        ("https://www.example.org/docs/guide/ä", "https://www.example.org/docs/guide/%C3%A4"),
        ("https://www.example.org/docs/guide/a?b=1&c=2", "https://www.example.org/docs/guide/a?b=1&c=2"),
        ("https://www.example.org/docs/guide/a?", "https://www.example.org/docs/guide/a"),
        ("https://www.example.org/docs/guide", "https://www.example.org/docs/guide"),
        ("https://www.example.org/docs/guide/index.html", "https://www.example.org/docs/guide/index.html"),
        ("https://www.example.org/docs/guide/report.pdf", "https://www.example.org/docs/guide/report.pdf"),
    ],
)
def test_an_address_inside_has_one_form(url: str, address: str) -> None:
    assert Section.of(BASE).address(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "https://www.example.org/docs/",
        "https://www.example.org/docs/guidelines/",
        "https://www.example.org/docs/guide/../secret/",
        "https://www.example.org/docs/guide/%2e%2e/secret/",
        "https://www.example.org/docs/guide/.%2E/secret/",
        "https://example.org/docs/guide/a",
        "https://www.example.org.evil.test/docs/guide/a",
        "https://user@www.example.org/docs/guide/a",
        "https://www.example.org:8443/docs/guide/a",
        "https://127.0.0.1/docs/guide/a",
        "ftp://www.example.org/docs/guide/a",
        "javascript:alert(1)",
        "https://www.example.org/docs/guide/photo.JPG",
        "https://www.example.org/docs/guide/all.zip",
        "https://www.example.org/docs/guide/" + "a/b/" * 4,
        "https://www.example.org/docs/guide/" + "/".join(map(str, range(30))),
        "https://www.example.org/docs/guide/" + "x" * 1000,
        "",
    ],
)
def test_what_is_outside_or_a_trap_is_not_in_the_section(url: str) -> None:
    assert Section.of(BASE).address(url) is None


def test_an_http_section_takes_the_same_pages_over_https_but_not_the_other_way_down() -> None:
    section = Section.of("http://example.org/docs/")
    assert section.address("https://example.org/docs/a") == "https://example.org/docs/a"
    assert section.address("http://example.org/docs/a") == "http://example.org/docs/a"
    assert may_move("http://example.org/docs", "https://www.example.org/docs/")
    assert may_move("https://www.example.org/docs", "https://example.org/docs/")
    assert not may_move("https://example.org/docs", "http://example.org/docs/")
    assert not may_move("https://example.org/docs", "https://other.example.org/docs/")


def test_no_address_makes_no_section() -> None:
    with pytest.raises(ForbiddenAddress):
        Section.of("file:///etc/passwd")
