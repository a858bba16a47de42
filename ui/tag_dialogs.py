"""Dialogs that tag documents: one, or several at once."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from rag.errors import FootnoteError
from ui import figures, resources, safe, state

SEARCH = "find-document"
"""Key of what the list of documents is searched for."""
_MOST = 200
"""Documents to choose from; a search finds others."""
_ABOUT = "Tags group documents: a question can look only in those with a tag, as @#contracts does."


@st.dialog("Tags", icon=":material/sell:")
def one(document_id: str) -> None:
    """Change the tags of a document."""
    services = resources.services()
    record = services.library.document(document_id)
    st.markdown(f"**{safe.label(record.title or record.source)}**")
    st.caption(safe.plain(_ABOUT))
    chosen = _tags(record.workspace_id, record.tags)
    if st.button("Save", type="primary", key="save-tags"):
        _act(lambda: services.tags.replace(record.workspace_id, record.id, chosen), done="Tags saved.")


@st.dialog("Tag documents", icon=":material/sell:")
def several(workspace_id: str) -> None:
    """Give several documents tags, or take them away; those that the list was searched for are offered."""
    services = resources.services()
    page = services.library.documents_page(workspace_id, search=st.session_state.get(SEARCH) or "", limit=_MOST)
    titles = {record.id: record.title or record.source for record in page.records}
    st.caption(safe.plain(_ABOUT))
    ids = st.multiselect(
        "Documents", list(titles), format_func=lambda found: safe.visible(titles[found], limit=80), key="tag-these",
        placeholder="Choose documents",
    )  # fmt: skip
    if page.found > len(titles):
        st.caption(f"The first {_MOST} of {page.found:,}: search the list by name to choose others.")
    chosen = _tags(workspace_id, ())
    with st.container(horizontal=True):
        told = figures.count(len(ids), "document")
        if st.button("Add to them", type="primary", key="add-tags", disabled=not (ids and chosen)):
            _act(lambda: services.tags.add(workspace_id, ids, chosen), done=f"{told} tagged.")
        if st.button("Take away", key="remove-tags", disabled=not (ids and chosen)):
            _act(lambda: services.tags.remove(workspace_id, ids, chosen), done=f"Tags taken from {told}.")


def _tags(workspace_id: str, current: tuple[str, ...]) -> list[str]:
    known = resources.services().tags.of_workspace(workspace_id)
    return st.multiselect(
        "Tags",
        list(dict.fromkeys([*known, *current])),
        default=list(current),
        key="tags",
        format_func=safe.visible,
        accept_new_options=True,
        placeholder="Choose a tag, or type a new one",
        select_all=False,
    )


def _act(act: Callable[[], None], *, done: str) -> None:
    try:
        act()
    except FootnoteError as error:
        resources.show_error(error)
        return
    state.leave_notice(done)
    st.rerun()
