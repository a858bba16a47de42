"""Draws the turns of a chat; a running one is drawn again by itself until it is final."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from rag.errors import FootnoteError
from ui import components, ratings, receipts, resources, state, views
from workspaces.models import Turn

_POLL_SECONDS = 0.4
_EVIDENCE_SECONDS = 0.15
"""Until the evidence is there, which takes a third of a second: what is seen first should not wait for a slow poll."""


def show(told: Sequence[Turn], *, has_documents: bool, ask_again: Callable[[], None]) -> None:
    """All turns, the last with its buttons. `ask_again` repeats the last question."""
    for turn in told:
        if turn.state == "running":
            searching = not (turn.evidence or turn.written)
            every = _EVIDENCE_SECONDS if searching else _POLL_SECONDS
            st.fragment(_running, run_every=every)(turn.id, searching=searching)
        else:
            _draw(turn, has_documents=has_documents)
            ratings.row(turn)
    last = told[-1]
    if last.state == "interrupted":
        st.button("Ask again", key="ask-again", icon=":material/refresh:", on_click=ask_again)
    if last.state == "refused" and not has_documents:
        st.page_link("ui/pages/documents.py", label="Add documents", icon=":material/upload_file:")


def _running(turn_id: str, *, searching: bool) -> None:
    try:
        turn = resources.services().conversations.turn(turn_id)
    except FootnoteError:  # the chat was deleted in another tab
        st.rerun()
    _draw(turn, has_documents=True)
    if turn.state != "running" or state.take_fresh_passage() or (searching and turn.evidence):
        st.rerun()  # the whole page: polling ends and the question box opens, or the drawer does, or polling slows down
    st.button("Stop", key=f"stop-{turn_id}", icon=":material/stop_circle:", on_click=_stop, args=(turn_id,))


def _draw(turn: Turn, *, has_documents: bool) -> None:
    final = turn.state in ("answered", "interrupted") and turn.answer is not None
    copy = resources.services().conversations.as_markdown(turn) if final else ""
    key = f"turn-{turn.id}"
    components.turn(
        views.turn_view(turn, copy=copy, has_documents=has_documents), key=key, on_open=lambda: _open(turn.id, key)
    )


def _open(turn_id: str, key: str) -> None:
    """Follow a click; what the browser sent is only what was clicked, and a number in this turn."""
    event = components.opened(key)
    if event is None:
        return
    kind, number = event
    if kind == "receipt":
        state.open_receipt(turn_id)
        return
    if kind == "as_typed":
        receipts.run_again(turn_id, as_typed=True)
        return
    if kind == "everywhere":
        receipts.run_again(turn_id, everywhere=True)
        return
    turn = resources.services().conversations.turn(turn_id)
    if kind == "evidence" and 1 <= number <= len(turn.evidence):
        passage = turn.evidence[number - 1]
        span = passage.best_sentence or passage.span
        state.open_passage(state.OpenPassage(passage.document_id, passage.version_id, span, passage.title))
    for citation in turn.citations if kind == "citation" else ():
        if citation.number == number and citation.quote:
            place = state.OpenPassage(citation.document_id, citation.version_id, citation.span, citation.title)
            state.open_passage(place)


def _stop(turn_id: str) -> None:
    resources.services().conversations.stop(turn_id)
