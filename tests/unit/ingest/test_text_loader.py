from __future__ import annotations

from pathlib import Path

import pytest

from ingest.loaders import assemble
from ingest.loaders.markdown import MarkdownLoader
from ingest.loaders.text import TextLoader
from rag.errors import DamagedSource, EmptySource
from rag.types import Document


def load(tmp_path: Path, data: bytes, *, title: str | None = None) -> Document:
    path = tmp_path / "file"
    path.write_bytes(data)
    return assemble(TextLoader().load(path, title=title))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"  a\r\nb \r\n\r\n", "  a\nb \n\n"),
        ("\ufeffäöü".encode(), "äöü"),
        ("\ufeffäöü".encode("utf-16-le"), "äöü"),
        ("\ufeffäöü".encode("utf-16-be"), "äöü"),
        ("\ufeffäöü".encode("utf-32-le"), "äöü"),
        (b"old\rmac", "old\nmac"),
        (b"a page\x0cthe next", "a page\x0cthe next"),
        (b"\x1b[1;31mERROR\x1b[0m all of it", "\x1b[1;31mERROR\x1b[0m all of it"),
    ],
)
def test_text_is_kept_exactly_but_for_mark_and_line_ends(tmp_path: Path, data: bytes, text: str) -> None:
    assert load(tmp_path, data).text == text


def test_older_encodings_are_read_with_a_note(tmp_path: Path) -> None:
    sentence = "Die Größe der Übung hängt von der Höhe des Bürgersteigs ab, schrieb der Müller gemäß der Prüfung. "
    document = load(tmp_path, (sentence * 5).encode("cp1252"))
    assert document.text == sentence * 5
    assert document.notes[0].startswith("Not in Unicode: read as")


@pytest.mark.parametrize("data", [b"", b" \r\n\t "])
def test_nothing_but_white_space_is_empty(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(EmptySource):
        load(tmp_path, data)


@pytest.mark.parametrize("data", [b"ab\x00cd", b"\xff\xfea\x00b"])
def test_what_is_no_text_is_damaged(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DamagedSource):
        load(tmp_path, data)


def test_the_given_title_is_the_title_and_there_is_no_other(tmp_path: Path) -> None:
    assert load(tmp_path, b"text", title="Name").title == "Name"
    assert load(tmp_path, b"text").title == ""


MARKDOWN = """---
title: "My notes"
author: Jo Doe
date: 2024-02-03 10:00
lang: en-GB
---
# Head *one*

Text
goes on.

Second
------

- a
- b

```sh
# no heading
```

| a | b |
|---|---|
| 1 | 2 |
"""


def markdown(tmp_path: Path, text: str) -> Document:
    path = tmp_path / "file.md"
    path.write_bytes(text.encode())
    return assemble(MarkdownLoader().load(path, title=None))


def test_markdown_keeps_its_text_and_names_its_blocks(tmp_path: Path) -> None:
    document = markdown(tmp_path, MARKDOWN.replace("\n", "\r\n"))
    assert document.text == MARKDOWN
    assert [(block.kind, block.level) for block in document.blocks] == [
        ("code", 0),
        ("heading", 1),
        ("paragraph", 0),
        ("heading", 2),
        ("list", 0),
        ("code", 0),
        ("table", 2),
    ]
    assert document.text[document.blocks[5].span.start : document.blocks[5].span.end].startswith("```sh\n# no heading")


def test_front_matter_gives_title_author_and_date(tmp_path: Path) -> None:
    document = markdown(tmp_path, MARKDOWN)
    assert (document.title, document.author, document.date, document.language) == (
        "My notes",
        "Jo Doe",
        "2024-02-03",
        "en",
    )


def test_without_front_matter_the_first_heading_is_the_title(tmp_path: Path) -> None:
    assert markdown(tmp_path, "Intro\n\n## The *real* title\n").title == "The *real* title"


def test_odd_line_ends_do_not_shift_blocks(tmp_path: Path) -> None:
    document = markdown(tmp_path, "one\rtwo\r\r# Head\r\rlast")
    heading = next(block for block in document.blocks if block.kind == "heading")
    assert document.text[heading.span.start : heading.span.end] == "# Head"
