from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import xlsxwriter

from ingest.loaders import assemble, rows
from ingest.loaders.sheets import SheetLoader, shown
from ingest.protocols import PageLoaded
from rag.errors import DamagedSource, EmptySource, NoText, PasswordNeeded, SourceError, TooLarge
from rag.types import Document
from tests.support.spreadsheets import container, ods, ods_row, record, repacked, xls, xlsx, xlsx_rows

PRICES = [["Name", "Price"], ["pump", 1.5], ["valve", 2]]
SHEET = "xl/worksheets/sheet1.xml"


def load(tmp_path: Path, data: bytes, *, title: str | None = None) -> Document:
    path = tmp_path / "file"
    path.write_bytes(data)
    return assemble(SheetLoader().load(path, title=title))


def blocks(document: Document) -> list[tuple[str, int, str]]:
    return [(b.kind, b.level, document.text[b.span.start : b.span.end]) for b in document.blocks]


def places(document: Document) -> list[tuple[str, int, str]]:
    return [(p.name, p.number, document.text[p.span.start : p.span.end]) for p in document.places]


@pytest.mark.parametrize(
    "data",
    [
        xlsx_rows({"Prices": [[], [], *PRICES]}),
        xls("Prices", [[], [], *PRICES]),
        ods(f'<table:table table:name="Prices">{"".join(ods_row(*row) for row in [[], [], *PRICES])}</table:table>'),
    ],
    ids=["xlsx", "xls", "ods"],
)
def test_a_sheet_is_a_heading_and_a_table_that_knows_its_rows(tmp_path: Path, data: bytes) -> None:
    document = load(tmp_path, data)
    text = "Name | Price\npump | 1.5\nvalve | 2"
    assert blocks(document) == [("heading", 1, "Prices"), ("table", 1, text)]
    assert places(document) == [("Prices", 3, text)]
    assert document.report.tables == 1


def test_tables_that_empty_rows_part_are_blocks_of_their_own(tmp_path: Path) -> None:
    sheet = [*PRICES, [], [], ["Town", "People"], ["Bonn", 300], ["Ulm", 100], [], ["A remark below all tables."]]
    document = load(tmp_path, xlsx_rows({"S": sheet, "Empty": [], "T": [["x", 1]]}))
    assert places(document) == [
        ("S", 1, "Name | Price\npump | 1.5\nvalve | 2"),
        ("S", 6, "Town | People\nBonn | 300\nUlm | 100"),
        ("S", 10, "A remark below all tables."),
        ("T", 1, "x | 1"),
    ]
    assert [(kind, level) for kind, level, _ in blocks(document)] == [
        *(("heading", 1), ("table", 1), ("table", 1), ("table", 0)),
        *(("heading", 1), ("table", 0)),
    ]
    assert document.report.tables == 4


def test_a_table_goes_on_after_one_empty_row(tmp_path: Path) -> None:
    document = load(tmp_path, xlsx_rows({"S": [*PRICES, [], ["nut", 3], ["bolt", 4]]}))
    assert [level for kind, level, _ in blocks(document) if kind == "table"] == [1]
    assert [number for _, number, _ in places(document)] == [1, 5]
    assert document.text.endswith("valve | 2\nnut | 3\nbolt | 4")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3"),
        (0.1 + 0.2, "0.3"),
        (-2.5, "-2.5"),
        (1e16, "10000000000000000"),
        (True, "TRUE"),
        ("two\nlines\u00a0and\x00 more ", "two lines and more"),
        (datetime.date(2024, 2, 29), "2024-02-29"),
        (datetime.datetime(2024, 2, 29), "2024-02-29"),
        (datetime.datetime(2024, 2, 29, 8, 30), "2024-02-29 08:30"),
        (datetime.datetime(2024, 2, 28, 23, 59, 59, 999_999), "2024-02-29"),
        (datetime.time(8, 30, 5), "08:30:05"),
        (datetime.timedelta(hours=36, seconds=7), "36:00:07"),
        (datetime.timedelta(minutes=-5), "-0:05:00"),
        ("PT288H00M00S", "288:00:00"),
    ],
)
def test_values_are_written_as_a_person_sees_them(value: object, text: str) -> None:
    assert shown(value) == text  # type: ignore[arg-type]


def test_errors_formulas_dates_and_merged_cells_keep_their_value(tmp_path: Path) -> None:
    def fill(workbook: xlsxwriter.Workbook) -> None:
        sheet = workbook.add_worksheet("S")
        sheet.merge_range("A1:B1", "Both")
        sheet.write_formula("A2", "=1/0", None, "#DIV/0!")
        sheet.write_formula("B2", "=40+2", None, 42)
        sheet.write_datetime("C2", datetime.datetime(2024, 2, 29), workbook.add_format({"num_format": "dd.mm.yyyy"}))
        sheet.write_formula("D3", "=Gone!A1", None, "#REF!")

    assert load(tmp_path, xlsx(fill)).text == "S\n\nBoth\n#DIV/0! | 42 | 2024-02-29\n |  |  | #REF!"


def test_what_is_hidden_is_left_out_and_reported(tmp_path: Path) -> None:
    def fill(workbook: xlsxwriter.Workbook) -> None:
        sheet = workbook.add_worksheet("Shown")
        for number, row in enumerate([["Name", "Cost", "Price"], ["pump", 1, 5], ["secret", 7, 8], ["valve", 2, 6]]):
            sheet.write_row(number, 0, row)
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.set_column(1, 1, None, None, {"hidden": True})
        hidden, very = workbook.add_worksheet("Draft"), workbook.add_worksheet("Deep")
        hidden.write(0, 0, "ignore all of this")
        very.write(0, 0, "and that")
        hidden.hide()
        very.very_hidden()
        workbook.add_worksheet("Blank").hide()

    document = load(tmp_path, xlsx(fill))
    assert document.text == "Shown\n\nName |  | Price\npump |  | 5\nvalve |  | 6"
    assert [number for _, number, _ in places(document)] == [1, 4]
    assert [level for kind, level, _ in blocks(document) if kind == "table"] == [1]
    assert document.notes == (
        "Hidden sheets left out: “Draft”, “Deep”",
        "Hidden in sheets and left out: 1 row and 1 column",
    )
    assert document.report.hidden_sample == "Cost 1 secret 7 8 2 ignore all of this and that"
    assert document.report.hidden_characters == sum(map(len, ("Cost", "1", "secret 7 8", "2"))) + 18 + 8


def test_empty_parts_that_libreoffice_left_in_its_files_are_no_damage(tmp_path: Path) -> None:
    rows = "".join(ods_row(*row) for row in PRICES)
    data = ods(f'<table:table table:name="Prices">{rows}</table:table>')
    unused = "Configurations2/accelerator/current.xml"
    with_empty = repacked(data, {unused: lambda _: b""})
    assert load(tmp_path, with_empty).text == load(tmp_path, data).text
    with pytest.raises(DamagedSource):
        load(tmp_path, repacked(with_empty, {"content.xml": lambda _: b""}))
    with pytest.raises(DamagedSource):
        load(tmp_path, repacked(data, {unused: lambda _: b" "}))


def test_an_indented_open_document_is_read_like_any(tmp_path: Path) -> None:
    rows = "".join(ods_row(*row) for row in PRICES)
    data = ods(f'<table:table table:name="Prices">{rows}</table:table>')

    def indent(content: bytes) -> bytes:
        return content.replace(b"><t", b">\n  <t").replace(b"></t", b">\n</t")

    indented = repacked(data, {"content.xml": indent})
    assert blocks(load(tmp_path, indented)) == blocks(load(tmp_path, data))
    assert places(load(tmp_path, indented)) == places(load(tmp_path, data))


def test_comments_follow_the_cell_that_they_are_about(tmp_path: Path) -> None:
    def fill(workbook: xlsxwriter.Workbook) -> None:
        sheet = workbook.add_worksheet("S")
        sheet.write_row("A1", ["rent", 900])
        sheet.write_comment("B1", "Anna:\nwith heating", {"author": "Anna"})
        sheet.write_comment("A3", "Why empty?")

    data = xlsx(fill)
    assert load(tmp_path, data).text == "S\n\nrent | 900 (Comment by Anna: with heating)\n\n(Comment: Why empty?)"

    def thread(comments: bytes) -> bytes:
        comments = comments.replace(b">Anna<", b">tc={1}<", 1)
        return comments.replace(b"Anna:\n", b"[Threaded comment]\n\nYour version of Excel ...\n\nComment:\n    ", 1)

    threaded = load(tmp_path, repacked(data, {"xl/comments1.xml": thread}))
    assert threaded.text.startswith("S\n\nrent | 900 (Comment: with heating)")
    said = (
        "<office:annotation><dc:creator>Anna</dc:creator><dc:date>2024-05-01</dc:date>"
        "<text:p>with</text:p><text:p>heating</text:p></office:annotation>"
    )
    row = ods_row("rent", 900).replace("<text:p>", said + "<text:p>")
    document = load(tmp_path, ods(f'<table:table table:name="S">{row}</table:table>'))
    assert document.text == "S\n\nrent (Comment by Anna: with heating) | 900 (Comment by Anna: with heating)"


def test_a_comment_far_away_from_the_table_is_refused_by_name(tmp_path: Path) -> None:
    def fill(workbook: xlsxwriter.Workbook) -> None:
        sheet = workbook.add_worksheet("Far")
        sheet.write("A1", 1)
        sheet.write_comment("A2", "lost")

    move = {"xl/comments1.xml": lambda comments: comments.replace(b'ref="A2"', b'ref="XFD1048576"')}
    with pytest.raises(TooLarge, match="Far"):
        load(tmp_path, repacked(xlsx(fill), move))


def test_a_package_with_names_as_windows_writes_them_is_read(tmp_path: Path) -> None:
    data = xlsx_rows({"Prices": PRICES})
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            info = zipfile.ZipInfo(name)
            info.filename = name.replace("/", "\\")
            new.writestr(info, old.read(name))
    assert b"xl\\worksheets" in out.getvalue(), "the control: the names are such"
    assert load(tmp_path, out.getvalue()).text == load(tmp_path, data).text


def test_hidden_rows_and_sheets_of_open_document_are_left_out_too(tmp_path: Path) -> None:
    document = load(
        tmp_path,
        ods(
            '<table:table table:name="S"><table:table-column/>'
            '<table:table-column table:visibility="collapse" table:number-columns-repeated="2"/>'
            f"{ods_row('Name', 'a', 'b', 'Price')}{ods_row('pump', 'c', 'd', 5)}"
            f'{ods_row("secret", attributes="""table:visibility="filter" """)}{ods_row("valve", None, None, 6)}'
            f'</table:table><table:table table:name="H" table:style-name="ta1">{ods_row("hidden")}</table:table>',
            styles='<style:style style:name="ta1" style:family="table"><style:table-properties table:display="false"/>'
            "</style:style>",
        ),
    )
    assert document.text == "S\n\nName |  |  | Price\npump |  |  | 5\nvalve |  |  | 6"
    assert document.report.hidden_sample == "a b c d secret hidden"
    assert document.notes[0] == "Hidden sheet left out: “H”"


def test_a_workbook_whose_sheets_are_all_hidden_has_no_text(tmp_path: Path) -> None:
    def fill(workbook: xlsxwriter.Workbook) -> None:
        workbook.add_worksheet("Empty")
        sheet = workbook.add_worksheet("Hidden")
        sheet.write(0, 0, "secret")
        sheet.hide()

    with pytest.raises(NoText, match="No sheet"):
        load(tmp_path, xlsx(fill))


def test_rows_come_in_pieces_and_one_table_stays_one_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_ROWS_A_PIECE", 50)
    path = tmp_path / "file"
    path.write_bytes(xlsx_rows({"S": [["Name", "Price"], *([f"pump {number}", number] for number in range(500))]}))
    *pieces, _ = SheetLoader().load(path, title=None)
    assert len(pieces) == 11
    assert all(isinstance(piece, PageLoaded) and piece.total == min(n + 1, 11) for n, piece in enumerate(pieces, 1))
    document = assemble(SheetLoader().load(path, title=None))
    assert [(kind, level) for kind, level, _ in blocks(document)] == [("heading", 1), ("table", 1)]
    [(name, number, text)] = places(document)
    assert (name, number, text.count("\n")) == ("S", 1, 500)


def _stray(column: str) -> Callable[[bytes], bytes]:
    cell = f'<row r="1048576"><c r="{column}1048576"><v>1</v></c></row></sheetData>'.encode()
    return lambda part: part.replace(b"</sheetData>", cell)


def test_a_stray_cell_in_the_last_corner_is_refused_by_name(tmp_path: Path) -> None:
    workbook = xlsx_rows({"Prices": PRICES})
    with pytest.raises(TooLarge, match=r"“Prices” reaches over 1,048,576 rows and 16,384 columns"):
        load(tmp_path, repacked(workbook, {SHEET: _stray("XFD")}))
    assert load(tmp_path, repacked(workbook, {SHEET: _stray("A")})).places[-1].number == 1048576


def test_rows_repeated_without_end_are_refused_but_empty_ones_are_not(tmp_path: Path) -> None:
    many = 'table:number-rows-repeated="1048576"'
    cell = '<table:table-cell table:number-columns-repeated="16384"'
    full = f'<table:table-row {many}>{cell} office:value-type="string"><text:p>a</text:p></table:table-cell>'
    start = f'<table:table table:name="S">{ods_row("a", 1)}'
    with pytest.raises(TooLarge):
        load(tmp_path, ods(f"{start}{full}</table:table-row></table:table>"))
    document = load(tmp_path, ods(f"{start}<table:table-row {many}>{cell}/></table:table-row></table:table>"))
    assert document.text == "S\n\na | 1"


@pytest.mark.parametrize("part", [SHEET, "xl/sharedStrings.xml", "xl/workbook.xml", "xl/styles.xml"])
def test_a_doctype_in_any_part_is_refused(tmp_path: Path, part: str) -> None:
    def declare(data: bytes) -> bytes:
        head, _, rest = data.partition(b"?>")
        return head + b'?><!DOCTYPE x [<!ENTITY a "b">]>' + rest

    workbook = xlsx_rows({"Prices": PRICES})
    with pytest.raises(DamagedSource, match="DOCTYPE"):
        load(tmp_path, repacked(workbook, {part: declare}))
    assert load(tmp_path, repacked(workbook, {part: bytes})).text


_MANIFEST_ENTRY = (
    '<manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data manifest:checksum="x"/>'
    "</manifest:file-entry>"
)
_TABLE = f'<table:table table:name="S">{ods_row("a")}</table:table>'


@pytest.mark.parametrize(
    ("data", "open_twin"),
    [
        (container("EncryptedPackage", bytes(4096)), xlsx_rows({"S": PRICES})),
        (xls("S", PRICES, before=record(0x2F, bytes(6))), xls("S", PRICES, before=record(0x42, b"\xe4\x04"))),
        (repacked(ods(_TABLE, manifest=_MANIFEST_ENTRY), {"content.xml": lambda _: b"\x9c\x01\xff"}), ods(_TABLE)),
    ],
    ids=["xlsx", "xls", "ods"],
)
def test_an_encrypted_workbook_asks_for_its_password(tmp_path: Path, data: bytes, open_twin: bytes) -> None:
    with pytest.raises(PasswordNeeded):
        load(tmp_path, data)
    assert load(tmp_path, open_twin).text


@pytest.mark.parametrize("sixteenth", range(1, 16))
@pytest.mark.parametrize("data", [xlsx_rows({"S": PRICES * 50}), xls("S", PRICES * 50)], ids=["xlsx", "xls"])
def test_a_file_that_is_cut_short_is_refused_with_a_hint(tmp_path: Path, data: bytes, sixteenth: int) -> None:
    with pytest.raises(SourceError) as caught:
        load(tmp_path, data[: len(data) * sixteenth // 16])
    assert caught.value.hint


def test_no_bytes_are_an_empty_source(tmp_path: Path) -> None:
    with pytest.raises(EmptySource):
        load(tmp_path, b"")


def test_control_characters_never_reach_the_text(tmp_path: Path) -> None:
    document = load(tmp_path, xls("S", [["a\x07b\x9f\x00c", "d\r\ne\tf"]]))
    assert document.text == "S\n\nabc | d e f"


def test_spans_of_blocks_and_places_are_in_order(tmp_path: Path) -> None:
    document = load(tmp_path, xlsx_rows({"A": [*PRICES, [], *PRICES], "B": PRICES}), title="Given")
    assert document.title == "Given"
    for spans in ([b.span for b in document.blocks], [p.span for p in document.places]):
        assert all(one.end <= other.start for one, other in pairwise(spans))
