"""Draws the list of documents: what each is, how far it is, why it failed and what to do then."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from rag.errors import FootnoteError
from ui import downloads, figures, kinds, queue, resources, safe, state, tag_dialogs, unlocking, views
from workspaces.models import DocumentFilter, DocumentRecord, DocumentsPage, Pending, Problem, Standing

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

_SEARCH, _ONLY, _PAGE = tag_dialogs.SEARCH, "documents-filter", "documents-page"
_FILTERS: dict[DocumentFilter, str] = {"all": "All", "working": "Working", "failed": "Failed", "ready": "Ready"}
WAITS = "Waiting for the new search index"

_VERSION_STATES = {"superseded": "replaced", "failed": "could not be read"}


def listing(workspace_id: str) -> None:
    """The documents of a workspace; drawn again by itself while one is being read."""
    working = _in_work(workspace_id, resources.services().reading.standing(workspace_id))
    st.fragment(_listing, run_every=_POLL_SECONDS if working else None)(workspace_id, polled=working)


def _listing(workspace_id: str, *, polled: bool) -> None:
    library = resources.services().library
    try:
        standing = resources.services().reading.standing(workspace_id)
        if polled is not _in_work(workspace_id, standing):
            st.rerun()  # the whole page: it begins or ends polling, and figures elsewhere change
        number, search, only = st.session_state.get(_PAGE) or 1, st.session_state.get(_SEARCH) or "", _filter()
        found = partial(library.documents_page, workspace_id, search=search, only=only, limit=PAGE_SIZE)
        shown = found(offset=(number - 1) * PAGE_SIZE)
        if shown.found and not shown.records:  # it has become shorter
            st.session_state[_PAGE] = 1
            shown = found()
    except FootnoteError:  # the workspace was deleted in another tab
        st.rerun()
    queue.strip(workspace_id, standing, shown.counts)
    if shown.counts["all"] > PAGE_SIZE // 2:
        _tools(shown)
    if shown.counts["all"] > 1:
        _tag_several(workspace_id)
    with st.container(key="documents"):
        for record in shown.records:
            _row(record)
    if shown.counts["all"] and not shown.found:
        st.caption("No document matches.")


def _in_work(workspace_id: str, standing: Standing) -> bool:
    """Whether the list changes by itself: a document is being read, or a section brings new ones."""
    sites = resources.services().sites.in_workspace(workspace_id)
    return (standing.left > 0 and not standing.paused) or any(site.state == "running" for site in sites)


def _filter() -> DocumentFilter:
    chosen = st.session_state.get(_ONLY)
    return chosen if chosen in _FILTERS else "all"


def _tools(shown: DocumentsPage) -> None:
    """What finds a document among many; each takes effect with the next run, which it begins."""
    st.text_input(
        "Find by name", key=_SEARCH, icon=":material/search:", placeholder="Part of a title or file name, or #tag"
    )
    st.segmented_control(
        "Show",
        list(_FILTERS),
        key=_ONLY,
        format_func=lambda only: f"{_FILTERS[only]} {shown.counts[only]:,}",
        label_visibility="collapsed",
    )
    pages = -(-shown.found // PAGE_SIZE)
    if pages > 1:
        st.pagination(pages, key=_PAGE)


def _row(record: DocumentRecord) -> None:
    kind, icon = kinds.kind(record)
    with st.container(border=True, gap="xsmall", key=f"document-{record.id}"):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            _title(record, icon)
            _menu(record)
        st.caption(safe.plain(" · ".join(facts(record, kind))))
        if record.state == "failed":
            _failed(record)
        elif record.state != "ready":
            _working(record, waits=record.waiting)
        elif record.pending is not None:
            _pending(record, record.pending)
        for note in record.notes:
            st.caption(f":material/info: {safe.plain(note)}")


def _title(record: DocumentRecord, icon: str) -> None:
    """Once it was read, a link to its page: one that the browser follows, for a list that is drawn again by itself
    would call back whoever `st.switch_page` sends away."""
    title = f"**{safe.label(record.title or record.source, limit=110)}**"
    if record.parser:
        where = state.address_of(record.id)
        st.page_link(
            state.DOCUMENT_PAGE, label=title, icon=icon, help="Look inside", width="stretch", query_params=where
        )
    else:
        st.markdown(f"{icon} {title}", width="stretch")


def facts(record: DocumentRecord, kind: str) -> list[str]:
    """What is known of a document, for one line."""
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
    facts += [f"#{safe.visible(tag)}" for tag in record.tags]
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
    if item.next_try_at is not None:
        reason = f" ({safe.told(item.problem.message.rstrip('.'))})" if item.problem else ""
        st.caption(f":material/schedule: {before}Waiting to try again at {figures.clock(item.next_try_at)}{reason}")
        return
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
    return problem.told if problem else "It could not be read."


def _way_out(record: DocumentRecord, failed: DocumentRecord | Pending) -> None:
    if unlocking.is_wanted(failed):
        unlocking.form(record)
    else:
        st.button("Try again", key=f"retry-{record.id}", icon=":material/refresh:", on_click=_retry, args=(record.id,))


def _menu(record: DocumentRecord) -> None:
    actions: list[str] = []
    if record.in_work:
        actions.append("Cancel")
    if record.size:
        actions.append("Download original")
    if record.fetched_at is not None and not record.in_work:
        actions.append("Refresh")
    if record.number > 1 or record.pending is not None:
        actions.append("Versions")
    actions += ["Tags…", "Delete…"]
    chosen = st.menu_button(
        "", actions, icon=":material/more_horiz:", key=f"menu-{record.id}", help="This document", type="tertiary"
    )
    if chosen == "Cancel":
        _safely(lambda: resources.services().library.cancel(record.id))
    elif chosen == "Download original":
        _original(record)
    elif chosen == "Refresh":
        _refresh(record)
    elif chosen == "Versions":
        _versions(record)
    elif chosen == "Tags…":
        state.open_dialog("tag_document", record.id)
        st.rerun()
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
            told = [f"**Version {version.number}**", f"added {figures.day(version.added)}", state_]
            with st.container(horizontal=True, vertical_alignment="center", wrap=False):
                st.markdown(" · ".join(told), width="stretch")
                if version.state in ("ready", "superseded"):
                    where = state.address_of(record.id, version.id)
                    st.page_link(state.DOCUMENT_PAGE, label="Look inside", icon="", query_params=where)
                if version.has_original:
                    original = services.viewer.original(record.id, version.id)
                    downloads.button(figures.size(version.size), original, key=f"original-{version.id}")
    except FootnoteError as error:
        resources.show_error(error)


def _tag_several(workspace_id: str) -> None:
    if st.button("Tag documents…", key="tag-several", icon=":material/sell:", type="tertiary"):
        state.open_dialog("tag_documents", workspace_id)
        st.rerun()  # the whole page, which draws dialogs


def _retry(document_id: str) -> None:
    _safely(lambda: resources.services().library.retry(document_id))


def _safely(act: Callable[[], object]) -> None:
    try:
        act()
    except FootnoteError as error:
        resources.show_error(error)
