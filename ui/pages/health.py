"""The health page: whether all is well, and the repair of what can be derived."""

import streamlit as st

from rag.errors import FootnoteError
from ui import frame, health, resources

st.title("Health")
st.markdown(
    "Checks that every file you added is unchanged, every document is searchable, what you deleted is gone, and "
    "nothing is stuck. Your originals are never changed by a repair."
)
pressed = {}
with st.container(horizontal=True):
    pressed[False] = st.button("Check now", icon=":material/health_and_safety:", key="check")
    pressed[True] = st.button(
        "Repair", icon=":material/build:", key="repair", help="Checks, and mends what can be derived from the rest."
    )
for repair, wanted in pressed.items():
    if wanted:
        try:
            with st.spinner("Checking every document…"):
                st.session_state["checks"] = resources.services().doctor.check(repair=repair)
        except FootnoteError as error:
            resources.show_error(error)
health.report(st.session_state.get("checks", []))

workspace = frame.current_workspace()
if workspace is not None:
    health.stale(workspace.id)
