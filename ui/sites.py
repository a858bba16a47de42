"""Draws the sections of the web that a workspace holds: how far each is, what was left out and why."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from rag.errors import FootnoteError
from ui import figures, resources, safe, state
from workspaces.models import Site, SitePage

_POLL_SECONDS = 1.0
_SHOWN = 200
"""Addresses with their reasons that are listed; more are counted."""

_STATES = {"running": "fetching", "paused": "stopped", "done": "", "failed": "ended early"}


def panel(workspace_id: str) -> None:
    """The sections of a workspace; drawn again by itself while one is being fetched."""
    sites = resources.services().sites.in_workspace(workspace_id)
    if sites:
        running = any(site.state == "running" for site in sites)
        st.fragment(_panel, run_every=_POLL_SECONDS if running else None)(workspace_id, polled=running)


def _panel(workspace_id: str, *, polled: bool) -> None:
    try:
        sites = resources.services().sites.in_workspace(workspace_id)
    except FootnoteError:  # the workspace was deleted in another tab
        st.rerun()
    if polled is not any(site.state == "running" for site in sites):
        st.rerun()  # the whole page: it begins or ends polling, and figures elsewhere change
    with st.container(key="sites"):
        for site in sites:
            _row(site)


def _row(site: Site) -> None:
    with st.container(border=True, gap="xsmall", key=f"site-{site.id}"):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False):
            st.markdown(f":material/travel_explore: **{safe.label(site.start, limit=110)}**", width="stretch")
            _menu(site)
        st.caption(safe.plain(" · ".join(_facts(site))))
        if site.state == "running":
            share = min(1.0, site.taken / site.page_limit)
            st.progress(share, text=f"Fetching: {figures.count(site.taken, 'page')} of at most {site.page_limit:,}")
        if site.problem is not None:
            st.error(safe.told(site.problem.told), icon=":material/error:")
        if site.refused or site.failed:
            _left_out(site)


def _facts(site: Site) -> list[str]:
    facts = ["Section", _STATES[site.state]]
    facts.append(f"{figures.count(site.found, 'address', 'addresses')} found")
    facts.append(f"{site.taken:,} taken")
    if site.refused:
        facts.append(f"{site.refused:,} left out")
    if site.failed:
        facts.append(f"{site.failed:,} not readable")
    if site.waiting and site.state == "done":
        facts.append(f"{site.waiting:,} not asked for (limit: {figures.count(site.page_limit, 'page')})")
    elif site.waiting and site.state != "running":
        facts.append(f"{site.waiting:,} not asked for yet")
    if site.crawled_at is not None:
        facts.append(f"looked at {figures.day(site.crawled_at)}")
    return [fact for fact in facts if fact]


def _left_out(site: Site) -> None:
    with st.expander(f"What was not taken, and why ({site.refused + site.failed:,})"):
        try:
            pages = resources.services().sites.pages(site.id)
        except FootnoteError as error:
            resources.show_error(error)
            return
        told = [page for page in pages if page.reason]
        for page in told[:_SHOWN]:
            st.caption(_reason(page))
        if len(told) > _SHOWN:
            st.caption(f"And {len(told) - _SHOWN:,} more.")


def _reason(page: SitePage) -> str:
    return f"{safe.label(page.url, limit=160)}: {safe.plain(page.reason)}"


def _menu(site: Site) -> None:
    sites = resources.services().sites
    running = site.state == "running"
    actions: dict[str, Callable[[str], None]] = {"Stop": sites.stop} if running else {"Refresh": sites.refresh}
    if site.state in ("paused", "failed") or (not running and site.failed):
        actions["Continue"] = sites.resume
    chosen = st.menu_button(
        "",
        [*actions, "Delete…"],
        icon=":material/more_horiz:",
        key=f"menu-site-{site.id}",
        help="This section",
        type="tertiary",
    )
    if chosen == "Delete…":
        state.open_dialog("delete_site", site.id)
        st.rerun()
    elif chosen:
        try:
            actions[chosen](site.id)
        except FootnoteError as error:
            resources.show_error(error)
            return
        st.rerun()
