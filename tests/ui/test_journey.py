"""The whole way in a real Chromium over the real services: add, ask, read the footnote on its page, delete."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.ollama_standin import OllamaStandin, unused_url
from tests.support.documents import long_text, pdf
from tests.support.minilm import minilm_export
from tests.support.smollm import smollm_path
from tests.ui import steps
from tests.ui.real import Server, without_chat_model

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

FACT = "The spare key of the boiler room hangs behind the blue door of the workshop."
QUESTION = "Where does the spare key of the boiler room hang?"
FACT_LINE = 38
"""On page 2, low enough that the page must be scrolled to show it."""

MARKED = """image => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
    let [count, left, top, right, bottom] = [0, 1, 1, 0, 0];
    for (let i = 0; i < data.length; i += 4) {
        if (data[i] < 200 || data[i + 1] < 180 || data[i + 2] > 150) continue;
        const [x, y] = [(i / 4) % canvas.width / canvas.width, Math.floor(i / 4 / canvas.width) / canvas.height];
        [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
        count += 1;
    }
    const sheet = image.parentElement;
    const seen = [sheet.scrollTop / image.clientHeight, (sheet.scrollTop + sheet.clientHeight) / image.clientHeight];
    return { count, left, top, right, bottom, seen };
}"""
"""Where the picture is yellow, as shares of its width and height, and which part of its height can be seen."""


def manual() -> bytes:
    """Two full pages of other things; the fact stands on the second."""
    filler = [f"{line[:88].rstrip()}." for line in long_text(3, paragraphs=16).replace("\n\n", " ").split(". ")]
    return pdf([filler[:40], [*filler[40 : 40 + FACT_LINE], FACT, *filler[78:79]]])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, OllamaStandin]]:
    """A running server beside an Ollama that says what it is told to, and the workspace "House" with the manual."""
    folder = tmp_path_factory.mktemp("journey")
    (folder / "manual.pdf").write_bytes(manual())
    with OllamaStandin(reply=FACT) as ollama:
        settings = without_chat_model(folder, ollama_url=ollama.url)
        with Server(folder / "data", settings) as running:
            running.link()
            added = running.run("add", "-w", "House", str(folder / "manual.pdf"))
            assert added.returncode == 0, added.stderr
            yield running, ollama


@pytest.fixture
def ollama(server: tuple[Server, OllamaStandin]) -> OllamaStandin:
    """The stand-in, answering at once."""
    server[1].reply, server[1].pause, server[1].held, server[1].fault = FACT, 0.0, False, None
    return server[1]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window of a browser that was never here."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


def finished(turn: Locator) -> Locator:
    """The turn once its answer is final."""
    turn.locator(".foot .meta").wait_for(timeout=60_000)
    steps.settled(turn.page)
    return turn


def open_footnote(turn: Locator) -> Locator:
    """The drawer that the first footnote opens, with its picture drawn."""
    turn.locator("button.footnote").first.click()
    drawer = turn.page.get_by_role("dialog")
    drawer.locator("img[alt*='highlighted']").wait_for(timeout=20_000)
    turn.page.wait_for_timeout(500)
    return drawer


def assert_fact_is_marked_and_in_sight(drawer: Locator) -> None:
    baseline = (842 - (780 - 15 * FACT_LINE)) / 842
    marked: dict[str, Any] = drawer.locator("img[alt*='highlighted']").evaluate(MARKED)
    assert marked["count"] > 1000
    assert baseline - 0.03 < marked["top"] < marked["bottom"] < baseline + 0.02
    assert 0.08 < marked["left"] < 0.12  # where the line begins
    assert marked["right"] > 0.5
    assert marked["seen"][0] < marked["top"] < marked["bottom"] < marked["seen"][1]


def test_the_receipt_of_a_follow_up_holds_the_prompt_to_the_letter(
    page: Page, server: tuple[Server, OllamaStandin], ollama: OllamaStandin
) -> None:
    steps.enter(page, server[0].link())
    finished(steps.ask(page, QUESTION))
    turn = finished(steps.ask(page, "And why does it hang there?"))
    turn.get_by_text("Searched for: spare key of the boiler room").wait_for(timeout=20_000)
    steps.settled(page)
    turn.get_by_role("button", name="Receipt").click()
    receipt = page.get_by_role("dialog").locator(".slip")
    receipt.get_by_text("To the letter what was sent.").wait_for(timeout=20_000)
    assert "sha256:abab" in receipt.inner_text()
    receipt.locator("summary").last.click()
    sent = ollama.chats()[-1]["messages"]
    assert receipt.locator("pre").last.text_content() == sent[-1]["content"]
    assert receipt.locator("pre").count() == len(sent)


def test_from_nothing_to_the_highlighted_page_without_a_model(page: Page, tmp_path: Path) -> None:
    settings = without_chat_model(tmp_path, ollama_url=unused_url())
    with Server(tmp_path / "data", settings) as running:
        steps.enter(page, running.link())
        page.get_by_text("No documents yet.").wait_for()
        page.locator('input[type="file"]').set_input_files(
            {"name": "manual.pdf", "mimeType": "application/pdf", "buffer": manual()}
        )
        page.get_by_text("What would you like to know?").wait_for(timeout=20_000)
        steps.go(page, "Documents")
        page.get_by_text(re.compile(r"2 pages · \d+ passages")).wait_for(timeout=60_000)
        page.locator('[data-testid="stSidebarNav"] a').filter(has_text="Chat").click()
        page.get_by_text("What would you like to know?").wait_for(timeout=20_000)
        turn = finished(steps.ask(page, QUESTION))
        assert FACT in " ".join(turn.locator(".card").first.inner_text().split())
        assert FACT in turn.locator(".prose").inner_text()
        assert "without a chat model" in turn.locator(".notices").inner_text()
        drawer = open_footnote(turn)
        assert "Page 2 of 2" in drawer.inner_text()
        assert FACT in " ".join(drawer.locator(".passage mark").inner_text().split())
        assert_fact_is_marked_and_in_sight(drawer)
        with page.expect_download() as download:
            drawer.get_by_role("button", name="Download the original").click()
        assert download.value.suggested_filename == "manual.pdf"
        assert Path(download.value.path()).read_bytes() == manual()
        beside = Server(tmp_path / "other", settings, port=running.port).run("serve", "--port", str(running.port))
    assert beside.returncode != 0
    assert f"Port {running.port} is in use" in beside.stderr


def test_a_model_writes_and_the_application_adds_the_footnote(
    page: Page, server: tuple[Server, OllamaStandin], ollama: OllamaStandin
) -> None:
    ollama.reply = f"{FACT} It was painted by a crew of 4711 penguins [9]."
    steps.enter(page, server[0].link())
    turn = finished(steps.ask(page, QUESTION))
    sentences = turn.locator(".sentence")
    assert sentences.nth(0).inner_text() == FACT
    assert "supported" in (sentences.nth(0).get_attribute("class") or "")
    assert sentences.count() == 1, "a strict answer leaves out what the documents do not say"
    assert "One sentence of the model was left out" in turn.locator(".notices").inner_text()
    assert "[9]" not in turn.locator(".prose").inner_text()
    assert "llama3.2:3b" in turn.locator(".foot").inner_text()
    assert_fact_is_marked_and_in_sight(open_footnote(turn))


def test_an_answer_survives_a_reload_and_a_stopped_one_keeps_its_text(
    page: Page, server: tuple[Server, OllamaStandin], ollama: OllamaStandin
) -> None:
    ollama.reply, ollama.held = f"{FACT} " * 3, True
    steps.enter(page, server[0].link())
    steps.ask(page, QUESTION).locator(".prose").wait_for(timeout=30_000)
    page.reload()
    turn = page.locator("article.turn").filter(has_text=QUESTION)
    turn.locator(".prose").wait_for(timeout=20_000)
    assert page.locator(steps.CHAT_INPUT).is_disabled()
    ollama.held = False
    assert finished(turn).locator(".sentence").count() == 3
    ollama.held = True
    again = steps.ask(page, f"{QUESTION} Again")
    again.locator(".prose").wait_for(timeout=30_000)
    page.get_by_role("button", name="Stop").click()
    again.get_by_text("Stopped. What was written is kept.").wait_for(timeout=20_000)
    assert again.locator(".prose").inner_text().startswith("The spare key")
    page.get_by_role("button", name="Ask again").wait_for(timeout=20_000)


def test_questions_asked_as_soon_as_the_box_opens_are_all_answered(
    page: Page, server: tuple[Server, OllamaStandin], ollama: OllamaStandin
) -> None:
    steps.enter(page, server[0].link())
    for number in range(3):
        steps.ask(page, f"{QUESTION} ({number})")
    finished(page.locator("article.turn").last)
    asked = page.locator("article.turn h2.question").all_inner_texts()
    assert asked == [f"{QUESTION} ({number})" for number in range(3)]


def test_a_question_that_comes_too_early_stays_in_the_box(
    page: Page, server: tuple[Server, OllamaStandin], ollama: OllamaStandin
) -> None:
    steps.enter(page, server[0].link())
    finished(steps.ask(page, QUESTION))
    other = page.context.new_page()
    steps.enter(other, page.url)
    steps.settled(other)
    ollama.held = True
    running = steps.ask(page, f"{QUESTION} Slowly")
    box = other.locator(steps.CHAT_INPUT)
    box.fill("And the second key?")
    box.press("Enter")
    other.get_by_text("still being answered").wait_for(timeout=20_000)
    assert box.input_value() == "And the second key?"
    ollama.held = False
    finished(running)
    finished(steps.ask(other, "And the second key?"))


def test_a_chat_is_reopened_renamed_and_deleted(
    page: Page, server: tuple[Server, OllamaStandin], ollama: OllamaStandin
) -> None:
    question = "Which door hides the spare key?"
    steps.enter(page, server[0].link())
    finished(steps.ask(page, question))
    page.get_by_role("button", name="New chat").click()
    page.get_by_text("What would you like to know?").wait_for(timeout=20_000)
    steps.settled(page)
    chats = page.locator(".st-key-chats")
    chats.get_by_text(question).click()
    turn = page.locator("article.turn").filter(has_text=question)
    turn.locator("button.footnote").first.wait_for(timeout=20_000)
    steps.settled(page)
    page.locator('[class*="st-key-menu-chat-"] button').first.click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_label("Title").fill("Keys")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    chats.get_by_text("Keys", exact=True).wait_for(timeout=20_000)
    steps.settled(page)
    page.locator('[class*="st-key-menu-chat-"] button').first.click()
    page.get_by_role("menuitem", name="Delete").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("1 question").wait_for(timeout=20_000)
    dialog.get_by_role("button", name="Delete chat").click()
    chats.get_by_text("Keys", exact=True).wait_for(state="detached", timeout=20_000)


def test_a_deleted_document_is_gone_from_search_and_from_saved_quotes(
    page: Page, server: tuple[Server, OllamaStandin], ollama: OllamaStandin, tmp_path: Path
) -> None:
    ollama.reply = "The court of Elmstead meets on Tuesdays."
    (tmp_path / "court.txt").write_text(f"{ollama.reply} {long_text(9, paragraphs=1)}", encoding="utf-8")
    running = server[0]
    added = json.loads(running.run("add", "-w", "Court", "--json", str(tmp_path / "court.txt")).stdout)
    assert added["state"] == "ready"
    steps.enter(page, running.link())
    page.locator(".st-key-workspace input").click()
    page.get_by_role("option").filter(has_text="Court").click()
    steps.settled(page)
    question = "When does the court of Elmstead meet?"
    assert finished(steps.ask(page, question)).locator("button.footnote").count() == 1
    assert json.loads(running.run("search", "-w", "Court", "--json", question).stdout)
    steps.go(page, "Documents")
    page.locator('[class*="st-key-document-"] [class*="st-key-menu-"] button').first.click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete document").click()
    page.get_by_text("No documents yet.").wait_for(timeout=20_000)
    assert json.loads(running.run("search", "-w", "Court", "--json", question).stdout) == []
    steps.settled(page)
    page.locator(".st-key-chats").get_by_text("When does the court").first.click()
    turn = page.locator("article.turn").filter(has_text=question)
    source = turn.locator(".sources button.row").first
    source.wait_for(timeout=20_000)
    assert "This document was deleted." in source.inner_text()
    assert source.is_disabled()
    assert ollama.reply in turn.locator(".prose").inner_text()  # prose stays


def test_a_small_real_model_writes_in_its_own_process(page: Page, tmp_path: Path) -> None:
    minilm_export()
    smollm_path()
    (tmp_path / "key.txt").write_text(FACT, encoding="utf-8")
    settings = {"FOOTNOTE_OLLAMA_URL": unused_url(), "FOOTNOTE_BUILTIN_ENTRY": "smollm2-135m"}
    with Server(tmp_path / "data", settings) as running:
        running.link()
        assert running.run("add", "-w", "House", str(tmp_path / "key.txt")).returncode == 0
        steps.enter(page, running.link())
        turn = steps.ask(page, QUESTION)
        turn.locator(".card").first.wait_for(timeout=20_000)
        turn.locator(".foot .meta").wait_for(timeout=120_000)
        assert "SmolLM2" in turn.locator(".foot .meta").inner_text()
        assert turn.locator(".prose").inner_text().strip()


def test_the_command_line_works_through_the_running_server(
    server: tuple[Server, OllamaStandin], tmp_path: Path
) -> None:
    running = server[0]
    (tmp_path / "garden.md").write_text("# Garden\n\nThe pear tree was planted in 1987 by Ada.\n", encoding="utf-8")
    added = running.run("add", "-w", "Garden", "--json", str(tmp_path / "garden.md"))
    assert (added.returncode, json.loads(added.stdout)["state"]) == (0, "ready")
    found = running.run("search", "-w", "Garden", "--json", "Who planted the pear tree?")
    assert "1987" in json.loads(found.stdout)[0]["text"]
    asked = running.run("ask", "-w", "Garden", "--no-model", "--json", "Who planted the pear tree?")
    answer = json.loads(asked.stdout)
    assert "Ada" in answer["answer"]
    assert answer["citations"][0]["title"] == "Garden"
    missing = running.run("add", "-w", "Garden", str(tmp_path / "nothing.pdf"))
    assert missing.returncode == 1
    checked = running.run("doctor", "--json")
    assert checked.returncode == 0, checked.stdout
    with socket.create_connection(("127.0.0.1", running.port)):
        pass  # it was the server that worked, and it still runs
    assert "is running" in running.log
