"""A hostile document, and a model that obeys it, make no browser call anywhere: the real server and services."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.ollama_standin import OllamaStandin
from tests.ui import steps
from tests.ui.canary import listening
from tests.ui.payloads import payloads
from tests.ui.real import Server, without_chat_model

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

QUESTION = "When is the harbour closed?"
FACT = "The harbour is closed in January."
EVERY = 4
"""Each of the 50 ways to write it once; tests/ui/test_exfiltration.py shows all four forms of each."""


def hostile_page(lures: list[str]) -> str:
    """A saved web page whose title, author and text try to have something fetched."""
    title, author = lures[0], lures[1]
    escaped = [lure.replace("&", "&amp;").replace("<", "&lt;") for lure in lures]
    body = "".join(f"<p>{FACT} The notice of berth {number} says: {lure}</p>" for number, lure in enumerate(escaped))
    head = f"<title>{title}</title><meta name=author content='{author}'>"
    return f"<html><head>{head}</head><body><article>{body}</article></body></html>"


@pytest.mark.parametrize("module", ["", "tests.ui.unguarded"], ids=["guarded", "no wall: must leak"])
def test_a_hostile_document_and_an_obedient_model_reach_nobody(browser: Browser, tmp_path: Path, module: str) -> None:
    with listening() as (address, heard), OllamaStandin() as ollama:
        lures = payloads(address)[::EVERY]
        ollama.reply = f"{FACT}\n\n" + "\n\n".join(lures)
        (tmp_path / "notice.html").write_text(hostile_page(lures), encoding="utf-8")
        settings = without_chat_model(tmp_path, ollama_url=ollama.url)
        with Server(tmp_path / "data", settings, module=module) as running:
            running.link()
            assert running.run("add", "-w", "Port", str(tmp_path / "notice.html")).returncode == 0
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            called: list[str] = []
            page.on("request", lambda call: called.append(call.url))
            visit(page, running, plain=bool(module))
            page.context.close()
        assert ollama.chats(), "the model was not asked"
    if module:
        assert heard, "the canary hears nothing even without walls: the test sees nothing"
    else:
        assert heard == []
        own = (f"http://127.0.0.1:{running.port}/", "data:", "blob:")
        assert [url for url in called if not url.startswith(own)] == []


def visit(page: Page, server: Server, *, plain: bool) -> None:
    """Ask, and look at the answer, the passage, the list of documents and into the document."""
    steps.enter(page, server.link())
    page.locator(steps.CHAT_INPUT).fill(QUESTION)
    page.locator(steps.CHAT_INPUT).press("Enter")
    if plain:
        page.get_by_text("harbour is closed").first.wait_for(timeout=30_000)
        page.wait_for_timeout(1500)
    else:
        turn = page.locator("article.turn")
        turn.locator(".foot .meta").wait_for(timeout=60_000)
        assert "![a](" in turn.locator(".prose").inner_text()
        steps.settled(page)
        turn.locator(".row").first.click()
        page.get_by_role("dialog").locator(".passage mark").wait_for(timeout=20_000)
        steps.close_dialog(page)
    steps.go(page, "Documents")
    page.locator('[class*="st-key-document-"]').first.wait_for(timeout=20_000)
    steps.look_inside(page)
    page.locator(".passages").get_by_text("The notice of berth").first.wait_for(timeout=20_000)
    page.wait_for_timeout(1500)
