"""What Streamlit has no widget for: an answer with footnotes, a page and a text with a mark, passages to click.

Plain JavaScript in `assets`, served from this origin. What it shows arrives as data and becomes text nodes, never HTML.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

_PROJECT = "footnote"
_NAMES = ("turn", "passage", "page", "passages", "receipt")
_CLICKS = ("citation", "evidence", "receipt", "as_typed", "everywhere")


def turn(view: Mapping[str, object], *, key: str, on_open: Callable[[], None]) -> None:
    """A question with its evidence, answer and footnotes (`ui.views.turn_view`).

    A click calls `on_open`; what was clicked then stands in `opened(key)`.
    """
    _component("turn")(key=key, data=dict(view), on_open_change=on_open)


def opened(key: str) -> tuple[str, int] | None:
    """What was clicked in the turn mounted under `key`: ("citation" or "evidence", its number), ("receipt", 0),
    ("as_typed", 0), ("everywhere", 0), or None."""
    event: Any = st.session_state.get(key, {}).get("open")
    if not isinstance(event, Mapping):
        return None
    kind, number = event.get("kind"), event.get("number")
    if kind not in _CLICKS or not isinstance(number, int | float):
        return None
    return str(kind), int(number)


def passage(*, before: str, quote: str, after: str, key: str) -> None:
    """A text with its middle marked and scrolled into view."""
    _component("passage")(key=key, data={"before": before, "quote": quote, "after": after})


def page(png: bytes, *, alt: str, highlighted: bool, name: str, key: str) -> None:
    """A page as a picture; a new `name` is a new page and is scrolled to its highlight, if it has one."""
    data = {"png": b64encode(png).decode("ascii"), "alt": alt, "highlighted": highlighted, "key": name}
    _component("page")(key=key, data=data)


def receipt(view: Mapping[str, object], *, key: str) -> None:
    """What stood behind an answer (`ui.receipt_views.receipt_view`)."""
    _component("receipt")(key=key, data=dict(view))


def passages(items: Sequence[Mapping[str, object]], *, key: str, on_choose: Callable[[], None] | None) -> None:
    """Passages one below the other, each with its address (`ui.reports.passage_item`).

    A click calls `on_choose`, where it is given; the number of what was clicked then stands in `chosen(key)`.
    """
    data = {"items": [dict(item) for item in items], "choosable": on_choose is not None}
    _component("passages")(key=key, data=data, on_choose_change=on_choose or _nothing)


def chosen(key: str) -> int | None:
    """The number of the passage that was clicked among those mounted under `key`."""
    event: Any = st.session_state.get(key, {}).get("choose")
    return int(event) if isinstance(event, int | float) else None


def _nothing() -> None: ...


def _component(name: str) -> ComponentRenderer:
    """The component, known to the running server.

    Streamlit finds the manifests of installed wheels by itself; these files belong to a source tree, so they are
    announced here, once a server.
    """
    manager = get_bidi_component_manager()
    if manager.get_component_path(f"{_PROJECT}.{name}") is None:
        components = [ComponentConfig(known, "assets") for known in _NAMES]
        manager.register_from_manifest(ComponentManifest(_PROJECT, "1", components), Path(__file__).parent)
    return _declared(name)


@cache
def _declared(name: str) -> ComponentRenderer:
    return st.components.v2.component(f"{_PROJECT}.{name}", js=f"{name}.js", css="footnote.css")
