"""The button that hands out an original: always as a file to keep, never as a page to open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import streamlit as st

from ui import safe

if TYPE_CHECKING:
    from workspaces.viewer import Original


def button(
    label: str, original: Original, *, key: str | None = None, type: Literal["primary", "secondary"] = "secondary"
) -> None:
    """Draw it; the bytes are read when it is clicked."""
    st.download_button(
        label,
        data=original.path.read_bytes,
        file_name=safe.visible(original.name, limit=200),
        mime="application/octet-stream",
        type=type,
        icon=":material/download:",
        on_click="ignore",
        key=key,
    )
