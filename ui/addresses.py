"""Adding from the web: single pages and files, or a page with the section below it."""

from __future__ import annotations

import streamlit as st

from rag.errors import FootnoteError
from ui import figures, frame, resources, safe, state
from workspaces.models import SECTION_DEPTH, SECTION_PAGES

_PAGE, _SECTION = "This page", "This page and the section below it"
_MOST = 200
"""Addresses taken in at once."""

_ABOUT = (
    "A section is what lies under the directory of its start: pages, PDF and office files that it links to or lists. "
    "Footnote asks for one a second at most, and leaves out what the site closes to crawlers (robots.txt)."
)


def panel(*, folded: bool) -> None:
    """The box for addresses, folded away where the documents are what a person comes for."""
    if folded:
        with st.expander("Web addresses", icon=":material/add_link:"):
            _form("One a line")
    else:
        _form("Or web addresses, one a line")


def _form(label: str) -> None:
    """What is added goes to the workspace in use and is fetched in the background."""
    with st.form("add-address", border=False, clear_on_submit=True):
        text = st.text_area(label, placeholder="https://…", max_chars=2000 * _MOST, height=68, key="addresses")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            wanted = st.radio("Take in", [_PAGE, _SECTION], key="address-kind")
            depth = st.number_input(
                "Links deep", 1, SECTION_DEPTH.most, SECTION_DEPTH.usual, key="section-depth", width=110
            )
            pages = st.number_input(
                "Pages at most", 1, SECTION_PAGES.most, SECTION_PAGES.usual, key="section-pages", width=130
            )
            pressed = st.form_submit_button("Add", icon=":material/add_link:")
        st.caption(_ABOUT)
    if pressed and (addresses := text.split()):
        _add(addresses[:_MOST], section=(int(depth), int(pages)) if wanted == _SECTION else None)


def _add(addresses: list[str], *, section: tuple[int, int] | None) -> None:
    """Take in each of them; what cannot be taken in is named, and the others are not held up."""
    services = resources.services()
    added: list[str] = []
    for address in addresses:
        try:
            if section is None:
                record = services.library.add_url(frame.ensure_workspace(), address)
                added.append(record.title or record.source)
            else:
                depth, pages = section
                added.append(services.sites.add(frame.ensure_workspace(), address, depth=depth, pages=pages).start)
        except FootnoteError as error:
            state.leave_problem(error, about=address)
    if added:
        one = f"{safe.label(added[0])} was added."
        many = figures.count(len(added), "page" if section is None else "section") + " added."
        state.leave_notice(one if len(added) == 1 else many)
    st.rerun()
