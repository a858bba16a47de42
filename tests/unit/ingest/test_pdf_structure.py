from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pypdf
import pytest

from ingest.loaders import assemble, pdf_attachments
from ingest.loaders.pdf import PdfLoader
from ingest.protocols import Embedded
from rag.types import Document
from tests.support.pdf_files import Made, Sheet, Text, lines

LEFT = [
    "The lease ends when the tenant has",
    "given notice in writing to the owner",
    "of the garden. Until that day the rent",
    "is due on the first of each month and",
    "the fence must be kept in good repair",
    "and the hedge cut twice a year. The in-",
]
RIGHT = [
    "surance of the shed is paid by him who",
    "uses it. Water may be taken from the",
    "well between May and October but not",
    "in a dry summer if the owner says so.",
    "Trees that are older than the lease are",
    "not to be felled without leave of both.",
]


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "file.pdf"
    path.write_bytes(data)
    return path


def load(tmp_path: Path, sheets: list[Sheet]) -> Document:
    return assemble(PdfLoader().load(write(tmp_path, Made(sheets).bytes()), title=None))


def test_a_page_written_line_by_line_across_its_columns_is_read_down_them(tmp_path: Path) -> None:
    texts = [
        Text(line, x, 780 - 14 * row, 10)
        for row, pair in enumerate(zip(LEFT, RIGHT, strict=True))
        for x, line in zip((60, 320), pair, strict=True)
    ]
    text = " ".join(load(tmp_path, [Sheet(texts)]).text.split())
    assert "has given notice in writing to the owner of the garden. Until" in text
    assert "twice a year. The insurance of the shed is paid by him who uses it." in text


def test_a_sentence_goes_on_overleaf_without_the_header_between(tmp_path: Path) -> None:
    def sheet(number: int) -> Sheet:
        header = [Text("The Garden Lease", 60, 810), Text(f"Page {number} of 5", 280, 30)]
        return Sheet([*header, *lines(f"page {number * 7} says that it is", "followed by another and")])

    document = load(tmp_path, [sheet(number) for number in range(1, 6)])
    assert document.text.count("The Garden Lease") == document.text.count("of 5") == 1
    assert "followed by another and\n\npage 21 says" in document.text
    assert document.report.repeated_lines == 8
    assert document.notes == ("8 running headers and footers left out where they repeat; the first of each is kept",)


def test_a_table_is_a_block_with_a_row_a_line(tmp_path: Path) -> None:
    rows = [
        ("Goods", "Colour", "Price"),
        ("Bench", "brown", "129.00"),
        ("Bucket", "grey", "9.50"),
        ("Rake", "red", "24"),
    ]
    texts = [
        Text(cell, x, 780 - 14 * number)
        for number, row in enumerate(rows)
        for x, cell in zip((60, 200, 340), row, strict=True)
    ]
    document = load(tmp_path, [Sheet([*texts, *lines("All prices are those of last year.", top=600)])])
    assert [(block.kind, block.level) for block in document.blocks] == [("table", 1), ("paragraph", 0)]
    assert document.text.startswith("Goods | Colour | Price\nBench | brown | 129.00\n")
    assert [document.text[word.start : word.end] for word in document.pages[0].words[:3]] == [
        "Goods",
        "Colour",
        "Price",
    ]
    assert document.report.tables == 1


@pytest.mark.parametrize(
    ("limit", "value", "read", "skipped"),
    [
        ("_MOST_BYTES", 8, ["a.txt"], ("b.txt: larger than 0 MB",)),
        ("_MOST_FILES", 1, ["a.txt"], ("1 more attached files: only the first 1 are read",)),
        ("_MOST_FILES", 2, ["a.txt", "b.txt"], ()),
    ],
)
def test_attached_files_beyond_the_limits_are_named_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, read: list[str], skipped: tuple[str, ...]
) -> None:
    writer = pypdf.PdfWriter(clone_from=BytesIO(Made([Sheet(lines("The lease"))]).bytes()))
    writer.add_attachment("a.txt", b"inside")
    writer.add_attachment("b.txt", b"more than that")
    writer.write(path := tmp_path / "file.pdf")
    monkeypatch.setattr(pdf_attachments, limit, value)
    events = list(PdfLoader().load(path, title=None))
    assert [event.path for event in events if isinstance(event, Embedded)] == read
    assert assemble(events).report.skipped == skipped


def test_an_attached_file_of_a_kind_that_is_not_read_is_left_out_and_named(tmp_path: Path) -> None:
    writer = pypdf.PdfWriter(clone_from=BytesIO(Made([Sheet(lines("The lease"))]).bytes()))
    writer.add_attachment("setup.exe", b"MZ\x90\0" + bytes(range(256)))
    writer.add_attachment("a.txt", b"inside")
    writer.write(path := tmp_path / "file.pdf")
    events = list(PdfLoader().load(path, title=None))
    assert [event.path for event in events if isinstance(event, Embedded)] == ["a.txt"]
    document = assemble(events)
    assert document.report.embedded == 1
    assert document.report.skipped == ("setup.exe: Programs are not supported",)
    assert document.notes == ("1 file inside cannot be read",)


def test_attached_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    writer = pypdf.PdfWriter(clone_from=BytesIO(Made([Sheet(lines("The lease"))]).bytes()))
    for name in ("a.txt", "x/../a.txt", "..\\a.txt"):
        writer.add_attachment(name, name.encode())
    writer.write(path := tmp_path / "file.pdf")
    paths = [event.path for event in PdfLoader().load(path, title=None) if isinstance(event, Embedded)]
    assert sorted(paths) == ["a (2).txt", "a.txt", "x/a.txt"]
