"""The page Test over the real services; only the embedder is a double."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT
from tests.support.services import add, ingested, opened, settled
from tests.ui import fakes
from ui import resources
from ui.state import OpenDialog
from workspaces.bootstrap import Services
from workspaces.trial_values import RunSettings

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the test client's own dependencies

LEASE = "The monthly rent is 1,250 euros. The lease of the office began on 3 October 2021."
TURBINE = "The turbine was built by Siemens in Berlin. The turbine delivers 12 megawatts."


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    st.cache_resource.clear()
    with opened(tmp_path / "data") as services:
        space = services.library.create_workspace("House").id
        ingested(services, space, LEASE, "lease.txt")
        settled(services, add(services, space, TURBINE, "turbine.txt", title="![x](http://canary.test/a.png)"))
        fakes.install(services, replace_in=monkeypatch)
        monkeypatch.setattr(resources, "warm_up_soon", lambda: None)
        yield services
        resources.close()
    st.cache_resource.clear()


def workspace(services: Services) -> str:
    return services.library.workspace("House").id


def page() -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    return drawn(at.switch_page("ui/pages/test.py").run())


def drawn(at: AppTest) -> AppTest:
    assert not at.exception
    return at


def done(at: AppTest, services: Services) -> AppTest:
    """The page when nothing is being done any more."""
    assert services.trials.wait(timeout=30)
    return drawn(at.run())


def view(at: AppTest, name: str) -> AppTest:
    at.session_state["test-view"] = name
    return drawn(at.run())


def texts(at: AppTest) -> str:
    elements = [*at.markdown, *at.caption, *at.title, *at.subheader, *at.error, *at.warning, *at.info, *at.toast]
    return "\n".join(str(element.value) for element in elements).replace("\\", "")


def button(at: AppTest, label: str) -> Any:
    return next(item for item in at.button if item.label.replace("\\", "").startswith(label))


def asked(services: Services, settings: RunSettings | None = None) -> str:
    run = services.trials.start(workspace(services), settings or RunSettings())
    assert services.trials.wait(timeout=30)
    return run.id


def test_without_documents_the_page_leads_to_adding_them(services: fakes.FakeServices) -> None:
    services.library.spaces.clear()
    services.library.records.clear()
    assert "No documents yet" in texts(page())


def test_at_first_it_says_what_it_is_and_makes_questions_with_one_click(real: Services) -> None:
    at = page()
    assert "how well your own documents are answered" in texts(at)
    button(at, "Make 20 questions").click().run()
    at = done(at, real)
    made = real.trial_questions.list(workspace(real))
    assert made
    assert button(at, f"Ask {len(made)} questions")


def test_asking_shows_every_figure_and_a_dash_where_there_is_none(real: Services) -> None:
    real.trial_questions.add(workspace(real), "How much is the monthly rent? → lease.txt\nWho won in Skopje? → –")
    at = page()
    button(at, "Ask 2 questions").click().run()
    table = done(at, real).table[0].value
    values = dict(zip(table["Figure"], table["Value"], strict=True))
    assert values["Right passage found first"] == "100\u00a0%"
    assert values["Refused where there is no answer"] == "100\u00a0%"
    assert values["Quotes word for word"] == "–"
    assert next(iter(table["95 % interval"])) == "21 to 100\u00a0%"


def test_a_run_goes_on_without_the_page_and_can_be_cancelled(real: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, held = threading.Event(), threading.Event()
    retrieve = real.library._retriever.retrieve

    def slow(*arguments: Any, **options: Any) -> Any:
        begun.set()
        assert held.wait(20)
        return retrieve(*arguments, **options)

    monkeypatch.setattr(real.trials._asker, "retrieve", slow)
    real.trial_questions.add(workspace(real), "How much is the rent?\nWho built the turbine?")
    button(page(), "Ask 2 questions").click().run()
    assert begun.wait(20)
    again = page()  # as after a reload
    assert button(again, "Ask 2").disabled
    button(again, "Cancel").click().run()
    held.set()
    at = done(again, real)
    assert "was cancelled" in texts(at)
    button(at, "Go on with this run").click().run()
    at = done(at, real)
    [run] = real.trials.runs(workspace(real))
    assert (run.state, run.done) == ("done", 2)


def test_typed_questions_are_added_and_a_mistake_is_told_without_losing_the_text(real: Services) -> None:
    at = page()
    typed = "How much is the rent? → nothing.pdf"
    at.text_area[0].set_value(typed).run()
    button(at, "Add").click().run()
    assert "nothing.pdf" in texts(drawn(at))
    assert at.text_area[0].value == typed
    at.text_area[0].set_value("How much is the rent? → lease.txt").run()
    button(at, "Add").click().run()
    at = view(drawn(at), "Questions")
    assert "How much is the rent?" in texts(at)
    assert "Answered by lease" in texts(at)
    assert at.text_area[0].value == ""


def test_a_question_is_edited(real: Services) -> None:
    real.trial_questions.add(workspace(real), "How much is the rent? → lease.txt")
    [question] = real.trial_questions.list(workspace(real))
    at = view(page(), "Questions")
    at.session_state["fn_dialog"] = OpenDialog("edit_question", question.id)
    drawn(at.run())
    next(area for area in at.text_area if area.label == "Question").set_value("Who won?")
    at.radio[0].set_value("Your documents do not answer it")
    at.session_state["fn_dialog"] = OpenDialog("edit_question", question.id)  # the test client closes it otherwise
    button(at, "Save").click().run()
    [edited] = real.trial_questions.list(workspace(real))
    assert (edited.text, edited.answerable, edited.place) == ("Who won?", False, None)


def test_hostile_names_and_questions_stay_text(real: Services) -> None:
    hostile = "What is ![y](http://canary.test/b.png) about?"
    real.trial_questions.add(workspace(real), f"{hostile} → turbine.txt")
    run = asked(real, RunSettings(answers=True, model_key="none"))
    at = view(page(), "Questions")
    [question] = real.trial_questions.list(workspace(real))
    shown = [str(item.value) for item in (*at.markdown, *at.caption)]
    at.session_state["fn_dialog"] = OpenDialog("trial_result", f"{question.id} {run}")
    drawn(view(at, "Results"))
    shown += [str(item.value) for item in (*at.markdown, *at.caption)]
    shown += [item.label for item in at.button]
    naming = [text for text in shown if "canary" in text]
    assert naming
    assert not [text for text in naming if "![" in text or "](http" in text]


def test_two_runs_are_compared_and_a_changed_question_opens_both(
    real: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    real.trial_questions.add(workspace(real), "How much is the monthly rent? → lease.txt")
    first = asked(real)
    at = view(page(), "Compare")
    assert "Run the test twice" in texts(at)
    monkeypatch.setattr(real.trials._asker, "retrieve", _nothing(real.trials._asker.retrieve))
    second = asked(real)
    at = view(at, "Compare")
    assert "1 question turned out differently" in texts(at)
    assert "found as number 1 → not found, refused" in texts(at)
    assert [box.value for box in at.selectbox if "run" in box.label] == [first, second]
    button(at, "How much is the monthly rent?").click().run()
    told = texts(drawn(at))
    assert "First run" in told
    assert "No passages were found." in told


def _nothing(retrieve: Any) -> Any:
    from dataclasses import replace

    return lambda *given, **options: replace(retrieve(*given, **options), passages=(), sufficient=False)


def test_what_cannot_be_started_is_told(real: Services) -> None:
    real.trial_questions.add(workspace(real), "How much is the rent?")
    at = page()
    real.trial_questions.remove([question.id for question in real.trial_questions.list(workspace(real))])
    button(at, "Ask 1 question").click().run()
    assert "no questions yet" in texts(drawn(at))


def test_a_thumb_down_is_kept_can_be_taken_back_and_leads_to_the_test(services: fakes.FakeServices) -> None:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    at.chat_input[0].set_value("When is the rent due?").run()
    deadline = time.monotonic() + 20
    while (turn := next(iter(services.conversations.chats.values())).turns[0]).state != "answered":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    drawn(at.run())
    assert not [item for item in at.button if item.label == "Add to the test"]
    at.feedback[0].set_value(0).run()
    assert services.conversations.turn(turn.id).rating == "down"
    button(at, "Add to the test").click().run()
    assert services.trial_questions.turns == {turn.id}
    assert not [item for item in drawn(at).button if item.label == "Add to the test"]
    at.feedback[0].set_value(None).run()
    assert services.conversations.turn(turn.id).rating is None
    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    services.conversations.rate(turn.id, "up")
    again.query_params["w"], again.query_params["c"] = at.query_params["w"], at.query_params["c"]
    assert again.run().feedback[0].value == 1
