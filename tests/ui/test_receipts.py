"""The receipt: its page elements without a browser, its drawing in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui import fakes, steps
from tests.ui.conftest import Serve
from tests.ui.test_pages import answered, app, button_named, texts, turns
from ui import receipt_views
from workspaces.models import Turn

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the test client's own dependencies

WARNING = "qwen3:4b read only 12 of at least 300 tokens. Do not rely on this answer."


def asked(services: fakes.FakeServices, question: str = "When is the rent due?") -> tuple[AppTest, Turn]:
    at = app()
    at.chat_input[0].set_value(question).run()
    answered(at, services)
    return at, last(services)


def last(services: fakes.FakeServices) -> Turn:
    return next(iter(services.conversations.chats.values())).turns[-1]


def opened(at: AppTest, turn: Turn) -> AppTest:
    at.session_state["fn_receipt"] = turn.id
    at.run()
    assert not at.exception
    return at


def slip(at: AppTest) -> dict[str, Any]:
    return next(view for view in turns(at) if "facts" in view)


def test_a_receipt_is_not_loaded_before_it_is_opened(services: fakes.FakeServices) -> None:
    at, turn = asked(services)
    assert turns(at)[0]["foot"]["receipt"]
    assert services.receipts.asked_for == []
    view = slip(opened(at, turn))
    assert services.receipts.asked_for == [turn.id]
    assert ["Model", "qwen3:4b"] in view["facts"]
    assert view["whole"]
    assert [row["kept"] for row in view["candidates"]] == [True, True, True]


def test_a_refusal_offers_its_receipt_too(services: fakes.FakeServices) -> None:
    services.conversations.scripts["Who won?"] = fakes.Script(refused=True)
    at, _ = asked(services, "Who won?")
    assert turns(at)[0]["foot"] == {"copy": "", "meta": "", "receipt": True}


def test_an_answer_without_a_receipt_says_so(services: fakes.FakeServices) -> None:
    at, turn = asked(services)
    services.receipts.missing.add(turn.id)
    assert "There is no receipt for this answer" in texts(opened(at, turn))


def test_run_again_asks_once_more_and_stands_beside_the_earlier_run(services: fakes.FakeServices) -> None:
    at, first = asked(services)
    button_named(opened(at, first), "Run again").click().run()
    assert at.session_state["fn_receipt"] is None
    answered(at, services)
    again = last(services)
    assert (again.repeats, again.ordinal) == (first.id, 2)
    comparison = slip(opened(at, again))["comparison"]
    assert comparison["title"] == "Beside question 1, the same question before"
    assert comparison["answers"]["same"]


def test_a_cut_prompt_is_an_alarm_on_the_answer_and_in_the_receipt(services: fakes.FakeServices) -> None:
    services.conversations.scripts["Cut?"] = replace(fakes.DEFAULT, warning=WARNING)
    at, turn = asked(services, "Cut?")
    assert turns(at)[0]["notices"][0] == {"kind": "problem", "text": WARNING}
    assert "read only 12 of at least" in slip(opened(at, turn))["warning"]


def test_what_was_searched_stands_below_a_follow_up(services: fakes.FakeServices) -> None:
    services.conversations.scripts["And when?"] = replace(fakes.DEFAULT, searched="rent: And when?")
    at, _ = asked(services, "And when?")
    assert turns(at)[0]["searched"] == {"text": "rent: And when?", "undo": True, "limits": ""}
    at, _ = asked(services)
    assert turns(at)[-1]["searched"] is None


def test_text_of_a_deleted_source_is_named_as_missing(services: fakes.FakeServices) -> None:
    _, turn = asked(services)
    receipt = services.receipts.get(turn.id)
    assert receipt.sent is not None
    parts = tuple(replace(part, text="") if part.kind == "source" else part for part in receipt.sent.parts)
    gone = tuple(replace(entry, deleted=True) for entry in receipt.candidates)
    view = receipt_views.receipt_view(replace(receipt, sent=replace(receipt.sent, parts=parts), candidates=gone), turn)
    assert not view["whole"]
    assert "was deleted with its document" in view["messages"][-1]["text"]
    assert all(row["place"].endswith("(deleted)") and row["score"] == "–" for row in view["candidates"])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []


def test_in_a_browser_a_follow_up_is_undone_and_its_receipts_are_compared(page: Page, serve: Serve) -> None:
    steps.enter(page, serve("demo", "furnished"))
    turn = steps.ask(page, "And when?")
    turn.get_by_text("Searched for: rent due: And when?").wait_for(timeout=20_000)
    turn.locator(".notice.problem[role=alert]").get_by_text("read only 12 tokens").wait_for(timeout=20_000)
    steps.settled(page)
    turn.get_by_role("button", name="Receipt").click()
    receipt = page.get_by_role("dialog").locator(".slip")
    receipt.get_by_text("Do not rely on this answer").wait_for(timeout=20_000)
    receipt.locator("summary", has_text="To the model").click()
    receipt.locator("pre").get_by_text('<source number="1"').first.wait_for()
    assert receipt.locator("source").count() == 0, "text of documents became elements"
    steps.close_dialog(page)
    turn.get_by_role("button", name="Search only for what I typed").click()
    second = page.locator("article.turn").nth(1)
    second.get_by_role("button", name="Receipt").wait_for(timeout=20_000)
    assert second.locator("section.searched").is_hidden()
    steps.settled(page)
    second.get_by_role("button", name="Receipt").click()
    differing = receipt.locator("table").first.locator("tr.differs")
    differing.get_by_text("rent due: And when?").wait_for(timeout=20_000)
    assert differing.count() == 1
    page.get_by_role("button", name="Run again").click()
    page.locator("article.turn").nth(2).get_by_role("button", name="Receipt").wait_for(timeout=20_000)
