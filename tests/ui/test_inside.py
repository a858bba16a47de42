"""The page of one document over services in memory, without a browser, and what its report says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rag.errors import NotFound, PasswordNeeded
from rag.types import Locator, Passage, Place, Report, Span
from tests.conftest import ROOT
from tests.ui import fakes
from ui import reports
from workspaces.models import DocumentRecord

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the test client's own dependencies

HOSTILE = "![x](http://evil.test/a.png)"


def opened(services: fakes.FakeServices, document_id: str, version_id: str | None = None) -> AppTest:
    """The page of a document in the last workspace, as its address opens it."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    at.query_params["w"] = services.library.workspaces()[-1].id
    at.run()
    at.switch_page("ui/pages/document.py")
    at.query_params["d"] = document_id
    if version_id is not None:
        at.query_params["v"] = version_id
    at.run()
    assert not at.exception
    return at


def texts(at: AppTest) -> str:
    elements = [*at.markdown, *at.caption, *at.title, *at.subheader, *at.error, *at.info]
    links = [link.proto.label for link in at.get("page_link")]
    return "\n".join([*(str(element.value) for element in elements), *links]).replace("\\", "")


def drawn(at: AppTest) -> list[dict[str, Any]]:
    """What the components were given."""
    return [json.loads(element.proto.json) for element in at.get("bidi_component")]


def put(services: fakes.FakeServices, source: str = "lease.pdf", **values: Any) -> DocumentRecord:
    space = services.library.workspaces()[-1].id
    return services.library.put(space, source, title=values.pop("title", "Lease"), **values)


def test_a_page_stands_beside_its_passages(services: fakes.FakeServices) -> None:
    record = put(services, pages=3, chunks=2)
    at = opened(services, record.id)
    assert "Page 1 of 3" in texts(at)
    picture, passages = drawn(at)
    assert picture["alt"] == "Page 1"
    assert passages["choosable"]
    assert [item["address"] for item in passages["items"]] == ["Passage 1 of 2"]


def test_the_chosen_passage_is_marked_on_its_page_and_only_while_the_page_is_open(services: fakes.FakeServices) -> None:
    record = put(services, pages=3)
    at = opened(services, record.id)
    at.session_state["fn_chosen"] = services.viewer.passages(record.version_id)[0].chunk_id
    at.run()
    picture, passages = drawn(at)
    assert (picture["alt"], picture["highlighted"]) == ("Page 1, with the passage highlighted", True)
    assert passages["items"][0]["chosen"]
    at.switch_page("ui/pages/documents.py").run()
    assert "fn_chosen" not in at.session_state


def test_a_document_without_pages_shows_its_passages_with_their_places(services: fakes.FakeServices) -> None:
    at = opened(services, put(services, "notes.md").id)
    (passages,) = drawn(at)
    assert not passages["choosable"]
    assert passages["items"][0]["facts"].startswith("lines 1–3 · Rent · ")


def test_what_lies_in_an_archive_is_linked_and_leads_back(services: fakes.FakeServices) -> None:
    archive = put(services, "old.zip", title="Old letters", text="", parser="footnote r1", chunks=0, members=25)
    for number in range(25):
        put(services, f"{number}.txt", container_id=archive.id, container_title="Old letters", path=f"a/{number}.txt")
    at = opened(services, archive.id)
    shown = texts(at)
    assert "25 files inside" in shown
    assert "a/0.txt" in shown
    assert "a/24.txt" not in shown, "a piece at a time"
    member = next(record for record in services.library.records.values() if record.path == "a/0.txt")
    assert "In Old letters" in texts(opened(services, member.id))


def test_a_replaced_version_shows_its_text_and_says_why_it_has_no_passages(
    services: fakes.FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = put(services, pages=2, number=2)
    old = replace(record, version_id="v-old", number=1, state="superseded")
    monkeypatch.setattr(services.viewer, "version", lambda _: old)
    monkeypatch.setattr(services.viewer, "passages", lambda *_, **__: [])
    monkeypatch.setattr(services.viewer, "page_image", lambda *_, **__: None)
    monkeypatch.setattr(services.viewer, "page_text", lambda *_, **__: "As it was.")
    at = opened(services, record.id, "v-old")
    shown = texts(at)
    assert "This is version 1. A newer one has taken its place." in shown
    assert "The current version" in shown
    assert "passages of a version that was replaced are not kept" in shown
    assert drawn(at)[0]["before"] == "As it was."


def test_a_locked_page_asks_for_the_password_and_leaving_forgets_it(
    services: fakes.FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, draw = put(services, pages=2), services.viewer.page_image

    def locked(version_id: str, page: int, *, password: str | None = None, **values: Any) -> bytes:
        if password != "Schlüssel":
            raise PasswordNeeded("The PDF is protected with a password.")
        return draw(version_id, page)

    monkeypatch.setattr(services.viewer, "page_image", locked)
    at = opened(services, record.id)
    at.text_input(key="drawer-password").input("Schlüssel")
    next(button for button in at.button if button.label == "Show the page").click().run()
    assert drawn(at)[0]["alt"] == "Page 1"
    assert "Schlüssel" in repr(at.session_state), "the control: it is held while the page is open"
    at.switch_page("ui/pages/documents.py").run()
    assert "Schlüssel" not in repr(at.session_state)


def test_a_document_of_another_workspace_or_none_is_not_shown(services: fakes.FakeServices) -> None:
    foreign = services.library.workspace("Biology, year 9")
    record = services.library.put(foreign.id, "cells.pdf", title="Cells")
    mine = put(services, title="Lease of mine")
    for address in [(record.id,), ("nothing",), (mine.id, "v-nothing")]:
        shown = texts(opened(services, *address))
        assert "This workspace has no such document." in shown
        assert "Cells" not in shown
    assert "Lease of mine" in texts(opened(services, mine.id)), "the control"


def test_one_deleted_while_it_is_drawn_is_said(services: fakes.FakeServices, monkeypatch: pytest.MonkeyPatch) -> None:
    record = put(services, "notes.md")

    def gone(*_: object, **__: object) -> None:
        raise NotFound("This document does not exist any more.", hint="Reload the list.")

    monkeypatch.setattr(services.viewer, "passages", gone)
    assert "does not exist any more" in texts(opened(services, record.id))


def test_hostile_text_is_escaped_or_given_to_components(services: fakes.FakeServices) -> None:
    report = Report(hidden_characters=9, hidden_sample=HOSTILE, skipped=(HOSTILE,), warnings=(HOSTILE + "2",))
    mail = put(
        services, HOSTILE, title=HOSTILE, text=HOSTILE, notes=(HOSTILE,), report=report, author=HOSTILE, members=1
    )
    put(services, HOSTILE, title=HOSTILE, container_id=mail.id, container_title=HOSTILE, path=HOSTILE)
    at = opened(services, mail.id)
    labels = [link.proto.label for link in at.get("page_link")]
    shown = labels + [str(each.value) for each in [*at.markdown, *at.caption, *at.title, *at.subheader]]
    assert sum("evil" in text for text in shown) >= 4
    assert not any("](" in text for text in shown)


def test_the_report_is_told_in_plain_words(services: fakes.FakeServices) -> None:
    report = Report(
        pages_without_text=(4,), ocr_pages=((3, 0.9), (5, 0.41)), ocr_engine="Tesseract", tables=2,
        hidden_characters=12, hidden_sample=HOSTILE, repeated_lines=1, skipped=("a.exe: programs are not read",),
        warnings=("Page 2: text layer of a scan", "2 formulas were left as they are"),
    )  # fmt: skip
    note = "Page 2: text layer of a scan, recognised by another program"
    record = put(services, report=report, notes=(note,), pages=5, splitter="structure-2")
    assert reports.report_lines(record) == [
        note,
        "2 tables found",
        f"Not searched: 12 characters of text that nobody sees. It begins: “{HOSTILE}”",
        "Left out: a.exe: programs are not read",
        "2 formulas were left as they are",
    ]
    assert reports.made_with(record) == "Read with reader 1.0 r1, cut into passages with structure-2"
    assert [reports.page_heading(record, number) for number in (1, 3, 4, 5)] == [
        "Page 1 of 5",
        "Page 3 of 5 · recognised by Tesseract, confidence 90%",
        "Page 4 of 5 · no text",
        "Page 5 of 5 · recognised by Tesseract, confidence 41%: compare it with the picture",
    ]


def test_a_passage_says_where_it_stands(services: fakes.FakeServices) -> None:
    record = put(services, chunks=310)
    rows = Place("rows", Span(0, 9), "Prices", 4)
    passage = Passage(
        "c", "d", "v", "", 11, Span(0, 9), "a b\nc d e", "en", 2, heading_path=("Prices",), places=(rows,),
        header="Name | Price", locator=Locator("rows", "Prices", 4, 5),
    )  # fmt: skip
    item = reports.passage_item(passage, record, page=3, chosen=True)
    assert item["address"] == "Passage 12 of 310"
    assert item["facts"] == "Prices, rows 4–5 · begins on page 2 · 5 words"
    assert (item["header"], item["number"], item["chosen"]) == ("Name | Price", 11, True)
    elsewhere = reports.passage_item(replace(passage, locator=None), record, page=2)
    assert elsewhere["facts"] == "Prices · 5 words"
