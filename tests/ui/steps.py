"""What a person does in the browser, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

CHAT_INPUT = '[data-testid="stChatInputTextArea"]'


def enter(page: Page, link: str) -> None:
    """Open the link and wait for the question box."""
    page.goto(link)
    page.wait_for_selector(CHAT_INPUT, timeout=30_000)


def ask(page: Page, question: str) -> Locator:
    """Ask, and return the turn once its question stands there."""
    box = page.locator(CHAT_INPUT)
    page.wait_for_function("selector => !document.querySelector(selector).disabled", arg=CHAT_INPUT)
    box.fill(question)
    box.press("Enter")
    turn = page.locator("article.turn").filter(has_text=question).last
    turn.wait_for(timeout=20_000)
    return turn


def settled(page: Page) -> None:
    """Wait until Streamlit has drawn everything and no answer is running."""
    page.wait_for_function(
        "selector => { const box = document.querySelector(selector); return !box || !box.disabled }", arg=CHAT_INPUT
    )
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=30_000)
    page.wait_for_timeout(300)


def close_dialog(page: Page) -> None:
    """Press Escape once everything is drawn; pressed during a redraw, it is lost."""
    settled(page)
    page.wait_for_timeout(500)
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached", timeout=20_000)
    settled(page)


def go(page: Page, name: str) -> None:
    """Follow a link of the sidebar's navigation."""
    page.locator('[data-testid="stSidebarNav"] a').filter(has_text=name).click()
    page.get_by_role("heading", name=name, exact=True).first.wait_for(timeout=20_000)
    settled(page)
