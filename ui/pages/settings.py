"""The settings page: the model, where things come from, and whether all is well."""

import sqlite3
import sys
from importlib import metadata

import streamlit as st

from rag.errors import FootnoteError
from ui import models, resources, safe

services = resources.services()
settings = services.settings

st.title("Settings")

st.header("Chat model")
st.markdown("The model that writes answers. It runs on this machine; your documents do not leave it.")
models.pick("settings")
models.download_panel()
st.caption(
    f"Ollama is looked for at {safe.plain(settings.ollama_url)}; the setting `FOOTNOTE_OLLAMA_URL` changes that."
)

st.header("Scans and pictures")
st.markdown(safe.plain(services.doctor.recognition()))

st.header("Health")
st.markdown("Checks that every original is unchanged, every document is searchable and nothing is stuck.")
if st.button("Check now", icon=":material/health_and_safety:", key="check"):
    try:
        with st.spinner("Checking every document…"):
            st.session_state["checks"] = services.doctor.check()
    except FootnoteError as error:
        resources.show_error(error)
checks = st.session_state.get("checks", [])
if checks:
    wrong = sum(not check.ok for check in checks)
    if wrong:
        st.warning(
            f"{wrong} of {len(checks)} checks found something. `footnote doctor --repair` mends what can be derived."
        )
    else:
        st.success(f"All {len(checks)} checks passed.", icon=":material/check_circle:")
    with st.container(gap="xxsmall"):
        for check in checks:
            icon = ":green[:material/check_circle:]" if check.ok else ":red[:material/error:]"
            detail = f": {safe.plain(check.detail)}" if check.detail else ""
            st.markdown(f"{icon} {safe.plain(check.title)}{detail}")

st.header("About")
st.markdown(
    "Footnote answers from your own documents, and every sentence opens the passage it rests on. "
    "It listens on this machine only, sends no statistics, and fetches only what you ask for: web pages you add, "
    "and the built-in model, once."
)
versions = {
    "Footnote": metadata.version("footnote"),
    "Python": ".".join(str(part) for part in sys.version_info[:3]),
    "Streamlit": st.__version__,
    "SQLite": sqlite3.sqlite_version,
    "Embedder": settings.embedder if "/" not in settings.embedder and "\\" not in settings.embedder else "own model",
}
st.caption(" · ".join(f"{safe.plain(name)} {safe.plain(version)}" for name, version in versions.items()))
