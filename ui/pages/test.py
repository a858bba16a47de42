"""The test page: how well the documents of this workspace are answered, and two settings side by side."""

import streamlit as st

from rag.errors import FootnoteError
from ui import frame, resources, trials

workspace = frame.current_workspace()

st.title("Test")
resources.show_problems()
if workspace is None or not workspace.documents:
    st.markdown("**No documents yet.** Add some, and Footnote can measure how well they are answered.")
    st.page_link("ui/pages/documents.py", label="Add documents", icon=":material/upload_file:")
else:
    try:
        trials.show(workspace.id)
    except FootnoteError as error:  # deleted in another tab
        resources.show_error(error)
