"""The page of one document: what reading it brought up, and its passages."""

import streamlit as st

from rag.errors import FootnoteError
from ui import frame, inside, resources

st.set_page_config(layout="wide")
st.page_link("ui/pages/documents.py", label="All documents", icon=":material/arrow_back:")

record = inside.in_address(frame.current_workspace())
if record is None:
    st.title("Document", anchor=False)
    st.markdown("This workspace has no such document. It was deleted, or it lies in another workspace.")
else:
    try:
        inside.show(record)
    except FootnoteError as error:  # deleted while it was drawn
        resources.show_error(error)
