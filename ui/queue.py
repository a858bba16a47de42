"""Draws how the queue of a workspace stands, and what a person may do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from rag.errors import FootnoteError
from ui import figures, resources, state
from workspaces.models import DocumentFilter, Standing


def strip(workspace_id: str, standing: Standing, counts: Mapping[DocumentFilter, int]) -> None:
    """How far everything is, why it waits, and the buttons; nothing where nothing is left and nothing has failed."""
    if standing.left:
        st.caption(_told(standing, counts))
    if standing.left and standing.paused:
        st.info("Reading is paused. What was read stays, and can be asked about.", icon=":material/pause_circle:")
    elif standing.no_room:
        st.warning(
            "The disk is nearly full, so reading waits. It goes on by itself when there is room.",
            icon=":material/hard_disk:",
        )
    if standing.left or standing.paused or counts["failed"] > 1:
        with st.container(horizontal=True, key="queue"):
            _buttons(workspace_id, standing, counts)


def _told(standing: Standing, counts: Mapping[DocumentFilter, int]) -> str:
    parts = [f"{counts['ready']:,} of {counts['all']:,} read"]
    if counts["failed"]:
        parts.append(f"{counts['failed']:,} failed")
    if standing.seconds_left is not None:
        parts.append(f"{figures.duration(standing.seconds_left)} left")
    return ", ".join(parts)


def _buttons(workspace_id: str, standing: Standing, counts: Mapping[DocumentFilter, int]) -> None:
    reading = resources.services().reading
    if standing.paused:
        _button("Go on reading", "play_arrow", lambda: reading.resume(workspace_id))
    elif standing.left:
        _button("Pause reading", "pause", lambda: reading.pause(workspace_id))
    if standing.left > 1:
        _button("Cancel all waiting", "cancel", lambda: reading.stop_waiting(workspace_id))
    if counts["failed"] > 1:
        _button("Try all failed again", "refresh", lambda: _retry(workspace_id))


def _retry(workspace_id: str) -> None:
    count = resources.services().reading.retry_failed(workspace_id)
    state.leave_notice(f"{figures.count(count, 'document')} will be read again.")


def _button(label: str, icon: str, act: Callable[[], object]) -> None:
    if st.button(label, icon=f":material/{icon}:", key=f"queue-{icon}", type="tertiary"):
        try:
            act()
        except FootnoteError as error:
            resources.show_error(error)
            return
        st.rerun()
