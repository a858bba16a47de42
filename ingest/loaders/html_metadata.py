"""What a page says of itself: JSON-LD (schema.org) first, then its tags; all of it is claims of the page's author."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ingest.loaders.titles import clean

_MOST_SCRIPTS = 20
_LONGEST_SCRIPT = 500_000
_MOST_ENTRIES = 200
_WORKS = re.compile(r"article|posting|report|webpage|creativework|book|recipe|howto|legislation|dataset|course$", re.I)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Metadata:
    """Every field is "" where the page does not say it."""

    title: str = ""
    """Its headline, as JSON-LD has it."""
    html_title: str = ""
    author: str = ""
    date: str = ""
    """Of its publication, else of its last change: YYYY-MM-DD."""
    language: str = ""
    host: str = ""
    """Where it says it lives, without "www."."""


def read_metadata(tree: Any) -> Metadata:
    """The metadata of a page; what is malformed is passed over."""
    work = _work(tree)
    return Metadata(
        title=_line(work.get("headline")),
        html_title=clean(tree.findtext(".//title") or ""),
        author=_author(work.get("author")),
        date=_day(work.get("datePublished")) or _day(work.get("dateModified")),
        language=clean(tree.get("lang") or _line(work.get("inLanguage")))[:2].lower(),
        host=_host(tree),
    )


def _work(tree: Any) -> dict[str, Any]:
    """The most specific work the page describes: an article before the page it stands on."""
    works = [entry for entry in _entries(tree) if any(_WORKS.search(kind) for kind in _kinds(entry))]
    return min(works, key=lambda work: "headline" not in work, default={})


def _entries(tree: Any) -> Iterator[dict[str, Any]]:
    """Objects at the top of the page's JSON-LD and in its graphs."""
    scripts = tree.xpath("//script[contains(@type, 'ld+json')]")[:_MOST_SCRIPTS]
    for script in scripts:
        text = script.text or ""
        if len(text) > _LONGEST_SCRIPT:
            continue
        try:
            value = json.loads(text, strict=False)
        except (ValueError, RecursionError):  # a page's mistake, not ours
            continue
        for entry in (value if isinstance(value, list) else [value])[:_MOST_ENTRIES]:
            if isinstance(entry, dict):
                yield entry
                graph = entry.get("@graph")
                for inner in graph[:_MOST_ENTRIES] if isinstance(graph, list) else ():
                    if isinstance(inner, dict):
                        yield inner


def _kinds(entry: dict[str, Any]) -> list[str]:
    kinds = entry.get("@type")
    return [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str)]


def _author(value: Any) -> str:
    authors = value if isinstance(value, list) else [value]
    names = [_line(author.get("name")) if isinstance(author, dict) else _line(author) for author in authors[:10]]
    return ", ".join(name for name in names if name and not name.startswith(("http://", "https://")))


def _line(value: Any) -> str:
    return clean(value) if isinstance(value, str) else ""


def _day(value: Any) -> str:
    match = _DAY.match(_line(value))
    return match.group() if match else ""


def _host(tree: Any) -> str:
    places = (
        *tree.xpath("//link[@rel='canonical']/@href"),
        *tree.xpath("//meta[@property='og:url']/@content"),
        *tree.xpath("//base/@href"),
    )
    for place in places:
        try:
            host = urlsplit(place.strip()).hostname
        except ValueError:  # no address at all
            continue
        if host:
            return str(host).lower().removeprefix("www.")
    return ""
