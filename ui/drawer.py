"""What a footnote opens: the page with the passage highlighted, the text around it, the original."""

from __future__ import annotations

import streamlit as st

from rag.errors import FootnoteError
from ui import components, downloads, figures, resources, safe, state, unlocking
from ui.views import fetched, place, where
from workspaces.models import PassageView

_DPI = 144
_WIDTH = 720


def show() -> None:
    """Open the drawer if a passage was chosen, and keep it open over reruns until it is dismissed."""
    chosen = state.passage()
    state.take_fresh_passage()
    if chosen is not None:
        title = safe.label(chosen.title, limit=70) or "Passage"
        st.dialog(title, width=_WIDTH, position="right", on_dismiss=state.close_passage)(_body)(chosen)


def _body(chosen: state.OpenPassage) -> None:
    try:
        password = state.drawer_password(chosen.version_id)
        view = resources.services().viewer.passage(chosen.version_id, chosen.span, dpi=_DPI, password=password)
    except FootnoteError as error:
        resources.show_error(error)
        return
    with st.container(key="drawer"):
        if view.superseded:
            st.info(_changed(view), icon=":material/history:")
        if view.page is None:
            st.caption(_place(view))
        else:
            _pages(chosen, view)
        st.markdown("**The passage in its text**" if view.page is not None else "**The passage**")
        if view.header and view.header not in view.quote:
            st.caption(f"Columns: {safe.plain(view.header)}")
        components.passage(before=view.before, quote=view.quote, after=view.after, key="drawer-text")
        _download(chosen)


def _changed(view: PassageView) -> str:
    added = f" (added {figures.day(view.added)})" if view.added else ""
    return f"This document has changed since; this is version {view.number}{added} as cited."


def _place(view: PassageView) -> str:
    parts = [_numbered(view)] if view.page is not None else []
    if told := place(view):
        parts.append(told)
    if told := fetched(view.document):
        parts.append(told)
    return " · ".join(safe.label(part, limit=200) for part in parts)


def _numbered(view: PassageView) -> str:
    """The page as it is printed, and as viewers count it where that differs."""
    printed = where(view.page, view.page_label)
    printed = printed[:1].upper() + printed[1:]
    if printed == f"Page {view.page}":
        return f"{printed} of {view.page_count}"
    return f"{printed} ({view.page} of {view.page_count})"


def _pages(chosen: state.OpenPassage, view: PassageView) -> None:
    cited = view.page or 1
    page = state.drawer_page() or cited
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", wrap=False):
        st.caption(_place(view), width="stretch")
        if page != cited:
            st.button("To the passage", key="page-cited", type="tertiary", on_click=state.turn_to, args=(None,))
        _turn("chevron_left", "Previous page", page - 1, view.page_count)
        st.caption(f"{page} / {view.page_count}", width="content")
        _turn("chevron_right", "Next page", page + 1, view.page_count)
    if view.locked:
        unlocking.for_drawer(chosen.version_id)
        return
    image = view.page_image if page == cited else _other_page(chosen.version_id, page)
    if image is None:
        st.caption("This page cannot be drawn; the text of the passage stands below.")
    else:
        highlighted = page == cited
        components.page(
            image,
            alt=f"Page {page}" + (", with the passage highlighted" if highlighted else ""),
            highlighted=highlighted,
            name=f"{chosen.version_id}/{page}/{chosen.span if highlighted else ''}",
            key="drawer-page",
        )


def _turn(icon: str, meaning: str, page: int, last: int) -> None:
    st.button(
        "",
        icon=f":material/{icon}:",
        key=f"page-{icon}",
        help=meaning,
        type="tertiary",
        disabled=not 1 <= page <= last,
        on_click=state.turn_to,
        args=(page,),
    )


def _other_page(version_id: str, page: int) -> bytes | None:
    try:
        password = state.drawer_password(version_id)
        return resources.services().viewer.page_image(version_id, page, dpi=_DPI, password=password)
    except FootnoteError as error:
        resources.show_error(error)
        return None


def _download(chosen: state.OpenPassage) -> None:
    try:
        original = resources.services().viewer.original(chosen.document_id, chosen.version_id)
    except FootnoteError:  # the passage was there a moment ago; the document is being deleted
        return
    downloads.button("Download the original", original, key="download-original")
