"""Dialogs of the test: a question and what is expected of it, and what a question found in one run or two."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag.errors import FootnoteError
from ui import resources, safe, state, trial_views
from workspaces.models import DocumentRecord
from workspaces.trial_values import FoundPassage, TrialQuestion, TrialResult

_ANSWERED, _UNANSWERED = "Your documents answer it", "Your documents do not answer it"
_ANY = "Any document"


@st.dialog("Edit question", icon=":material/edit:")
def edit(question_id: str) -> None:
    """Change a question and what is expected of it."""
    workspace_id = state.workspace_id()
    if workspace_id is None:
        return
    services = resources.services()
    found = [item for item in services.trial_questions.list(workspace_id) if item.id == question_id]
    if not found:
        st.markdown("This question does not exist any more.")
        return
    [question] = found
    records = {record.id: record for record in services.library.documents(workspace_id)}
    _form(question, records)


@st.dialog("What was found", icon=":material/search:", width="large")
def result(subject: str) -> None:
    """What a question found: `subject` is the question's id and the ids of one run or two."""
    question_id, *run_ids = subject.split(" ")
    trials = resources.services().trials
    shown = [
        trials.result(item) for run_id in run_ids for item in trials.results(run_id) if item.question_id == question_id
    ]
    if not shown:
        st.markdown("This question does not exist any more.")
        return
    st.markdown(f"**{safe.plain(shown[0].question)}**")
    if len(shown) == 1:
        _result(shown[0])
        return
    for column, name, item in zip(st.columns(2), ("First run", "Second run"), shown, strict=True):
        with column:
            st.markdown(f"**{name}**")
            _result(item)


def _result(item: TrialResult) -> None:
    st.caption(trial_views.outcome(item))
    if item.answer:
        st.markdown(safe.plain(item.answer))
    if item.citations:
        st.caption("Footnotes")
        _passages(item.citations)
    st.caption("Passages found, best first" if item.found else "No passages were found.")
    _passages(item.found)


def _passages(found: Sequence[FoundPassage]) -> None:
    for passage in found:
        mark = " :green[:material/check_circle:]" if passage.expected else ""
        with st.container(gap=None):
            st.markdown(f"{passage.number}\\. **{safe.plain(trial_views.found_line(passage))}**{mark}")
            st.caption(safe.plain(trial_views.excerpt(passage)))


def _form(question: TrialQuestion, records: dict[str, DocumentRecord]) -> None:
    place = question.place
    names = {"": _ANY} | {id_: safe.visible(record.title or record.source, limit=80) for id_, record in records.items()}
    chosen = place.document_id if place is not None and place.document_id in records else ""
    with st.form("question-form", border=False):
        text = st.text_area("Question", question.text, height=80)
        kinds = (_ANSWERED, _UNANSWERED)
        expected = st.radio("Expected", kinds, index=0 if question.answerable else 1)
        document_id = st.selectbox(
            "Answered by", list(names), index=list(names).index(chosen), format_func=lambda id_: names[id_]
        )
        page = st.number_input("Page, if it matters", 1, value=place.page if place else None, placeholder="Any")
        if place is not None and place.quote:
            st.caption(safe.plain(f"Expected passage: “{safe.visible(place.quote, limit=300)}”"))
        if not st.form_submit_button("Save", type="primary"):
            return
    try:
        resources.services().trial_questions.edit(
            question.id,
            text=text,
            answerable=expected == _ANSWERED,
            document_id=document_id or None,
            page=int(page) if page and document_id else None,
        )
    except FootnoteError as error:
        resources.show_error(error)
        return
    state.leave_notice("Saved.")
    st.rerun()
