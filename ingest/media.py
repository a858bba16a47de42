"""What a file is: by its first bytes, and by its name only where bytes cannot tell (Markdown is text)."""

from __future__ import annotations

import re
from pathlib import PurePath

from rag.errors import DamagedSource, EmptySource, UnsupportedType

HEAD_BYTES = 4096
"""How many first bytes `detect` wants to see."""

PDF = "application/pdf"
HTML = "text/html"
MARKDOWN = "text/markdown"
TEXT = "text/plain"

READABLE = "Footnote reads PDF, plain text, Markdown and HTML."

_LATER = {  # extension → what a person calls it; the formats that are planned
    **dict.fromkeys((".docx", ".docm", ".doc", ".odt", ".rtf", ".pages"), "Word processor documents"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".ods", ".numbers"), "Spreadsheets"),
    **dict.fromkeys((".pptx", ".pptm", ".ppt", ".odp", ".key"), "Presentations"),
    **dict.fromkeys((".eml", ".msg", ".mbox"), "Mails"),
    **dict.fromkeys((".epub", ".mobi", ".azw3"), "E-books"),
    **dict.fromkeys((".mht", ".mhtml"), "Web archives"),
}
_SIGNATURES = (  # (first bytes, what a person calls it)
    (b"PK\x03\x04", "ZIP archives"),
    (b"PK\x05\x06", "ZIP archives"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Older office files"),
    (b"{\\rtf", "Word processor documents"),
    (b"%!PS", "PostScript files"),
    (b"\x89PNG\r\n\x1a\n", "Images"),
    (b"\xff\xd8\xff", "Images"),
    (b"GIF8", "Images"),
    (b"II*\x00", "Images"),
    (b"MM\x00*", "Images"),
    (b"RIFF", "Images, sound and video"),
    (b"ID3", "Sound files"),
    (b"OggS", "Sound files"),
    (b"\x1f\x8b", "Compressed files"),
    (b"7z\xbc\xaf\x27\x1c", "Archives"),
    (b"Rar!", "Archives"),
    (b"SQLite format 3\x00", "Databases"),
    (b"\x7fELF", "Programs"),
    (b"MZ\x90", "Programs"),
)
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_HTML_START = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|meta|script)\b",
    re.IGNORECASE | re.DOTALL,
)
_MIME_START = re.compile(rb"(?:From |Return-Path:|Received:|MIME-Version:|Delivered-To:)", re.IGNORECASE)


def detect(head: bytes, name: str) -> str:
    """Media type of a file: one of PDF, HTML, MARKDOWN, TEXT.

    Args:
        head: its first bytes, HEAD_BYTES of them if there are so many.
        name: file name or path part of a web address; only a label, never opened.

    Raises:
        EmptySource: no bytes.
        UnsupportedType: a format that Footnote does not read (yet), by name.
        DamagedSource: named .pdf but not a PDF.
    """
    if not head:
        raise EmptySource("The file is empty.", hint="Check the file and add it again.")
    extension = PurePath(name.replace("\\", "/")).suffix.lower()
    if b"%PDF-" in head[:1024]:  # readers accept it anywhere in the first kilobyte
        return PDF
    if extension in _LATER:
        raise _unsupported(_LATER[extension], later=True)
    if extension == ".pdf":
        raise DamagedSource(
            "The file is named .pdf, but it is not a PDF.", hint="Open it in another program and save it as PDF again."
        )
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            raise _unsupported(what)
    return _text_type(head, extension)


def _text_type(head: bytes, extension: str) -> str:
    wide = head.startswith(_WIDE_MARKS)
    if b"\x00" in head and not wide:
        raise _unsupported("Files of this kind")
    if extension in (".html", ".htm", ".xhtml"):
        return HTML
    if extension in (".md", ".markdown"):
        return MARKDOWN
    start = head.decode("utf-16", errors="ignore").encode("ascii", "ignore") if wide else head
    start = start.removeprefix(_BYTE_ORDER_MARK)
    if _HTML_START.match(start):
        return HTML
    if _MIME_START.match(start) and re.search(rb"\n(?:Subject|From):", start):
        raise _unsupported("Mails", later=True)
    return TEXT


def _unsupported(what: str, *, later: bool = False) -> UnsupportedType:
    if later:
        return UnsupportedType(
            f"{what} are not supported yet; that comes later.", hint=f"Save it as PDF and add that. {READABLE}"
        )
    return UnsupportedType(f"{what} are not supported.", hint=READABLE)
