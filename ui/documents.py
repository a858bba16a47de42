"""Draws the list of documents: what each is, how far it is, why it failed and what to do then."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from rag.errors import FootnoteError
from ui import downloads, figures, inside, kinds, resources, safe, state, unlocking, views
from workspaces.models import DocumentRecord, Pending, Problem

_POLL_SECONDS = 0.7
PAGE_SIZE = 20

_OUTCOMES = {
    "unchanged": "The page has not changed.",
    "changed": "The page has changed; the new version is being read.",
    "gone": "The page is not there any more. The document stays as it was fetched.",
}
STEPS = {
    "received": "Waiting",
    "stored": "Reading",
    "parsed": "Splitting into passages",
    "chunked": "Learning what it says",
    "embedded": "Adding to the index",
    "indexed": "Finishing",
}

WAITS = "Waiting for the new search index"

_VERSION_STATES = {"superseded": "replaced", "failed": "could not be read"}


def listing(workspace_id: str) -> None:
    """The documents of a workspace; drawn again by itself while one is being read."""
    records = resources.services().library.documents(workspace_id)
    working = _in_work(workspace_id, records)
    st.fragment(_listing, run_every=_POLL_SECONDS if working else None)(workspace_id, polled=working)


def _listing(workspace_id: str, *, polled: bool) -> None:
    try:
        records = resources.services().library.documents(workspace_id)
    except FootnoteError:  # the workspace was deleted in another tab
        st.rerun()
    if polled is not _in_work(workspace_id, records):
        st.rerun()  # the whole page: it begins or ends polling, and figures elsewhere change
    if polled and records:
        st.caption(_overall(records))
    shown = sorted(_found(records), key=lambda record: record.state != "failed")
    with st.container(key="documents"):
        for record in _page(shown):
            _row(record)
    if records and not shown:
        st.caption("No document matches.")


def _in_work(workspace_id: str, records: Sequence[DocumentRecord]) -> bool:
    """Whether the list changes by itself: a document is being read, or a section brings new ones."""
    sites = resources.services().sites.in_workspace(workspace_id)
    return any(record.in_work for record in records) or any(site.state == "running" for site in sites)


def _overall(records: Sequence[DocumentRecord]) -> str:
    """How far all of them are together, in one line."""
    read, failed = (sum(record.state == state_ for record in records) for state_ in ("ready", "failed"))
    return f"{read:,} of {len(records):,} read" + (f", {failed:,} failed" if failed else "")


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
    kind, icon = kinds.kind(record)
    with st.container(border=True, gap="xsmall", key=f"document-{record.id}"):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            st.markdown(f"{icon} **{safe.label(record.title or record.source, limit=110)}**", width="stretch")
            _menu(record)
        st.caption(safe.plain(" · ".join(_facts(record, kind))))
        if record.state == "failed":
            _failed(record)
        elif record.state != "ready":
            _working(record, waits=record.waiting)
        elif record.pending is not None:
            _pending(record, record.pending)
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
    if record.number > 1:
        facts.append(f"version {record.number}")
    if record.author:
        facts.append(safe.visible(record.author, limit=60))
    facts.append(f"added {figures.day(record.created_at)}")
    if record.container_id is not None:
        title, path = safe.visible(record.container_title, limit=60), safe.visible(record.path, limit=80)
        facts.append(f"in {title} › {path}")
    elif told := views.fetched(record):
        facts.append(told)
    elif record.title and record.source and record.source != record.title:
        facts.append(safe.visible(record.source, limit=80))
    return facts


def _pending(record: DocumentRecord, newer: Pending) -> None:
    if newer.in_work:
        _working(newer, before="A newer version is being read: ", waits=record.waiting)
        return
    st.warning(
        f"The newer version could not be read: {safe.told(_told(newer.problem))} "
        f"Answers use version {record.number} until it is.",
        icon=":material/warning:",
    )
    _way_out(record, newer)


def _working(item: DocumentRecord | Pending, *, before: str = "", waits: bool = False) -> None:
    step = WAITS if waits else STEPS[item.state]
    step = f"{before}{step[0].lower()}{step[1:]}" if before else step
    if item.progress_total:
        share = min(1.0, item.progress_done / item.progress_total)
        text = f"{step}: {item.progress_done:,} of {item.progress_total:,}"
    else:
        share, text = 0.0, f"{step}…"
    st.progress(share, text=text)


def _failed(record: DocumentRecord) -> None:
    st.error(safe.told(_told(record.problem)), icon=":material/error:")
    _way_out(record, record)


def _told(problem: Problem | None) -> str:
    return f"{problem.message} {problem.hint}".strip() if problem else "It could not be read."


def _way_out(record: DocumentRecord, failed: DocumentRecord | Pending) -> None:
    if unlocking.is_wanted(failed):
        unlocking.form(record)
    else:
        st.button("Try again", key=f"retry-{record.id}", icon=":material/refresh:", on_click=_retry, args=(record.id,))


def _menu(record: DocumentRecord) -> None:
    actions: list[str] = []
    if record.in_work:
        actions.append("Cancel")
    if record.characters:
        actions.append("Look inside")
    if record.size:
        actions.append("Download original")
    if record.fetched_at is not None and not record.in_work:
        actions.append("Refresh")
    if record.number > 1 or record.pending is not None:
        actions.append("Versions")
    actions.append("Delete…")
    chosen = st.menu_button(
        "", actions, icon=":material/more_horiz:", key=f"menu-{record.id}", help="This document", type="tertiary"
    )
    if chosen == "Cancel":
        _safely(lambda: resources.services().library.cancel(record.id))
    elif chosen == "Look inside":
        inside.show(record)
    elif chosen == "Download original":
        _original(record)
    elif chosen == "Refresh":
        _refresh(record)
    elif chosen == "Versions":
        _versions(record)
    elif chosen == "Delete…":
        state.open_dialog("delete_document", record.id)
        st.rerun()


@st.dialog("Download original", icon=":material/download:")
def _original(record: DocumentRecord) -> None:
    try:
        original = resources.services().viewer.original(record.id)
    except FootnoteError as error:
        resources.show_error(error)
        return
    st.markdown(f"{safe.label(original.name)}, {figures.size(record.size)}, exactly as it was added.")
    downloads.button("Download", original, type="primary")


def _refresh(record: DocumentRecord) -> None:
    try:
        with st.spinner("Fetching the page again…"):
            outcome = resources.services().sites.refresh_document(record.id)
    except FootnoteError as error:
        resources.show_error(error, about=record.title)
        return
    state.leave_notice(_OUTCOMES[outcome])
    st.rerun()


@st.dialog("Versions", icon=":material/history:")
def _versions(record: DocumentRecord) -> None:
    services = resources.services()
    st.caption("Answers use the current version. Older ones are kept for what has cited them.")
    try:
        for version in services.library.versions(record.id):
            state_ = "current" if version.is_current else _VERSION_STATES.get(version.state, "being read")
            facts = [f"**Version {version.number}**", f"added {figures.day(version.added)}", state_]
            with st.container(horizontal=True, vertical_alignment="center", wrap=False):
                st.markdown(" · ".join(facts), width="stretch")
                if version.has_original:
                    original = services.viewer.original(record.id, version.id)
                    downloads.button(figures.size(version.size), original, key=f"original-{version.id}")
    except FootnoteError as error:
        resources.show_error(error)


def _retry(document_id: str) -> None:
    _safely(lambda: resources.services().library.retry(document_id))


def _safely(act: Callable[[], object]) -> None:
    try:
        act()
    except FootnoteError as error:
        resources.show_error(error)
