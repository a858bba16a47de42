"""The settings page: the model, what reads scans, the search index, and where things come from."""

import sqlite3
import sys
from importlib import metadata

import streamlit as st

from ui import frame, models, modes, resources, safe, search_index

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

workspace = frame.current_workspace()
if workspace is not None:
    st.header("Answers")
    modes.settings(workspace)
    st.header("Search index")
    search_index.settings(workspace.id)

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
