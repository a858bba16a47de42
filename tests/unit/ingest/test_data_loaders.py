from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest import media
from ingest.loaders import assemble, loader_for
from ingest.outline import Break, heading_text, units
from ingest.splitter import StructureSplitter
from rag.types import Document, Locator
from tests.unit.ingest.test_markup_loaders import load, located, path_of

PYTHON = '''"""Module."""

import os

class Splitter:
    """Cuts."""

    def split(self, text):
        if text:

            return text

    # about the next
    @property
    def name(
        self,
    ):
        return "name"

CONSTANT = 1

def helper():
    return CONSTANT
'''


def pieces(document: Document) -> list[str]:
    return [document.text[b.span.start : b.span.end] for b in document.blocks]


def test_code_stands_under_its_definition(tmp_path: Path) -> None:
    document = load(tmp_path, media.CODE, PYTHON)
    assert document.text == PYTHON
    assert path_of(document, "import os") == ()
    assert path_of(document, "return text") == ("class Splitter:", "def split(self, text):")
    assert path_of(document, 'return "name"') == ("class Splitter:", "def name(")
    assert path_of(document, "# about the next") == ("class Splitter:", "def name(")
    assert path_of(document, "CONSTANT = 1") == ("CONSTANT",)
    assert path_of(document, "return CONSTANT") == ("def helper():",)
    assert located(document, "def helper():") == Locator("lines", "", 22, 22)


@pytest.mark.parametrize(
    ("code", "path"),
    [
        (
            "public class A {\n  /** Doc. */\n  public int size() {\n    HERE\n  }\n}\n",
            ("public class A", "public int size()"),
        ),
        (
            "export class A {\n  async go(x: string): Promise<void> {\n    HERE\n",
            ("export class A", "async go(x: string): Promise<void>"),
        ),
        ("const f = async (a) => {\n  HERE\n};\n", ("const f = async (a) =>",)),
        ("package a\n\nfunc (c *C) Run() error {\n\tHERE\n}\n", ("func (c *C) Run() error",)),
        ("impl A {\n    pub fn b(&self) -> u8 {\n        HERE\n", ("impl A", "pub fn b(&self) -> u8")),
        ("static int\nmain(int a,\n     int b)\n{\n    HERE\n}\n", ("static int main(int a,",)),
        ("[tool.ruff]\nline = HERE\n", ("[tool.ruff]",)),
        ("CREATE TABLE a (\n  HERE int\n);\n", ("CREATE TABLE a (",)),
    ],
)
def test_definitions_are_known_in_many_languages(tmp_path: Path, code: str, path: tuple[str, ...]) -> None:
    assert path_of(load(tmp_path, media.CODE, code), "HERE") == path


def test_calls_and_conditions_are_no_definitions(tmp_path: Path) -> None:
    document = load(tmp_path, media.CODE, "import x\n\nif (a) {\n  b();\n}\n\nwork(1);\n\nint f(int);\n")
    assert {block.kind for block in document.blocks} == {"code"}
    assert pieces(document) == ["import x", "if (a) {\n  b();\n}", "work(1);", "int f(int);"]


def test_lines_of_a_definition_hold_together_more_than_definitions(tmp_path: Path) -> None:
    document = load(tmp_path, media.CODE, "a = 1\nb = 2\n\nc = 3\n")
    assert [unit.before for unit in units(document)] == [Break.PARAGRAPH, Break.SENTENCE, Break.PARAGRAPH]


def test_a_line_of_a_program_is_cut_where_something_ends(tmp_path: Path) -> None:
    source = json.dumps([{"name": f"entry {n}", "value": n} for n in range(3000)], separators=(",", ":"))
    document = load(tmp_path, media.JSON, source)
    assert document.text == source
    split = StructureSplitter(count_tokens=lambda text: 2 + len(text) // 3, window=256, recipe="thirds").split(document)
    assert all(chunk.text.endswith((",", "}", "]")) for chunk in split)
    assert sum(len(chunk.text) for chunk in split) == len(source)
    assert min(len(chunk.text) for chunk in split[:-1]) > 300


def test_a_huge_line_of_code_is_read(tmp_path: Path) -> None:
    source = "f(a){return a?b:c};" * 300_000
    document = load(tmp_path, media.CODE, source)
    assert len(document.blocks) == 1


def test_json_is_parted_at_its_outermost_members(tmp_path: Path) -> None:
    document = load(tmp_path, media.JSON, '{\n  "title": "T",\n  "b": {\n    "c": 1\n  },\n  "d": [1]\n}\n')
    assert pieces(document) == ["{", '"title": "T",', '"b": {\n    "c": 1\n  },', '"d": [1]\n}']
    assert document.title == "T"
    assert document.report.warnings == ()
    assert located(document, '"c": 1') == Locator("lines", "", 4, 4)


def test_json_lines_are_a_block_each(tmp_path: Path) -> None:
    document = load(tmp_path, media.JSON, '{"a": 1}\n{"b": 2}\n')
    assert pieces(document) == ['{"a": 1}', '{"b": 2}']
    assert document.report.warnings == ()


@pytest.mark.parametrize(("source", "reason"), [('{"a": 1,}\n', "line 1"), ("[" * 10**5 + "]" * 10**5, "deeply")])
def test_json_that_breaks_its_rules_is_text_with_a_warning(tmp_path: Path, source: str, reason: str) -> None:
    document = load(tmp_path, media.JSON, source)
    assert document.text == source
    assert reason in document.report.warnings[0]


def test_a_notebook_is_read_by_its_cells(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Head\n", "text"]},
        {
            "cell_type": "code",
            "source": "x = 1\n\ny = 2",
            "outputs": [{"text": ["SHOWN\n"]}, {"data": {"text/plain": "42"}}],
        },
        "no cell",
        {"cell_type": "code", "source": []},
    ]
    document = load(tmp_path, media.JSON, json.dumps({"nbformat": 4, "cells": cells}))
    assert document.text == "# Head\ntext\n\nx = 1\n\ny = 2"
    assert [block.kind for block in document.blocks] == ["heading", "paragraph", "code"]
    assert path_of(document, "y = 2") == ("Head",)
    assert located(document, "y = 2") == Locator("chapter", "Cell 2", 2, 2)
    assert "8 characters" in document.report.warnings[0]


def test_yaml_is_parted_at_its_outermost_keys_and_never_run(tmp_path: Path) -> None:
    source = "# top\na: 1\n\n# about b\nb: !!python/object/apply:os.system ['true']\n  - c\n"
    document = load(tmp_path, media.YAML, source)
    assert document.text == source
    assert pieces(document) == ["# top\na: 1", source[source.index("# about b") :].rstrip()]


def test_xml_is_parted_at_the_children_of_its_root(tmp_path: Path) -> None:
    source = '<?xml version="1.0" encoding="iso-8859-1"?>\n<r><a>ü</a><title>Häfen</title>\n<b><c/></b></r>'
    document = load(tmp_path, media.XML, source)
    assert pieces(document)[1:] == ["<a>ü</a>", "<title>Häfen</title>", "<b><c/></b></r>"]
    assert (document.text, document.title, document.report.warnings) == (source, "Häfen", ())


def test_entities_of_xml_stay_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("CANARY")
    bomb = f'<!DOCTYPE r [<!ENTITY a "xxxx"><!ENTITY f SYSTEM "file://{tmp_path}/secret">]><r>&a;&f;</r>'
    document = load(tmp_path, media.XML, bomb)
    assert document.text == bomb
    assert "entities" in document.report.warnings[0]


def test_xml_that_is_not_well_formed_is_text_with_a_warning(tmp_path: Path) -> None:
    document = load(tmp_path, media.XML, "<r>\n<a>\n</r>")
    assert "line 3" in document.report.warnings[0]
    assert "<a>" in document.text


def test_deep_xml_is_read(tmp_path: Path) -> None:
    assert load(tmp_path, media.XML, "<a>" * 10**5 + "</a>" * 10**5).report.warnings == ()


def test_a_trace_stays_with_its_entry(tmp_path: Path) -> None:
    source = (
        "2024-01-02 10:00:00,123 INFO start\n2024-01-02T10:00:01Z ERROR \x1b[31mboom\x1b[0m\nTraceback:\n  File x\n"
        "Jan  3 10:00:00 host a: b\n127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] GET\n[10:00:02] last\n"
    )
    document = load(tmp_path, media.LOG, source)
    assert pieces(document)[:2] == [
        "2024-01-02 10:00:00,123 INFO start",
        "2024-01-02T10:00:01Z ERROR boom\nTraceback:\n  File x",
    ]
    assert len(document.blocks) == 5
    assert located(document, "File x") == Locator("lines", "", 4, 4)


def test_a_log_without_times_is_plain_text(tmp_path: Path) -> None:
    assert {b.kind for b in load(tmp_path, media.LOG, "all went well\n\nmostly\n").blocks} == {"paragraph"}


@pytest.mark.parametrize(
    ("heading", "text"),
    [
        ("## Head ##", "Head"),
        ("=====\n Head\n=====", "Head"),
        ("Head\n~~~~", "Head"),
        ("== Head ==", "Head"),
        ("** Head", "Head"),
        ("# what it does\n@cached\ndef head():", "def head():"),
        ("void head() {", "void head()"),
        ("1. C# and C++", "1. C# and C++"),
        ("A heading\non two lines", "A heading on two lines"),
    ],
)
def test_a_heading_is_read_without_its_marks(heading: str, text: str) -> None:
    assert heading_text(heading) == text


def test_every_new_loader_keeps_no_state(tmp_path: Path) -> None:
    loader = loader_for(media.CODE)
    (tmp_path / "a").write_text(PYTHON)
    assert assemble(loader.load(tmp_path / "a", title=None)) == assemble(loader.load(tmp_path / "a", title=None))
