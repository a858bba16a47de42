"""Adding documents: files dropped or chosen, and web addresses (ui/addresses.py)."""

from __future__ import annotations

import streamlit as st

from rag.errors import FootnoteError
from ui import addresses, figures, frame, resources, safe, state
from workspaces.models import DocumentRecord

TYPES = ["pdf", "txt", "md", "markdown", "html", "htm"]


def panel() -> None:
    """The drop zone and the box for addresses. What is added goes to the workspace in use."""
    settings = resources.services().settings
    files = st.file_uploader(
        "Add PDFs, text, Markdown or saved web pages",
        accept_multiple_files=True,
        max_upload_size=settings.max_upload_mb,
        type=TYPES,
        key=state.uploader_key(),
    )
    if files:
        _add_files(files)
    resources.show_problems()
    addresses.form()


def _add_files(files: list[st.runtime.uploaded_file_manager.UploadedFile]) -> None:
    """Take in each of them; what cannot be taken in is named, and the others are not held up."""
    library = resources.services().library
    added: list[DocumentRecord] = []
    for file in files:
        try:
            added.append(library.add_file(frame.ensure_workspace(), file.name, file))
        except FootnoteError as error:
            state.leave_problem(error, about=file.name)
    state.empty_uploader()
    if added:
        state.leave_notice(_told(added))
    st.rerun()


def _told(added: list[DocumentRecord]) -> str:
    known = [record for record in added if record.duplicate_of]
    if len(added) == 1:
        name = safe.label(added[0].title or added[0].source)
        return f"{name} is already here." if known else f"{name} was added."
    already = f"; {len(known):,} were already here" if known else ""
    return f"{figures.count(len(added) - len(known), 'document')} added{already}."
