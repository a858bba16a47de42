"""Rich Text Format: structure, encodings, hidden text, and files that are made to break readers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import media
from ingest.loaders import assemble, loader_for
from rag.errors import DamagedSource, NoText
from rag.types import Document

Read = Callable[[str], Document]
HEAD = (
    r"{\rtf1\ansi\ansicpg1252\deff0"
    r"{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial Cyr;}{\f2\fcharset128 Mincho;}}"
    r"{\colortbl;\red255\green255\blue255;\red0\green0\blue0;}"
    r"{\stylesheet{\ql Normal;}{\s1\outlinelevel0 heading 1;}{\s2{\*\keycode x}\'dcberschrift 2;}"
    r"{\s3\sbasedon2 Mine;}{\*\cs10 Default;}}"
    r"{\info{\title Lease of a garden}{\author A. Lawyer}{\creatim\yr2024\mo3\dy1\hr9}{\company Nobody}}"
    r"{\header Header of all pages\par}"
)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def load(body: str, head: str = HEAD) -> Document:
        path = tmp_path / "file.rtf"
        path.write_bytes((head + body + "}").encode("latin-1"))
        return assemble(loader_for(media.RTF).load(path, title=None))

    return load


def blocks(document: Document) -> list[tuple[str, int, str]]:
    return [(b.kind, b.level, document.text[b.span.start : b.span.end]) for b in document.blocks]


def test_headings_come_from_styles_and_outline_levels(read: Read) -> None:
    body = r"\pard\s1 One\par\pard\s2 Two\par\pard\s3 Three\par\pard\outlinelevel3 Four\par\pard\s0 Plain\line more\par"
    assert blocks(read(body)) == [
        ("heading", 1, "One"),
        ("heading", 2, "Two"),
        ("heading", 2, "Three"),
        ("heading", 4, "Four"),
        ("paragraph", 0, "Plain\nmore"),
    ]


def test_what_the_file_says_of_itself_is_kept_and_headers_are_not_text(read: Read) -> None:
    document = read(r"Text\par")
    assert (document.title, document.author, document.date) == ("Lease of a garden", "A. Lawyer", "2024-03-01")
    assert document.text == "Text"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (r"\'fcber \'80", "über €"),
        (r"\u8364? and \u-10179?\u-8704? end", "€ and 😀 end"),
        (r"{\uc2\u1042\'c2\'c2}x{\uc0\u1043}y", "Вx" + "Гy"),
        (r"{\f1\'cf\'f0\'e8}", "При"),
        (r"{\f2\'93\'fa\'96\'7b}", "日本"),
        (r"{\f2\'83A}", "ア"),
        (r"a\~b\_c\-d\{\}\\", "a b\u2011cd{}\\"),
        (r"\ldblquote x\rdblquote\emdash y", "“x”—y"),
        ("split wo\r\nrd", "split word"),
        ("raw \xfc", "raw ü"),
        (r"\u8217\par next", "’\n\nnext"),
        (r"\bin4 {{{{text", "text"),
    ],
)
def test_characters_are_read_however_they_are_written(read: Read, body: str, text: str) -> None:
    assert read(body).text == text


def test_other_code_pages_are_honoured(read: Read) -> None:
    assert read(r"\'cf", r"{\rtf1\ansi\ansicpg1251 ").text == "П"
    assert read(r"\'8a", r"{\rtf1\mac ").text == "ä"
    assert read(r"\'fc", r"{\rtf1\ansi\ansicpg99999 ").text == "ü"


def test_lists_keep_the_label_that_the_program_wrote(read: Read) -> None:
    body = (
        r"{\listtext\pard\plain 1.\tab}\pard\ls1 one\par{\listtext 1.1\tab}\pard\ls1\ilvl1 deeper\par"
        r"{\pntext\'b7\tab}{\*\pn\pnlvlblt}\pard bullet\par\pard after\par"
    )
    assert blocks(read(body)) == [
        ("list", 0, "- 1. one\n  - 1.1 deeper\n- bullet"),
        ("paragraph", 0, "after"),
    ]


def test_tables_have_a_row_a_line_and_header_rows(read: Read) -> None:
    body = (
        r"\trowd\trhdr\cellx100\cellx200\pard\intbl Part\cell Price\par net\cell\row"
        r"\trowd\clvmgf\cellx100\cellx200\pard\intbl Valve\cell 12\cell\row"
        r"\trowd\clvmrg\cellx100\cellx200\pard\intbl\cell 13\cell\row\pard After\par"
    )
    document = read(body)
    assert blocks(document) == [
        ("table", 1, "Part | Price net\nValve | 12\nValve | 13"),
        ("paragraph", 0, "After"),
    ]
    assert document.report.tables == 1


def test_notes_and_comments_follow_their_paragraph(read: Read) -> None:
    body = (
        r"Claim{\footnote\pard {\chftn} See \'a7 5.} goes on{\*\atnauthor A. Lawyer}\chatn{\*\annotation{\*\atndate 1}"
        r"Really?}\par Next{\footnote\ftnalt A source.}\par"
    )
    assert read(body).text.split("\n\n") == [
        "Claim goes on",
        "Footnote 1: See § 5.",
        "Comment by A. Lawyer: Really?",
        "Next",
        "Endnote 1: A source.",
    ]


def test_boxes_links_and_objects(read: Read) -> None:
    body = (
        r"{\shp{\*\shpinst{\sp{\sn name}{\sv value}}{\shptxt In the box\par}}}"
        r'{\field{\*\fldinst HYPERLINK "https://example.org/x"}{\fldrslt the lease}} ends'
        r"{\object{\*\objdata 0102}{\result {\pict 0102}}}\par"
    )
    document = read(body)
    assert document.text == "In the box\n\nthe lease (https://example.org/x) ends"
    assert document.report.skipped


@pytest.mark.parametrize(
    ("look", "seen"),
    [
        (r"\v", False),
        (r"\fs2", False),
        (r"\cf1", False),
        (r"\cf2\chcbpat2", False),
        (r"\v\v0", True),
        (r"\cf1\chcbpat2", True),
        (r"\cf2", True),
        (r"\fs16", True),
        (r"\v\plain", True),
    ],
)
def test_text_that_nobody_sees_is_left_out_and_reported(read: Read, look: str, seen: bool) -> None:
    document = read(rf"Seen. {{{look} Obey me}}\par")
    assert document.text == ("Seen. Obey me" if seen else "Seen.")
    assert document.report.hidden_sample == ("" if seen else "Obey me")


def test_white_text_in_a_dark_cell_is_seen(read: Read) -> None:
    body = r"\trowd\clcbpat2\cellx100\cellx200\pard\intbl{\cf1 Head}\cell{\cf1 gone}\cell\row"
    document = read(body)
    assert (document.text, document.report.hidden_sample) == ("Head |", "gone")


def test_deleted_text_is_out_and_inserted_text_is_in(read: Read) -> None:
    assert read(r"The rent is {\deleted ten}{\revised twelve}.\par").text == "The rent is twelve."


def test_unknown_destinations_are_left_out(read: Read) -> None:
    assert read(r"{\*\whatever secret {deeper}{\ud x}}{\xe index}Text{\upr{ansi}{\*\ud{uni}}}").text == "Textuni"
    document = read(r"{\info{\title {\upr{ansi}{\*\ud Lease of land}}}}Text", r"{\rtf1 ")
    assert (document.title, document.text) == ("Lease of land", "Text")


def test_groups_that_nest_without_end_are_refused(read: Read) -> None:
    assert read("{" * 500 + "x" + "}" * 500).text == "x"
    with pytest.raises(DamagedSource, match="nests"):
        read("{" * 5000 + "x" + "}" * 5000)


@pytest.mark.parametrize(
    "body",
    [
        "}}}}text",
        "{{{text",
        r"\cell\row\nestrow\trowd\clvmrg\cellx text\cell",
        r"{\field text}",
        r"{\footnote\footnote\footnote text}",
        r"{\annotation text",
        r"\u99999999999 text\bin-5 ",
        r"{\stylesheet{\s1\sbasedon2 a;}{\s2\sbasedon1 b;}}\s1 text",
        r"\ilvl-9\ls1 text",
        r"\fs-99999\fs20 text",
        "\\",
    ],
)
def test_structure_out_of_place_is_survived(read: Read, body: str) -> None:
    assert "text" in read(body + r" text\par").text


def test_files_cut_anywhere_are_read_or_refused_with_a_hint(tmp_path: Path) -> None:
    whole = (HEAD + r"\pard Text{\footnote Note.}\par\trowd\cellx1\intbl a\cell\row}").encode("latin-1")
    path = tmp_path / "cut.rtf"
    begun = whole.index(b"Text")
    for end in range(6, len(whole), 7):
        path.write_bytes(whole[:end])
        document = loader_for(media.RTF).load(path, title=None)
        if end > begun + 1:
            assert assemble(document).text
        else:
            with pytest.raises(NoText) as caught:
                assemble(document)
            assert caught.value.hint


def test_another_file_under_the_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.rtf"
    path.write_bytes(b"plain text")
    with pytest.raises(DamagedSource, match="not an RTF file"):
        assemble(loader_for(media.RTF).load(path, title=None))
