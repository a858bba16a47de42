"""The choice of the chat model, and how far the built-in one has been fetched."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from rag.errors import FootnoteError
from ui import figures, resources, safe, state
from workspaces.models import Download, ModelChoice

BUSY = frozenset({"running", "verifying"})
_POLL_SECONDS = 1.0


@st.cache_resource(show_spinner=False, ttl=10)
def choices() -> list[ModelChoice]:
    """What can be chosen. Asking Ollama takes a moment, so the list is kept for some seconds, for all sessions."""
    return resources.services().chat_models.choices()


def panel() -> None:
    """In the sidebar: the choice, and the download while there is one."""
    st.caption("Chat model")
    pick("sidebar")
    _polled("sidebar", quiet=True)


def pick(place: str) -> None:
    """A list to choose from; the choice is remembered."""
    found = {choice.key: choice for choice in choices()}
    key = f"model-{place}"
    st.session_state[key] = chosen = resources.services().chat_models.chosen()
    if chosen not in found:
        found[chosen] = ModelChoice(chosen, chosen.removeprefix("ollama:"), available=False, detail="not available now")

    def label(name: str) -> str:
        choice = found[name]
        return safe.visible(choice.label, limit=48) + ("" if choice.available else " (not ready)")

    st.selectbox(
        "Chat model",
        list(found),
        format_func=label,
        key=key,
        label_visibility="collapsed",
        on_change=_choose,
        args=(key,),
    )
    if detail := found[chosen].detail:
        st.caption(safe.told(detail[:1].upper() + detail[1:]))


def download_panel() -> None:
    """On the settings page: the built-in model, always shown."""
    _polled("settings", quiet=False)


def _polled(place: str, *, quiet: bool) -> None:
    busy = resources.services().chat_models.download().state in BUSY
    st.fragment(_progress, run_every=_POLL_SECONDS if busy else None)(place, quiet=quiet, polled=busy)


def _progress(place: str, *, quiet: bool, polled: bool) -> None:
    download = resources.services().chat_models.download()
    if (download.state in BUSY) is not polled:
        choices.clear()
        st.rerun()  # the whole page: it begins or ends polling, and the choices have changed
    _DRAW[download.state](download, place, quiet)


def _running(download: Download, place: str, quiet: bool) -> None:
    share = download.done / download.total if download.total else 0.0
    if download.state == "verifying":
        st.progress(1.0, text="Checking the built-in model…")
        return
    st.progress(min(1.0, share), text="Fetching the built-in model" + (" (once)" if quiet else ""))
    parts = [f"{figures.size(download.done)} of {figures.size(download.total)}" if download.total else "starting"]
    if download.rate > 0:
        parts.append(f"{figures.size(download.rate)}/s")
    if (left := download.seconds_left) is not None:
        parts.append(f"{figures.duration(left)} left")
    st.caption(safe.plain(" · ".join(parts)))
    if quiet:
        st.caption("Until then answers are the matching sentences of your documents.")
    st.button("Cancel", key=f"cancel-download-{place}", icon=":material/close:", type="tertiary", on_click=_cancel)


def _offered(download: Download, place: str, quiet: bool) -> None:
    if quiet and resources.services().chat_models.chosen() != "none":
        return  # another model answers
    known = f" ({figures.size(download.total)}, once)" if download.total else ""
    st.caption(f"The built-in model writes answers on this machine{known}. Without it, answers quote your documents.")
    st.button("Fetch the built-in model", key=f"fetch-{place}", icon=":material/download:", on_click=_start)


def _failed(download: Download, place: str, quiet: bool) -> None:
    if download.problem is not None:
        text = download.problem.told
    else:
        text = f"Fetching the built-in model was cancelled at {figures.size(download.done)}."
    st.caption(f":material/warning: {safe.told(text)}")
    st.button("Go on fetching", key=f"retry-download-{place}", icon=":material/refresh:", on_click=_start)


def _present(download: Download, place: str, quiet: bool) -> None:
    if not quiet:
        st.caption(":material/check_circle: The built-in model is on this machine.")


def _off(download: Download, place: str, quiet: bool) -> None:
    if not quiet:
        st.caption("The built-in model is switched off by the setting `FOOTNOTE_BUILTIN_MODEL`.")


_DRAW = {
    "absent": _offered,
    "asking": _offered,
    "running": _running,
    "verifying": _running,
    "cancelled": _failed,
    "failed": _failed,
    "present": _present,
    "off": _off,
}


def _choose(key: str) -> None:
    _safely(lambda: resources.services().chat_models.choose(st.session_state[key]))


def _start() -> None:
    _safely(resources.services().chat_models.start_download)


def _cancel() -> None:
    resources.services().chat_models.cancel_download()


def _safely(act: Callable[[], None]) -> None:
    try:
        act()
    except FootnoteError as error:
        state.leave_notice(safe.plain(error.told))
    choices.clear()
