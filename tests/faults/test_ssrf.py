"""No form of an address, direct or by redirect, makes the fetcher contact this machine or its network."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import urljoin

import pytest

from ingest import addresses
from ingest.addresses import IPAddress, parse, refusal
from ingest.answers import Validators
from ingest.connection import Connect
from ingest.crawl import Crawler
from ingest.fetch import Fetcher
from ingest.pace import Pace
from rag.errors import ForbiddenAddress, Unreachable
from tests.conftest import ROOT
from tests.faults.ssrf_forms import GOOD, PUBLIC, PUBLIC_V6, Form, forms, resolver_for
from tests.web import PageServer, answer, page_server, redirect

FORMS = list(forms())
CODES = (301, 302, 303, 307, 308)
PAGE = answer(b"<html><body><p>the inside</p></body></html>")


@pytest.fixture(scope="module")
def canary() -> Iterator[PageServer]:
    with page_server(PAGE) as server:
        yield server


@pytest.fixture(scope="module")
def front() -> Iterator[PageServer]:
    """A public server that redirects to wherever its path says."""
    with page_server(PAGE) as server:
        yield server


def routed(front: PageServer, canary: PageServer) -> Connect:
    """Public addresses lead to `front`, all others to `canary`; both are real connections."""

    def open_connection(address: IPAddress, port: int, seconds: float) -> socket.socket:
        server = front if str(address) in (PUBLIC, PUBLIC_V6) else canary
        return socket.create_connection(("127.0.0.1", server.port), timeout=seconds)

    return open_connection


def nothing_refused(address: IPAddress) -> str | None:
    return None


def outcome(fetch: Callable[[str], object], url: str) -> type[Exception] | None:
    try:
        fetch(url)
    except (ForbiddenAddress, Unreachable) as error:
        return type(error)
    return None


def test_there_are_enough_forms() -> None:
    assert len({(form.kind, form.url, form.names) for form in FORMS}) >= 400
    assert len({form.kind for form in FORMS}) >= 50
    assert len(set(GOOD)) >= 100


def test_every_form_is_refused_and_the_canary_is_never_contacted(front: PageServer, canary: PageServer) -> None:
    before = canary.connections
    opener = routed(front, canary)
    wrong = [
        form
        for form in FORMS
        if outcome(Fetcher(resolver=resolver_for(form), open_connection=opener).fetch, form.url) is not ForbiddenAddress
    ]
    assert wrong == []
    assert canary.connections == before


def test_every_form_is_refused_as_the_target_of_a_redirect(front: PageServer, canary: PageServer) -> None:
    before, asked = canary.connections, front.connections
    opener = routed(front, canary)
    wrong = []
    tried = 0
    start = "http://www.example.com/start"
    for position, form in enumerate(FORMS):
        if any(ord(character) < 0x20 for character in form.url):
            continue  # cannot stand in a header
        with suppress(ValueError):
            if urljoin(start, form.url).startswith("http://www.example.com/"):
                continue  # relative to the public server: leads nowhere else
        tried += 1
        front.reply = redirect(form.url, status=CODES[position % len(CODES)])
        fetcher = Fetcher(resolver=resolver_for(form), open_connection=opener)
        if outcome(fetcher.fetch, start) is not ForbiddenAddress:
            wrong.append(form)
    assert wrong == []
    assert tried >= 400
    assert front.connections - asked >= tried
    assert canary.connections == before


@pytest.mark.parametrize("code", CODES)
def test_redirect_of_every_kind_is_checked(front: PageServer, canary: PageServer, code: int) -> None:
    opener = routed(front, canary)
    targets = [
        "http://127.0.0.1/",
        "http://①②⑦.⓪.⓪.①/",
        "//169.254.169.254/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://2130706433/",
    ]
    for target in targets:
        front.reply = redirect(target, status=code)
        fetcher = Fetcher(resolver=resolver_for(FORMS[0]), open_connection=opener)
        with pytest.raises(ForbiddenAddress):
            fetcher.fetch("http://www.example.com/")
        unguarded = Fetcher(resolver=resolver_for(FORMS[0]), open_connection=opener, refuse=nothing_refused)
        if "2130706433" not in target:  # refused as a form, before any look-up
            hits = canary.connections
            unguarded.fetch("http://www.example.com/")
            assert canary.connections == hits + 1


def test_without_the_guard_the_canary_is_contacted(front: PageServer, canary: PageServer) -> None:
    opener = routed(front, canary)
    missed: list[Form] = []
    plain = [form for form in FORMS if form.plain]
    for form in plain:
        before = canary.connections
        Fetcher(resolver=resolver_for(form), open_connection=opener, refuse=nothing_refused).fetch(form.url)
        if canary.connections == before:
            missed.append(form)
    assert len(plain) >= 300
    assert missed == []


def test_good_addresses_pass(front: PageServer, canary: PageServer) -> None:
    front.reply = PAGE
    refused = []
    for url in GOOD:
        web = parse(url)
        asked: list[str] = []

        def open_connection(address: IPAddress, port: int, seconds: float) -> socket.socket:
            asked.append(str(address))  # noqa: B023 - used within the turn
            return socket.create_connection(("127.0.0.1", front.port), timeout=seconds)

        fetcher = Fetcher(resolver=lambda host, port: [PUBLIC_V6, PUBLIC], open_connection=open_connection)
        plain = "http://" + url.partition("://")[2]  # the same address without TLS can be fetched here
        if outcome(fetcher.fetch, plain) is not None or not asked or not web.host.isascii():
            refused.append(url)
    assert refused == []


def test_name_is_looked_up_once_and_the_checked_address_is_contacted() -> None:
    answers = [[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]]
    contacted: list[str] = []
    with page_server(PAGE) as server:

        def open_connection(address: IPAddress, port: int, seconds: float) -> socket.socket:
            contacted.append(str(address))
            return socket.create_connection(("127.0.0.1", server.port), timeout=seconds)

        Fetcher(resolver=lambda host, port: answers.pop(0), open_connection=open_connection).fetch(
            "http://flip.example.com/"
        )
    assert contacted == [PUBLIC]
    assert len(answers) == 2


def test_name_that_flips_between_two_hops_is_refused() -> None:
    answers = [[PUBLIC], ["10.0.0.1"]]
    with page_server(redirect("/next")) as server:
        fetcher = Fetcher(
            resolver=lambda host, port: answers.pop(0),
            open_connection=lambda address, port, seconds: socket.create_connection(("127.0.0.1", server.port)),
        )
        with pytest.raises(ForbiddenAddress):
            fetcher.fetch("http://flip.example.com/")
        assert server.connections == 1


def test_sub_resources_and_meta_refresh_are_not_fetched() -> None:
    page = (
        b'<html><head><meta http-equiv="refresh" content="0;url=http://127.0.0.1/"><link rel=stylesheet '
        b'href="http://127.0.0.1/a.css"></head><body><img src="http://127.0.0.1/x.png">'
        b'<iframe src="/f"></iframe></body></html>'
    )
    with page_server(answer(page)) as server:
        fetcher = Fetcher(
            resolver=lambda host, port: [PUBLIC],
            open_connection=lambda address, port, seconds: socket.create_connection(("127.0.0.1", server.port)),
        )
        assert fetcher.fetch("http://www.example.com/").data == page
        assert server.connections == 1


@pytest.mark.parametrize("guarded", [True, False])
def test_a_crawl_never_follows_its_host_into_this_network(front: PageServer, canary: PageServer, guarded: bool) -> None:
    """The name is public for robots.txt and the first page, and inside for the second."""
    answers = [[PUBLIC], [PUBLIC], ["10.0.0.1"]]
    front.reply = answer(b'<html><body><a href="/docs/next">next</a><p>the outside</p></body></html>')
    fetcher = Fetcher(
        resolver=lambda host, port: answers.pop(0),
        open_connection=routed(front, canary),
        **({} if guarded else {"refuse": nothing_refused}),
    )
    now = [0.0]
    pace = Pace(clock=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    crawler = Crawler(fetcher, pace, check=lambda: None)
    before = canary.connections
    visit = crawler.visit("http://flip.example.com/docs/", Validators())
    assert visit.links == ("http://flip.example.com/docs/next",)
    if guarded:
        with pytest.raises(ForbiddenAddress):
            crawler.visit(visit.links[0], Validators())
        assert canary.connections == before
    else:
        crawler.visit(visit.links[0], Validators())
        assert canary.connections == before + 1, "the control"


def test_proxy_variables_are_ignored(monkeypatch: pytest.MonkeyPatch, canary: PageServer) -> None:
    before = canary.connections
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    with page_server(PAGE) as server:
        Fetcher(
            resolver=lambda host, port: [PUBLIC],
            open_connection=lambda address, port, seconds: socket.create_connection(("127.0.0.1", server.port)),
        ).fetch("http://www.example.com/")
        assert server.requests[0].startswith("GET / HTTP/1.1\r\nHost: www.example.com\r\n")
        assert "cookie" not in server.requests[0].lower()
    assert canary.connections == before


def test_deny_table_covers_each_range_to_its_ends() -> None:
    networks: list[IPv4Network | IPv6Network] = [*addresses._DENIED_V4, *addresses._DENIED_V6]
    edges = [edge for network in networks for edge in (network.network_address, network.broadcast_address)]
    assert [edge for edge in edges if refusal(edge) is None] == []
    assert refusal(ip_address("8.8.8.8")) is None
    assert refusal(ip_address("64:ff9b::808:808")) is None


def test_in_a_network_where_every_address_is_a_canary() -> None:
    """The whole way down to the kernel: real connects on real ports, all addresses local."""
    if not sys.platform.startswith("linux") or not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("needs Linux with unshare and ip")
    if subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this user may not make a network namespace")
    command = ["unshare", "-n", sys.executable, "-m", "tests.faults.ssrf_namespace"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    figures = {key: int(value) for key, value in (pair.split("=") for pair in run.stdout.split())}
    assert figures["forms"] >= 400
    assert figures["guarded_hits"] == 0
    assert figures["not_refused"] == 0
    assert figures["unguarded_hits"] >= 300
