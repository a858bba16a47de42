"""Where the next question looks: a small control above the question box, and what is chosen as chips that go with a
click."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import streamlit as st

from rag.errors import FootnoteError
from rag.scope import EVERYTHING, Scope
from ui import figures, resources, safe, state
from workspaces.models import Turn, Workspace
from workspaces.scope_words import kind_name, language_name
from workspaces.scoping import Choices

_DOCUMENTS = 200
"""Of the newest that can be chosen from a list; any other has a name."""
_EARLIEST, _LATEST = date(1000, 1, 1), date(2999, 12, 31)
_KEY = "scope-"
_HEIGHT = 400
"""Pixels."""
_NAMES_HELP = (
    'Or name a document in the question: @handbook, @"Annual report 2023", @#contracts for a tag. '
    "Several names are searched together."
)


def current(chat: str | None, told: Sequence[Turn]) -> Scope:
    """What is in force for the next question of a chat: what was chosen, or that of the question before."""
    chosen = state.scope(chat)
    if chosen is not None:
        return chosen
    return replace(told[-1].scope, names=()) if told else EVERYTHING


def bar(workspace: Workspace, scope: Scope, *, chat: str | None) -> None:
    """The control and the chips."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="scope"):
        popover = st.popover(
            "Search in…",
            icon=":material/filter_list:",
            type="tertiary",
            key="scope-popover",
            help="Which documents the next question looks in",
            on_change="rerun",
        )
        for number, (label, left) in enumerate(resources.services().scoping.parts(workspace.id, scope)):
            st.button(
                safe.label(label, limit=40),
                key=f"scope-chip-{number}",
                icon=":material/close:",
                icon_position="right",
                help="Leave this out",
                on_click=state.choose_scope,
                args=(chat, left),
            )
    with popover:
        box = st.container(
            height=_HEIGHT, border=False
        )  # of one height from the first: it opens upwards where it has to
    if popover.open:
        with box:
            _choosing(workspace, scope, choose=lambda chosen: state.choose_scope(chat, chosen))


def _choosing(workspace: Workspace, scope: Scope, *, choose: Callable[[Scope], None]) -> None:
    services = resources.services()
    try:
        choices = services.scoping.choices(workspace.id)
        found = services.scoping.count(workspace.id, scope)
    except FootnoteError as error:  # the workspace, or another one that is chosen, was deleted in another tab
        resources.show_error(error)
        return
    st.caption(f"{figures.count(found, 'document')} will be searched. {safe.plain(_NAMES_HELP)}")
    _documents(workspace, scope, choose)
    if choices.tags or scope.tags:
        _several("Tags", "tags", choices.tags, scope, choose, shown=lambda tag: f"#{safe.visible(tag)}")
    if len(choices.kinds) > 1 or scope.kinds:
        _several("Type", "kinds", choices.kinds, scope, choose, shown=_counted(kind_name, choices.kinds))
    if len(choices.languages) > 1 or scope.languages:
        shown = _counted(language_name, choices.languages)
        _several("Language", "languages", choices.languages, scope, choose, shown=shown)
    if choices.folders or scope.folders:
        _several("Folder", "folders", choices.folders, scope, choose, shown=lambda path: safe.visible(path[-60:]))
    if choices.first or scope.since or scope.until:
        _dates(choices, scope, choose)
    _workspaces(workspace, scope, choose)


def _documents(workspace: Workspace, scope: Scope, choose: Callable[[Scope], None]) -> None:
    library = resources.services().library
    page = library.documents_page(workspace.id, only="ready", limit=_DOCUMENTS)
    titles = {record.id: record.title or record.source for record in page.records}
    for missing in set(scope.documents) - titles.keys():
        label = next(iter(resources.services().scoping.parts(workspace.id, Scope(documents=(missing,)))))[0]
        titles[missing] = label
    _several(
        "Documents",
        "documents",
        titles,
        scope,
        choose,
        shown=lambda found: safe.visible(titles.get(found, ""), limit=80),
    )


def _several(
    label: str,
    name: str,
    options: Iterable[str],
    scope: Scope,
    choose: Callable[[Scope], None],
    *,
    shown: Callable[[str], str],
) -> None:
    """Several values of one condition; those that are chosen and not there any more can still be taken out. Streamlit
    shows them as they are, so they need not be made safe as Markdown is."""
    key, chosen = f"{_KEY}{name}", list(getattr(scope, name))
    st.session_state[key] = chosen
    st.multiselect(
        label,
        list(dict.fromkeys([*options, *chosen])),
        key=key,
        format_func=shown,
        placeholder="All",
        select_all=False,
        on_change=lambda: choose(_changed(scope, name, tuple(st.session_state[key]))),
    )


def _counted(name: Callable[[str], str], counts: Any) -> Callable[[str], str]:
    return lambda value: f"{safe.visible(name(value))} ({counts.get(value, 0):,})"


def _dates(choices: Choices, scope: Scope, choose: Callable[[Scope], None]) -> None:
    left_out = f" {figures.count(choices.undated, 'document')} without a date is left out." if choices.undated else ""
    if choices.undated > 1:
        left_out = f" {choices.undated:,} documents without a date are left out."
    told = f"The documents' own dates, {choices.first} to {choices.last}.{left_out}"
    with st.container(horizontal=True):
        for label, name in (("Dated from", "since"), ("to", "until")):
            key, value = f"{_KEY}{name}", getattr(scope, name)
            st.session_state[key] = date.fromisoformat(value) if value else None
            st.date_input(
                label,
                key=key,
                value=None,
                min_value=_EARLIEST,
                max_value=_LATEST,
                format="YYYY-MM-DD",
                help=told,
                on_change=lambda key=key, name=name: choose(_changed(scope, name, _day(st.session_state[key]))),
            )


def _day(chosen: date | None) -> str:
    return chosen.isoformat() if chosen else ""


def _workspaces(workspace: Workspace, scope: Scope, choose: Callable[[Scope], None]) -> None:
    names = {one.id: one.name for one in resources.services().library.workspaces() if one.id != workspace.id}
    if names:
        _several(
            "Also search in", "also", names, scope, choose, shown=lambda one: safe.visible(names.get(one, ""), limit=60)
        )


def _changed(scope: Scope, name: str, value: object) -> Scope:
    changes: dict[str, Any] = {name: value}
    return replace(scope, **changes)
