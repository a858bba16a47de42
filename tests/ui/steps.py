"""What a person does in the browser, step by step."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

CHAT_INPUT = '[data-testid="stChatInputTextArea"]'
_TRIES = 10


def enter(page: Page, link: str) -> None:
    """Open the link and wait for the question box."""
    page.goto(link)
    page.wait_for_selector(CHAT_INPUT, timeout=30_000)


def ask(page: Page, question: str) -> Locator:
    """Ask, and return the turn once its question stands there.

    The box closes a moment after the question before this one appears. Who is faster finds the text in the box again
    and sends it once more; a question that is neither in the box nor in the chat is lost, and that is a fault.
    """
    from playwright.sync_api import TimeoutError as Late

    box = page.locator(CHAT_INPUT)
    turn = page.locator("article.turn").filter(has_text=question).last
    opened(page)
    box.fill(question)
    for _ in range(_TRIES):
        opened(page)
        if box.input_value() == question:
            box.press("Enter")
        with suppress(Late):
            turn.wait_for(timeout=2_000)
            return turn
    raise AssertionError(f"“{question}” is not in the chat; in the box stands “{box.input_value()}”")


def opened(page: Page) -> None:
    """Wait until a question can be typed."""
    page.wait_for_function("selector => !document.querySelector(selector).disabled", arg=CHAT_INPUT)


def settled(page: Page) -> None:
    """Wait until Streamlit has drawn everything and no answer is running."""
    page.wait_for_function(
        "selector => { const box = document.querySelector(selector); return !box || !box.disabled }", arg=CHAT_INPUT
    )
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=30_000)
    page.wait_for_timeout(300)


def close_dialog(page: Page) -> None:
    """Press Escape in the dialog once everything is drawn, and again where a redraw has swallowed it. In the dialog:
    the button that had the focus may be drawn anew, and a key that meets the page closes nothing."""
    from playwright.sync_api import TimeoutError as Late

    dialog = page.get_by_role("dialog")
    for _ in range(_TRIES):
        settled(page)
        page.wait_for_timeout(500)
        with suppress(Late):
            dialog.press("Escape", timeout=2_000)
            dialog.wait_for(state="detached", timeout=2_000)
            break
    dialog.wait_for(state="detached", timeout=2_000)
    settled(page)


def look_inside(page: Page) -> None:
    """Open the page of the first document in the list."""
    page.locator('[class*="st-key-document-"] a').first.click()
    page.get_by_role("link", name="All documents").wait_for(timeout=20_000)
    settled(page)


def go(page: Page, name: str) -> None:
    """Follow a link of the sidebar's navigation."""
    page.locator('[data-testid="stSidebarNav"] a').filter(has_text=name).click()
    page.get_by_role("heading", name=name, exact=True).first.wait_for(timeout=20_000)
    settled(page)
