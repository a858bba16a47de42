"""Where a question looks, on the chat page: chosen, shown as chips, kept with the question, left away again."""

from __future__ import annotations

from datetime import date

import pytest
from streamlit.testing.v1 import AppTest

from rag.scope import Scope
from tests.ui import fakes
from tests.ui.test_pages import answered, app, texts, turns
from ui.state import OpenDialog

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the test client's own dependencies


def opened() -> AppTest:
    """The chat page with the control open."""
    at = app()
    at.session_state["scope-popover"] = True
    at.run()
    assert not at.exception
    return at


def chips(at: AppTest) -> list[str]:
    return [button.label.replace("\\", "") for button in at.button if str(button.key).startswith("scope-chip-")]


def asked(at: AppTest, services: fakes.FakeServices, question: str = "When is the rent due?") -> AppTest:
    at.chat_input[0].set_value(question).run()
    return answered(at, services)


def last(services: fakes.FakeServices) -> Scope:
    [chat] = services.conversations.chats.values()
    return chat.turns[-1].scope


def test_a_question_looks_where_it_was_told_and_the_next_one_too(services: fakes.FakeServices) -> None:
    at = opened()
    at.multiselect(key="scope-kinds").set_value(["pdf"]).run()
    assert chips(at) == ["PDF"]
    assert "1 document will be searched" in texts(at)
    asked(at, services)
    assert last(services) == Scope(kinds=("pdf",))
    view = turns(at)[0]
    assert view["searched"] == {"text": "", "undo": False, "limits": "PDF"}
    assert {card["title"] for card in view["evidence"]} == {"Lease agreement, Lindenstraße 12"}
    assert chips(at) == ["PDF"]
    asked(at, services, "And the deposit?")
    assert last(services) == Scope(kinds=("pdf",))
    at.button(key="scope-chip-0").click().run()
    assert chips(at) == []
    asked(at, services, "And now?")
    assert last(services) == Scope()


def test_only_what_tells_documents_apart_is_offered(services: fakes.FakeServices) -> None:
    at = opened()
    assert {str(found.key) for found in at.multiselect} == {"scope-documents", "scope-kinds", "scope-also"}
    assert not at.date_input
    space = services.library.workspace("Rental law").id
    services.library.put(space, "brief.txt", title="Brief", language="de", date="2023-05-19", tags=("rent",))
    services.scoping.folders = ("/home/anna/letters",)
    at.run()
    keys = {str(found.key) for found in at.multiselect}
    assert {"scope-languages", "scope-tags", "scope-folders"} <= keys
    at.date_input(key="scope-since").set_value(date(2023, 1, 1)).run()
    assert chips(at) == ["dated 2023-01-01 or later"]
    asked(at, services)
    assert last(services).since == "2023-01-01"


def test_after_a_reload_the_scope_of_the_last_question_is_in_force(services: fakes.FakeServices) -> None:
    at = opened()
    at.multiselect(key="scope-kinds").set_value(["pdf"]).run()
    asked(at, services)
    again = AppTest.from_file(at._script_path, default_timeout=30)
    again.query_params["w"], again.query_params["c"] = at.query_params["w"], at.query_params["c"]
    assert chips(again.run()) == ["PDF"]
    again.button(key="new-chat").click().run()
    assert chips(again) == [], "a new chat begins with everything"


def test_a_name_in_the_question_is_shown_and_not_kept(services: fakes.FakeServices) -> None:
    at = asked(app(), services, "@lease when is the rent due?")
    assert turns(at)[0]["question"] == "@lease when is the rent due?"
    assert turns(at)[0]["searched"] == {
        "text": "when is the rent due?", "undo": False, "limits": "Lease agreement, Lindenstraße 12",
    }  # fmt: skip
    assert chips(at) == []
    asked(at, services, "And the deposit?")
    assert last(services) == Scope()


def test_an_unknown_name_is_told_and_the_question_stands_in_the_box_again(services: fakes.FakeServices) -> None:
    at = app()
    at.chat_input[0].set_value("@leese when is the rent due?").run()
    assert "No document or tag here is called “leese”" in texts(at)
    assert not services.conversations.chats, "no chat is made for it"
    assert at.chat_input[0].value == "@leese when is the rent due?"


def test_a_refusal_within_a_filter_offers_to_ask_without_it(services: fakes.FakeServices) -> None:
    services.conversations.scripts["Who won?"] = fakes.Script(refused=True)
    at = opened()
    at.multiselect(key="scope-kinds").set_value(["pdf"]).run()
    asked(at, services, "Who won?")
    refusal = turns(at)[0]["refusal"]
    assert refusal["everywhere"]
    assert "Only a part of your documents was searched (PDF)" in refusal["hint"]
    space = services.library.workspace("Rental law")
    [chat] = services.conversations.chats.values()
    services.conversations.repeat(chat.turns[0].id, everywhere=True)
    answered(at, services)
    assert last(services) == Scope()
    assert not turns(at)[1]["refusal"]["everywhere"]
    assert services.scoping.count(space.id, last(services)) == 3


def test_names_of_documents_are_no_markdown(services: fakes.FakeServices) -> None:
    space = services.library.workspace("Rental law").id
    record = services.library.put(space, "x.pdf", title="![x](http://evil.example/x) **bold**")
    at = opened()
    at.multiselect(key="scope-documents").set_value([record.id]).run()
    [label] = [button.label for button in at.button if button.key == "scope-chip-0"]
    assert "![" not in label
    assert "**" not in label.replace("\\*", "")


def test_another_workspace_can_be_searched_as_well(services: fakes.FakeServices) -> None:
    biology = services.library.workspace("Biology, year 9").id
    at = opened()
    at.multiselect(key="scope-also").set_value([biology]).run()
    assert chips(at) == ["also in Biology, year 9"]
    asked(at, services)
    assert last(services) == Scope(also=(biology,))


def tagging(services: fakes.FakeServices, tag: str, ids: list[str]) -> AppTest:
    """The documents page after what the dialog asks for; it is drawn anew with every run of the test client."""
    at = app()
    at.switch_page("ui/pages/documents.py").run()
    at.button(key="tag-several").click().run()
    at.session_state["fn_dialog"] = OpenDialog("tag_documents", services.library.workspace("Rental law").id)
    at.session_state["tag-these"], at.session_state["tags"] = ids, [tag]
    at.run()
    at.session_state["fn_dialog"] = OpenDialog("tag_documents", services.library.workspace("Rental law").id)
    at.button(key="add-tags").click().run()
    assert not at.exception
    return at


def test_several_documents_are_tagged_at_once(services: fakes.FakeServices) -> None:
    ids = list(services.library.records)[:2]
    at = tagging(services, "Rent", ids)
    assert [services.library.records[id_].tags for id_ in services.library.records] == [("Rent",), ("Rent",), ()]
    assert "#Rent" in texts(at)


def test_a_wrong_tag_is_told_in_the_dialog(services: fakes.FakeServices) -> None:
    at = tagging(services, "x" * 60, list(services.library.records)[:1])
    assert "is no tag" in texts(at)
