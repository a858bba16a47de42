"""What a person does, in a real Chromium: add, ask, open a footnote, stop, reload."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.ui import steps
from tests.ui.conftest import Serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh window that may use the clipboard."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


def test_a_footnote_opens_the_highlighted_page(page: Page, serve: Serve) -> None:
    steps.enter(page, serve("demo", "furnished"))
    turn = steps.ask(page, "When is the rent due?")
    turn.locator("button.copy").wait_for(timeout=20_000)
    assert turn.locator("mark").count() == 3
    assert turn.locator(".sentence.not_found + .tag").inner_text() == "not in your documents"
    assert turn.locator(".sentence.partly").count() == 1
    turn.locator("button.footnote").nth(1).click()
    drawer = page.get_by_role("dialog")
    image = drawer.locator("img[alt*='highlighted']")
    image.wait_for(timeout=20_000)
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 400
    drawer.locator(".passage mark").get_by_text("Payment by bank transfer").wait_for(timeout=20_000)
    drawer.locator(".st-key-page-chevron_left button").first.click()
    drawer.locator("img[alt='Page 2']").wait_for(timeout=20_000)
    drawer.get_by_role("button", name="To the passage").click()
    drawer.locator("img[alt*='highlighted']").wait_for(timeout=20_000)
    steps.settled(page)
    with page.expect_download() as download:
        drawer.get_by_role("button", name="Download the original").click()
    assert download.value.suggested_filename == "lease-2024.pdf"
    steps.close_dialog(page)
    turn.locator(".strip .card").nth(1).click()
    page.get_by_role("dialog").locator(".passage mark").wait_for(timeout=20_000)


def test_an_answer_can_be_copied_with_its_footnotes(page: Page, serve: Serve) -> None:
    steps.enter(page, serve("demo", "furnished"))
    turn = steps.ask(page, "When is the rent due?")
    turn.get_by_text("Copy with footnotes").click()
    turn.get_by_text("Copied").wait_for()
    assert "[^1]: Lease agreement" in page.evaluate("navigator.clipboard.readText()")


def test_an_answer_goes_on_over_a_reload_and_stop_keeps_it(page: Page, serve: Serve) -> None:
    steps.enter(page, serve("demo", "furnished"))
    question = "When is the rent due, slowly?"
    steps.ask(page, question).locator(".prose").wait_for(timeout=20_000)
    assert "token" not in page.url
    page.reload()
    turn = page.locator("article.turn").filter(has_text=question)
    turn.locator(".prose .sentence").first.wait_for(timeout=20_000)
    assert page.locator(steps.CHAT_INPUT).is_disabled()
    page.get_by_role("button", name="Stop").click()
    turn.get_by_text("Stopped. What was written is kept.").wait_for(timeout=20_000)
    assert "The rent is due in advance" in turn.locator(".prose").inner_text()
    page.get_by_role("button", name="Ask again").wait_for()


def test_a_document_is_added_shown_and_deleted_with_figures(page: Page, serve: Serve) -> None:
    steps.enter(page, serve("demo", "empty"))
    page.get_by_text("No documents yet.").wait_for()
    page.locator('input[type="file"]').set_input_files(
        {"name": "pets *and* rent.txt", "mimeType": "text/plain", "buffer": b"Pets need the landlord's consent."}
    )
    page.get_by_text("What would you like to know?").wait_for(timeout=20_000)
    steps.go(page, "Documents")
    row = page.locator('[class*="st-key-document-d"]')
    assert "pets *and* rent" in row.inner_text()
    steps.look_inside(page)
    page.locator(".passages").get_by_text("Pets need").wait_for(timeout=20_000)
    assert "/document?" in page.url
    page.reload()
    page.locator(".passages").get_by_text("Pets need").wait_for(timeout=20_000)
    page.get_by_role("link", name="All documents").click()
    row.wait_for(timeout=20_000)
    steps.settled(page)
    row.locator('[class*="st-key-menu-d"] button').first.click()
    page.get_by_role("menuitem", name="Delete").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("1 passage").wait_for(timeout=20_000)
    dialog.get_by_role("button", name="Delete document").click()
    page.get_by_text("No documents yet.").wait_for(timeout=20_000)


def test_workspaces_and_chats_are_managed_from_the_sidebar(page: Page, serve: Serve) -> None:
    steps.enter(page, serve("demo", "furnished"))
    steps.ask(page, "When is the rent due?").locator("button.copy").wait_for(timeout=20_000)
    steps.settled(page)
    page.locator('[class*="st-key-menu-chat-"] button').first.click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_label("Title").fill("Rent")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    page.locator(".st-key-chats").get_by_text("Rent", exact=True).wait_for(timeout=20_000)
    steps.settled(page)
    page.locator(".st-key-menu-workspace button").first.click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_text("3 documents, 1 chat").wait_for(timeout=20_000)
    page.get_by_role("button", name="Delete workspace").click()
    page.get_by_text("Ask your own documents").wait_for(timeout=20_000)  # the other workspace is empty


def test_a_question_looks_where_it_was_told_until_that_is_changed(page: Page, serve: Serve) -> None:
    steps.enter(page, serve("demo", "furnished"))
    steps.settled(page)
    page.get_by_role("button", name="Search in").click()
    page.locator(".st-key-scope-kinds input").click()
    page.get_by_role("option", name="PDF").click()
    page.get_by_text("1 document will be searched").wait_for(timeout=20_000)
    panel = page.get_by_test_id("stPopoverBody").bounding_box()
    assert panel is not None
    assert panel["y"] >= 0
    assert panel["y"] + panel["height"] <= 900, "it opens upwards, for below there is no room"
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    steps.ask(page, "When is the rent due?").locator("button.copy").wait_for(timeout=20_000)
    turn = steps.ask(page, "Who won the match?")
    turn.get_by_text("Only a part of your documents was searched (PDF)").wait_for(timeout=20_000)
    assert turn.locator(".searched").inner_text() == "Searched in: PDF"
    chip = page.locator(".st-key-scope").get_by_role("button", name="PDF")
    chip.wait_for(timeout=20_000)
    steps.settled(page)
    page.wait_for_function("""() => {
        const box = document.querySelector('[data-testid="stAppScrollToBottomContainer"]');
        return box.scrollTop > 0 && box.scrollHeight - box.clientHeight - box.scrollTop < 5 }""")
    turn.get_by_role("button", name="Ask without the filter").click()
    again = page.locator("article.turn").nth(2)
    again.get_by_text("Your documents do not seem to answer this.").wait_for(timeout=20_000)
    chip.wait_for(state="detached", timeout=20_000)
    assert not again.locator(".searched").is_visible()


def test_without_the_link_the_page_says_how_to_get_in(page: Page, serve: Serve) -> None:
    link = serve("demo", "furnished")
    page.goto(re.sub(r"\?token=.*", "", link))
    page.get_by_text("footnote open").first.wait_for()
    assert page.locator(steps.CHAT_INPUT).count() == 0


def test_a_page_of_another_site_cannot_frame_or_call_it(page: Page, serve: Serve, browser: Browser) -> None:
    link = serve("demo", "furnished")
    steps.enter(page, link)
    stranger = page.context.new_page()
    stranger.set_content(f"<iframe id=f src='{link.split('?')[0]}'></iframe>")
    stranger.wait_for_timeout(1000)
    opened = stranger.evaluate(
        """address => new Promise(done => {
            const socket = new WebSocket(address.replace('http', 'ws') + '_stcore/stream');
            socket.onopen = () => done(true);
            socket.onerror = () => done(false);
        })""",
        link.split("?")[0],
    )
    assert opened is False
    assert all(steps.CHAT_INPUT not in (frame.content() or "") for frame in stranger.frames)
    stranger.close()
