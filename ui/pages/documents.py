"""The documents page: add, watch, read, delete."""

import streamlit as st

from ui import documents, figures, folders, frame, search_index, sites, uploads

workspace = frame.current_workspace()

st.title("Documents")
if workspace is None or not workspace.documents:
    st.markdown("**No documents yet.** Add PDFs, office files, mail, e-books, pictures, text, or web addresses.")
else:
    parts = [figures.count(workspace.documents, "document")]
    if not workspace.working:  # until then the list tells how far it is, and is drawn anew while this is not
        parts.append(f"{figures.count(workspace.chunks, 'passage')} to search")
        parts += [f"{workspace.failed:,} could not be read"] if workspace.failed else []
    st.caption(" · ".join(parts))

uploads.panel()
if workspace is not None:
    search_index.panel(workspace.id)
    sites.panel(workspace.id)
    folders.panel(workspace.id)
    documents.listing(workspace.id)
