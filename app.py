"""Navigation only; the pages are in ui/pages."""

import streamlit as st

from ui import frame, resources, state

st.set_page_config(
    page_title="Footnote",
    page_icon="ui/assets/mark.svg",
    layout="centered",
    initial_sidebar_state="auto",
    menu_items={"About": frame.ABOUT},
)
st.logo("ui/assets/logo.svg", icon_image="ui/assets/mark.svg", size="large")

chat = st.Page("ui/pages/chat.py", title="Chat", icon=":material/forum:", default=True)
document = st.Page(state.DOCUMENT_PAGE, title="Document", icon=":material/draft:", visibility="hidden")
page = st.navigation(
    [
        chat,
        st.Page("ui/pages/documents.py", title="Documents", icon=":material/description:"),
        st.Page("ui/pages/test.py", title="Test", icon=":material/fact_check:"),
        st.Page("ui/pages/health.py", title="Health", icon=":material/health_and_safety:"),
        st.Page("ui/pages/settings.py", title="Settings", icon=":material/tune:"),
        document,
    ]
)
if state.take_go_to_chat() and page != chat:
    st.switch_page(chat)
if page != document:
    state.leave_document()
if frame.open_workspace():
    page.run()
resources.warm_up_soon()
