"""The pages over services in memory, without a browser."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rag.errors import StorageError
from rag.types import Span
from tests.conftest import ROOT
from tests.ui import fakes
from ui.state import OpenDialog, OpenPassage
from workspaces.models import Download, Pending, Problem, SearchIndex, SitePage
from workspaces.reindexing import Suggestion

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
    links = [link.proto.label for link in at.get("page_link")]
    return "\n".join([*(str(element.value) for element in elements), *links]).replace("\\", "")


def button_named(at: AppTest, label: str) -> Any:
    return next(button for button in at.button if button.label == label)


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
    services.library.put(
        services.library.workspaces()[-1].id, "torn.pdf", title="", state="failed", problem=Problem("damaged", "Torn.")
    )
    at.run()
    failed = next(record for record in services.library.records.values() if record.source == "torn.pdf")
    at.button(key=f"retry-{failed.id}").click().run()
    assert services.library.document(failed.id).state == "received"


def test_failed_documents_stand_first_under_one_line_for_all(services: fakes.FakeServices) -> None:
    fakes.unfinished(services)
    workspace = services.library.workspaces()[-1].id
    services.library.put(workspace, "torn.pdf", title="", state="failed", problem=Problem("damaged", "Torn."))
    services.library.put(workspace, "newer.txt", title="Newer than the torn one")
    at = page(app(), "documents")
    records = services.library.documents(workspace)
    assert records[0].title == "Newer than the torn one", (
        "the control: by age alone, a document that is read comes first"
    )
    read, failed = (sum(record.state == state for record in records) for state in ("ready", "failed"))
    shown = texts(at)
    assert f"{read} of {len(records)} read, {failed} failed" in shown
    others = [record for record in records if record.state != "failed"]
    assert shown.index("torn.pdf") < min(shown.index(record.title or record.source) for record in others)


def test_several_addresses_are_taken_in_at_once(services: fakes.FakeServices) -> None:
    at = page(app(), "documents")
    at.text_area(key="addresses").set_value("https://a.example.org/x\n  https://b.example.org/y\n")
    at.button[[button.label for button in at.button].index("Add")].click().run()
    assert not at.exception
    added = [record.source for record in services.library.records.values() if record.state == "received"]
    assert added == ["https://a.example.org/x", "https://b.example.org/y"]
    assert not services.sites.all
    assert "2 pages added." in texts(at)


def test_a_section_is_taken_in_with_its_figures(services: fakes.FakeServices) -> None:
    at = page(app(), "documents")
    at.text_area(key="addresses").set_value("https://a.example.org/guide/")
    at.radio(key="address-kind").set_value("This page and the section below it")
    at.number_input(key="section-pages").set_value(20)
    at.button[[button.label for button in at.button].index("Add")].click().run()
    assert not at.exception
    [site] = services.sites.all.values()
    assert (site.start, site.depth, site.page_limit) == ("https://a.example.org/guide/", 2, 20)
    assert "robots.txt" in texts(at)
    assert "https:\u2060//a.example.org/guide/" in texts(at)


def test_a_section_says_what_was_not_taken_and_why(services: fakes.FakeServices) -> None:
    space = services.library.workspace("Rental law").id
    site = services.sites.add(space, "https://a.example.org/![x](http://evil.test/a.png)", depth=2, pages=5)
    problem = Problem("unreachable", "Nothing answered.", "Try later.")
    done = replace(site, state="failed", problem=problem, waiting=7, taken=5, refused=1, failed=1)
    services.sites.all[site.id] = done
    services.sites.left_out = [
        SitePage("https://a.example.org/b", 1, "refused", "The site asks crawlers not to fetch this page."),
        SitePage("https://a.example.org/c", 1, "failed", "[click](http://evil.test) 404"),
    ]
    at = page(app(), "documents")
    shown = texts(at)
    for words in ("14 addresses found", "5 taken", "1 left out", "7 not asked for yet"):
        assert words in shown
    assert "asks crawlers not to fetch" in shown
    assert "Nothing answered. Try later." in shown
    assert not any("](http" in str(element.value) for element in [*at.markdown, *at.caption, *at.error])


def test_deleting_a_section_is_asked_first(services: fakes.FakeServices) -> None:
    space = services.library.workspace("Rental law").id
    site = services.sites.add(space, "https://a.example.org/guide/", depth=2, pages=5)
    services.sites.all[site.id] = replace(site, state="done", taken=3, waiting=0)
    at = page(app(), "documents")
    at.session_state["fn_dialog"] = dialog("delete_site", site.id)
    at.run()
    assert "3 pages" in texts(at)
    assert services.sites.all


def test_a_folder_is_watched_looked_into_and_left(services: fakes.FakeServices) -> None:
    at = page(app(), "documents")
    at.text_input(key="folder-path").set_value("/papers/![x](http://evil.test/a.png)")
    button_named(at, "Watch").click().run()
    assert not at.exception
    [folder] = services.folders.all.values()
    services.folders.all[folder.id] = replace(folder, problem="“[x](http://evil.test)” cannot be read.")
    at.run()
    assert "3 files" in texts(at)
    assert "cannot be read." in texts(at)
    assert not any("](http" in str(element.value) for element in [*at.markdown, *at.caption, *at.warning])
    at.button(key=f"look-{folder.id}").click().run()
    assert "2 new" in texts(at)
    at.button(key=f"unwatch-{folder.id}").click().run()
    assert not at.exception
    assert not services.folders.all


def test_a_web_document_says_when_and_where_it_was_fetched_and_that_it_is_gone(services: fakes.FakeServices) -> None:
    space = services.library.workspace("Rental law").id
    values = {"source_kind": "url", "media_type": "text/html", "fetched_at": datetime(2024, 5, 3, 12, tzinfo=UTC)}
    services.library.put(space, "https://a.example.org/x", title="X", final_url="https://a.example.org/y", **values)
    gone = datetime(2024, 6, 5, 12, tzinfo=UTC)
    services.library.put(space, "https://a.example.org/z", title="Z", gone_at=gone, **values)
    shown = texts(page(app(), "documents")).replace("\u2060", "")
    assert "as fetched on 3 May 2024 from https://a.example.org/y" in shown
    assert "from https://a.example.org/z, gone from there since 5 June 2024" in shown


def test_a_locked_pdf_asks_for_its_password_and_is_opened_with_it(services: fakes.FakeServices) -> None:
    fakes.unfinished(services)
    locked = next(record for record in services.library.records.values() if record.state == "failed")
    at = page(app(), "documents")
    field = at.text_input(key=f"password-{locked.id}")
    assert field.proto.type == field.proto.PASSWORD
    field.input("wrong")
    button_named(at, "Open").click().run()
    assert "That is not the password" in texts(at)
    at.checkbox(key=f"keep-{locked.id}").check()
    at.text_input(key=f"password-{locked.id}").input("Schlüssel")
    button_named(at, "Open").click().run()
    assert not at.exception
    assert services.library.unlocked == [(locked.id, False), (locked.id, True)]
    assert services.library.document(locked.id).state == "received"
    assert "keep-both" in repr(at.session_state), "the control: this is what the session holds"
    assert "Schlüssel" not in repr(at.session_state)


def test_an_office_file_with_a_password_asks_for_none(services: fakes.FakeServices) -> None:
    problem = Problem("encrypted", "The document is protected with a password.", "Save a copy without it.")
    record = services.library.put(
        services.library.workspaces()[-1].id, "a.docx", title="", media_type="word", state="failed", problem=problem
    )
    at = page(app(), "documents")
    assert not at.text_input or all(field.proto.type == field.proto.DEFAULT for field in at.text_input)
    assert at.button(key=f"retry-{record.id}")


def test_a_newer_version_in_work_or_failed_stands_under_the_one_that_serves(services: fakes.FakeServices) -> None:
    library = services.library
    record = library.put(library.workspaces()[-1].id, "contract.pdf", title="Contract", number=3)
    for pending, told in (
        (Pending("v9", 4, "chunked", 3, 10), "A newer version is being read: learning what it says: 3 of 10"),
        (Pending("v9", 4, "failed", problem=Problem("damaged", "Torn.")), "The newer version could not be read: Torn."),
    ):
        library.records[record.id] = replace(record, pending=pending)
        at = page(app(), "documents")
        shown = texts(at) + "\n".join(element.proto.text for element in at.get("progress"))
        assert told in shown
        assert "version 3" in shown
    at.button(key=f"retry-{record.id}").click()


def test_a_file_of_a_known_name_is_told_to_be_a_newer_version(services: fakes.FakeServices) -> None:
    space = services.library.workspaces()[-1]
    services.library.put(space.id, "contract.txt", title="Contract", text="Old.")
    at = page(app(), "documents")
    at.file_uploader[0].upload("contract.txt", b"New.").run()
    assert "contract.txt: version 2 is being read; answers use version 1 until then." in texts(at)
    at.checkbox(key="keep-both").check().run()
    at.file_uploader[0].upload("contract.txt", b"Newer.").run()
    assert sum(record.source == "contract.txt" for record in services.library.records.values()) == 2


def test_the_drawer_says_that_the_document_has_changed_since(services: fakes.FakeServices) -> None:
    record = services.library.put(services.library.workspaces()[-1].id, "contract.pdf", title="Contract", number=2)
    at = app()
    at.session_state["fn_passage"] = OpenPassage(record.id, record.version_id, Span(0, 20), "Contract")
    at.run()
    assert any("has changed since; this is version 1 (added" in element.value for element in at.info)


def test_the_drawer_shows_the_columns_of_a_row(services: fakes.FakeServices, monkeypatch: pytest.MonkeyPatch) -> None:
    record = services.library.put(services.library.workspaces()[-1].id, "pumps.csv", title="Pumps", text="A | 3 kW")
    shown = services.viewer.passage
    header = "![x](http://evil.test) | Power"
    monkeypatch.setattr(services.viewer, "passage", lambda *a, **k: replace(shown(*a, **k), header=header))
    at = app()
    at.session_state["fn_passage"] = OpenPassage(record.id, record.version_id, Span(0, 8), "Pumps")
    at.run()
    [told] = [str(caption.value) for caption in at.caption if "Columns" in str(caption.value)]
    assert "Power" in told
    assert "](" not in told


def test_the_drawer_asks_for_the_password_of_a_page_and_forgets_it(services: fakes.FakeServices) -> None:
    record = services.library.put(services.library.workspaces()[-1].id, "locked.pdf", title="Locked", pages=3)
    services.viewer.locked.add(record.id)
    at = app()
    at.session_state["fn_passage"] = OpenPassage(record.id, record.version_id, Span(0, 20), "Locked")
    at.run()
    at.text_input(key="drawer-password").input("wrong")
    button_named(at, "Show the page").click().run()
    assert "That is not the password." in texts(at)
    at.text_input(key="drawer-password").input("Schlüssel")
    button_named(at, "Show the page").click().run()
    assert not at.exception
    assert [field for field in at.text_input if field.key == "drawer-password"] == []


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


def test_health_shows_what_was_found_and_what_was_repaired(services: fakes.FakeServices) -> None:
    at = page(app(), "health")
    at.button(key="check").click().run()
    assert "1 of 3 checks found something" in texts(at)
    assert "1 document waits since yesterday" in texts(at)
    assert "No passage is forgotten." in texts(at), "each check explains itself"
    at.button(key="repair").click().run()
    assert "All is well again: 1 check repaired." in texts(at)


def test_documents_of_an_earlier_version_are_read_again_on_demand(services: fakes.FakeServices) -> None:
    at = page(app(), "health")
    assert "Read them again" not in [button.label for button in at.button]
    services.library.read_before = [next(iter(services.library.records))]
    at.run()
    assert "1 document of this workspace could be read better today" in texts(at)
    at.button(key="reread").click().run()
    assert services.library.read_before == []


def test_a_workspace_may_let_answers_add_general_knowledge_and_the_chat_says_so(services: fakes.FakeServices) -> None:
    at = page(app(), "settings")
    space = next(one for one in services.library.workspaces() if any(r.key == f"mode-{one.id}" for r in at.radio))
    assert space.mode == "strict"
    at.radio(key=f"mode-{space.id}").set_value("open").run()
    assert services.library.workspace(space.id).mode == "open"
    assert "Answers may add general knowledge" in texts(page(at, "chat"))
    at = page(at, "settings")
    at.radio(key=f"mode-{space.id}").set_value("strict").run()
    assert "Answers may add general knowledge" not in texts(page(at, "chat"))


def test_settings_show_no_path_of_this_machine(services: fakes.FakeServices) -> None:
    at = page(app(), "settings")
    assert "with all-minilm-l6-v2" in texts(at).replace("*", "").replace("\\", "")
    assert str(ROOT) not in texts(at)
    assert "/data" not in texts(at)


def test_a_new_search_index_shows_how_far_it_is_and_can_rest_and_be_given_up(services: fakes.FakeServices) -> None:
    at = page(app(), "settings")
    at.button(key="reindex").click().run()
    building = services.reindexing.search_indexes[1]
    services.reindexing.search_indexes[1] = replace(building, done=120, seconds_left=300.0)
    at = page(at, "documents")
    told = "120 of 340 documents, about 5 minutes left; searches use the old one until then."
    assert f"A new search index is being built: {told}" in shown_progress(at)
    at.button(key="reindex-pause").click().run()
    assert "120 of 340 documents (paused)" in shown_progress(at)
    at.button(key="reindex-cancel").click().run()
    assert len(services.reindexing.search_indexes) == 1
    assert shown_progress(at) == ""


def test_documents_in_a_language_that_the_embedder_does_not_know_bring_a_suggestion(
    services: fakes.FakeServices,
) -> None:
    at = page(app(), "documents")
    assert not any(button.key == "reindex-multilingual" for button in at.button)
    services.reindexing.suggestion = Suggestion("multilingual", ("de", "fr"), 12)
    at = page(at, "documents")
    assert "12 documents here are in German and French." in texts(at).replace("*", "")
    at.button(key="reindex-multilingual").click().run()
    assert services.reindexing.search_indexes[1].embedder_key == "multilingual"
    at.button(key="reindex-cancel").click().run()
    at = page(at, "settings")
    at.button(key="embedder-kept").click().run()
    assert "12 documents here" not in texts(at)


def test_a_search_index_that_could_not_be_built_says_why(services: fakes.FakeServices) -> None:
    problem = Problem("embedder", "The embedder is gone.", "Set it up.")
    building = SearchIndex("i2", "w", "other", "", 64, "s", "building", problem=problem)
    services.reindexing.search_indexes.append(building)
    at = page(app(), "documents")
    assert "The embedder is gone. Set it up. Searches use the old one." in texts(at)
    at.button(key="reindex-again").click().run()
    assert services.reindexing.search_indexes[1].problem is None


def test_the_former_search_index_can_be_had_back_and_a_refusal_is_told(services: fakes.FakeServices) -> None:
    services.reindexing.search_indexes.append(SearchIndex("i0", "w", "former", "", 64, "s", "previous"))
    at = page(app(), "settings")
    assert "former" in texts(at)
    at.button(key="roll-back").click().run()
    assert [toast.value for toast in at.toast if "cannot be brought up to date" in toast.value]


def test_a_document_that_waits_for_the_new_search_index_says_so(services: fakes.FakeServices) -> None:
    key, record = next(iter(services.library.records.items()))
    services.library.records[key] = replace(record, state="parsed", waiting=True)
    bars = [element.proto.text for element in page(app(), "documents").get("progress")]
    assert "Waiting for the new search index…" in bars


def shown_progress(at: AppTest) -> str:
    """The texts beside bars of progress that speak of a search index."""
    bars = [element.proto.text for element in at.get("progress")]
    return " ".join(text for text in bars if "search index is being built" in text)


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
    labels += [link.proto.label for link in at.get("page_link")]
    assert any("evil" in label for label in labels)
    assert not any("](" in label for label in labels)


def test_the_queue_is_paused_stopped_and_begun_again_from_the_page(services: fakes.FakeServices) -> None:
    fakes.unfinished(services)
    workspace = services.library.workspaces()[-1].id
    for number in range(2):
        problem = Problem("damaged", "Torn.")
        services.library.put(workspace, f"torn {number}.pdf", title="", state="failed", problem=problem)
        services.library.put(workspace, f"waiting {number}.pdf", title="", state="received")
    services.reading.seconds_left = 700.0
    at = page(app(), "documents")
    assert "about 12 minutes left" in texts(at)
    at.button(key="queue-pause").click().run()
    assert workspace in services.reading.paused
    assert "Reading is paused." in at.info[0].value
    at.button(key="queue-play_arrow").click().run()
    assert workspace not in services.reading.paused
    at.button(key="queue-cancel").click().run()
    assert not any(record.in_work for record in services.library.documents(workspace))
    at.button(key="queue-refresh").click().run()
    assert not any(record.state == "failed" for record in services.library.documents(workspace))


def test_a_document_that_waits_for_another_try_says_when_and_why(services: fakes.FakeServices) -> None:
    workspace = services.library.workspaces()[-1].id
    moment = datetime(2026, 1, 5, 14, 5)  # UTC, as the database has it
    problem = Problem("storage", "The disk rests.")
    services.library.put(workspace, "a.pdf", title="", state="stored", problem=problem, next_try_at=moment)
    services.reading.no_room = True
    at = page(app(), "documents")
    shown = texts(at)
    assert f"Waiting to try again at {moment.replace(tzinfo=UTC).astimezone():%H:%M} (The disk rests)" in shown
    assert "The disk is nearly full" in shown


def test_the_list_is_filtered_by_state(services: fakes.FakeServices) -> None:
    workspace = services.library.workspaces()[-1].id
    for number in range(30):
        services.library.put(workspace, f"{number}.pdf", title="", state="ready" if number % 3 else "received")
    at = page(app(), "documents")
    assert "Working 10" in str(at.segmented_control(key="documents-filter").options)
    at.segmented_control(key="documents-filter").set_value("working").run()
    assert not at.exception
    shown = [key for key in texts(at).split() if key.endswith(".pdf**")]
    assert len(shown) == 10
