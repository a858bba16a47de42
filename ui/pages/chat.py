"""The chat page: questions, evidence, answers, and the drawer that a footnote opens."""

import streamlit as st

from rag.errors import FootnoteError
from ui import drawer, figures, frame, modes, receipts, resources, scopes, state, turns, uploads
from workspaces.models import Conversation

services = resources.services()
workspace = frame.current_workspace()


def open_conversation() -> Conversation | None:
    """The chat in the address, if it belongs to the workspace in use."""
    chosen = state.conversation_id()
    if chosen is None or workspace is None:
        return None
    try:
        found = services.conversations.get(chosen)
    except FootnoteError:  # deleted meanwhile, or an old link: a new chat instead
        found = None
    if found is None or found.workspace_id != workspace.id:
        state.use_conversation(None)
        return None
    state.use_conversation(found.id)
    return found


def ask(chat: str | None, question: str) -> None:
    """Save the question in this chat, or in a new one. Called before the page runs: a run may be cut short.

    A question that is refused stands in the box again; nobody types it twice.
    """
    try:
        looking = scopes.current(chat, told)
        services.scoping.read(frame.ensure_workspace(), question, looking)  # before a new chat is made for it
        chosen = chat or services.conversations.create(frame.ensure_workspace()).id
        state.use_conversation(chosen)
        services.conversations.ask(chosen, question, scope=looking)
    except FootnoteError as error:
        state.leave_problem(error)
        st.session_state["question"] = question


conversation = open_conversation()
chat = conversation.id if conversation else None
told = conversation.turns if conversation else ()
busy = any(turn.state == "running" for turn in told)

if told:
    turns.show(
        told, has_documents=bool(workspace and workspace.documents), ask_again=lambda: ask(chat, told[-1].question)
    )
elif workspace is None or not workspace.documents:
    st.title("Ask your own documents")
    st.markdown(
        "**No documents yet.** Add PDFs, office files, mail, e-books, pictures, text, or web addresses. "
        "They stay on this machine, and every sentence of an answer opens the passage it rests on."
    )
    uploads.panel()
else:
    st.title("What would you like to know?")
    st.markdown(
        f"{figures.count(workspace.documents, 'document')}, {figures.count(workspace.chunks, 'passage')} to search. "
        "Every sentence of an answer carries a footnote; click it to see the page."
    )
    if workspace.working:
        st.caption(f":material/hourglass_top: {figures.count(workspace.working, 'document')} still being read.")
    if workspace.failed:
        st.caption(
            f":material/warning: {figures.count(workspace.failed, 'document')} could not be read. See Documents."
        )

with st.bottom:  # in sight, wherever the page stands
    resources.show_problems()
    if workspace is not None and workspace.documents:
        scopes.bar(workspace, scopes.current(chat, told), chat=chat)
        modes.caption(workspace)
st.chat_input(  # Streamlit puts it below the bar, and scrolls to new answers only where it does so itself
    "Ask a question about your documents",
    key="question",
    max_chars=10_000,
    disabled=busy,
    on_submit=lambda: ask(chat, st.session_state["question"]),
)

drawer.show()
receipts.show()
