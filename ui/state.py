"""Every key of the session, named and typed once. Only ids and drafts live here; the truth is in the services.

Workspace and chat also stand in the address bar (`w`, `c`), so that a reload and a bookmark open the same place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from rag.errors import FootnoteError
from rag.scope import Scope
from rag.types import Span

_PASSWORD = "fn_password"  # noqa: S105  # the name of a key
_WORKSPACE, _CONVERSATION, _PASSAGE, _PAGE, _DIALOG = "fn_workspace", "fn_chat", "fn_passage", "fn_page", "fn_dialog"
_UPLOADS = "fn_uploads"
_NOTICE, _PROBLEMS = "fn_notice", "fn_problems"
_GO = "fn_go"
_FRESH = "fn_fresh"
_CHOSEN = "fn_chosen"
_RECEIPT = "fn_receipt"
_SCOPE = "fn_scope"

DOCUMENT_PAGE = "ui/pages/document.py"
"""It shows what stands in the address: a document (`d`), perhaps in an older version (`v`)."""


@dataclass(frozen=True, slots=True)
class OpenPassage:
    """The passage in the drawer."""

    document_id: str
    version_id: str
    span: Span
    title: str


@dataclass(frozen=True, slots=True)
class OpenDialog:
    """A dialog and what it is about."""

    name: str
    subject: str


def workspace_id() -> str | None:
    """The workspace in use, from the session or, after a reload, from the address."""
    found: str | None = st.session_state.get(_WORKSPACE) or st.query_params.get("w")
    return found


def use_workspace(chosen: str | None) -> None:
    """Work in this workspace from now on; its chats start closed."""
    if chosen != st.session_state.get(_WORKSPACE) and _WORKSPACE in st.session_state:
        use_conversation(None)
    st.session_state[_WORKSPACE] = chosen
    _in_address("w", chosen)


def conversation_id() -> str | None:
    """The open chat, from the session or, after a reload, from the address."""
    if _CONVERSATION in st.session_state:
        chosen: str | None = st.session_state[_CONVERSATION]
        return chosen
    return st.query_params.get("c")


def use_conversation(chosen: str | None) -> None:
    """Open this chat; None begins a new one."""
    if chosen != st.session_state.get(_CONVERSATION):
        close_passage()
        close_receipt()
    st.session_state[_CONVERSATION] = chosen
    _in_address("c", chosen)


def open_passage(passage: OpenPassage) -> None:
    """Show a passage in the drawer at the next run."""
    close_receipt()
    st.session_state[_PASSAGE] = passage
    st.session_state[_PAGE] = None
    st.session_state[_FRESH] = True


def take_fresh_passage() -> bool:
    """Whether a passage was chosen since this was last asked: then the whole page must run, to open the drawer."""
    return bool(st.session_state.pop(_FRESH, False))


def close_passage() -> None:
    """Leave the drawer closed from the next run on, and forget the password that opened its pages."""
    st.session_state[_PASSAGE] = None
    st.session_state.pop(_PASSWORD, None)


def passage() -> OpenPassage | None:
    """What the drawer shows."""
    found: OpenPassage | None = st.session_state.get(_PASSAGE)
    return found


def open_receipt(turn_id: str) -> None:
    """Show the receipt of a turn at the next run; only one drawer is open at a time."""
    close_passage()
    st.session_state[_RECEIPT] = turn_id
    st.session_state[_FRESH] = True


def close_receipt() -> None:
    """Leave the receipt closed from the next run on."""
    st.session_state[_RECEIPT] = None


def receipt() -> str | None:
    """The turn whose receipt is shown."""
    found: str | None = st.session_state.get(_RECEIPT)
    return found


def choose_scope(chat: str | None, scope: Scope) -> None:
    """Let the next question of this chat look here; None is a new chat of the workspace in use."""
    st.session_state[_SCOPE] = (workspace_id(), chat, scope)


def scope(chat: str | None) -> Scope | None:
    """What was chosen for the next question of this chat."""
    workspace, chosen_in, chosen = st.session_state.get(_SCOPE, (None, None, None))
    return chosen if (workspace, chosen_in) == (workspace_id(), chat) else None


def drawer_page() -> int | None:
    """The page turned to in the drawer; None = the one with the passage."""
    found: int | None = st.session_state.get(_PAGE)
    return found


def turn_to(page: int | None) -> None:
    """Show another page in the drawer."""
    st.session_state[_PAGE] = page


def give_password(version_id: str, password: str) -> None:
    """Remember, while the drawer is open, what opens the pages of a version."""
    st.session_state[_PASSWORD] = (version_id, password)


def drawer_password(version_id: str) -> str | None:
    """What was typed to open the pages of this version."""
    known, password = st.session_state.get(_PASSWORD, (None, None))
    return password if known == version_id else None


def address_of(document_id: str, version_id: str | None = None) -> dict[str, str]:
    """What the address of a document's page says."""
    older = {"v": version_id} if version_id is not None else {}
    return {"w": workspace_id() or "", "d": document_id, **older}


def looked_at() -> tuple[str | None, str | None]:
    """(document, version if one is named) in the address."""
    return st.query_params.get("d"), st.query_params.get("v")


def choose_passage(chunk_id: str | None) -> None:
    """Mark a passage on the document's page."""
    st.session_state[_CHOSEN] = chunk_id


def chosen_passage() -> str | None:
    """The passage that is marked on the document's page."""
    found: str | None = st.session_state.get(_CHOSEN)
    return found


def leave_document() -> None:
    """Forget what was marked, and the password that opened pages unless the drawer still shows some."""
    st.session_state.pop(_CHOSEN, None)
    if passage() is None:
        st.session_state.pop(_PASSWORD, None)


def open_dialog(name: str, subject: str = "") -> None:
    """Show a dialog at the next run, once."""
    st.session_state[_DIALOG] = OpenDialog(name, subject)


def take_dialog() -> OpenDialog | None:
    """The dialog to show now."""
    found: OpenDialog | None = st.session_state.pop(_DIALOG, None)
    return found


def uploader_key() -> str:
    """Key of the file drop zone; a new one empties it."""
    return f"upload-{st.session_state.get(_UPLOADS, 0)}"


def empty_uploader() -> None:
    """Let the drop zone be empty at the next run."""
    st.session_state[_UPLOADS] = st.session_state.get(_UPLOADS, 0) + 1


def leave_notice(text: str) -> None:
    """Something to say after the next rerun; already safe Markdown."""
    st.session_state[_NOTICE] = text


def take_notice() -> str | None:
    """What was left to say."""
    found: str | None = st.session_state.pop(_NOTICE, None)
    return found


def leave_problem(error: FootnoteError, *, about: str = "") -> None:
    """An error to be shown when the page runs next; `about` names the thing that failed."""
    st.session_state.setdefault(_PROBLEMS, []).append((about, error))


def attempt(act: Callable[[], object], *, done: str = "") -> None:
    """Do what a person asked for; `done`, or the reason where it fails, is shown when the page runs next."""
    try:
        act()
    except FootnoteError as error:
        leave_problem(error)
        return
    if done:
        leave_notice(done)


def take_problems() -> list[tuple[str, FootnoteError]]:
    """The errors to show now, each with what it is about."""
    found: list[tuple[str, FootnoteError]] = st.session_state.pop(_PROBLEMS, [])
    return found


def go_to_chat() -> None:
    """Be on the chat page at the next run."""
    st.session_state[_GO] = True


def take_go_to_chat() -> bool:
    """Whether the chat page was asked for."""
    return bool(st.session_state.pop(_GO, False))


def _in_address(name: str, value: str | None) -> None:
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value
