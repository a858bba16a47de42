"""Draws the search index of a workspace: what it is made with, how far a new one is, the way back."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from rag.errors import FootnoteError
from rag.instructions import language_name
from ui import figures, resources, safe, state
from workspaces.adapters import MULTILINGUAL
from workspaces.models import SearchIndex

_POLL_SECONDS = 0.7
_SAME, _BUNDLED, _FOLDER = "The same embedder", "The embedder of new workspaces", "A model in a folder"
_MULTILINGUAL = "The multilingual embedder (16 languages)"


def panel(workspace_id: str) -> None:
    """How far a new index is; nothing where none is being built."""
    building = _busy(workspace_id)
    if not building:
        _suggestion(workspace_id)
    st.fragment(_panel, run_every=_POLL_SECONDS if building else None)(workspace_id, polled=building)


def settings(workspace_id: str) -> None:
    """What the index is made with, another one in its place, the way back."""
    found = {index.state: index for index in resources.services().reindexing.indexes(workspace_id)}
    st.markdown(f"Passages are found by their words, and by their meaning with {_name(found['current'])}.")
    panel(workspace_id)
    if "building" in found:
        return
    chosen = st.selectbox("Build a new index with", [_SAME, _BUNDLED, _MULTILINGUAL, _FOLDER], key="embedder-choice")
    folder = ""
    if chosen == _FOLDER:
        folder = st.text_input("Folder of a sentence-transformers model", key="embedder-folder", max_chars=4000)
    st.button(
        "Build a new index",
        icon=":material/construction:",
        key="reindex",
        disabled=chosen == _FOLDER and not folder.strip(),
        help="In the background; searches use the present one until it is ready.",
        on_click=_reindex,
        args=(workspace_id, {_SAME: None, _BUNDLED: "", _MULTILINGUAL: MULTILINGUAL, _FOLDER: folder}[chosen]),
    )
    if "previous" in found:
        _previous(workspace_id, found["previous"])


def told(index: SearchIndex) -> str:
    """How far an index is, in a sentence or two."""
    text = f"A new search index is being built: {index.done:,} of {figures.count(index.total, 'document')}"
    if index.paused:
        text += " (paused)"
    elif index.seconds_left is not None and index.done < index.total:
        text += f", {figures.duration(index.seconds_left)} left"
    return f"{text}; searches use the old one until then."


def _suggestion(workspace_id: str) -> None:
    """Another embedder, where the present one does not know the language of many documents."""
    reindexing = resources.services().reindexing
    found = reindexing.better(workspace_id)
    if found is None:
        return
    spoken = " and ".join(map(language_name, found.languages[:2]))
    with st.container(border=True, gap="xsmall", key="embedder-suggestion"):
        st.markdown(
            f"**{figures.count(found.documents, 'document')} here {'is' if found.documents == 1 else 'are'} in {spoken}"
            f"{' and other languages' if len(found.languages) > 2 else ''}.** "
            "The embedder of this workspace was not trained for that: passages are then found mostly by their words. "
            "The multilingual one finds them by their meaning as well, also with questions in another language."
        )
        with st.container(horizontal=True):
            st.button(
                "Build an index with it",
                icon=":material/construction:",
                key="reindex-multilingual",
                help="In the background; searches use the present one until it is ready.",
                on_click=_reindex,
                args=(workspace_id, found.embedder_key),
            )
            st.button(
                "Keep the present one",
                key="embedder-kept",
                type="tertiary",
                on_click=reindexing.keep,
                args=(workspace_id,),
            )


def _previous(workspace_id: str, previous: SearchIndex) -> None:
    st.markdown(f"The former index, made with {_name(previous)}, is kept until you build another one.")
    with st.container(horizontal=True):
        st.button(
            "Go back to it",
            icon=":material/undo:",
            key="roll-back",
            on_click=_safely,
            args=(lambda: resources.services().reindexing.roll_back(workspace_id),),
        )
        st.button(
            "Remove it",
            icon=":material/delete:",
            key="drop-previous",
            on_click=_safely,
            args=(lambda: resources.services().reindexing.drop_previous(workspace_id),),
        )


def _panel(workspace_id: str, *, polled: bool) -> None:
    if polled is not _busy(workspace_id):
        st.rerun()  # the whole page: it begins or ends polling, and what it offers changes
    found = [index for index in _indexes(workspace_id) if index.state == "building"]
    for index in found:
        with st.container(border=True, gap="xsmall", key="search-index"):
            _building(workspace_id, index)


def _building(workspace_id: str, index: SearchIndex) -> None:
    reindexing = resources.services().reindexing
    if index.problem is not None:
        text = index.problem.told
        st.error(
            f"The new search index could not be built: {safe.told(text)} Searches use the old one.",
            icon=":material/error:",
        )
    else:
        st.progress(min(1.0, index.done / index.total) if index.total else 0.0, text=told(index))
    with st.container(horizontal=True):
        if index.problem is not None:
            again = lambda: reindexing.reindex(workspace_id, embedder_key=index.embedder_key)  # noqa: E731
            st.button("Try again", icon=":material/refresh:", key="reindex-again", on_click=_safely, args=(again,))
        else:
            st.button(
                "Continue" if index.paused else "Pause",
                icon=":material/play_arrow:" if index.paused else ":material/pause:",
                key="reindex-pause",
                on_click=_safely,
                args=(lambda: reindexing.pause(workspace_id, paused=not index.paused),),
            )
        cancel = lambda: reindexing.cancel(workspace_id)  # noqa: E731
        st.button("Cancel", icon=":material/close:", key="reindex-cancel", on_click=_safely, args=(cancel,))


def _busy(workspace_id: str) -> bool:
    """Whether the panel changes by itself."""
    building = [index for index in _indexes(workspace_id) if index.state == "building"]
    return any(not index.paused and index.problem is None for index in building)


def _indexes(workspace_id: str) -> list[SearchIndex]:
    try:
        return resources.services().reindexing.indexes(workspace_id)
    except FootnoteError:  # the workspace was deleted in another tab
        return []


def _name(index: SearchIndex) -> str:
    return f"**{safe.label(index.embedder, limit=80)}**"


def _reindex(workspace_id: str, embedder_key: str | None) -> None:
    _safely(lambda: resources.services().reindexing.reindex(workspace_id, embedder_key=embedder_key))


def _safely(act: Callable[[], object]) -> None:
    try:
        act()
    except FootnoteError as error:
        state.leave_notice(safe.plain(error.told))
