"""Looking inside a document: what reading it brought up, its passages beside the page they stand on, its text."""

from __future__ import annotations

import streamlit as st

from rag.errors import FootnoteError
from rag.places import describe
from rag.types import Passage
from ui import components, figures, resources, safe
from workspaces.models import DocumentRecord

_TEXT_PIECE = 20_000
_PASSAGES = 10
_WIDTH = 1100
_DPI = 90


def show(record: DocumentRecord) -> None:
    """Open the dialog."""
    title = safe.label(record.title or record.source, limit=70) or "Document"
    st.dialog(title, width=_WIDTH, position="right")(_body)(record)


def report_lines(record: DocumentRecord) -> list[str]:
    """The parse report in plain words, one sentence a line; foreign text in it is not made safe yet."""
    report = record.report
    lines = [f"{figures.count(record.characters, 'character')} in {figures.count(record.chunks, 'passage')}."]
    if report.ocr_pages:
        mean = sum(confidence for _, confidence in report.ocr_pages) / len(report.ocr_pages)
        pages = figures.count(len(report.ocr_pages), "page")
        lines.append(f"{pages} recognised in pictures by {report.ocr_engine}, mean confidence {mean:.0%}.")
    if report.pages_without_text:
        lines.append(f"{figures.count(len(report.pages_without_text), 'page')} without text.")
    if report.tables:
        lines.append(f"{figures.count(report.tables, 'table')} found.")
    if report.hidden_characters:
        hidden = figures.count(report.hidden_characters, "character")
        lines.append(f"{hidden} that a person does not see; not searched: “{report.hidden_sample}”")
    if report.repeated_lines:
        what = figures.count(report.repeated_lines, "running header or footer", "running headers and footers")
        lines.append(f"{what} left out where they repeat.")
    if report.embedded:
        lines.append(f"{figures.count(report.embedded, 'file')} inside it became documents of their own.")
    lines += [f"Left out: {skipped}" for skipped in report.skipped]
    return lines + list(report.warnings)


def _body(record: DocumentRecord) -> None:
    for line in report_lines(record):
        st.caption(safe.plain(line))
    chosen = st.segmented_control("Show", ["Passages", "Text"], default="Passages", key="inside-view")
    try:
        if chosen == "Text":
            _text(record)
        elif record.pages:
            _page(record)
        else:
            _passages(record, page=None)
    except FootnoteError as error:
        resources.show_error(error)


def _text(record: DocumentRecord) -> None:
    pieces = max(1, -(-record.characters // _TEXT_PIECE))
    number = st.pagination(pieces, key="text-piece") if pieces > 1 else 1
    start = (number - 1) * _TEXT_PIECE
    text = resources.services().viewer.text(record.version_id, start=start, limit=_TEXT_PIECE)
    components.passage(before=text, quote="", after="", key="document-text")


def _page(record: DocumentRecord) -> None:
    """The page on the left, the passages that begin on it on the right."""
    number = st.pagination(record.pages, key="inside-page") if record.pages > 1 else 1
    left, right = st.columns(2)
    with left:
        image = resources.services().viewer.page_image(record.version_id, number, dpi=_DPI)
        if image is None:
            st.caption("This page cannot be drawn.")
        else:
            name = f"{record.version_id}/{number}/inside"
            components.page(image, alt=f"Page {number}", highlighted=False, name=name, key="inside-image")
    with right:
        _passages(record, page=number)


def _passages(record: DocumentRecord, *, page: int | None) -> None:
    pieces = max(1, -(-record.chunks // _PASSAGES)) if page is None else 1
    number = st.pagination(pieces, key="inside-piece") if pieces > 1 else 1
    found = resources.services().viewer.passages(
        record.version_id, page=page, offset=(number - 1) * _PASSAGES, limit=_PASSAGES if page is None else 50
    )
    if not found:
        st.caption("No passage begins here.")
    for passage in found:
        st.caption(safe.plain(_address(passage, record)))
        text = f"{passage.header}\n{passage.text}" if passage.header else passage.text
        components.passage(before=text, quote="", after="", key=f"inside-{passage.ordinal}")


def _address(passage: Passage, record: DocumentRecord) -> str:
    """ "Passage 12 of 310 · Prices, rows 4–9 · Garden › Tools"."""
    parts = [f"Passage {passage.ordinal + 1:,} of {record.chunks:,}", describe(passage.locator)]
    parts.append(" › ".join(passage.heading_path))
    return " · ".join(part for part in parts if part)
