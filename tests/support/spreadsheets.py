"""Spreadsheets made for tests: XLSX by XlsxWriter, ODS and XLS by hand."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence

import xlsxwriter

Cell = str | float | None
_SECTOR = 512
_END, _FAT, _FREE = 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
_NAMESPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text", "style")
)
_NAMESPACES += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'


def xlsx(fill: Callable[[xlsxwriter.Workbook], object]) -> bytes:
    """What `fill` writes into a new workbook."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as workbook:
        fill(workbook)
    return out.getvalue()


def xlsx_rows(sheets: Mapping[str, Sequence[Sequence[Cell]]]) -> bytes:
    """Sheets by name, each with its rows."""

    def fill(workbook: xlsxwriter.Workbook) -> None:
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)

    return xlsx(fill)


def repacked(package: bytes, change: Mapping[str, Callable[[bytes], bytes]]) -> bytes:
    """A ZIP with some of its members changed; a member that it lacks is made from no bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        members = {name: old.read(name) for name in old.namelist()}
        for name, content in {**dict.fromkeys(change, b""), **members}.items():
            new.writestr(name, change.get(name, bytes)(content))
    return out.getvalue()


def ods(tables: str, *, styles: str = "", manifest: str = "") -> bytes:
    """A package around the markup of `<table:table>` elements."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            '<manifest:file-entry manifest:full-path="/" '
            f'manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>{manifest}</manifest:manifest>',
        )
        package.writestr(
            "content.xml",
            f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_NAMESPACES}>'
            f"<office:automatic-styles>{styles}</office:automatic-styles><office:body><office:spreadsheet>{tables}"
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return out.getvalue()


def ods_cell(value: Cell) -> str:
    if value is None:
        return "<table:table-cell/>"
    kind = "string" if isinstance(value, str) else f'float" office:value="{value}'
    return f'<table:table-cell office:value-type="{kind}"><text:p>{value}</text:p></table:table-cell>'


def ods_row(*cells: Cell, attributes: str = "") -> str:
    return f"<table:table-row {attributes}>{''.join(map(ods_cell, cells))}</table:table-row>"


def xls(name: str, rows: Sequence[Sequence[Cell]], *, before: bytes = b"") -> bytes:
    """A workbook of one sheet: the records of [MS-XLS] that a reader needs, in the container of [MS-CFB].

    `before` are records that stand before the sheet's name.
    """

    def globals_of(position: int) -> bytes:
        sheet = struct.pack("<IBBBB", position, 0, 0, len(name), 0) + name.encode("latin-1")
        begin = record(0x0809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 6))
        return begin + before + record(0x85, sheet) + record(0x0A)

    body = record(0x0809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 6))
    for row, cells in enumerate(rows):
        for column, value in enumerate(cells):
            place = struct.pack("<HHH", row, column, 0)
            if isinstance(value, str):
                body += record(0x204, place + struct.pack("<HB", len(value), 0) + value.encode("latin-1"))
            elif value is not None:
                body += record(0x203, place + struct.pack("<d", value))
    stream = globals_of(len(globals_of(0))) + body + record(0x0A)
    return container("Workbook", stream.ljust(max(4096, -(-len(stream) // _SECTOR) * _SECTOR), b"\0"))


def record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def container(name: str, stream: bytes) -> bytes:
    """One stream of whole sectors: sector 0 is the allocation table, 1 the directory, the stream follows."""
    sectors = len(stream) // _SECTOR
    table = [_FAT, _END, *range(3, sectors + 2), _END]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<9I", 0, 1, 1, 0, 4096, _END, 0, _END, 0) + struct.pack("<109I", 0, *[_FREE] * 108)
    fat = struct.pack(f"<{_SECTOR // 4}I", *table, *[_FREE] * (_SECTOR // 4 - len(table)))
    root = _entry("Root Entry", 5, child=1, start=_END, size=0)
    directory = root + _entry(name, 2, child=_FREE, start=2, size=len(stream)) + bytes(2 * 128)
    return header + fat + directory + stream


def _entry(name: str, kind: int, *, child: int, start: int, size: int) -> bytes:
    spelled = name.encode("utf-16-le")
    links = struct.pack("<64sHBBIII", spelled, len(spelled) + 2, kind, 1, _FREE, _FREE, child)
    return links + bytes(36) + struct.pack("<IQ", start, size)
