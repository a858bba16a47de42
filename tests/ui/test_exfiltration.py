"""A hostile document and an obedient model try to call a canary server by 200 payloads in every place that shows text.

Two walls stand against it, each tested alone, and without both the canary must hear from the browser.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.ui import steps
from tests.ui.canary import listening
from tests.ui.conftest import Serve
from tests.ui.hostile import PER_ANSWER, QUESTION
from tests.ui.payloads import payloads

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LEAKS = 12
"""Fewer requests than this without both walls would mean that the test sees nothing."""


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    """An address and everything that was asked of it."""
    with listening() as found:
        yield found


@pytest.mark.parametrize(
    "walls_down",
    [
        pytest.param((), id="both walls"),
        pytest.param(("no-safe",), id="policy alone", marks=pytest.mark.full),
        pytest.param(("no-csp",), id="safe text alone", marks=pytest.mark.full),
        pytest.param(("no-csp", "no-safe"), id="no wall: must leak"),
    ],
)
def test_nothing_shown_reaches_another_origin(
    browser: Browser, serve: Serve, canary: tuple[str, list[str]], walls_down: tuple[str, ...]
) -> None:
    address, heard = canary
    link = serve("hostile", address, *walls_down)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    outside: list[str] = []
    page.on("request", lambda request: outside.append(request.url) if request.url.startswith(address) else None)
    shown = visit_everything(page, link, address)
    context.close()
    assert shown >= len(payloads(address)), "the payloads were not on the page"
    if "no-csp" in walls_down and "no-safe" in walls_down:
        assert len(set(heard)) >= LEAKS
    else:
        assert heard == []
    if "no-safe" not in walls_down:
        assert outside == []
        assert errors == []


def visit_everything(page: Page, link: str, address: str) -> int:
    """Chat, drawers, documents, dialogs, toasts, errors, settings; returns how many payloads stood in answers."""
    steps.enter(page, link)
    shown = 0
    total = len(payloads("http://x"))
    for start in range(0, total, PER_ANSWER):
        turn = steps.ask(page, f"{QUESTION} {start}")
        turn.locator("section.foot button.copy").wait_for(timeout=30_000)
        steps.settled(page)
        shown += turn.locator(".sentence").count()
    page.locator("button.footnote").first.click()
    page.locator(".passage").wait_for(timeout=20_000)
    steps.close_dialog(page)
    page.get_by_role("button", name="Receipt").first.click()
    receipt = page.get_by_role("dialog").locator(".slip")
    receipt.wait_for(timeout=20_000)
    for folded in receipt.locator("summary").all():
        folded.click()
    page.get_by_role("button", name="Run again").click()
    page.locator("article.turn").last.get_by_role("button", name="Receipt").wait_for(timeout=30_000)
    steps.settled(page)
    steps.ask(page, f"{QUESTION} refused").locator(".refusal li").first.wait_for()
    steps.go(page, "Documents")
    documents = page.locator('[class*="st-key-document-d"]')
    documents.nth(19).wait_for(timeout=20_000)
    page.wait_for_timeout(1000)
    page.locator("summary").filter(has_text="Web addresses").click()
    page.get_by_label("One a line").fill(f"![a]({address}/toast.png)")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator('[data-testid="stToast"]').first.wait_for(timeout=20_000)
    steps.settled(page)
    for _ in range(2):  # the second is refused: the name, in an error, is taken
        page.locator(".st-key-menu-workspace button").first.click()
        page.get_by_role("menuitem", name="New workspace").click()
        page.get_by_label("Name", exact=True).fill(f"![a]({address}/error.png)")
        page.get_by_role("dialog").get_by_role("button", name="Create").click()
        page.wait_for_timeout(1000)
    steps.close_dialog(page)
    page.locator(".st-key-workspace input").click()
    page.get_by_role("option").first.click()
    steps.settled(page)
    documents.nth(19).wait_for(timeout=20_000)
    page.locator('[class*="st-key-menu-d"] button').first.click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep it").click()
    steps.settled(page)
    for number in ("2", "3", "1"):
        page.locator(".st-key-documents-page button").filter(has_text=number).first.click()
        steps.settled(page)
    steps.look_inside(page)
    page.locator(".passages li").first.click()
    page.locator("img[alt*='highlighted']").wait_for(timeout=20_000)
    steps.go(page, "Settings")
    steps.settled(page)
    steps.go(page, "Health")
    page.get_by_role("button", name="Check now").click()
    page.get_by_text("checks found something").wait_for(timeout=20_000)
    page.wait_for_timeout(1500)
    return shown
