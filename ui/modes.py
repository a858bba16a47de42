"""Draws whether the answers of a workspace may add general knowledge."""

from __future__ import annotations

from functools import partial

import streamlit as st

from rag.modes import MODES, Mode
from ui import resources, state
from workspaces.models import Workspace

_NAMES: dict[Mode, str] = {"strict": "Only what the documents say", "open": "General knowledge as well, marked"}
_TOLD: dict[Mode, str] = {
    "strict": "Sentences that no passage supports are left out, and a question that the documents do not answer is "
    "not answered.",
    "open": "The model may add what it knows itself. Such sentences are marked, have no footnote and are checked by "
    "nobody.",
}


def settings(workspace: Workspace) -> None:
    """The choice, and what it means."""
    chosen = st.radio(
        "Answers say",
        MODES,
        index=MODES.index(workspace.mode),
        format_func=_NAMES.__getitem__,
        captions=[_TOLD[mode] for mode in MODES],
        key=f"mode-{workspace.id}",
    )
    if chosen != workspace.mode:
        state.attempt(partial(resources.services().library.set_mode, workspace.id, chosen))
        st.rerun()


def caption(workspace: Workspace) -> None:
    """In the chat, where answers are not from the documents alone."""
    if workspace.mode == "open":
        st.caption(":material/lightbulb: Answers may add general knowledge, marked as such. See Settings.")
