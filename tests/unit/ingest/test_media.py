from __future__ import annotations

import pytest

from ingest import media
from ingest.media import HTML, MARKDOWN, PDF, TEXT, detect
from rag.errors import DamagedSource, EmptySource, UnsupportedType


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (b"%PDF-1.7\n", "report.pdf", PDF),
        (b"%PDF-1.7\n", "report", PDF),
        (b"PK\x03\x04" + b"\0" * 26 + b"a.pdf%PDF-1.7\n", "files.zip", media.ZIP),
        (b"PK\x03\x04" + b"\0" * 26 + b"a.pdf%PDF-1.7\n", "files", media.ZIP),
        (b"\r\n  junk first %PDF-1.4", "scan.txt", PDF),
        (b"just words", "notes.txt", TEXT),
        (b"just words", "NOTES", TEXT),
        (b"a;b;c\n1;2;3", "table.csv", media.CSV),
        (b"PK\x03\x04...", "letter.docx", media.DOCX),
        (b"PK\x03\x04" + b"0" * 26 + b"mimetypeapplication/epub+zip", "a book", media.EPUB),
        (b"PK\x03\x04" + b"0" * 26 + b"[Content_Types].xml...ppt/slides/slide1.xml", "talk", media.PPTX),
        (b"PK\x03\x04", "letters.zip", media.ZIP),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old.xls", media.XLS),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "locked.docx", media.DOCX),
        (b"Subject: hi", "post.eml", media.EML),
        (b"MIME-Version: 1.0\nSubject: x\n", "unnamed", media.EML),
        (b"From anna@example.org Mon Jan  5 10:00:00 2026\nSubject: x\n", "Inbox", media.MBOX),
        (b"Subject: the minutes of May\n\nDear all,", "minutes.txt", TEXT),
        (b"{\\rtf1\\ansi", "letter.txt", media.RTF),
        (b"\x89PNG\r\n\x1a\n", "scan.txt", media.PNG),
        (b"RIFF....WEBPVP8 ", "photo", media.WEBP),
        (b"print('%PDF-1.4')", "make_pdf.py", media.CODE),
        ("\ufeffüber".encode("utf-16"), "wide.txt", TEXT),
        (b"# Title", "readme.md", MARKDOWN),
        (b"# Title", "readme.txt", TEXT),
        (b"<!DOCTYPE html><html>", "page", HTML),
        (b"\xef\xbb\xbf \n<!-- saved --><html lang=de>", "page.txt", HTML),
        (b'<?xml version="1.0"?>\n<html xmlns="x">', "page", HTML),
        (b"<p>fragment", "page.html", HTML),
    ],
)
def test_content_decides_and_the_name_only_where_content_cannot(head: bytes, name: str, expected: str) -> None:
    assert detect(head, name) == expected


@pytest.mark.parametrize(("name", "said"), [("book.mobi", "Kindle books"), ("letter.pages", "Pages documents")])
def test_formats_that_cannot_be_read_are_named(name: str, said: str) -> None:
    with pytest.raises(UnsupportedType) as caught:
        detect(b"...", name)
    assert caught.value.message.startswith(said)
    assert caught.value.hint


@pytest.mark.parametrize("head", [b"GIF89a", b"Rar!\x1a", b"\x7fELF\x02", b"ab\x00\x01cd", b"\x1f\x8b\x08"])
def test_binaries_are_refused(head: bytes) -> None:
    with pytest.raises(UnsupportedType):
        detect(head, "file.txt")


def test_an_empty_file_is_called_empty() -> None:
    with pytest.raises(EmptySource):
        detect(b"", "a.pdf")


@pytest.mark.parametrize("name", ["paper.pdf", "letter.docx", "table.xls", "photo.png", "all.zip"])
def test_a_file_that_its_name_belies_is_damaged(name: str) -> None:
    with pytest.raises(DamagedSource):
        detect(b"<html>not found</html>", name)
