"""Draws what the doctor found, and documents that could be read better today."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from rag.errors import FootnoteError
from ui import figures, resources, safe, state
from workspaces.models import Check


def report(checks: Sequence[Check]) -> None:
    """One line a check, with what it means; nothing before the first check."""
    if not checks:
        return
    wrong, repaired = (sum(map(test, checks)) for test in (lambda check: not check.ok, lambda check: check.repaired))
    if wrong:
        st.warning(f"{wrong} of {len(checks)} checks found something.", icon=":material/warning:")
    elif repaired:
        st.success(f"All is well again: {figures.count(repaired, 'check')} repaired.", icon=":material/check_circle:")
    else:
        st.success(f"All {len(checks)} checks passed.", icon=":material/check_circle:")
    with st.container(gap="xsmall"):
        for check in checks:
            icon = ":green[:material/check_circle:]" if check.ok else ":red[:material/error:]"
            detail = f": {safe.plain(check.detail)}" if check.detail else ""
            mended = " (repaired)" if check.repaired else ""
            st.markdown(f"{icon} {safe.plain(check.title)}{detail}{mended}")
            if check.about:
                st.caption(safe.plain(check.about))


def stale(workspace_id: str) -> None:
    """Offer to read those documents again that an earlier version of Footnote has read."""
    library = resources.services().library
    found = library.stale(workspace_id)
    if not found:
        return
    st.header("Documents read by an earlier version")
    st.markdown(
        f"{figures.count(len(found), 'document')} of this workspace could be read better today. Reading them again "
        "makes newer versions; what has cited the old ones stays as it is."
    )
    st.button("Read them again", icon=":material/refresh:", key="reread", on_click=_reread, args=(workspace_id,))


def _reread(workspace_id: str) -> None:
    library = resources.services().library
    try:
        for record in library.stale(workspace_id):
            library.reread(record.id)
    except FootnoteError as error:
        state.leave_notice(safe.plain(error.told))
