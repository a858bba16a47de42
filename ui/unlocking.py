"""Asks for the password of a PDF. It goes into one call, or stays with the open drawer; it is written nowhere."""

from __future__ import annotations

import streamlit as st

from rag.errors import FootnoteError
from ui import resources, state
from workspaces.models import DocumentRecord, Pending

_PDF = frozenset({"", "application/pdf"})
"""A document that failed before its kind was noted has none."""

_TYPED = "drawer-password"
_UNSAVED = "one-time-code"
"""Browsers offer to keep what is typed into password fields, whatever "off" says, but not codes."""


def is_wanted(item: DocumentRecord | Pending) -> bool:
    """Whether this failed for want of a password that can be typed here."""
    return item.problem is not None and item.problem.code == "encrypted" and item.media_type in _PDF


def form(record: DocumentRecord) -> None:
    """Password and what to do with what it opens, for a document that cannot be read without."""
    with st.form(f"unlock-{record.id}", clear_on_submit=True):
        password = st.text_input(
            "Password", type="password", key=f"password-{record.id}", max_chars=1000, autocomplete=_UNSAVED
        )
        keep = st.checkbox("Keep a readable copy on this machine", key=f"keep-{record.id}")
        st.caption(
            "With the copy, pages open like those of any other document. Without it only the text is kept, and the "
            "password is asked for again whenever a page is to be shown. The password itself is never stored."
        )
        if st.form_submit_button("Open", type="primary", icon=":material/lock_open:") and password:
            _unlock(record.id, password, keep=keep)


def for_drawer(version_id: str) -> None:
    """Password for the pages in the drawer; it is forgotten when that closes."""
    if state.drawer_password(version_id) is not None:
        st.error("That is not the password.", icon=":material/error:")
    with st.form("unlock-drawer", clear_on_submit=True):
        st.caption("The pages of this document can be shown only with its password. It is not stored.")
        st.text_input("Password", type="password", key=_TYPED, max_chars=1000, autocomplete=_UNSAVED)
        st.form_submit_button("Show the page", icon=":material/lock_open:", on_click=_give, args=(version_id,))


def _give(version_id: str) -> None:
    state.give_password(version_id, st.session_state[_TYPED])


def _unlock(document_id: str, password: str, *, keep: bool) -> None:
    try:
        with st.spinner("Opening it…"):
            resources.services().library.unlock(document_id, password, keep=keep)
    except FootnoteError as error:
        resources.show_error(error)
        return
    st.rerun()
