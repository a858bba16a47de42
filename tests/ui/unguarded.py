"""The real server with its walls down, as a plain Streamlit chat would be: `python -m tests.ui.unguarded PORT`.

The control of the test that nothing hostile makes a browser call anywhere.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import streamlit as st

from entrypoints import serve, web
from ui import components, safe


def main(port: int) -> int:
    del web.HEADERS["content-security-policy"]
    safe.plain = safe.visible = safe.label = safe.told = lambda text, **_: text  # type: ignore[assignment]  # the wall is down
    components.turn = plain_turn  # so is this one
    return serve.serve("127.0.0.1", port)


def plain_turn(view: Mapping[str, Any], **_: object) -> None:
    """What most chats do with what a model wrote."""
    st.markdown(view["question"])
    answer = view["answer"] or {"pieces": [], "draft": ""}
    st.markdown("".join(piece["text"] for piece in answer["pieces"]) + answer["draft"])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
