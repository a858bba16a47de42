from __future__ import annotations

from pathlib import Path

import pytest

from ingest.loaders import assemble
from ingest.loaders.separated import SeparatedLoader
from rag.errors import DamagedSource, EmptySource
from rag.places import Clipper
from rag.types import Document, Span


def load(tmp_path: Path, data: str | bytes) -> Document:
    path = tmp_path / "file"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return assemble(SeparatedLoader().load(path, title=None))


def row_of(document: Document, words: str) -> int:
    start = document.text.index(words)
    [place] = Clipper(document.places, document.text).clip(Span(start, start + len(words)))
    return place.number


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(tmp_path: Path, separator: str) -> None:
    rows = [["Name", "Town", "Price"], ["pump", "Bonn", "5"], ["valve", "Ulm", "6"]]
    document = load(tmp_path, "\n".join(map(separator.join, rows)))
    assert document.text == "Name | Town | Price\npump | Bonn | 5\nvalve | Ulm | 6"
    assert [block.level for block in document.blocks] == [1]


def test_decimal_commas_do_not_separate(tmp_path: Path) -> None:
    assert load(tmp_path, "1,5;2,5\n3,5;4,5\n").text == "1,5 | 2,5\n3,5 | 4,5"
    assert load(tmp_path, "Name;Preis\npump;1,50\nvalve;2,25\n").text.endswith("valve | 2,25")


def test_separators_inside_quotes_do_not_separate(tmp_path: Path) -> None:
    document = load(tmp_path, 'a,"x; y; z"\nb,"said ""no"""\nc,"p; q; r"\n')
    assert document.text == 'a | x; y; z\nb | said "no"\nc | p; q; r'


def test_a_declared_separator_is_taken_and_its_line_is_no_row(tmp_path: Path) -> None:
    document = load(tmp_path, "\ufeffsep=:\r\nName:Price\r\npump:5\r\nvalve:6\r\n")
    assert document.text == "Name | Price\npump | 5\nvalve | 6"
    assert row_of(document, "pump") == 2


def test_rows_are_numbered_as_records_whatever_lines_they_take(tmp_path: Path) -> None:
    document = load(tmp_path, 'Name,Remark\npump,"two\nlines"\nvalve,one\n\n\nnut,last\n')
    assert "pump | two lines\nvalve" in document.text
    assert [row_of(document, word) for word in ("pump", "valve", "nut")] == [2, 3, 6]


def test_a_quote_that_is_never_closed_does_not_swallow_the_rest(tmp_path: Path) -> None:
    document = load(tmp_path, 'Name,Price\n"pump,5\n' + "valve,6\n" * 600)
    assert document.text.count("\n") == 601
    assert '"pump | 5' in document.text


def test_ragged_rows_are_kept(tmp_path: Path) -> None:
    document = load(tmp_path, "a,b,c\n1,2,3\n4,5\n6,7,8,9\n1,2,3\n" * 3)
    assert "4 | 5\n6 | 7 | 8 | 9" in document.text


def test_one_column_of_prose_is_not_cut_at_its_commas(tmp_path: Path) -> None:
    lines = ["A line of prose, with a comma.", "Another line", "A third; with others, and more, of them", "End"]
    assert load(tmp_path, "\n".join(lines)).text == "\n".join(lines)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_any_usual_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    document = load(tmp_path, ("Straße;Größe\r\nKöln;5\r\nMünchen;6\r\n" * 20).encode(encoding))
    assert document.text.startswith("Straße | Größe\nKöln | 5")
    assert bool(document.notes) == (encoding == "cp1252")


def test_a_million_columns_are_one_row(tmp_path: Path) -> None:
    document = load(tmp_path, ",".join(["1"] * 10**6) + "\n")
    assert document.text.count(" | ") == 10**6 - 1
    assert len(document.blocks) == len(document.places) == 1


def test_many_rows_come_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("Name,Price\n" + "pump,5\n" * 20_000)
    *pieces, head = SeparatedLoader().load(path, title="Prices")
    assert len(pieces) > 4
    assert head.title == "Prices"  # type: ignore[union-attr]
    assert len(assemble(SeparatedLoader().load(path, title=None)).blocks) == 1


@pytest.mark.parametrize("data", ["", " \n ", ",,,\n,,\n", '"",""\n'])
def test_a_file_without_values_is_empty(tmp_path: Path, data: str) -> None:
    with pytest.raises(EmptySource):
        load(tmp_path, data)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DamagedSource):
        load(tmp_path, b"a,b\x00\n1,2\n")
