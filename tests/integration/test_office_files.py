"""Office documents through the real helper process and through the whole line."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest import convert, media
from ingest.parser.client import ParserClient
from ingest.parser.limits import ParserLimits
from rag.errors import DamagedSource, SourceError, TooLarge
from rag.types import Document
from tests.support.documents import long_text
from tests.support.office_files import docx, odf, paragraph, pptx, shape, zipped
from tests.support.services import add, ingested, opened, rows, settled

MEGABYTE = 2**20


@pytest.fixture
def client() -> Iterator[ParserClient]:
    client = ParserClient(ParserLimits(memory_bytes=400 * MEGABYTE, seconds=30.0, text_characters=2_000_000))
    yield client
    client.close()


def parse(client: ParserClient, folder: Path, data: bytes, media_type: str) -> Document:
    path = folder / "file"
    path.write_bytes(data)
    return client.parse(path, media_type, title=None, cancelled=lambda: False, progress=lambda done, total: None)


def test_a_small_file_with_a_million_paragraphs_is_refused_with_the_figure(
    client: ParserClient, tmp_path: Path
) -> None:
    data = docx("<w:p/>" * 1_100_000)
    assert len(data) < MEGABYTE
    with pytest.raises(TooLarge, match="1,000,000 paragraphs"):
        parse(client, tmp_path, data, media.DOCX)
    assert parse(client, tmp_path, docx(paragraph("The next file.")), media.DOCX).text == "The next file."


def test_text_past_the_limit_is_refused_in_every_format(client: ParserClient, tmp_path: Path) -> None:
    words = "word " * 1000
    files = {
        media.DOCX: docx(paragraph(words) * 500),
        media.ODT: odf(f"<text:p>{words}</text:p>" * 500),
        media.PPTX: pptx(shape(*[words] * 500)),
        media.RTF: rb"{\rtf1 " + (words.encode() + rb"\par ") * 500 + b"}",
    }
    for media_type, data in files.items():
        with pytest.raises(TooLarge, match="more than 2,000,000 characters"):
            parse(client, tmp_path, data, media_type)


def test_a_bomb_is_refused_before_it_goes_off(client: ParserClient, tmp_path: Path) -> None:
    blank = b" " * (80 * MEGABYTE)
    with pytest.raises(DamagedSource, match="times its size"):
        parse(client, tmp_path, zipped({"x": "", "word/document.xml": blank}), media.DOCX)


@pytest.mark.parametrize(
    ("media_type", "data"),
    [
        (media.DOCX, docx("<w:tbl><w:tr><w:tc>" * 5000 + paragraph("x") + "</w:tc></w:tr></w:tbl>" * 5000)),
        (media.ODT, odf("<text:section>" * 5000 + "<text:p>x</text:p>" + "</text:section>" * 5000)),
        (media.PPTX, pptx("<p:grpSp>" * 5000 + shape("x") + "</p:grpSp>" * 5000)),
        (media.RTF, rb"{\rtf1 " + b"{" * 5000 + b"x" + b"}" * 5001),
    ],
)
def test_nesting_without_end_is_refused_by_its_name(
    client: ParserClient, tmp_path: Path, media_type: str, data: bytes
) -> None:
    with pytest.raises(DamagedSource, match="nests"):
        parse(client, tmp_path, data, media_type)


def test_nothing_that_a_document_points_to_is_fetched(client: ParserClient, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        links = {name: (name, address) for name in ("attachedTemplate", "image", "footnotes", "styles", "hyperlink")}
        linked = '<w:p><w:hyperlink r:id="hyperlink"><w:r><w:t>here</w:t></w:r></w:hyperlink></w:p>'
        assert parse(client, tmp_path, docx(linked, links=links), media.DOCX).text == f"here ({address})"
        frame = f'<text:p>x<draw:frame><draw:image xlink:href="{address}"/></draw:frame></text:p>'
        assert parse(client, tmp_path, odf(frame), media.ODT).text == "x"
        with pytest.raises(BlockingIOError):
            listener.accept()
        with socket.create_connection(listener.getsockname()):  # the listener would have heard it
            listener.setblocking(True)
            listener.accept()[0].close()


def test_files_torn_anywhere_are_read_or_refused_with_a_hint(client: ParserClient, tmp_path: Path) -> None:
    whole = docx(paragraph(long_text(1, paragraphs=3)))
    refused = 0
    for sixteenth in range(16):
        with pytest.raises(SourceError) as caught:
            parse(client, tmp_path, whole[: len(whole) * sixteenth // 16], media.DOCX)
        refused += bool(caught.value.hint)
    assert refused == 16
    assert parse(client, tmp_path, whole, media.DOCX).text


def test_an_old_document_is_found_where_libreoffice_is_and_names_the_way_out_where_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, program = tmp_path / "made.docx", tmp_path / "soffice"
    made.write_bytes(docx(paragraph("Rent", style="berschrift1") + paragraph("The rent is twelve euros.")))
    program.write_text(
        f"#!{sys.executable}\nimport shutil, sys\n"
        f"shutil.copy({str(made)!r}, sys.argv[sys.argv.index('--outdir') + 1] + '/document.docx')\n"
    )
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    with opened(tmp_path / "data") as services:
        workspace = services.library.create_workspace("w").id
        monkeypatch.setattr(convert, "_PROGRAMS", ("/no/such/program",))
        [failed] = settled(services, add(services, workspace, old + b"1", "first.doc"))
        assert failed.problem is not None
        assert (failed.state, failed.problem.code) == ("failed", "unsupported")
        assert failed.problem.hint == "Install LibreOffice, or save it as .docx and add that."
        program.chmod(0o755)
        monkeypatch.setattr(convert, "_PROGRAMS", (str(program),))
        assert ingested(services, workspace, old, "second.doc").media_type == media.DOC
        found = rows(tmp_path / "data", "select text from chunks")
        assert any("twelve euros" in text for (text,) in found)
