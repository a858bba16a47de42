"""Dialogs that change or delete something. Those that delete say with figures what goes."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from rag.errors import FootnoteError
from ui import figures, resources, safe, state, tag_dialogs, trial_dialogs


def show(dialog: state.OpenDialog | None) -> None:
    """Show the dialog that was asked for; Streamlit keeps it open until it is dismissed or done."""
    if dialog is not None:
        _DIALOGS[dialog.name](dialog.subject)


@st.dialog("New workspace", icon=":material/create_new_folder:")
def _create_workspace(_: str) -> None:
    st.caption("A workspace is a knowledge base of its own: nothing of one ever shows in another.")

    def create(name: str) -> str:
        created = resources.services().library.create_workspace(name)
        state.use_workspace(created.id)
        return f"Workspace “{safe.plain(created.name)}” is ready."

    _name_form("Name", "", "Create", create)


@st.dialog("Rename workspace", icon=":material/edit:")
def _rename_workspace(workspace_id: str) -> None:
    library = resources.services().library
    old = library.workspace(workspace_id).name

    def rename(name: str) -> str:
        return f"Renamed to “{safe.plain(library.rename_workspace(workspace_id, name).name)}”."

    _name_form("Name", old, "Rename", rename)


@st.dialog("Delete workspace", icon=":material/delete:")
def _delete_workspace(workspace_id: str) -> None:
    library = resources.services().library
    workspace = library.workspace(workspace_id)
    st.markdown(
        f"**{safe.plain(workspace.name)}** will be deleted with everything in it: **{figures.holdings(workspace)}**."
    )
    st.markdown("The stored originals are removed from this machine too. This cannot be undone.")

    def delete() -> str:
        library.delete_workspace(workspace_id)
        state.use_workspace(None)
        return f"Deleted: {figures.holdings(workspace)}."

    _confirm("Delete workspace", delete)


@st.dialog("Rename chat", icon=":material/edit:")
def _rename_chat(conversation_id: str) -> None:
    conversations = resources.services().conversations

    def rename(title: str) -> str:
        conversations.rename(conversation_id, title)
        return "Renamed."

    _name_form("Title", conversations.get(conversation_id).title, "Rename", rename)


@st.dialog("Delete chat", icon=":material/delete:")
def _delete_chat(conversation_id: str) -> None:
    conversations = resources.services().conversations
    chat = conversations.get(conversation_id)
    questions = figures.count(len(chat.turns), "question")
    st.markdown(
        f"**{safe.label(chat.title) or 'This chat'}** will be deleted with **{questions}** and the answers to them."
    )
    st.markdown("Your documents stay. This cannot be undone.")

    def delete() -> str:
        conversations.delete(conversation_id)
        state.use_conversation(None)
        return "Chat deleted."

    _confirm("Delete chat", delete)


@st.dialog("Delete document", icon=":material/delete:")
def _delete_document(document_id: str) -> None:
    library = resources.services().library
    record = library.document(document_id)
    parts = [figures.count(record.pages, "page")] if record.pages else []
    parts += [figures.count(record.chunks, "passage")] if record.chunks else []
    held = f" with its **{', '.join(parts)}**" if parts else ""
    st.markdown(f"**{safe.label(record.title or record.source)}** will be deleted{held}, and the stored original too.")
    along = library.members_deleted_with(document_id) if record.members else 0
    if along:
        st.markdown(f"**{figures.count(along, 'document')}** inside it will be deleted as well.")
    st.markdown(
        "Answers in saved chats stay, but quotes from this document in them are blanked. This cannot be undone."
    )

    def delete() -> str:
        library.delete(document_id)
        return "Document deleted."

    _confirm("Delete document", delete)


@st.dialog("Delete section", icon=":material/delete:")
def _delete_site(site_id: str) -> None:
    sites = resources.services().sites
    site = sites.site(site_id)
    st.markdown(
        f"**{safe.label(site.start)}** will be deleted with the documents it brought "
        f"(**{figures.count(site.taken, 'page')}** taken), and their stored originals too."
    )
    st.markdown("Answers in saved chats stay, but quotes from these documents are blanked. This cannot be undone.")

    def delete() -> str:
        sites.delete(site_id)
        return "Section deleted."

    _confirm("Delete section", delete)


def _name_form(label: str, value: str, button: str, act: Callable[[str], str]) -> None:
    with st.form("name-form", border=False):
        name = st.text_input(label, value=value, max_chars=100)
        if st.form_submit_button(button, type="primary"):
            _act(lambda: act(name))


def _confirm(button: str, act: Callable[[], str]) -> None:
    with st.container(horizontal=True):
        if st.button(button, type="primary", key="confirm", icon=":material/delete:"):
            _act(act)
        if st.button("Keep it", key="keep"):
            st.rerun()


def _act(act: Callable[[], str]) -> None:
    try:
        notice = act()
    except FootnoteError as error:
        resources.show_error(error)
        return
    state.leave_notice(notice)
    st.rerun()


_DIALOGS: dict[str, Callable[[str], None]] = {
    "create_workspace": _create_workspace,
    "rename_workspace": _rename_workspace,
    "delete_workspace": _delete_workspace,
    "rename_chat": _rename_chat,
    "delete_chat": _delete_chat,
    "delete_document": _delete_document,
    "delete_site": _delete_site,
    "tag_document": tag_dialogs.one,
    "tag_documents": tag_dialogs.several,
    "edit_question": trial_dialogs.edit,
    "trial_result": trial_dialogs.result,
}
