"""Twenty files of twenty formats dropped at once into the real application, whose process is killed in the middle."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from ingest import media
from tests.contract.test_loaders import FILES
from tests.ollama_standin import unused_url
from tests.support.documents import long_text
from tests.ui import steps
from tests.ui.real import Server, without_chat_model

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_KINDS = (
    media.PDF, media.TEXT, media.MARKDOWN, media.XLSX, media.XLS, media.ODS, media.CSV, media.HTML, media.RST,
    media.LATEX, media.CODE, media.JSON, media.DOCX, media.ODT, media.RTF, media.PPTX, media.EML, media.EPUB,
)  # fmt: skip
_LONG = long_text(5, paragraphs=400)
"""It takes longer to read than all others together: something is always left when the process is killed."""

ROW = '[class*="st-key-document-"]'
ROWS = f"""() => [...document.querySelectorAll('{ROW}')]
    .filter(row => !row.innerText.includes("Try again"))
    .map(row => [...row.classList].find(name => name.startsWith("st-key-document-")))"""
"""The documents that have not failed, from the top."""


def twenty() -> list[dict[str, object]]:
    endings = {kind: ending for ending, kind in reversed(list(media.EXTENSIONS.items()))}
    files = {f"sample {number}{endings[kind]}": FILES[kind] for number, kind in enumerate(_KINDS)}
    files |= {"long.txt": _LONG.encode(), "broken.docx": b"PK\x03\x04" + b"no archive " * 40}
    return [
        {"name": name, "mimeType": "application/octet-stream", "buffer": content} for name, content in files.items()
    ]


def test_twenty_files_are_read_though_the_process_is_killed_and_one_is_broken(browser: Browser, tmp_path: Path) -> None:
    files = twenty()
    assert len(files) == 20
    settings = without_chat_model(tmp_path, ollama_url=unused_url())
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    with Server(tmp_path / "data", settings) as running:
        steps.enter(page, running.link())
        steps.go(page, "Documents")
        page.locator('input[type="file"]').set_input_files(files)  # type: ignore[arg-type]  # one mapping a file
        watch_some(page)
        assert_the_broken_one_stands_first(page)
        running.process.kill()
        running.process.wait()
        assert unfinished(tmp_path / "data"), "the control: it was killed before everything was read"
        with Server(tmp_path / "data", settings, port=running.port) as again:
            again.link()
            page.reload()
            page.get_by_text("21 documents", exact=True).wait_for(timeout=30_000)
            page.locator('[data-testid="stProgress"]').first.wait_for(timeout=30_000)  # it goes on by itself
            page.locator('[data-testid="stProgress"]').first.wait_for(state="detached", timeout=90_000)
            page.get_by_text(re.compile(r"^21 documents · [\d,]+ passages to search · 1 could not be read$")).wait_for(
                timeout=20_000
            )
            steps.settled(page)
            assert_the_broken_one_stands_first(page)
            assert page.get_by_text(re.compile(r"\d+ of \d+ read")).count() == 0
    context.close()
    assert states(tmp_path / "data") == {"ready": 20, "failed": 1}  # 19 of the files, and the one inside the mail


def watch_some(page: Page) -> None:
    """Until a few have been read and one has failed: each shows how far it is, and none changes its place."""
    told = page.get_by_text(re.compile(r"^\d+ of \d+ read"))
    told.wait_for(timeout=30_000)
    page.locator('[data-testid="stProgress"]').nth(1).wait_for(timeout=20_000)
    before: list[str] = page.evaluate(ROWS)
    while (
        not (found := re.match(r"(\d+) of (\d+) read, 1 failed", told.inner_text(timeout=10_000))) or int(found[1]) < 4
    ):
        page.wait_for_timeout(150)
        now: list[str] = page.evaluate(ROWS)
        kept = [row for row in before if row in now]
        assert [row for row in now if row in before] == kept
        before = now
    assert int(found[1]) < int(found[2]) - 1


def assert_the_broken_one_stands_first(page: Page) -> None:
    first = page.locator(ROW).first
    first.get_by_text("broken.docx").first.wait_for(timeout=20_000)
    told = first.inner_text()
    assert "It is damaged" in told
    assert first.get_by_role("button", name="Try again").is_visible()


def states(data: Path) -> dict[str, int]:
    """How many documents are in each state."""
    with closing(sqlite3.connect(f"file:{data / 'footnote.db'}?mode=ro", uri=True)) as connection:
        return dict(connection.execute("select state, count(*) from versions group by state").fetchall())


def unfinished(data: Path) -> int:
    return sum(number for state, number in states(data).items() if state not in ("ready", "failed"))
