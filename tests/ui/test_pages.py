"""The pages over services in memory, without a browser."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rag.errors import StorageError
from tests.conftest import ROOT
from tests.ui import fakes
from ui.state import OpenDialog
from workspaces.models import Download, Problem

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the test client's own dependencies


def app() -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    assert not at.exception
    return at


def page(at: AppTest, name: str) -> AppTest:
    at.switch_page(f"ui/pages/{name}.py").run()
    assert not at.exception
    return at


def turns(at: AppTest) -> list[dict[str, Any]]:
    """What the component `turn` was given."""
    return [json.loads(element.proto.json) for element in at.get("bidi_component")]


def answered(at: AppTest, services: fakes.FakeServices) -> AppTest:
    """Wait until no question is running, and draw the page."""
    deadline = time.monotonic() + 20
    while any(turn.state == "running" for chat in services.conversations.chats.values() for turn in chat.turns):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    at.run()
    assert not at.exception
    return at


def texts(at: AppTest) -> str:
    elements = [*at.markdown, *at.caption, *at.title, *at.error, *at.warning, *at.success, *at.toast]
    return "\n".join(str(element.value) for element in elements).replace("\\", "")


def test_without_documents_the_chat_page_leads_to_adding_them(services: fakes.FakeServices) -> None:
    services.library.spaces.clear()
    services.library.records.clear()
    at = app()
    assert "No documents yet" in texts(at)
    assert at.file_uploader
    assert at.chat_input
    assert not services.library.spaces  # looking changes nothing


def test_the_first_file_makes_the_first_workspace(services: fakes.FakeServices) -> None:
    services.library.spaces.clear()
    services.library.records.clear()
    at = app()
    at.file_uploader[0].upload("note.txt", b"Rent is due.").run()
    assert not at.exception
    (space,) = services.library.workspaces()
    assert space.name == "My documents"
    assert [record.source for record in services.library.documents(space.id)] == ["note.txt"]
    assert "was added" in texts(at)


def test_a_file_that_is_there_already_is_said(services: fakes.FakeServices) -> None:
    at = page(app(), "documents")
    for _ in range(2):
        at.file_uploader[0].upload("note.txt", b"Rent is due.").run()
    assert "already here" in texts(at)


def test_a_question_is_answered_with_footnotes(services: fakes.FakeServices) -> None:
    at = app()
    at.chat_input[0].set_value("When is the rent due?").run()
    view = turns(answered(at, services))[0]
    assert view["question"] == "When is the rent due?"
    assert len(view["evidence"]) == 3
    assert [note["number"] for piece in view["answer"]["pieces"] for note in piece.get("notes", [])] == [1, 2, 3]
    assert [source["number"] for source in view["sources"]] == [1, 2, 3]
    assert "[^1]" in view["foot"]["copy"]
    assert at.query_params["c"]


def test_a_reload_opens_the_same_chat(services: fakes.FakeServices) -> None:
    at = app()
    at.chat_input[0].set_value("When is the rent due?").run()
    answered(at, services)
    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    again.query_params["w"], again.query_params["c"] = at.query_params["w"], at.query_params["c"]
    assert turns(again.run())[0]["question"] == "When is the rent due?"


def test_a_chat_of_another_workspace_is_not_opened(services: fakes.FakeServices) -> None:
    biology = services.library.workspace("Biology, year 9")
    foreign = services.conversations.create(biology.id, "Cells")
    services.conversations.ask(foreign.id, "What is a cell?")
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    at.query_params["w"], at.query_params["c"] = services.library.workspace("Rental law").id, foreign.id
    at.run()
    assert not at.exception
    assert not turns(at)


def test_a_refusal_is_shown_with_the_nearest_passages(services: fakes.FakeServices) -> None:
    services.conversations.scripts["Who won?"] = fakes.Script(refused=True)
    at = app()
    at.chat_input[0].set_value("Who won?").run()
    view = turns(answered(at, services))[0]
    assert view["refusal"]["nearest"]
    assert view["answer"] is None


def test_stop_keeps_what_was_written_and_offers_to_ask_again(services: fakes.FakeServices) -> None:
    services.conversations.scripts["Slowly?"] = fakes.Script(fakes.DEFAULT.sentences, pace=0.05)
    at = app()
    at.chat_input[0].set_value("Slowly?").run()
    while not (turn := next(iter(services.conversations.chats.values())).turns[0]).written:
        time.sleep(0.02)
    at.run()
    assert at.chat_input[0].disabled
    at.button(key=f"stop-{turn.id}").click().run()
    answered(at, services)
    assert turns(at)[0]["notices"][0]["kind"] == "stopped"
    at.button(key="ask-again").click().run()
    answered(at, services)
    assert len(turns(at)) == 2


def test_an_interrupted_answer_says_why(services: fakes.FakeServices) -> None:
    problem = Problem("model_interrupted", "The model stopped.", "Ask again.")
    services.conversations.scripts["Broken?"] = fakes.Script(fakes.DEFAULT.sentences[:1], problem=problem)
    at = app()
    at.chat_input[0].set_value("Broken?").run()
    assert turns(answered(at, services))[0]["notices"] == [{"kind": "problem", "text": "The model stopped. Ask again."}]


def test_chats_are_opened_renamed_and_deleted(services: fakes.FakeServices) -> None:
    space = services.library.workspace("Rental law")
    chat = services.conversations.create(space.id, "About *pets*")
    at = app()
    assert at.button(key=f"chat-{chat.id}").label.replace("\\", "") == "About *pets*"
    at.button(key=f"chat-{chat.id}").click().run()
    assert at.query_params["c"] == [chat.id] or at.query_params["c"] == chat.id
    at.session_state["fn_dialog"] = dialog("delete_chat", chat.id)
    at.run()
    assert "0 questions" in texts(at)
    assert not at.exception


def dialog(name: str, subject: str) -> Any:
    """Ask for a dialog as a menu does; the menus themselves are a browser's."""
    return OpenDialog(name, subject)


def test_deleting_a_workspace_says_with_figures_what_goes(services: fakes.FakeServices) -> None:
    space = services.library.workspace("Rental law")
    services.conversations.create(space.id)
    at = app()
    at.session_state["fn_dialog"] = dialog("delete_workspace", space.id)
    at.run()
    assert "3 documents, 1 chat" in texts(at)
    assert space.id in services.library.spaces


def test_documents_show_progress_notes_and_reasons_with_a_way_out(services: fakes.FakeServices) -> None:
    fakes.unfinished(services)
    at = page(app(), "documents")
    shown = texts(at)
    assert "Pages 2, 3: no text." in shown
    assert "This PDF needs a password. Save a copy" in shown
    assert "3 could not" not in shown
    failed = next(record for record in services.library.records.values() if record.state == "failed")
    at.button(key=f"retry-{failed.id}").click().run()
    assert services.library.document(failed.id).state == "received"


def test_files_inside_files_say_where_they_lie_and_what_goes_along(services: fakes.FakeServices) -> None:
    library = services.library
    space = library.workspace("Rental law").id
    mail = library.put(space, "valves.eml", title="Valves", media_type="message/rfc822", members=12, chunks=3)
    library.put(
        space, "report.pdf", title="Report", container_id=mail.id, container_title="Valves", path="a/report.pdf"
    )
    at = page(app(), "documents")
    shown = texts(at)
    assert "12 files inside" in shown
    assert "in Valves › a/report.pdf" in shown
    at.session_state["fn_dialog"] = OpenDialog("delete_document", mail.id)
    assert "12 documents" in texts(at.run())


def test_a_workspace_shows_nothing_of_another(services: fakes.FakeServices) -> None:
    services.library.put(services.library.workspace("Biology, year 9").id, "cells.pdf", title="Cells and tissues")
    at = page(app(), "documents")
    at.selectbox(key="workspace").select(services.library.workspace("Rental law").id).run()
    assert "Lease agreement" in texts(at)
    assert "Cells and tissues" not in texts(at)
    at.selectbox(key="workspace").select(services.library.workspace("Biology, year 9").id).run()
    assert "Cells and tissues" in texts(at)
    assert "Lease agreement" not in texts(at)


def test_the_model_choice_is_remembered(services: fakes.FakeServices) -> None:
    at = app()
    at.selectbox(key="model-sidebar").select("ollama:qwen3:4b").run()
    assert services.chat_models.key == "ollama:qwen3:4b"
    assert page(at, "settings").selectbox(key="model-settings").value == "ollama:qwen3:4b"


def test_the_download_shows_bytes_rate_and_time_and_can_be_cancelled_and_resumed(services: fakes.FakeServices) -> None:
    services.chat_models.start_download()
    at = app()
    assert "402.0 MB of 1.12 GB · 6.4 MB/s · about 2 minutes left" in texts(at)
    at.button(key="cancel-download-sidebar").click().run()
    assert "cancelled at 402.0 MB" in texts(at)
    at.button(key="retry-download-sidebar").click().run()
    assert services.chat_models.state.state == "running"


def test_a_failed_download_says_why(services: fakes.FakeServices) -> None:
    services.chat_models.state = Download(
        "failed", 1, 2, problem=Problem("weights", "The index is silent.", "Try later.")
    )
    assert "The index is silent. Try later." in texts(app())


def test_settings_show_health_and_no_path_of_this_machine(services: fakes.FakeServices) -> None:
    at = page(app(), "settings")
    at.button(key="check").click().run()
    assert "1 of 3 checks found something" in texts(at)
    assert "1 document waits since yesterday" in texts(at)
    assert str(ROOT) not in texts(at)
    assert "/data" not in texts(at)


def test_when_the_services_cannot_be_opened_the_page_says_why(
    services: fakes.FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise StorageError("The disk is full.", hint="Free some space.")

    monkeypatch.setattr("workspaces.bootstrap.open_services", refuse)
    at = app()
    assert "The disk is full." in texts(at)
    assert "Free some space." in texts(at)
    assert not at.chat_input


def test_hostile_names_are_escaped_wherever_they_are_labels(services: fakes.FakeServices) -> None:
    hostile = "![x](http://evil.test/a.png)"
    space = services.library.workspace("Rental law")
    services.conversations.create(space.id, hostile)
    services.library.put(space.id, hostile, title=hostile, author=hostile, notes=(hostile,))
    at = page(app(), "documents")
    labels = [button.label for button in at.button] + [str(element.value) for element in [*at.markdown, *at.caption]]
    assert any("evil" in label for label in labels)
    assert not any("](" in label for label in labels)
