"""Lists of pages, also hostile ones."""

from __future__ import annotations

import gzip

import pytest

from ingest.sitemaps import LARGEST, read_sitemap
from rag.errors import DamagedSource, TooLarge

XMLNS = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
)
PAGES = (
    f'<?xml version="1.0" encoding="UTF-8"?><urlset {XMLNS}><url><loc> https://a.test/1 </loc>'
    "<image:image><image:loc>https://a.test/i.png</image:loc></image:image></url>"
    "<url><loc>https://a.test/2?x=1&amp;y=2</loc></url><url></url></urlset>"
).encode()


def test_a_sitemap_is_read_packed_or_not_with_or_without_namespace() -> None:
    expected = ("https://a.test/1", "https://a.test/2?x=1&y=2")
    assert read_sitemap(PAGES).pages == expected
    assert read_sitemap(gzip.compress(PAGES)).pages == expected
    assert read_sitemap(b"\xef\xbb\xbf\n" + PAGES.replace(XMLNS.encode(), b'xmlns:image="i"')).pages == expected
    assert read_sitemap(b"https://a.test/1\r\nnonsense\nhttps://a.test/2?x=1&y=2\n").pages == expected


def test_a_sitemap_of_sitemaps_names_them() -> None:
    index = f"<sitemapindex {XMLNS}><sitemap><loc>https://a.test/s1.xml.gz</loc></sitemap></sitemapindex>"
    assert read_sitemap(index.encode()).more == ("https://a.test/s1.xml.gz",)


@pytest.mark.parametrize(
    "data",
    [
        b"<urlset><url><loc>https://a.test/1</loc></url>",
        b"<html><p>not found",
        gzip.compress(PAGES)[:-20],
        b"\x1f\x8bnonsense",
        b'<!DOCTYPE urlset [<!ENTITY a "b">]><urlset><url><loc>https://a.test/&a;</loc></url></urlset>',
        b'<!DOCTYPE urlset SYSTEM "file:///etc/passwd"><urlset></urlset>',
    ],
)
def test_a_broken_or_typed_sitemap_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedSource):
        read_sitemap(data)


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    with pytest.raises(DamagedSource):
        read_sitemap(f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><urlset><loc>&l11;</loc></urlset>'.encode())
    with pytest.raises(TooLarge):
        read_sitemap(gzip.compress(b"<urlset>" + b" " * (LARGEST + 1) + b"</urlset>"))
    assert (
        len(read_sitemap(b"<urlset>" + b"<url><loc>https://a.test/</loc></url>" * 9_000 + b"</urlset>").pages) == 5_000
    )
