"""A small web behind one loopback server, for tests that crawl it; its time passes only while somebody waits."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.fetch import Fetcher
from ingest.pace import Pace
from tests.support.services import opened, settled
from tests.web import PageServer, answer, page_server
from workspaces.bootstrap import Services
from workspaces.models import Site

START = "http://docs.example.org/guide/"


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.hold: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Web:
    """A site in memory: target to answer. What is not in it is answered with 404."""

    pages: dict[str, bytes | Callable[[str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)
    server: PageServer | None = None
    contacted: list[str] = field(default_factory=list)

    def reply(self, target: str) -> bytes:
        assert self.server is not None
        self.asked.append(target)
        self.times.append(self.clock.now)
        found = self.pages.get(target, answer(b"nothing here", status="404 Not Found"))
        return found(self.server.requests[-1]) if callable(found) else found

    def fetcher(self) -> Fetcher:
        def connect(address: object, _port: int, seconds: float) -> socket.socket:
            assert self.server is not None
            self.contacted.append(str(address))
            return socket.create_connection(("127.0.0.1", self.server.port), seconds)

        def resolve(host: str, _port: int) -> list[str]:
            return ["10.0.0.1"] if host.startswith("inside.") else ["93.184.216.34"]

        return Fetcher(resolver=resolve, open_connection=connect)

    def page_requests(self) -> list[str]:
        return [target for target in self.asked if not target.startswith(("/robots.txt", "/sitemap"))]


def page(title: str, *links: str, head: str = "", words: str = "") -> bytes:
    """An answer with enough text of its own to be a document."""
    text = (
        words or f"The chapter on {title} says what {title} means, when it is used, and who decides about {title}. " * 6
    )
    menu = "".join(f'<a href="{link}">{link}</a> ' for link in links)
    return answer(
        f"<html><head><title>{title}</title>{head}</head><body><nav>{menu}</nav>"
        f"<article><h1>{title}</h1><p>{text}</p></article></body></html>".encode()
    )


@contextmanager
def online(web: Web) -> Iterator[Web]:
    with page_server(web.reply) as web.server:
        yield web


@contextmanager
def working(folder: Path, web: Web) -> Iterator[Services]:
    with opened(folder, fetcher=web.fetcher, pace=lambda: Pace(clock=web.clock, sleep=web.clock.sleep)) as services:
        yield services


def crawled(services: Services, workspace: str, start: str = START, **options: int) -> Site:
    """A section when its crawl has ended and its documents are read."""
    return ended(services, services.sites.add(workspace, start, **options).id)


def ended(services: Services, site_id: str) -> Site:
    deadline = threading.Event()
    timer = threading.Timer(60, deadline.set)
    timer.start()
    try:
        for _ in services.sites.wait(site_id):
            assert not deadline.is_set(), "it takes too long"
    finally:
        timer.cancel()
    site = services.sites.site(site_id)
    settled(services, *[record.id for record in services.library.documents(site.workspace_id)])
    return services.sites.site(site_id)


def outcomes(services: Services, site: Site) -> dict[str, tuple[str, str]]:
    return {found.url: (found.state, found.reason) for found in services.sites.pages(site.id)}


def sources(services: Services, workspace: str) -> set[str]:
    return {record.source for record in services.library.documents(workspace) if record.state == "ready"}


def small_site() -> dict[str, Any]:
    return {
        "/guide/": page("Guide", "a.html", "/guide/b.html#part", "/blog/", "http://other.example.org/guide/x"),
        "/guide/a.html": page("Alpha", "../guide/b.html", "c/"),
        "/guide/b.html": page("Beta", "/guide/"),
        "/guide/c/": page("Gamma", "deep.html"),
        "/guide/c/deep.html": page("Delta"),
        "/blog/": page("Blog"),
    }


def many_pages(count: int) -> dict[str, Any]:
    return {f"/guide/{n}": page(f"Number {n}", *(f"/guide/{k}" for k in range(count))) for n in ["", *range(count)]}
