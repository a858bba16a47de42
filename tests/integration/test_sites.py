"""Sections of the web: crawled politely, within their bounds, and looked at again; through the whole line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import ForbiddenAddress, InvalidInput, NotFound, SourceError
from tests.support.services import ingested, rows, settled
from tests.support.sites import (
    START,
    Web,
    crawled,
    ended,
    many_pages,
    online,
    outcomes,
    page,
    small_site,
    sources,
    working,
)
from tests.web import answer, redirect
from workspaces.bootstrap import Services
from workspaces.models import DocumentRecord


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, Web, Path]]:
    """One application and one server for all tests that neither end the one nor the other."""
    folder = Path(tmp_path_factory.mktemp("sites")) / "data"
    with online(Web()) as web, working(folder, web) as services:
        yield services, web, folder


@pytest.fixture
def services(shared: tuple[Services, Web, Path]) -> Services:
    return shared[0]


@pytest.fixture
def web(shared: tuple[Services, Web, Path]) -> Web:
    """The server, with a small site on it and nothing asked yet."""
    found = shared[1]
    found.pages = small_site()
    for asked in (found.asked, found.times, found.contacted):
        asked.clear()
    return found


@pytest.fixture
def workspace(services: Services, request: pytest.FixtureRequest) -> str:
    return services.library.create_workspace(request.node.name[-90:]).id


def test_a_section_becomes_documents_and_nothing_outside_it_is_asked_for(services, web, workspace):
    site = crawled(services, workspace, depth=2)
    assert (site.state, site.taken, site.waiting) == ("done", 4, 0)
    base = "http://docs.example.org/guide/"
    assert sources(services, workspace) == {base, base + "a.html", base + "b.html", base + "c/"}
    assert sorted(web.page_requests()) == ["/guide/", "/guide/a.html", "/guide/b.html", "/guide/c/"]
    [record] = [record for record in services.library.documents(workspace) if record.title == "Gamma"]
    assert record.site_id == site.id
    assert record.fetched_at is not None
    assert record.final_url == base + "c/"
    assert services.viewer.original(record.id).path.read_bytes() in web.pages["/guide/c/"]
    assert services.library.search(workspace, "what does gamma mean").passages[0].document_id == record.id
    assert [check for check in services.doctor.check() if not check.ok] == []


@pytest.mark.parametrize("allowed", [True, False])
def test_robots_txt_is_honoured(services, web, workspace, allowed):
    if not allowed:
        web.pages["/robots.txt"] = answer(b"User-agent: *\nDisallow: /guide/a\n", media_type="text/plain")
    site = crawled(services, workspace, depth=1)
    assert ("/guide/a.html" in web.asked) is allowed, "the control: without robots.txt the page is fetched"
    if not allowed:
        state, reason = outcomes(services, site)["http://docs.example.org/guide/a.html"]
        assert state == "refused"
        assert "robots.txt" in reason


@pytest.mark.parametrize("status", ["500 Oops", "429 Slow"])
def test_where_robots_txt_cannot_be_read_nothing_is_fetched(services, web, workspace, status):
    web.pages["/robots.txt"] = answer(b"", status=status)
    site = crawled(services, workspace)
    assert site.state == "failed"
    assert site.problem is not None
    assert "robots.txt" in site.problem.message
    assert web.page_requests() == []
    web.pages["/robots.txt"] = answer(b"", status="403 Forbidden")
    services.sites.resume(site.id)
    assert ended(services, site.id).taken == 4, "a 4xx status means that there are no rules"


def test_requests_keep_their_distance_and_a_crawl_delay(services, web, workspace):
    crawled(services, workspace, depth=1)
    gaps = [later - earlier for earlier, later in zip(web.times, web.times[1:], strict=False)]
    assert min(gaps) >= 1.0
    web.pages["/robots.txt"] = answer(b"User-agent: footnote\nCrawl-delay: 7\n", media_type="text/plain")
    web.times.clear()
    [site] = services.sites.in_workspace(workspace)
    services.sites.refresh(site.id)
    ended(services, site.id)
    gaps = [later - earlier for earlier, later in zip(web.times[1:], web.times[2:], strict=False)]
    assert min(gaps) >= 7.0


def test_a_busy_server_is_asked_once_more_when_it_says(services, web, workspace):
    busy = [answer(b"", "Retry-After: 20", status="503 Busy")]
    web.pages["/guide/a.html"] = lambda _: busy.pop() if busy else page("Alpha")
    web.pages["/guide/b.html"] = answer(b"", "Retry-After: 5", status="429 Slow down")
    site = crawled(services, workspace, depth=1)
    first, second = [moment for target, moment in zip(web.asked, web.times, strict=True) if target == "/guide/a.html"]
    assert second - first >= 20
    assert web.asked.count("/guide/b.html") == 2
    assert outcomes(services, site)["http://docs.example.org/guide/b.html"][0] == "failed"


@pytest.mark.parametrize(
    "target", ["http://docs.example.org/blog/", "http://inside.example.org/guide/", "http://10.0.0.1/"]
)
def test_a_redirect_out_of_the_section_is_not_followed(services, web, workspace, target):
    web.pages["/guide/a.html"] = redirect(target)
    site = crawled(services, workspace, depth=1)
    state, reason = outcomes(services, site)["http://docs.example.org/guide/a.html"]
    assert state in ("refused", "failed")
    assert reason
    assert "/blog/" not in web.asked
    assert set(web.contacted) == {"93.184.216.34"}


def test_a_redirect_within_the_section_is_followed(services, web, workspace):
    """The control of the test before."""
    web.pages["/guide/a.html"] = redirect("/guide/new.html")
    web.pages["/guide/new.html"] = page("New")
    site = crawled(services, workspace, depth=1)
    assert "http://docs.example.org/guide/new.html" in sources(services, workspace)
    assert outcomes(services, site)["http://docs.example.org/guide/a.html"][0] == "refused"
    assert web.asked.count("/guide/new.html") == 1


def test_a_private_address_as_start_is_refused(services, web, workspace):
    with pytest.raises(ForbiddenAddress):
        services.sites.add(workspace, "http://localhost/guide/")
    with pytest.raises(InvalidInput):
        services.sites.add(workspace, START, pages=10_000)
    site = crawled(services, workspace, "http://inside.example.org/guide/")
    assert site.state == "failed"
    assert web.contacted == []


def test_what_cannot_be_read_is_an_address_with_a_reason_and_no_document(shared, services, web, workspace):
    web.pages["/guide/a.html"] = answer(
        b"<html><body><form><input type='password'></form><p>Please sign in to continue.</p></body></html>"
    )
    web.pages["/guide/b.html"] = answer(b"x", media_type="video/mp4")
    web.pages["/guide/"] = page("Guide", "a.html", "b.html", "missing.html")
    site = crawled(services, workspace, depth=1)
    found = outcomes(services, site)
    assert "sign in" in found["http://docs.example.org/guide/a.html"][1]
    assert found["http://docs.example.org/guide/b.html"][0] == "failed"
    assert "404" in found["http://docs.example.org/guide/missing.html"][1]
    assert sources(services, workspace) == {"http://docs.example.org/guide/"}
    assert services.library.workspace(workspace).failed == 0
    assert services.library.wait_purged(timeout=60)
    left = rows(shared[2], f"SELECT 1 FROM documents WHERE workspace_id = '{workspace}'")
    assert len(left) == 1


def test_marks_of_the_site_are_honoured(services, web, workspace):
    web.pages = {
        "/guide/": page("Guide", "hidden.html", "still.html", "copy.html"),
        "/guide/hidden.html": page("Hidden", "behind.html", head='<meta name="robots" content="noindex">'),
        "/guide/behind.html": page("Behind"),
        "/guide/still.html": page("Still", "never.html", head='<meta name=robots content="NOFOLLOW">'),
        "/guide/never.html": page("Never"),
        "/guide/copy.html": page("Copy", head='<link rel="canonical" href="/guide/original.html">'),
        "/guide/original.html": page("Original"),
    }
    site = crawled(services, workspace)
    titles = {record.title for record in services.library.documents(workspace)}
    assert titles == {"Guide", "Behind", "Still", "Original"}
    assert "/guide/never.html" not in web.asked
    assert "noindex" in outcomes(services, site)["http://docs.example.org/guide/hidden.html"][1]


def test_pages_that_call_each_other_canonical_are_not_both_lost(services, web, workspace):
    web.pages = {
        "/guide/": page("Guide", "a.html"),
        "/guide/a.html": page("Alpha", head='<link rel="canonical" href="b.html">'),
        "/guide/b.html": page("Beta", head='<link rel="canonical" href="a.html">'),
    }
    crawled(services, workspace)
    assert len(sources(services, workspace)) == 2


def test_the_sites_own_list_of_pages_is_read(services, web, workspace):
    web.pages["/robots.txt"] = answer(b"Sitemap: http://docs.example.org/lists.xml\n", media_type="text/plain")
    web.pages["/lists.xml"] = answer(
        b"<sitemapindex><sitemap><loc>http://docs.example.org/list.xml</loc></sitemap>"
        b"<sitemap><loc>http://elsewhere.example.org/list.xml</loc></sitemap></sitemapindex>",
        media_type="application/xml",
    )
    web.pages["/list.xml"] = answer(
        b"<urlset><url><loc>http://docs.example.org/guide/lonely.html</loc></url>"
        b"<url><loc>http://docs.example.org/blog/</loc></url></urlset>",
        media_type="application/xml",
    )
    web.pages["/guide/lonely.html"] = page("Lonely")
    crawled(services, workspace)
    assert "http://docs.example.org/guide/lonely.html" in sources(services, workspace)
    assert "/blog/" not in web.asked


def test_the_limit_of_pages_ends_a_crawl_and_what_is_left_is_told(services, web, workspace):
    web.pages = {f"/guide/{n}": page(f"Number {n}", *(f"/guide/{k}" for k in range(40))) for n in ["", *range(40)]}
    site = crawled(services, workspace, pages=5)
    assert (site.state, site.taken) == ("done", 5)
    assert site.waiting == 36
    assert len(web.page_requests()) == 5


def test_endless_queries_are_a_bounded_matter(services, web, workspace):
    def calendar(request: str) -> bytes:
        month = int(request.split("month=")[1].split(" ")[0])
        return page(f"Month {month}", *(f"cal?month={month + step}" for step in range(1, 30)))

    class Endless(dict):
        def get(self, target, default=None):
            return calendar if "month=" in target else super().get(target, default)

    web.pages = Endless({"/guide/": page("Guide", "cal?month=1")})
    site = crawled(services, workspace, depth=5, pages=100)
    assert site.state == "done"
    assert site.found == 21


# --- ending midway ----------------------------------------------------------------------------------


def test_a_stopped_crawl_asks_for_nothing_more_until_it_is_continued(services, web, workspace):
    web.pages = many_pages(12)

    def stop_here(_request: str) -> bytes:
        services.sites.stop(site.id)
        return page("Number 3")

    web.pages["/guide/3"] = stop_here
    site = services.sites.add(workspace, START)
    assert ended(services, site.id).state == "paused"
    asked = len(web.asked)
    assert "/guide/4" not in web.asked
    web.pages["/guide/3"] = page("Number 3")
    services.sites.resume(site.id)
    found = ended(services, site.id)
    assert (found.state, found.taken) == ("done", 13)
    assert web.page_requests().count("/guide/2") == 1
    assert len(web.asked) > asked


def test_a_deleted_section_takes_its_documents_along_and_no_others(services, web, workspace):
    other = settled(services, services.library.add_url(workspace, "http://docs.example.org/blog/").id)
    site = crawled(services, workspace, depth=1)
    assert len(services.library.documents(workspace)) == 4
    services.sites.delete(site.id)
    assert services.sites.in_workspace(workspace) == []
    assert services.library.wait_purged(timeout=60)
    assert [record.id for record in services.library.documents(workspace)] == [other[0].id]
    assert services.library.search(workspace, "what does beta mean").passages[0].document_id == other[0].id


def test_a_section_deleted_while_it_is_fetched_brings_nothing_more(services, web, workspace):
    site = services.sites.add(workspace, START)

    def delete(_request: str) -> bytes:
        services.sites.delete(site.id)
        return page("Alpha")

    web.pages["/guide/a.html"] = delete
    with pytest.raises(NotFound):
        ended(services, site.id)
    assert services.library.wait_purged(timeout=60)
    assert services.library.documents(workspace) == []


def test_a_workspace_is_deleted_with_its_sections(shared, services, web, workspace):
    crawled(services, workspace, depth=1)
    services.library.delete_workspace(workspace)
    assert services.library.wait_purged(timeout=60)
    assert rows(shared[2], f"SELECT 1 FROM sites WHERE workspace_id = '{workspace}'") == []


def test_when_nobody_answers_any_more_the_crawl_ends_early_and_can_be_continued(services, web, workspace):
    web.pages = many_pages(12)
    broken = {f"/guide/{number}": web.pages[f"/guide/{number}"] for number in range(2, 12)}
    web.pages |= dict.fromkeys(broken, b"")
    site = crawled(services, workspace)
    assert (site.state, site.taken) == ("failed", 3)
    assert site.problem is not None
    assert "Nothing answered" in site.problem.message
    web.pages |= broken
    services.sites.resume(site.id)
    assert ended(services, site.id).taken == 13


# --- looking again ------------------------------------------------------------------------------------


def originals(folder: Path) -> int:
    return sum(path.is_file() for path in (folder / "originals").rglob("*"))


def fetched_page(services: Services, workspace: str, address: str = "http://docs.example.org/guide/") -> DocumentRecord:
    [record] = settled(services, services.library.add_url(workspace, address).id)
    assert record.state == "ready", record.problem
    return record


def test_an_unchanged_page_is_only_noted_as_looked_at(services, web, workspace):
    def reply(request: str) -> bytes:
        if 'If-None-Match: "v1"' in request:
            return answer(b"", status="304 Not Modified")
        return page("Guide").replace(b"\r\n\r\n", b'\r\nETag: "v1"\r\n\r\n', 1)

    web.pages["/guide/"] = reply
    record = fetched_page(services, workspace)
    assert services.sites.refresh_document(record.id) == "unchanged"
    again = services.library.document(record.id)
    assert (again.version_id, again.fetched_at) == (record.version_id, record.fetched_at)
    assert again.checked_at is not None


@pytest.mark.parametrize("around", ["the same bytes", "another menu"])
def test_a_page_whose_text_is_the_same_is_unchanged(shared, services, web, workspace, around):
    record = fetched_page(services, workspace)
    if around == "another menu":
        web.pages["/guide/"] = page("Guide", "d.html", head="<meta name='stamp' content='7'>")
    stored = originals(shared[2])
    assert services.sites.refresh_document(record.id) == "unchanged"
    assert len(services.library.versions(record.id)) == 1
    assert originals(shared[2]) == stored, "what no version names is not kept"


def test_a_changed_page_becomes_a_new_version_and_an_old_citation_keeps_its_own(services, web, workspace):
    record = fetched_page(services, workspace)
    [old] = services.library.search(workspace, "what does guide mean").passages
    web.pages["/guide/"] = page("Guide", words="The lighthouse keeper counts eleven ships before breakfast. " * 8)
    assert services.sites.refresh_document(record.id) == "changed"
    [again] = settled(services, record.id)
    assert (again.state, again.number, again.media_type) == ("ready", 2, "text/html")
    assert again.final_url == record.final_url
    assert again.fetched_at is not None
    assert record.fetched_at is not None
    assert again.fetched_at > record.fetched_at
    assert "eleven ships" in services.library.search(workspace, "lighthouse ships").passages[0].text
    view = services.viewer.passage(old.version_id, old.span)
    assert (view.superseded, view.document.fetched_at) == (True, record.fetched_at)
    assert "says what Guide means" in view.quote


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone"])
def test_a_page_that_is_gone_stays_here_and_says_so(services, web, workspace, status):
    record = fetched_page(services, workspace)
    web.pages["/guide/"] = answer(b"", status=status)
    assert services.sites.refresh_document(record.id) == "gone"
    first = services.library.document(record.id)
    assert first.state == "ready"
    assert first.gone_at is not None
    assert services.sites.refresh_document(record.id) == "gone"
    assert services.library.document(record.id).gone_at == first.gone_at, "since the first time"
    web.pages["/guide/"] = small_site()["/guide/"]
    assert services.sites.refresh_document(record.id) == "unchanged"
    assert services.library.document(record.id).gone_at is None, "it is back"


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"", status="500 Oops"),
        answer(b"<html><body><form><input type='password'></form><p>Please sign in.</p></body></html>"),
        redirect("http://10.0.0.1/"),
    ],
)
def test_a_page_that_cannot_be_fetched_now_stays_as_it_was(services, web, workspace, reply):
    record = fetched_page(services, workspace)
    web.pages["/guide/"] = reply
    with pytest.raises(SourceError):
        services.sites.refresh_document(record.id)
    assert services.library.document(record.id) == record
    assert len(services.library.versions(record.id)) == 1


def test_only_web_documents_are_fetched_again(services, workspace):
    file = ingested(services, workspace, "A file.")
    with pytest.raises(InvalidInput, match="was not fetched from the web"):
        services.sites.refresh_document(file.id)


def test_a_section_is_looked_at_again(services, web, workspace):
    site = crawled(services, workspace)
    records = {record.source.rpartition("/guide/")[2]: record for record in services.library.documents(workspace)}
    services.library.delete(records["c/"].id)
    del web.pages["/guide/a.html"]
    web.pages["/guide/b.html"] = page("Beta", "new.html", words="Eleven ships sail past the lighthouse at dawn. " * 9)
    web.pages["/guide/new.html"] = page("New")
    web.asked.clear()
    services.sites.refresh(site.id)
    site = ended(services, site.id)
    now = {record.source.rpartition("/guide/")[2]: record for record in services.library.documents(workspace)}
    assert set(now) == {"", "a.html", "b.html", "new.html"}
    assert (now[""].number, now[""].version_id) == (1, records[""].version_id)
    assert now[""].checked_at is not None
    assert now["b.html"].number == 2
    assert now["a.html"].gone_at is not None
    assert now["a.html"].state == "ready"
    assert "/guide/c/" not in web.asked, "what a person deleted is not fetched again"
    assert "You deleted" in outcomes(services, site)["http://docs.example.org/guide/c/"][1]


def test_a_section_that_is_made_deeper_finds_more_below_unchanged_pages(services, web, workspace):
    def reply(request: str) -> bytes:
        if 'If-None-Match: "v1"' in request:
            return answer(b"", status="304 Not Modified")
        return page("Guide", "a.html").replace(b"\r\n\r\n", b'\r\nETag: "v1"\r\n\r\n', 1)

    web.pages["/guide/"] = reply
    assert crawled(services, workspace, depth=0).taken == 1
    assert crawled(services, workspace, depth=1).taken == 2


def test_a_document_deleted_while_its_page_is_looked_at_does_not_stop_the_crawl(services, web, workspace):
    site = crawled(services, workspace)
    [doomed] = [record for record in services.library.documents(workspace) if record.source.endswith("a.html")]

    def delete(_request: str) -> bytes:
        services.library.delete(doomed.id)
        return page("Alpha", words="Eleven ships sail past the lighthouse at dawn. " * 9)

    web.pages["/guide/a.html"] = delete
    services.sites.refresh(site.id)
    site = ended(services, site.id)
    assert site.state == "done"
    assert "You deleted" in outcomes(services, site)[doomed.source][1]


def test_the_same_section_added_again_is_one_section(services, web, workspace):
    first = crawled(services, workspace, depth=1)
    second = crawled(services, workspace, depth=2)
    assert first.id == second.id
    assert second.taken == 4


def test_a_page_that_is_a_document_already_is_not_taken_twice(services, web, workspace):
    record = fetched_page(services, workspace, "http://docs.example.org/guide/a.html")
    site = crawled(services, workspace, depth=1)
    assert site.taken == 3
    mine = [found for found in services.library.documents(workspace) if found.source == record.source]
    assert [found.id for found in mine] == [record.id]
    services.sites.delete(site.id)
    assert [found.id for found in services.library.documents(workspace)] == [record.id], "it was here before"
