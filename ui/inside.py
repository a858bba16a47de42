"""Looking inside a document: what reading it brought up, what lies in it, its passages beside their page."""

from __future__ import annotations

import streamlit as st

from rag.errors import FootnoteError, PasswordNeeded
from rag.types import Passage
from ui import components, documents, figures, kinds, reports, resources, safe, state, unlocking
from workspaces.models import DocumentRecord, Workspace

_PASSAGES, _MEMBERS = 10, 20
"""Shown at once."""
_ON_PAGE = 200
"""Passages of one page; there are a handful."""
_TEXT_PIECE = 20_000
_LINES = 8
"""Of the report before the rest is folded away."""
_DPI = 110


def in_address(workspace: Workspace | None) -> DocumentRecord | None:
    """The document in the address, in the version there if one is; None where this workspace has no such document."""
    document_id, version_id = state.looked_at()
    if workspace is None or document_id is None:
        return None
    services = resources.services()
    try:
        record = services.library.document(document_id)
        if version_id is not None and version_id != record.version_id:
            record = services.viewer.version(version_id)
    except FootnoteError:  # deleted meanwhile, or an old link
        return None
    return record if record.workspace_id == workspace.id and record.id == document_id else None


def show(record: DocumentRecord) -> None:
    """Draw all of it."""
    kind, icon = kinds.kind(record)
    st.title(f"{icon} {safe.label(record.title or record.source, limit=110)}", anchor=False)
    st.caption(safe.plain(" · ".join(documents.facts(record, kind))))
    if record.container_id is not None:
        link(
            record.container_id,
            label=f"In {safe.label(record.container_title, limit=60)}",
            icon=":material/folder_open:",
        )
    if record.state == "superseded":
        st.info(f"This is version {record.number}. A newer one has taken its place.", icon=":material/history:")
        link(record.id, label="The current version")
    _report(record)
    if record.members:
        _members(record)
    if record.pages:
        _page(record)
    elif record.characters:
        _flowing(record)
    elif not record.parser:
        st.markdown("Nothing has been read of it.")


def link(document_id: str, *, label: str, version_id: str | None = None, icon: str = ":material/draft:") -> None:
    """A link to a document's page; `label` is safe Markdown."""
    st.page_link(state.DOCUMENT_PAGE, label=label, icon=icon, query_params=state.address_of(document_id, version_id))


def _report(record: DocumentRecord) -> None:
    lines = [safe.plain(line) for line in reports.report_lines(record)]
    if lines:
        st.markdown("\n".join(f"- {line}" for line in lines[:_LINES]))
    if len(lines) > _LINES:
        with st.expander(f"{len(lines) - _LINES:,} more"):
            st.markdown("\n".join(f"- {line}" for line in lines[_LINES:]))
    st.caption(safe.plain(reports.made_with(record)))


def _members(record: DocumentRecord) -> None:
    st.subheader(f"{figures.count(record.members, 'file')} inside", anchor=False)
    number = _piece(record.members, _MEMBERS, key=f"inside-members-{record.id}")
    found = resources.services().library.directly_in(record.id, offset=(number - 1) * _MEMBERS, limit=_MEMBERS)
    with st.container(gap="xsmall"):
        for path, member in found:
            failed = " (could not be read)" if member.state == "failed" else ""
            link(member.id, label=f"{safe.label(path, limit=100)}{failed}", icon=kinds.kind(member)[1])


def _page(record: DocumentRecord) -> None:
    """A page, and beside it the passages that have a part on it; the chosen one is marked on the page."""
    number = _piece(record.pages, 1, key=f"inside-page-{record.version_id}")
    st.markdown(f"**{safe.plain(reports.page_heading(record, number))}**")
    found = resources.services().viewer.passages(record.version_id, page=number, limit=_ON_PAGE)
    chosen = next((passage for passage in found if state.chosen_passage() == passage.chunk_id), None)
    left, right = st.columns(2)
    with left:
        _image(record, number, chosen)
    with right:
        if found:
            items = [reports.passage_item(each, record, page=number, chosen=each is chosen) for each in found]
            key = f"inside-passages-{record.version_id}-{number}"
            components.passages(items, key=key, on_choose=lambda: _choose(key, found))
            return
        st.caption(_no_passages(record))
        text = resources.services().viewer.page_text(record.version_id, number)
        if text.strip():
            components.passage(before=text, quote="", after="", key="inside-text")


def _image(record: DocumentRecord, number: int, chosen: Passage | None) -> None:
    password, span = state.drawer_password(record.version_id), chosen.span if chosen else None
    try:
        viewer = resources.services().viewer
        image = viewer.page_image(record.version_id, number, dpi=_DPI, span=span, password=password)
    except PasswordNeeded:
        unlocking.for_drawer(record.version_id)
        return
    if image is None:
        st.caption("This page cannot be drawn; its text stands beside it.")
        return
    alt = f"Page {number}" + (", with the passage highlighted" if chosen else "")
    name = f"{record.version_id}/{number}/{span or ''}"
    components.page(image, alt=alt, highlighted=chosen is not None, name=name, key="inside-image")


def _choose(key: str, found: list[Passage]) -> None:
    """Mark the passage that was clicked; what the browser sent is only a number on this page."""
    clicked = next((passage.chunk_id for passage in found if passage.ordinal == components.chosen(key)), None)
    state.choose_passage(None if clicked == state.chosen_passage() else clicked)


def _flowing(record: DocumentRecord) -> None:
    """The passages of a document without pages, a few at a time, or its text where there are none."""
    viewer = resources.services().viewer
    kept = viewer.passages(record.version_id, limit=1)
    st.subheader("Passages" if kept else "Text", anchor=False)
    if kept:
        number = _piece(record.chunks, _PASSAGES, key=f"inside-piece-{record.version_id}")
        found = viewer.passages(record.version_id, offset=(number - 1) * _PASSAGES, limit=_PASSAGES)
        items = [reports.passage_item(passage, record, page=None) for passage in found]
        components.passages(items, key=f"inside-passages-{record.version_id}", on_choose=None)
        return
    st.caption(_no_passages(record))
    number = _piece(record.characters, _TEXT_PIECE, key=f"inside-text-{record.version_id}")
    text = viewer.text(record.version_id, start=(number - 1) * _TEXT_PIECE, limit=_TEXT_PIECE)
    components.passage(before=text, quote="", after="", key="inside-text")


def _no_passages(record: DocumentRecord) -> str:
    if record.state == "superseded":
        return "The passages of a version that was replaced are not kept. This is its text."
    if record.state == "ready":
        return "No passage stands here."
    return "It has not been cut into passages yet."


def _piece(total: int, size: int, *, key: str) -> int:
    """Which piece is shown, counted from 1; asked only where there are several."""
    pieces = -(-total // size)
    return st.pagination(pieces, key=key) if pieces > 1 else 1
