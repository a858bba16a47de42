"""Draws two runs side by side: their figures, and the questions that turned out differently."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui import figures, resources, safe, state, trial_views
from workspaces.trial_values import TrialResult, TrialRun

_FIRST, _SECOND = "test-first-run", "test-second-run"
_SHOWN = 50


def show(runs: Sequence[TrialRun]) -> None:
    """Two runs that a person chooses; at first the last two."""
    known = {run.id: run for run in runs if run.done and run.state != "running"}
    if len(known) < 2:
        st.markdown("Run the test twice, with other settings or other documents, and compare the two here.")
        return
    ids = list(known)
    for key, place, label in ((_FIRST, 1, "First run"), (_SECOND, 0, "Second run")):
        if st.session_state.get(key) not in known:
            st.session_state[key] = ids[place]
        st.selectbox(label, ids, format_func=lambda id_: trial_views.run_label(known[id_]), key=key)
    compared = resources.services().trials.compare(st.session_state[_FIRST], st.session_state[_SECOND])
    if not compared.questions:
        st.info("These runs have no question in common.", icon=":material/info:")
        return
    st.table(trial_views.compared_rows(compared.first, compared.second), border="horizontal", hide_index=True)
    st.caption(
        f"Of the {figures.count(compared.questions, 'question')} that both have asked. Where two intervals overlap "
        "widely, the difference may be chance."
    )
    for name, run in (("First", compared.first), ("Second", compared.second)):
        st.caption(safe.plain(f"{name}: {trial_views.settings_line(run)}"))
    changed = len(compared.changed)
    told = (
        f"{figures.count(changed, 'question')} turned out differently"
        if changed
        else "No question turned out differently"
    )
    st.subheader(told, anchor=False)
    for first, second in compared.changed[:_SHOWN]:
        _row(first, second)
    if changed > _SHOWN:
        st.caption(f"And {figures.count(changed - _SHOWN, 'question')} more.")


def _row(first: TrialResult, second: TrialResult) -> None:
    with st.container(gap=None, key=f"changed-{first.question_id}"):
        st.button(
            safe.label(first.question, limit=110),
            key=f"open-both-{first.question_id}",
            type="tertiary",
            on_click=state.open_dialog,
            args=("trial_result", f"{first.question_id} {first.run_id} {second.run_id}"),
        )
        st.caption(f"{trial_views.outcome(first)} → {trial_views.outcome(second)}")
