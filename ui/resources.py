"""The one thing all sessions share: the services, opened once a process, in whatever thread asks first."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from rag.errors import FootnoteError
from ui import safe, state

if TYPE_CHECKING:
    from workspaces.bootstrap import Services

_WARM_UP_SECONDS = 1.5
"""After the first page was sent: the browser paints it, then the embedder and the vector index get the processor."""

_UNSEEN_SECONDS = 10.0
"""Where no page is opened, what a former process left unfinished goes on after this time."""

_log = logging.getLogger("footnote")
_opened: list[Services] = []
_warmed = threading.Event()


@st.cache_resource(show_spinner=False)
def services() -> Services:
    """Everything the pages may call.

    Raises:
        DataDirectoryInUse: another process owns the data directory.
        StorageError: the database is damaged or cannot be written.
    """
    from workspaces import bootstrap  # imported here: it costs more than the rest of the start
    from workspaces.settings import load_settings

    opened = bootstrap.open_services(load_settings(), port=int(st.get_option("server.port")))
    _opened.append(opened)
    opened.chat_models.start()
    _after(_UNSEEN_SECONDS, warm_up_soon)
    return opened


def close() -> None:
    """Close the services if they were opened; at the end of the process."""
    while _opened:
        _opened.pop().close()
    services.clear()


def warm_up_soon() -> None:
    """Begin, once a process and after the first page, with what the first question and document will need."""
    if not _warmed.is_set():
        _warmed.set()
        _after(_WARM_UP_SECONDS, _warm_up)


def show_unexpected(error: Exception) -> bool:
    """Tell a person what went wrong, in words made for people; traces go to the log."""
    if isinstance(error, FootnoteError):
        show_error(error)
    else:
        _log.error("A page failed.", exc_info=error)
        st.error("Something went wrong on this page. Your documents and chats are safe. Reload the page to go on.")
    return True


def show_error(error: FootnoteError, *, about: str = "") -> None:
    """What happened, to what, and what to do next."""
    what = f"**{safe.label(about)}**: " if about else ""
    st.error(f"{what}{safe.told(error.message)}\n\n{safe.told(error.hint)}".strip(), icon=":material/error:")


def show_problems() -> None:
    """What went wrong before this page ran."""
    for about, error in state.take_problems():
        show_error(error, about=about)


def _after(seconds: float, action: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()


def _warm_up() -> None:
    try:
        services().warm_up()
    except FootnoteError as error:  # the next page shows it
        _log.warning("%s", error.told)
