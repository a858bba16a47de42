"""Draws the figures of one run, how they have changed over the runs, and the questions that went wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from ui import figures, resources, safe, state, trial_views
from workspaces.trial_values import TrialResult, TrialRun

_RUN = "test-shown-run"
_SHOWN = 30


def show(runs: Sequence[TrialRun]) -> None:
    """The latest run, or another one that is chosen; nothing before the first."""
    shown = [run for run in runs if run.state != "running"]
    if not shown:
        return
    by_id = {run.id: run for run in shown}
    if st.session_state.get(_RUN) not in by_id:
        st.session_state[_RUN] = shown[0].id
    st.selectbox("Run", list(by_id), format_func=lambda id_: trial_views.run_label(by_id[id_]), key=_RUN)
    run = by_id[st.session_state[_RUN]]
    _ended(run)
    if run.done:
        st.table(trial_views.figure_rows(run), border="horizontal", hide_index=True)
        st.caption(
            "Tests are small, so each share stands with its 95 % interval. "
            + ("" if run.settings.answers else "Without answers, refusing is judged by the evidence alone.")
        )
        st.caption(safe.plain(trial_views.settings_line(run)))
        _trend(runs)
        _questions(run)
    _buttons(run)


def show_latest() -> None:
    """Show the latest run again, whatever was chosen."""
    st.session_state.pop(_RUN, None)


def _ended(run: TrialRun) -> None:
    if run.problem is not None:
        st.error(safe.told(run.problem.told), icon=":material/error:")
    elif run.state == "interrupted":
        st.warning("Footnote was closed during this run. You can go on with it.", icon=":material/info:")
    elif run.state == "cancelled":
        st.info("This run was cancelled. You can go on with it.", icon=":material/info:")


def _trend(runs: Sequence[TrialRun]) -> None:
    points = trial_views.trend(runs)
    if len(points) < 2:
        return
    st.subheader("Over the runs", anchor=False)
    names = [name for name in points[-1] if name != "Run"]
    st.line_chart(points, x="Run", y=names, height=220, y_label="")


def _questions(run: TrialRun) -> None:
    results = resources.services().trials.results(run.id)
    wrong = [result for result in results if trial_views.went_wrong(result)]
    st.subheader("Questions that went wrong", anchor=False)
    if not wrong:
        st.caption("None." if results else "The documents they were made from are gone.")
    for result in wrong[:_SHOWN]:
        result_row(result)
    if len(wrong) > _SHOWN:
        st.caption(f"And {figures.count(len(wrong) - _SHOWN, 'question')} more.")
    right = [result for result in results if not trial_views.went_wrong(result)]
    with st.expander(f"{figures.count(len(right), 'question')} that went right", on_change="rerun") as box:
        if box.open:
            for result in right[:_SHOWN]:
                result_row(result)
            if len(right) > _SHOWN:
                st.caption(f"And {figures.count(len(right) - _SHOWN, 'question')} more.")


def result_row(result: TrialResult) -> None:
    """A question with its outcome; a click shows what was found."""
    with st.container(gap=None, key=f"result-{result.question_id}"):
        st.button(
            safe.label(result.question, limit=110),
            key=f"open-{result.run_id}-{result.question_id}",
            type="tertiary",
            on_click=state.open_dialog,
            args=("trial_result", f"{result.question_id} {result.run_id}"),
        )
        st.caption(trial_views.outcome(result))


def _buttons(run: TrialRun) -> None:
    trials = resources.services().trials
    with st.container(horizontal=True, key="test-run-actions"):
        if run.resumable:
            _button("Go on with this run", "play_arrow", lambda: trials.resume(run.id))
        _button("Forget this run", "delete", lambda: trials.remove(run.id))


def _button(label: str, icon: str, act: Callable[[], object]) -> None:
    st.button(
        label, icon=f":material/{icon}:", key=f"test-{icon}", type="tertiary", on_click=state.attempt, args=(act,)
    )
