from __future__ import annotations

import pytest

from ingest.media import HTML, MARKDOWN, PDF, TEXT, detect
from rag.errors import DamagedSource, EmptySource, UnsupportedType


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (b"%PDF-1.7\n", "report.pdf", PDF),
        (b"%PDF-1.7\n", "report", PDF),
        (b"\r\n  junk first %PDF-1.4", "scan.txt", PDF),
        (b"just words", "notes.txt", TEXT),
        (b"just words", "NOTES", TEXT),
        (b"a;b;c\n1;2;3", "table.csv", TEXT),
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


@pytest.mark.parametrize(
    ("head", "name", "said"),
    [
        (b"PK\x03\x04...", "letter.docx", "Word processor documents"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old.xls", "Spreadsheets"),
        (b"Subject: hi", "post.eml", "Mails"),
        (b"From: a@b\nSubject: x", "post.msg", "Mails"),
        (b"MIME-Version: 1.0\nSubject: x\n", "unnamed", "Mails"),
    ],
)
def test_formats_that_are_planned_are_named_and_said_to_come_later(head: bytes, name: str, said: str) -> None:
    with pytest.raises(UnsupportedType) as caught:
        detect(head, name)
    assert caught.value.message.startswith(said)
    assert "comes later" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "head", [b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", b"\x7fELF\x02", b"ab\x00\x01cd", b"\x1f\x8b\x08"]
)
def test_binaries_are_refused(head: bytes) -> None:
    with pytest.raises(UnsupportedType):
        detect(head, "file.txt")


def test_an_empty_file_is_called_empty() -> None:
    with pytest.raises(EmptySource):
        detect(b"", "a.pdf")


def test_a_pdf_by_name_only_is_damaged() -> None:
    with pytest.raises(DamagedSource):
        detect(b"<html>not found</html>", "paper.pdf")
