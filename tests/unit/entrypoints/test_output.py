"""What reaches a terminal or a script."""

import json

import pytest

from entrypoints.output import Terminal, as_json


def test_json_is_one_readable_line_that_gives_the_value_back():
    value = {"title": "Straße — “Wärme”", "text": "a\nb\tc", "hidden": "\u202e\x9b\u2028\x1b[2J\x7f"}
    text = as_json(value)
    assert json.loads(text) == value
    assert "Straße — “Wärme”" in text
    assert text.isprintable()


def test_control_characters_do_not_reach_the_terminal(capsys):
    out = Terminal()
    out.line("a\x1b[31mb\x07\x9bc\td")
    out.note("e\x00f")
    captured = capsys.readouterr()
    assert captured.out == "a\ufffd[31mb\ufffd\ufffdc\td\n"
    assert captured.err == "e\ufffdf\n"


@pytest.mark.parametrize("text", ["ü€🗎", "\ud800"])
def test_any_text_can_be_printed(capsys, text):
    Terminal().line(text)
    assert capsys.readouterr().out
