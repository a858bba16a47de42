"""Draws the questions of a test: the list, and the ways to get more of them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag.errors import FootnoteError
from ui import figures, resources, safe, state, trial_views
from workspaces.trial_making import MOST
from workspaces.trial_values import TrialQuestion

_PASTED, _COUNT, _PHRASE, _PAGE = "test-pasted", "test-count", "test-phrase", "test-page"
_PAGE_SIZE = 20
_USUAL = 20


def show(workspace_id: str, questions: Sequence[TrialQuestion], *, working: bool) -> None:
    """All questions, and above them the ways to get more."""
    answerable = sum(question.answerable for question in questions)
    st.caption(
        f"{figures.count(len(questions), 'question')}: {answerable:,} that your documents answer, "
        f"{len(questions) - answerable:,} that they do not."
    )
    if not working:
        _make_panel(workspace_id)
    add_panel(workspace_id)
    pages = -(-len(questions) // _PAGE_SIZE)
    number = min(st.session_state.get(_PAGE) or 1, max(1, pages))
    for question in questions[(number - 1) * _PAGE_SIZE : number * _PAGE_SIZE]:
        _row(question)
    if pages > 1:
        st.pagination(pages, key=_PAGE)


def make(workspace_id: str, count: int, *, phrase: bool = False) -> None:
    """Begin to make questions; a refusal is shown with the next run."""
    state.attempt(lambda: resources.services().trial_questions.make(workspace_id, count, phrase=phrase))


def add_panel(workspace_id: str) -> None:
    """A box to type questions into."""
    with st.expander("Type or paste questions", icon=":material/edit_note:"):
        st.text_area(
            "One question a line",
            key=_PASTED,
            height=140,
            placeholder="When is the rent due? → lease.pdf, p. 3\nWho won the match? → –",
            help="After an arrow (→ or ->) or a tab you may name the document that answers it, and its page; "
            "a dash says that there is no answer.",
        )
        st.button("Add", key="test-add", icon=":material/add:", on_click=_add, args=(workspace_id,))


def _make_panel(workspace_id: str) -> None:
    with st.expander("Make questions from my documents", icon=":material/auto_awesome:"):
        st.number_input("How many", 1, MOST, _USUAL, key=_COUNT)
        st.checkbox(
            "Let the chat model word them",
            key=_PHRASE,
            help="It takes a few seconds a question; where that is too slow, or there is no model, rules word them.",
        )
        st.button("Make them", key="test-make", on_click=_make, args=(workspace_id,))


def _row(question: TrialQuestion) -> None:
    with st.container(border=True, gap=None, key=f"question-{question.id}"):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            st.markdown(safe.plain(question.text), width="stretch")
            chosen = st.menu_button(
                "",
                ["Edit…", "Delete"],
                icon=":material/more_vert:",
                key=f"menu-question-{question.id}",
                help="This question",
                type="tertiary",
            )
        st.caption(safe.plain(trial_views.expectation(question)))
    if chosen == "Edit…":
        state.open_dialog("edit_question", question.id)
        st.rerun()
    elif chosen == "Delete":
        resources.services().trial_questions.remove([question.id])
        st.rerun()


def _make(workspace_id: str) -> None:
    make(workspace_id, int(st.session_state[_COUNT]), phrase=bool(st.session_state[_PHRASE]))


def _add(workspace_id: str) -> None:
    try:
        count = resources.services().trial_questions.add(workspace_id, st.session_state[_PASTED])
    except FootnoteError as error:  # the text stays in the box
        state.leave_problem(error)
        return
    st.session_state[_PASTED] = ""
    state.leave_notice(f"{figures.count(count, 'question')} added.")
