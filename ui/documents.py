"""Draws the list of documents: what each is, how far it is, why it failed and what to do then."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from rag.errors import FootnoteError
from ui import components, downloads, figures, resources, safe, state
from workspaces.models import FINAL_STATES, DocumentRecord

_POLL_SECONDS = 0.7
PAGE_SIZE = 20
_TEXT_PIECE = 20_000

KINDS = {
    "application/pdf": ("PDF", ":material/picture_as_pdf:"),
    "text/html": ("Web page", ":material/language:"),
    "text/markdown": ("Markdown", ":material/markdown:"),
    "text/plain": ("Text", ":material/article:"),
    "message/rfc822": ("Mail", ":material/mail:"),
    "application/vnd.ms-outlook": ("Mail", ":material/mail:"),
    "application/mbox": ("Mailbox", ":material/all_inbox:"),
    "multipart/related": ("Web page", ":material/language:"),
    "application/epub+zip": ("E-book", ":material/menu_book:"),
    "application/zip": ("Archive", ":material/folder_zip:"),
}
STEPS = {
    "received": "Waiting",
    "stored": "Reading",
    "parsed": "Splitting into passages",
    "chunked": "Learning what it says",
    "embedded": "Adding to the index",
    "indexed": "Finishing",
}


def listing(workspace_id: str) -> None:
    """The documents of a workspace; drawn again by itself while one is being read."""
    records = resources.services().library.documents(workspace_id)
    working = any(record.state not in FINAL_STATES for record in records)
    st.fragment(_listing, run_every=_POLL_SECONDS if working else None)(workspace_id, polled=working)


def _listing(workspace_id: str, *, polled: bool) -> None:
    try:
        records = resources.services().library.documents(workspace_id)
    except FootnoteError:  # the workspace was deleted in another tab
        st.rerun()
    if polled is all(record.state in FINAL_STATES for record in records):
        st.rerun()  # the whole page: it begins or ends polling, and figures elsewhere change
    shown = _found(records)
    with st.container(key="documents"):
        for record in _page(shown):
            _row(record)
    if records and not shown:
        st.caption("No document matches.")


def _found(records: Sequence[DocumentRecord]) -> list[DocumentRecord]:
    if len(records) <= PAGE_SIZE // 2:
        return list(records)
    wanted = st.text_input(
        "Find by name", key="find-document", icon=":material/search:", placeholder="Part of a title or file name"
    )
    words = wanted.casefold().split()
    return [record for record in records if all(word in f"{record.title} {record.source}".casefold() for word in words)]


def _page(records: Sequence[DocumentRecord]) -> Sequence[DocumentRecord]:
    pages = -(-len(records) // PAGE_SIZE)
    if pages <= 1:
        return records
    number = st.pagination(pages, key="documents-page")
    return records[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]


def _row(record: DocumentRecord) -> None:
    kind, icon = KINDS.get(record.media_type, ("Document", ":material/draft:"))
    if record.source_kind == "url":
        kind, icon = "Web page", ":material/language:"
    with st.container(border=True, gap="xsmall", key=f"document-{record.id}"):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            st.markdown(f"{icon} **{safe.label(record.title or record.source, limit=110)}**", width="stretch")
            _menu(record)
        st.caption(safe.plain(" · ".join(_facts(record, kind))))
        if record.state == "failed":
            _failed(record)
        elif record.state != "ready":
            _working(record)
        for note in record.notes:
            st.caption(f":material/info: {safe.plain(note)}")


def _facts(record: DocumentRecord, kind: str) -> list[str]:
    facts = [kind]
    if record.pages:
        facts.append(figures.count(record.pages, "page"))
    if record.state == "ready" and (record.chunks or not record.members):
        facts.append(figures.count(record.chunks, "passage"))
    if record.members:
        facts.append(f"{figures.count(record.members, 'file')} inside")
    if record.size:
        facts.append(figures.size(record.size))
    if record.author:
        facts.append(safe.visible(record.author, limit=60))
    facts.append(f"added {figures.day(record.created_at)}")
    if record.container_id is not None:
        title, path = safe.visible(record.container_title, limit=60), safe.visible(record.path, limit=80)
        facts.append(f"in {title} › {path}")
    elif record.title and record.source and record.source != record.title:
        facts.append(safe.visible(record.source, limit=80))
    return facts


def _working(record: DocumentRecord) -> None:
    step = STEPS[record.state]
    if record.progress_total:
        share = min(1.0, record.progress_done / record.progress_total)
        text = f"{step}: {record.progress_done:,} of {record.progress_total:,}"
    else:
        share, text = 0.0, f"{step}…"
    st.progress(share, text=text)


def _failed(record: DocumentRecord) -> None:
    problem = record.problem
    text = f"{problem.message} {problem.hint}".strip() if problem else "It could not be read."
    st.error(safe.told(text), icon=":material/error:")
    st.button("Try again", key=f"retry-{record.id}", icon=":material/refresh:", on_click=_retry, args=(record.id,))


def _menu(record: DocumentRecord) -> None:
    actions: list[str] = []
    if record.state not in FINAL_STATES:
        actions.append("Cancel")
    if record.characters:
        actions.append("Show text")
    if record.size:
        actions.append("Download original")
    actions.append("Delete…")
    chosen = st.menu_button(
        "", actions, icon=":material/more_horiz:", key=f"menu-{record.id}", help="This document", type="tertiary"
    )
    if chosen == "Cancel":
        _safely(lambda: resources.services().library.cancel(record.id))
    elif chosen == "Show text":
        _text(record)
    elif chosen == "Download original":
        _original(record)
    elif chosen == "Delete…":
        state.open_dialog("delete_document", record.id)
        st.rerun()


def _text(record: DocumentRecord) -> None:
    title = safe.label(record.title or record.source, limit=70) or "Document"
    st.dialog(title, width=720, position="right")(_text_body)(record)


def _text_body(record: DocumentRecord) -> None:
    pieces = max(1, -(-record.characters // _TEXT_PIECE))
    st.caption(f"The text that was read from it: {figures.count(record.characters, 'character')}.")
    number = st.pagination(pieces, key="text-piece") if pieces > 1 else 1
    try:
        start = (number - 1) * _TEXT_PIECE
        text = resources.services().viewer.text(record.version_id, start=start, limit=_TEXT_PIECE)
    except FootnoteError as error:
        resources.show_error(error)
        return
    components.passage(before=text, quote="", after="", key="document-text")


@st.dialog("Download original", icon=":material/download:")
def _original(record: DocumentRecord) -> None:
    try:
        original = resources.services().viewer.original(record.id)
    except FootnoteError as error:
        resources.show_error(error)
        return
    st.markdown(f"{safe.label(original.name)}, {figures.size(record.size)}, exactly as it was added.")
    downloads.button("Download", original, type="primary")


def _retry(document_id: str) -> None:
    _safely(lambda: resources.services().library.retry(document_id))


def _safely(act: Callable[[], object]) -> None:
    try:
        act()
    except FootnoteError as error:
        resources.show_error(error)
