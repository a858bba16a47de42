"""Draws the watched folders of a workspace: what each holds, when it was looked into, what is wrong."""

from __future__ import annotations

import streamlit as st

from rag.errors import FootnoteError
from ui import figures, resources, safe, state
from workspaces.models import Folder, Look


def panel(workspace_id: str) -> None:
    """The box for a folder, and the folders that are watched."""
    folders = resources.services().folders.list(workspace_id)
    with st.expander("Watched folders", icon=":material/folder_eye:", expanded=bool(folders)):
        _form(workspace_id)
        for folder in folders:
            _row(folder)


def _form(workspace_id: str) -> None:
    with st.form("watch-folder", border=False, clear_on_submit=True):
        path = st.text_input(
            "Folder on this machine", key="folder-path", placeholder="The path of a folder", max_chars=4000
        )
        st.caption("New, changed, moved and deleted files in it are followed. Hidden files and links are left out.")
        pressed = st.form_submit_button("Watch", icon=":material/add:")
    if pressed and path.strip():
        try:
            folder = resources.services().folders.add(workspace_id, path)
        except FootnoteError as error:
            resources.show_error(error, about=path)
            return
        state.leave_notice(f"{safe.label(folder.path)} is watched from now on.")
        st.rerun()


def _row(folder: Folder) -> None:
    with st.container(border=True, gap="xsmall", key=f"folder-{folder.id}"):
        st.markdown(f"**{safe.label(folder.path, limit=110)}**")
        st.caption(safe.plain(" · ".join(_facts(folder))))
        if folder.problem:
            st.warning(safe.told(folder.problem), icon=":material/warning:")
        with st.container(horizontal=True, vertical_alignment="center"):
            if st.button("Look now", key=f"look-{folder.id}", icon=":material/refresh:"):
                _look(folder)
            too = st.checkbox("Delete its documents too", key=f"delete-too-{folder.id}")
            if st.button("Stop watching", key=f"unwatch-{folder.id}", icon=":material/close:"):
                _stop(folder, delete_documents=too)


def _facts(folder: Folder) -> list[str]:
    facts = [figures.count(folder.files, "file")]
    facts.append(f"looked at {figures.day(folder.scanned_at)}" if folder.scanned_at else "not looked at yet")
    if folder.patterns:
        facts.append(f"without {', '.join(folder.patterns)}")
    return facts


def _look(folder: Folder) -> None:
    try:
        with st.spinner("Looking…"):
            found = resources.services().folders.look(folder.id)
    except FootnoteError as error:
        resources.show_error(error)
        return
    state.leave_notice(_told(found))
    st.rerun()


def _told(found: Look) -> str:
    parts = {"new": found.added, "changed": found.changed, "moved": found.moved, "gone": found.gone}
    told = ", ".join(f"{number:,} {word}" for word, number in parts.items() if number)
    return f"{told}." if told else "Nothing has changed."


def _stop(folder: Folder, *, delete_documents: bool) -> None:
    try:
        resources.services().folders.remove(folder.id, delete_documents=delete_documents)
    except FootnoteError as error:
        resources.show_error(error)
        return
    state.leave_notice("Not watched any more." if delete_documents else "Not watched any more; its documents stay.")
    st.rerun()
