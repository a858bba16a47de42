"""Draws the thumbs below an answer, and what a thumb down offers."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from ui import resources, state
from workspaces.models import Rating, Turn

_THUMBS: tuple[Rating, Rating] = ("down", "up")
"""In the order in which Streamlit counts them."""


def row(turn: Turn) -> None:
    """Thumbs for a finished answer; clicking one again takes it back. With a thumb down, the question can be taken
    into the test."""
    if turn.state not in ("answered", "refused"):
        return
    key = f"rate-{turn.id}"
    if key not in st.session_state:
        st.session_state[key] = _THUMBS.index(turn.rating) if turn.rating else None
    with st.container(horizontal=True, vertical_alignment="center", key=f"rating-{turn.id}"):
        st.feedback("thumbs", key=key, on_change=_rate, args=(turn.id, key))
        if turn.rating == "down":
            _offer(turn.id)


def _offer(turn_id: str) -> None:
    if turn_id in resources.services().trial_questions.taken([turn_id]):
        st.page_link("ui/pages/test.py", label="In the test", icon=":material/fact_check:")
    else:
        st.button(
            "Add to the test",
            key=f"take-{turn_id}",
            icon=":material/add:",
            type="tertiary",
            help="The question becomes part of this workspace's test, so that you see whether it gets better.",
            on_click=_take,
            args=(turn_id,),
        )


def _rate(turn_id: str, key: str) -> None:
    chosen: Literal[0, 1] | None = st.session_state[key]
    rating = None if chosen is None else _THUMBS[chosen]
    state.attempt(lambda: resources.services().conversations.rate(turn_id, rating))


def _take(turn_id: str) -> None:
    take = lambda: resources.services().trial_questions.take(turn_id)  # noqa: E731
    state.attempt(take, done="The question is in the test. You can say there what you expected.")
