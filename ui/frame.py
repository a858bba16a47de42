"""What stands around every page: the sidebar with workspace, chats and model, and the dialogs it opens."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from rag.errors import FootnoteError
from ui import dialogs, figures, models, resources, safe, state
from workspaces.models import Conversation, Workspace

ABOUT = """**Footnote**: a private knowledge base on your own machine.
Every sentence of an answer opens the passage it rests on. Nothing leaves this machine."""

FIRST_WORKSPACE = "My documents"
_CHATS = 30
_STYLE = Path(__file__).parent / "assets" / "app.css"


def open_workspace() -> bool:
    """Draw the sidebar for the workspace in use; False when the services cannot be opened (then it is said why)."""
    st.html(_STYLE)
    try:
        workspaces = resources.services().library.workspaces()
    except FootnoteError as error:
        st.title("Footnote cannot open your documents")
        resources.show_error(error)
        st.button("Try again", icon=":material/refresh:")
        return False
    current = _current(workspaces)
    state.use_workspace(current.id if current else None)
    with st.sidebar:
        _workspace_switch(workspaces, current)
        if current is not None:
            _chats(current)
        models.panel()
    if notice := state.take_notice():
        st.toast(notice)
    dialogs.show(state.take_dialog())
    return True


def current_workspace() -> Workspace | None:
    """The workspace in use with its figures; None before the first one is made."""
    chosen = state.workspace_id()
    return resources.services().library.workspace(chosen) if chosen else None


def ensure_workspace() -> str:
    """The id of the workspace in use; the first document or question makes the first workspace."""
    if chosen := state.workspace_id():
        return chosen
    created = resources.services().library.create_workspace(FIRST_WORKSPACE)
    state.use_workspace(created.id)
    return created.id


def _current(workspaces: list[Workspace]) -> Workspace | None:
    by_id = {workspace.id: workspace for workspace in workspaces}
    filled = [workspace for workspace in workspaces if workspace.documents]
    return by_id.get(state.workspace_id() or "") or next(iter(filled or workspaces), None)


def _workspace_switch(workspaces: list[Workspace], current: Workspace | None) -> None:
    names = {workspace.id: safe.visible(workspace.name, limit=60) for workspace in workspaces}
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    with row:
        if current is None:
            st.markdown(f"**{FIRST_WORKSPACE}**", width="stretch")
        else:
            st.session_state["workspace"] = current.id
            st.selectbox(
                "Workspace",
                list(names),
                format_func=lambda found: names.get(found, ""),
                key="workspace",
                on_change=lambda: state.use_workspace(st.session_state["workspace"]),
            )
        actions = {"New workspace…": "create_workspace"}
        if current is not None:
            actions |= {"Rename…": "rename_workspace", "Delete…": "delete_workspace"}
        subject = current.id if current else ""
        chosen = st.menu_button(
            "",
            list(actions),
            icon=":material/more_vert:",
            key="menu-workspace",
            help="Manage workspaces",
            type="tertiary",
        )
        if chosen:
            state.open_dialog(actions[chosen], subject)


def _chats(current: Workspace) -> None:
    chats = resources.services().conversations.list(current.id)
    st.button(
        "New chat", icon=":material/edit_square:", key="new-chat", width="stretch", on_click=_open_chat, args=(None,)
    )
    if chats:
        st.caption("Chats")
    shown = chats if st.session_state.get("all-chats") else chats[:_CHATS]
    with st.container(gap=None, key="chats"):
        for chat in shown:
            _chat_row(chat)
    if len(chats) > len(shown):
        st.button(
            f"Show all {figures.count(len(chats), 'chat')}", key="show-chats", type="tertiary", on_click=_show_all
        )


def _chat_row(chat: Conversation) -> None:
    active = chat.id == state.conversation_id()
    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall", wrap=False):
        st.button(
            safe.label(chat.title, limit=34) or "New chat",
            key=f"chat-{chat.id}",
            type="secondary" if active else "tertiary",
            help=safe.plain(chat.title) if len(chat.title) > 34 else None,
            width="stretch",
            on_click=_open_chat,
            args=(chat.id,),
        )
        if active:
            actions = {"Rename…": "rename_chat", "Delete…": "delete_chat"}
            chosen = st.menu_button(
                "",
                list(actions),
                icon=":material/more_horiz:",
                key=f"menu-chat-{chat.id}",
                help="This chat",
                type="tertiary",
            )
            if chosen:
                state.open_dialog(actions[chosen], chat.id)


def _open_chat(conversation_id: str | None) -> None:
    state.use_conversation(conversation_id)
    state.go_to_chat()


def _show_all() -> None:
    st.session_state["all-chats"] = True
