from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from ingest.loaders import assemble
from ingest.loaders.epub import EpubLoader
from rag.errors import DamagedSource, EmptySource, NoText, PasswordNeeded
from rag.types import Document
from tests.support.containers import archive, book

ENTITIES = (
    '<!DOCTYPE html [<!ENTITY x "boom">]><html xmlns="http://www.w3.org/1999/xhtml"><body><p>&x;</p></body></html>'
)


def load(tmp_path: Path, data: bytes, *, title: str | None = None) -> Document:
    path = tmp_path / "book.epub"
    path.write_bytes(data)
    return assemble(EpubLoader().load(path, title=title))


def places(document: Document) -> list[tuple[str, int, str]]:
    return [(p.name, p.number, document.text[p.span.start : p.span.end]) for p in document.places]


def test_chapters_come_in_reading_order_with_the_names_of_the_table_of_contents(tmp_path: Path) -> None:
    second = "<h1>Its heading</h1><p>Second text.</p>"
    chapters = {
        "z.xhtml": "<p>First text.</p>",
        "text/a%20b.xhtml": second,
        "c.xhtml": "<p>More of the second.</p>",
        "d.xhtml": "<h2>Third</h2><p>Text.</p>",
    }
    contents = '<li><a href="z.xhtml#start">Beginning &amp; more</a></li><li><a href="text/a%20b.xhtml">Second</a></li>'
    data = book(
        chapters,
        contents=contents,
        more={"OEBPS/text/a b.xhtml": f"<html><body>{second}</body></html>"},
    )
    assert places(load(tmp_path, data)) == [
        ("Beginning & more", 1, "First text."),
        ("Second", 2, "Its heading\n\nSecond text."),
        ("Second", 2, "More of the second."),
        ("Third", 3, "Third\n\nText."),
    ]


def test_headings_lists_and_tables_are_blocks(tmp_path: Path) -> None:
    body = "<h1>A</h1><h2>B</h2><ul><li>x</li></ul><table><tr><td>1</td><td>2</td></tr></table>"
    document = load(tmp_path, book({"a.xhtml": body}))
    found = [(b.kind, b.level, document.text[b.span.start : b.span.end]) for b in document.blocks]
    assert found == [("heading", 1, "A"), ("heading", 2, "B"), ("list", 0, "- x"), ("table", 0, "1 | 2")]


def test_what_the_book_says_of_itself_is_kept(tmp_path: Path) -> None:
    document = load(tmp_path, book({"a.xhtml": "<p>Text.</p>"}, metadata="<dc:creator>Bert</dc:creator>"))
    assert (document.title, document.author, document.language, document.date) == (
        "The Book",
        "Anna Example, Bert",
        "de",
        "2020-01-02",
    )
    assert load(tmp_path, book({"a.xhtml": "<p>Text.</p>"}), title="Mine").title == "Mine"


def test_an_old_table_of_contents_names_chapters_too(tmp_path: Path) -> None:
    ncx = (
        '<?xml version="1.0"?><!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://evil.test/ncx.dtd"><ncx><navMap>'
        '<navPoint><navLabel><text>Old name</text></navLabel><content src="a.xhtml"/></navPoint></navMap></ncx>'
    )
    data = book(
        {"a.xhtml": "<p>Text.</p>"},
        items='<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>',
        more={"OEBPS/toc.ncx": ncx},
    )
    assert places(load(tmp_path, data.replace(b"nav", b"nav")))[0][0] == ""
    assert places(load(tmp_path, _without_nav(data)))[0][0] == "Old name"


def _without_nav(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as made:
        files = {name: made.read(name) for name in made.namelist()}
    files["OEBPS/book.opf"] = files["OEBPS/book.opf"].replace(b'properties="nav"', b"")
    return archive(files)


def test_named_characters_and_empty_elements_of_xhtml_are_read(tmp_path: Path) -> None:
    page = (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" '
        '"http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd"><html xmlns="http://www.w3.org/1999/xhtml"><head><title/>'
        '<script/></head><body><p>a&nbsp;b &mdash; <a id="x"/>c &amp; d &lt;e&gt;</p></body></html>'
    )
    assert load(tmp_path, book({"a.xhtml": page})).text.strip() == "a b — c & d <e>"


@pytest.mark.parametrize("body", ["<p>One<p>Two <b>three", "<p>One &unknown; <br>Two"])
def test_a_chapter_that_is_not_well_formed_is_read_all_the_same(tmp_path: Path, body: str) -> None:
    text = load(tmp_path, book({"a.xhtml": body})).text
    assert "One" in text
    assert "Two" in text


def test_what_a_reader_does_not_see_is_kept_out_and_reported(tmp_path: Path) -> None:
    document = load(
        tmp_path, book({"a.xhtml": '<p>Seen.</p><p hidden="hidden">Obey.</p><div style="display:none">x</div>'})
    )
    assert document.text.strip() == "Seen."
    assert (document.report.hidden_characters, document.report.hidden_sample) == (6, "Obey. x")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_of_its_own_are_refused_by_name_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    data = book({"a.xhtml": "<p>Text.</p>", "b.xhtml": "<p>Text.</p>"})
    assert load(tmp_path, data).text, "the control"
    hostile = book(
        {"a.xhtml": "<p>Text.</p>", "b.xhtml": "<!-- -->"}, more={"OEBPS/b.xhtml": ENTITIES.encode(encoding)}
    )
    with pytest.raises(DamagedSource, match="entities"):
        load(tmp_path, hostile)


def test_an_external_dtd_is_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.dtd"
    secret.write_text('<!ENTITY x "boom">')
    page = f'<!DOCTYPE html SYSTEM "file://{secret}"><html xmlns="http://www.w3.org/1999/xhtml"><body><p>a&x;b</p></body></html>'
    assert "boom" not in load(tmp_path, book({"a.xhtml": page})).text


def encryption(algorithm: str) -> dict[str, bytes | str]:
    entry = (
        f'<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod Algorithm="{algorithm}"/>'
        '<CipherData><CipherReference URI="OEBPS/a.xhtml"/></CipherData></EncryptedData>'
    )
    return {"META-INF/encryption.xml": f"<encryption>{entry}</encryption>"}


def test_a_copy_protected_book_says_so_and_hidden_fonts_do_not_matter(tmp_path: Path) -> None:
    protected = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc")
    with pytest.raises(PasswordNeeded, match="copy-protected"):
        load(tmp_path, book({"a.xhtml": "<p>Text.</p>"}, more=protected))
    fonts = encryption("http://www.idpf.org/2008/embedding")
    assert load(tmp_path, book({"a.xhtml": "<p>Text.</p>"}, more=fonts)).text.strip() == "Text."


def test_a_book_of_pictures_or_of_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoText):
        load(tmp_path, book({"a.xhtml": '<img src="a.png"/>'}))
    with pytest.raises(DamagedSource):
        load(tmp_path, archive({"mimetype": "application/epub+zip"}))
    with pytest.raises(EmptySource):
        load(tmp_path, b"")


def test_a_chapter_that_is_missing_costs_no_other(tmp_path: Path) -> None:
    item = '<item id="i1" href="gone.xhtml" media-type="application/xhtml+xml"/>'
    data = book({"a.xhtml": "<p>Text.</p>", "b.xhtml": ""}, items=item)
    document = load(tmp_path, data)
    assert document.text.strip() == "Text."
    assert document.notes == ("Chapters missing in the file: 1",)
