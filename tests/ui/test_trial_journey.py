"""The test of a workspace in a real Chromium over the real services: made, asked, looked at, edited, compared; and a
thumb down in the chat."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.ollama_standin import unused_url
from tests.ui import steps
from tests.ui.real import Server, without_chat_model

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TEXTS = {
    "lease": "The monthly rent is 1,250 euros. The lease of the office began on 3 October 2021.",
    "turbine": "The turbine was built by Siemens in Berlin. The turbine delivers 12 megawatts.",
    "garden": "The orchard was planted in 1931. The orchard has 340 trees.",
}
ASK = re.compile(r"Ask \d+ questions?")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("trial")
    for name, text in TEXTS.items():
        (folder / f"{name}.txt").write_text(text)
    with Server(folder / "data", without_chat_model(folder, ollama_url=unused_url())) as running:
        running.link()
        added = running.run("add", "-w", "House", *(str(folder / f"{name}.txt") for name in TEXTS))
        assert added.returncode == 0, added.stderr
        yield running


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    steps.enter(opened, server.link())
    yield opened
    context.close()
    assert errors == []


def choose(page: Page, view: str) -> None:
    page.get_by_role("radio", name=view).or_(page.get_by_role("button", name=view, exact=True)).first.click()
    steps.settled(page)


def ask_all(page: Page, runs: int) -> None:
    """Ask every question, and wait until that run is shown."""
    page.get_by_role("button", name=ASK).click()
    page.get_by_text("Right passage found first").wait_for(timeout=60_000)
    page.locator("button:not([disabled])").filter(has_text=ASK).wait_for(timeout=60_000)
    steps.settled(page)
    if runs > 1:
        page.get_by_role("heading", name="Over the runs").wait_for(timeout=20_000)


def test_from_an_empty_page_to_figures_that_stay(page: Page, server: Server) -> None:
    steps.go(page, "Test")
    page.get_by_role("button", name="Make 20 questions from my documents").click()
    page.get_by_role("button", name=ASK).wait_for(timeout=30_000)
    ask_all(page, 1)
    assert "95 % interval" in page.locator("table").inner_text()
    page.reload()
    page.get_by_text("Right passage found first").wait_for(timeout=30_000)
    page.get_by_text("that went right").click()
    page.locator('[class*="st-key-result-"] button').first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Passages found, best first").wait_for(timeout=20_000)
    assert any(f"{name}, line 1" in dialog.inner_text() for name in TEXTS)
    steps.close_dialog(page)
    ask_all(page, 2)
    page.locator('[data-testid="stVegaLiteChart"]').wait_for(timeout=20_000)
    choose(page, "Compare")
    page.get_by_text("No question turned out differently").wait_for(timeout=20_000)
    told = server.run("test", "-w", "House", "--json")
    assert told.returncode == 0, told.stderr
    assert '"state": "done"' in told.stdout


def test_a_thumb_down_becomes_a_question_that_can_be_edited(page: Page) -> None:
    turn = steps.ask(page, "How much is the monthly rent?")
    turn.locator(".foot .meta").wait_for(timeout=60_000)
    steps.settled(page)
    page.locator('[data-testid="stFeedback"] button').nth(1).click()
    page.get_by_role("button", name="Add to the test").click()
    page.get_by_role("link", name="In the test").click()
    page.get_by_role("heading", name="Test", exact=True).wait_for(timeout=20_000)
    steps.settled(page)
    choose(page, "Questions")
    row = page.locator('[class*="st-key-question-"]').filter(has_text="How much is the monthly rent?").last
    row.get_by_text("from a thumb down").wait_for()
    row.locator('[class*="st-key-menu-question-"] button').first.click()
    page.get_by_text("Edit…").last.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Question").fill("What is the rent for a month?")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_text("What is the rent for a month?").last.wait_for(timeout=20_000)
