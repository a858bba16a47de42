"""The receipt of an answer, in a drawer; loaded when it is opened."""

from __future__ import annotations

import streamlit as st

from rag.errors import FootnoteError
from rag.receipts import Receipt
from ui import components, receipt_views, resources, state
from workspaces.models import Turn

_WIDTH = 820


def show() -> None:
    """Open the drawer if a receipt was asked for, and keep it open until it is dismissed."""
    chosen = state.receipt()
    if chosen is not None:
        st.dialog("Receipt", width=_WIDTH, position="right", on_dismiss=state.close_receipt)(_body)(chosen)


def run_again(turn_id: str, *, as_typed: bool = False, everywhere: bool = False) -> None:
    """Ask a turn's question again with the model chosen now; `everywhere` leaves its filter away, and that in force."""

    def repeat() -> None:
        made = resources.services().conversations.repeat(turn_id, as_typed=as_typed, everywhere=everywhere)
        if everywhere:
            state.choose_scope(made.conversation_id, made.scope)

    state.attempt(repeat)


def _body(turn_id: str) -> None:
    try:
        turn = resources.services().conversations.turn(turn_id)
        receipt = resources.services().receipts.get(turn_id)
        earlier = _earlier(turn_id)
    except FootnoteError as error:
        resources.show_error(error)
        return
    if st.button(
        "Run again",
        key="run-again",
        icon=":material/refresh:",
        help="Asks the same question once more with the model chosen now, and puts the two receipts side by side.",
    ):
        run_again(turn_id)
        state.close_receipt()
        st.rerun()
    with st.container(key="receipt"):
        components.receipt(receipt_views.receipt_view(receipt, turn, earlier=earlier), key=f"receipt-{turn_id}")


def _earlier(turn_id: str) -> tuple[Receipt, Turn] | None:
    found = resources.services().receipts.earlier(turn_id)
    if found is None or found.state == "running":
        return None
    try:
        return resources.services().receipts.get(found.id), found
    except FootnoteError:  # it was answered before receipts were kept
        return None
