"""Adding documents: files dropped or chosen, and web addresses (ui/addresses.py)."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from rag.errors import FootnoteError
from ui import addresses, figures, frame, resources, safe, state
from workspaces.identifiers import new_id
from workspaces.models import DocumentRecord


def panel() -> None:
    """The drop zone and the box for addresses. What is added goes to the workspace in use."""
    settings = resources.services().settings
    workspace = frame.current_workspace()
    furnished = workspace is not None and workspace.documents > 0
    keep_both = furnished and st.checkbox(
        "Keep both when a name is already here",
        key="keep-both",
        help="Otherwise a changed file becomes the newer version of the document with its name.",
    )
    files = st.file_uploader(
        "Add PDFs, office files, mail, e-books, pictures, web pages, text or ZIP archives",
        accept_multiple_files=True,
        max_upload_size=settings.max_upload_mb,
        key=state.uploader_key(),
    )
    if files:
        _add_files(files, keep_both=keep_both)
    resources.show_problems()
    addresses.panel(folded=furnished)


def _add_files(files: list[st.runtime.uploaded_file_manager.UploadedFile], *, keep_both: bool) -> None:
    """Take in each of them; what cannot be taken in is named, and the others are not held up.

    Files of one name that come together, from several folders, are no versions of one another.
    """
    names = Counter(file.name for file in files)
    library, batch = resources.services().library, new_id()
    added: list[DocumentRecord] = []
    for file in files:
        try:
            both = keep_both or names[file.name] > 1
            added.append(library.add_file(frame.ensure_workspace(), file.name, file, keep_both=both, batch=batch))
        except FootnoteError as error:
            state.leave_problem(error, about=file.name)
    state.empty_uploader()
    if added:
        state.leave_notice(_told(added))
    st.rerun()


def _renewed(record: DocumentRecord) -> str:
    name, newer = safe.label(record.source), record.pending
    if newer is None or not newer.in_work:
        return f"{name}: the newer version could not be read; answers use version {record.number}."
    return f"{name}: version {newer.number} is being read; answers use version {record.number} until then."


def _told(added: list[DocumentRecord]) -> str:
    known = [record for record in added if record.duplicate_of]
    renewed = [record for record in added if record.pending is not None and not record.duplicate_of]
    if renewed:
        others = [record for record in added if record not in renewed]
        return " ".join([*map(_renewed, renewed), *([_told(others)] if others else [])])
    if len(added) == 1:
        name = safe.label(added[0].title or added[0].source)
        return f"{name} is already here." if known else f"{name} was added."
    already = f"; {len(known):,} were already here" if known else ""
    return f"{figures.count(len(added) - len(known), 'document')} added{already}."
