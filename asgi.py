"""The ASGI application: the pages of app.py behind the guard of entrypoints/web.py. `footnote serve` runs it."""

from pathlib import Path

import streamlit as st

from entrypoints import serve, tokens, web
from ui import resources, theme
from workspaces.settings import load_settings

CONFIG = theme.CONFIG

_data_dir = load_settings().data_dir

app = web.create_app(
    Path(__file__).with_name("app.py"),
    key=tokens.ensure_key(_data_dir),
    services=resources.services,
    close=resources.close,
    on_ready=lambda: serve.announce(_data_dir, int(st.get_option("server.port"))),
    on_opened=serve.report_download,
    on_script_error=resources.show_unexpected,
)
