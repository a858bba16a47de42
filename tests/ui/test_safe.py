from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from tests.ui.payloads import payloads
from ui import safe

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
"""Bare links and Streamlit's own directives are not in it; the browser tests prove those."""


def rendered(text: str) -> list[str]:
    """The kinds of everything in the rendered text."""
    kinds = []
    for token in MARKDOWN.parse(text):
        kinds.append(token.type)
        kinds += [child.type for child in token.children or ()]
    return kinds


@pytest.mark.parametrize(
    "text", ["# no heading", "1. no list", "- x", "> y", "a *b* _c_ ~~d~~ `e`", "$x^2$", "[a](b)", "![a](b)"]
)
def test_plain_text_shows_as_it_is(text: str) -> None:
    shown = "".join(child.content for token in MARKDOWN.parse(safe.plain(text)) for child in token.children or ())
    assert shown == text


def test_no_payload_makes_more_than_text() -> None:
    hostile = payloads("http://canary.test")
    assert any({"image", "link_open", "html_inline", "html_block"} & set(rendered(text)) for text in hostile)
    for text in hostile:
        assert set(rendered(safe.plain(text))) <= {
            "paragraph_open",
            "inline",
            "text",
            "text_special",
            "paragraph_close",
        }, text


def test_directives_and_icons_of_streamlit_are_broken() -> None:
    for text in (":red[x]", ":material/delete:", ":smile:", ":shimmer[x]", ":blue-badge[x]"):
        assert ":" in safe.plain(text)
        assert text not in safe.plain(text)
        assert ":\u2060" in safe.plain(text) or "\\:\u2060" in safe.plain(text)


def test_invisible_and_direction_changing_characters_go() -> None:
    assert safe.visible("in\u202evoice\u202c\u200b.pdf\x00\n next") == "invoice.pdf next"


def test_joiners_that_scripts_need_stay() -> None:
    assert safe.visible("می‌خواهم") == "می‌خواهم"


def test_long_text_is_cut_for_labels() -> None:
    assert safe.visible("a" * 50, limit=10) == "a" * 9 + "…"


def test_commands_in_messages_are_shown_as_code_and_nothing_else_is() -> None:
    assert safe.told("Run `make setup` now.") == "Run `make setup` now\\."
    assert safe.told("Run `![a](http://x)`!") == "Run `![a](http://x)`\\!"
    assert safe.told("A stray ` and ![a](x)") == safe.plain("A stray ` and ![a](x)")
