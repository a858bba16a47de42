"""What every loader promises, whatever the format."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from ingest import media
from ingest.loaders import READABLE, assemble, loader_for, recipe
from ingest.protocols import Embedded, Loaded, PageLoaded, PictureEvent, Remembered
from rag.errors import SourceError, UnsupportedType
from tests.support.containers import archive, book, mail
from tests.support.documents import pdf
from tests.support.office_files import docx, item, odf, paragraph, pptx, row, shape, table
from tests.support.outlook import Outlook, text
from tests.support.scans import ENGLISH, drawn, encoded
from tests.support.spreadsheets import ods, ods_row, xls, xlsx_rows

TEXT = "Heading\n\nThe first paragraph of it, über alles.\n\n- one item\n- another item\n"
ROWS = [["Name", "Preis"], ["Pumpe über alles", 5], [], [], ["Town"], ["Bonn"]]
FILES = {
    media.PDF: pdf([["The first page of it,", "über alles."], [], ["The last page."]]),
    media.TEXT: TEXT.encode(),
    media.MARKDOWN: f"# {TEXT}".encode(),
    media.XLSX: xlsx_rows({"First": ROWS, "Second": ROWS}),
    media.XLS: xls("First", ROWS),
    media.ODS: ods(f'<table:table table:name="First">{"".join(ods_row(*row) for row in ROWS)}</table:table>'),
    media.CSV: "Name;Preis\r\nPumpe, über alles;5\r\n\r\n\r\nTown\r\n".encode(),
    media.TSV: "Name\tPreis\nPumpe über alles\t5\n".encode("utf-16"),
    **{
        kind: encoded(drawn(ENGLISH), name)
        for kind, name in ((media.PNG, "PNG"), (media.JPEG, "JPEG"), (media.TIFF, "TIFF"), (media.WEBP, "WEBP"))
    },
    media.HTML: b"<html><body><h1>Heading</h1><p>The first paragraph of it.</p><ul><li>one item</ul></body></html>",
    media.RST: b"Heading\n=======\n\nThe first paragraph.\n\n.. gone\n\n- one item\n\n+--+\n|ab|\n+==+\n|cd|\n+--+\n",
    media.ASCIIDOC: b"= Heading\n\nThe first paragraph.\n\n// gone\n* one item\n\n|===\n|a |b\n\n|1 |2\n|===\n",
    media.ORG: b"* Heading\nThe first paragraph.\n# gone\n- one item\n| a | b |\n|---+---|\n| 1 | 2 |\n",
    media.LATEX: b"\\section{Heading}\nThe \\emph{first}.% gone\n\\begin{itemize}\n\\item one\n\\end{itemize}\n",
    media.CODE: b"import os\n\nclass A:\n    def b(self):\n        return 1\n\n\nprint(A())\n",
    media.JSON: b'{\n  "a": 1,\n  "b": [\n    2\n  ]\n}\n',
    media.XML: b"<?xml version='1.0'?>\n<root>\n  <a>one</a>\n  <b>two</b>\n</root>\n",
    media.YAML: b"# top\na: 1\nb:\n  - 2\n",
    media.LOG: b"2024-01-02 10:00:00 start\n2024-01-02 10:00:01 error\n  trace\n",
    media.DOCX: docx(
        paragraph("Heading", style="berschrift1")
        + paragraph("The first paragraph of it, über alles.")
        + item("one item")
        + item("another item", 1)
        + table(row("a", "b"), row("c", "d"))
    ),
    media.ODT: odf(
        '<text:h text:outline-level="1">Heading</text:h><text:p>The first paragraph of it, über alles.</text:p>'
        "<text:list><text:list-item><text:p>one item</text:p></text:list-item></text:list>"
    ),
    media.RTF: rb"{\rtf1\ansi\pard\outlinelevel0 Heading\par\pard The first paragraph of it, \'fcber alles.\par"
    rb"{\listtext\'b7\tab}\pard\ls1 one item\par}",
    media.PPTX: pptx(shape("Heading", place="title") + shape("one item", "another item", place="body"), shape("Text")),
    media.ODP: odf(
        "<draw:page><draw:frame><draw:text-box><text:p>Text, über alles.</text:p></draw:text-box></draw:frame>"
        "</draw:page>"
        '<draw:page><draw:frame presentation:class="title"><draw:text-box><text:p>Heading</text:p></draw:text-box>'
        "</draw:frame></draw:page>",
        kind="presentation",
    ),
    media.EML: mail(TEXT, attachments={"a.txt": b"A."}),
    media.MBOX: b"".join(
        b"From a@example.com Sun Mar  1 10:15:00 2026\n" + mail(TEXT, attachments={"a.txt": b"A."}) + b"\n"
        for _ in "12"
    ),
    media.MSG: Outlook({0x0037001F: text("Subject"), 0x1000001F: text(TEXT)}).bytes(),
    media.MHTML: b"Subject: S\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n"
    b"<h1>Heading</h1><p>The first paragraph of it.</p>\n--b--\n",
    media.EPUB: book({"a.xhtml": "<h1>Heading</h1><p>Text.</p>", "b.xhtml": "<p>More.</p>"}),
    media.ZIP: archive({"a.txt": "A.", "a/a.txt": "A."}),
}


@pytest.fixture(params=sorted(FILES))
def media_type(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def path(media_type: str, tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(FILES[media_type])
    return path


def test_pieces_come_first_and_the_head_last(media_type: str, path: Path) -> None:
    *events, head = loader_for(media_type).load(path, title="Title")
    events = [event for event in events if not isinstance(event, PictureEvent | Remembered)]
    assert isinstance(head, Loaded)
    assert head.title == "Title"
    pieces = [event for event in events if isinstance(event, PageLoaded)]
    assert bool(pieces) == (media_type != media.ZIP), "only an archive has no text of its own"
    assert all(piece.total == len(pieces) for piece in pieces)
    files = [event for event in events if isinstance(event, Embedded)]
    assert len(pieces) + len(files) == len(events)
    assert len({file.path for file in files}) == len(files) == head.report.embedded


def test_blocks_are_in_order_disjoint_and_cover_all_words(media_type: str, path: Path) -> None:
    document = assemble(loader_for(media_type).load(path, title=None))
    spans = [block.span for block in document.blocks]
    assert all(before.end <= after.start for before, after in pairwise(spans))
    covered = " ".join(document.text[span.start : span.end] for span in spans)
    assert covered.split() == document.text.split()
    assert all((block.level > 0) == (block.kind == "heading") for block in document.blocks if block.kind != "table")


def test_places_are_in_order_disjoint_and_inside_the_text(media_type: str, path: Path) -> None:
    document = assemble(loader_for(media_type).load(path, title=None))
    spans = [place.span for place in document.places]
    assert all(before.end <= after.start for before, after in pairwise(spans))
    assert all(0 <= span.start < span.end <= len(document.text) for span in spans)
    assert not (document.places and document.pages)


def test_pages_are_in_order_and_inside_the_text(media_type: str, path: Path) -> None:
    document = assemble(loader_for(media_type).load(path, title=None))
    assert [page.number for page in document.pages] == list(range(1, len(document.pages) + 1))
    assert all(0 <= page.span.start <= page.span.end <= len(document.text) for page in document.pages)
    assert bool(document.pages) == (media_type in {media.PDF, *media.IMAGES})


def test_the_same_file_gives_the_same_document(media_type: str, path: Path) -> None:
    loader = loader_for(media_type)
    assert assemble(loader.load(path, title=None)) == assemble(loader.load(path, title=None))


def test_the_text_can_be_stored(media_type: str, path: Path) -> None:
    document = assemble(loader_for(media_type).load(path, title=None))
    assert document.text.encode() or media_type == media.ZIP
    assert "\x00" not in document.text
    assert "\r\n" not in document.text


@pytest.mark.parametrize("data", [b"", b"   \n"])
def test_a_file_with_nothing_in_it_is_refused_with_a_hint(media_type: str, path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(SourceError) as caught:
        assemble(loader_for(media_type).load(path, title=None))
    assert caught.value.hint
    assert str(path) not in caught.value.message


def test_every_readable_type_has_a_recipe_and_no_other_has_a_loader() -> None:
    assert set(READABLE) == set(FILES)
    assert all(recipe(media_type) for media_type in READABLE)
    with pytest.raises(UnsupportedType):
        loader_for("application/x-unheard-of")
