"""Names for people: visible, bounded, never a path."""

import pytest

from rag.errors import InvalidInput
from workspaces.names import file_label, printable, workspace_name


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\notes.txt", "notes.txt"),
        ("\\\\server\\share\\a.txt", "a.txt"),
        ("/", "unnamed"),
        ("..", "unnamed"),
        ("", "unnamed"),
        ("\u202e\u200b", "unnamed"),
        ("fdp.\u202etxt", "fdp. txt"),
        ("new\nline\t.txt", "new line .txt"),
        ("a\0b.txt", "a b.txt"),
        ("e\u0301te\u0301.txt", "été.txt"),
        ("folder/", "folder"),
    ],
)
def test_a_label_is_the_last_part_of_a_name(name, label):
    assert file_label(name) == label


def test_a_long_label_keeps_its_ending():
    label = file_label("x" * 400 + ".pdf")
    assert len(label) == 255
    assert label.endswith("….pdf")


def test_only_what_can_be_seen_is_left():
    assert printable(" a\u200b \ud800 b\ue000 ") == "a b"


@pytest.mark.parametrize("name", ["", " ", "\u200d", "x" * 101])
def test_a_workspace_needs_a_name(name):
    with pytest.raises(InvalidInput):
        workspace_name(name)


def test_a_hundred_characters_are_a_name():
    assert workspace_name("ü" * 100) == "ü" * 100
