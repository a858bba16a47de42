"""A crawl survives the end of the application."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.support.services import rows
from tests.support.sites import START, Web, ended, many_pages, online, page, sources, working


def test_a_crawl_that_was_cut_short_goes_on_without_asking_for_a_page_again(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with online(Web(many_pages(12))) as web:
        reached = threading.Event()

        def stop_here(_request: str) -> bytes:
            reached.set()
            return page("Number 4")

        web.pages["/guide/4"] = stop_here
        with working(folder, web) as services:
            workspace = services.library.create_workspace("w").id
            site = services.sites.add(workspace, START)
            assert reached.wait(30)
        first = list(web.page_requests())
        assert 5 <= len(first) < 13, "the control: it was cut short"
        before = rows(folder, "SELECT url FROM site_pages WHERE state = 'fetched'")
        with working(folder, web) as services:
            found = ended(services, site.id)
            assert (found.state, found.taken) == ("done", 13)
            assert len(sources(services, workspace)) == 13
            assert [check for check in services.doctor.check() if not check.ok] == []
        again = web.page_requests()[len(first) :]
        assert not {f"http://docs.example.org{target}" for target in again} & {url for (url,) in before}
