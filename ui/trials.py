"""Draws the test of a workspace: what it is, what is being done, and its three views."""

from __future__ import annotations

import streamlit as st

from rag.errors import FootnoteError
from rag.prompts import Offer
from ui import figures, models, resources, safe, state, trial_compare, trial_questions, trial_results
from workspaces.trial_values import Making, RunSettings, TrialRun
from workspaces.trials import FEWEST_TOKENS, MOST_PASSAGES, MOST_TOKENS

_POLL_SECONDS = 0.7
_FIRST = 20
_VIEWS = ("Results", "Questions", "Compare")
_VIEW, _KIND, _MODEL, _PASSAGES, _TOKENS = (
    "test-view",
    "test-kind",
    "test-model",
    "test-passages",
    "test-tokens",
)
_MAKING = "test-making"
"""Questions were being made when this page was last drawn."""
_SEARCH, _ANSWER = "Search only", "With answers"


def show(workspace_id: str) -> None:
    """The whole page below its title."""
    services = resources.services()
    questions, runs = services.trial_questions.list(workspace_id), services.trials.runs(workspace_id)
    making = services.trial_questions.making(workspace_id)
    running = next((run for run in runs if run.state == "running"), None)
    working = running is not None or (making is not None and making.running)
    if working:
        st.fragment(_progress, run_every=_POLL_SECONDS)(workspace_id)
    elif making is not None and making.problem is not None:
        st.warning(safe.told(making.problem.told), icon=":material/info:")
    if not questions and not runs:
        if not working:
            _empty(workspace_id)
        return
    view = st.segmented_control(
        "View",
        _VIEWS,
        default=_VIEWS[0],
        required=True,
        key=_VIEW,
        label_visibility="collapsed",
        persist_state="session",
    )
    if view == "Questions":
        trial_questions.show(workspace_id, questions, working=working)
    elif view == "Compare":
        trial_compare.show(runs)
    else:
        _starter(workspace_id, len(questions), working=working)
        trial_results.show(runs)


def _empty(workspace_id: str) -> None:
    st.markdown(
        "Find out how well your own documents are answered. Footnote asks questions whose answers it knows, and counts "
        "how often it finds the right passage and how often it rightly says that there is no answer."
    )
    st.button(
        f"Make {_FIRST} questions from my documents",
        key="test-first",
        type="primary",
        icon=":material/auto_awesome:",
        on_click=trial_questions.make,
        args=(workspace_id, _FIRST),
    )
    trial_questions.add_panel(workspace_id)
    st.caption("You can also give an answer in the chat a thumb down, and take its question into the test.")


# --- what is being done --------------------------------------------------------------------------


def _progress(workspace_id: str) -> None:
    services = resources.services()
    try:
        making = services.trial_questions.making(workspace_id)
        running = next((run for run in services.trials.runs(workspace_id) if run.state == "running"), None)
    except FootnoteError:  # the workspace was deleted in another tab
        st.rerun()
    if running is not None:
        st.progress(running.done / max(1, running.total), text=_asked(running))
    elif making is not None and making.running:
        st.session_state[_MAKING] = True
        st.progress(min(1.0, making.done / making.total), text=f"Making questions: {making.done:,} of {making.total:,}")
    else:
        trial_results.show_latest()
        if making is not None and making.done and st.session_state.pop(_MAKING, False):
            state.leave_notice(_ended(making))
        st.rerun()  # the whole page: polling ends, and the figures are there
    st.button("Cancel", key="test-cancel", icon=":material/cancel:", type="tertiary", on_click=services.trials.cancel)


def _asked(run: TrialRun) -> str:
    verb = "Asking and answering" if run.settings.answers else "Asking"
    return f"{verb}: {run.done:,} of {figures.count(run.total, 'question')}"


def _ended(making: Making) -> str:
    told = f"{figures.count(making.done, 'question')} made."
    return told if making.done == making.total else f"{told} More could not be found, or you cancelled it."


# --- starting a run ------------------------------------------------------------------------------


def _starter(workspace_id: str, count: int, *, working: bool) -> None:
    with st.container(border=True, key="test-start"):
        kind = st.segmented_control(
            "What is measured",
            (_SEARCH, _ANSWER),
            default=_SEARCH,
            required=True,
            key=_KIND,
            persist_state="session",
            help="Searching takes a moment. An answer takes as long as in the chat, so many take long.",
        )
        if kind == _ANSWER:
            _answer_settings()
        st.button(
            f"Ask {figures.count(count, 'question')}",
            key="test-run",
            type="primary",
            icon=":material/play_arrow:",
            disabled=working or not count,
            on_click=state.attempt,
            args=(lambda: _start(workspace_id),),
        )


def _answer_settings() -> None:
    usual = Offer()
    known = {choice.key: choice for choice in models.choices() if choice.available}
    chosen = resources.services().chat_models.chosen()
    st.selectbox(
        "Chat model",
        list(known),
        index=list(known).index(chosen) if chosen in known else 0,
        format_func=lambda key: safe.visible(known[key].label, limit=60),
        key=_MODEL,
        persist_state="session",
    )
    with st.container(horizontal=True):
        st.number_input(
            "Passages for the model", 1, MOST_PASSAGES, usual.passages, key=_PASSAGES, persist_state="session"
        )
        st.number_input(
            "Tokens of sources",
            FEWEST_TOKENS,
            MOST_TOKENS,
            usual.source_tokens,
            step=100,
            key=_TOKENS,
            persist_state="session",
            help="The most that the model reads of the passages. More takes longer.",
        )


def _start(workspace_id: str) -> None:
    drafts = st.session_state
    settings = RunSettings()
    if drafts.get(_KIND) == _ANSWER:
        settings = RunSettings(True, drafts[_MODEL], Offer(int(drafts[_PASSAGES]), int(drafts[_TOKENS])))
    resources.services().trials.start(workspace_id, settings)
