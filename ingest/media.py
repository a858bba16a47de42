"""What a file is: by its first bytes, and by its name only where bytes cannot tell (Markdown is text)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath

from rag.errors import DamagedSource, EmptySource, UnsupportedType

HEAD_BYTES = 4096
"""How many first bytes `detect` wants to see."""

PDF = "application/pdf"
HTML = "text/html"
MARKDOWN = "text/markdown"
TEXT = "text/plain"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODT = "application/vnd.oasis.opendocument.text"
ODP = "application/vnd.oasis.opendocument.presentation"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
RTF = "application/rtf"
DOC = "application/msword"
PPT = "application/vnd.ms-powerpoint"
XLS = "application/vnd.ms-excel"
CSV = "text/csv"
TSV = "text/tab-separated-values"
EPUB = "application/epub+zip"
EML = "message/rfc822"
MBOX = "application/mbox"
MSG = "application/vnd.ms-outlook"
MHTML = "multipart/related"
RST = "text/x-rst"
ASCIIDOC = "text/asciidoc"
ORG = "text/org"
LATEX = "application/x-latex"
CODE = "text/x-source"
JSON = "application/json"
XML = "application/xml"
YAML = "application/yaml"
LOG = "text/x-log"
PNG = "image/png"
JPEG = "image/jpeg"
TIFF = "image/tiff"
WEBP = "image/webp"
ZIP = "application/zip"

READABLE = (
    "Footnote reads PDF, office files, mail, e-books, web pages, pictures with text, plain text, source code and ZIP."
)

_CODE_EXTENSIONS = """
.py .pyi .js .mjs .cjs .ts .tsx .jsx .java .kt .kts .scala .groovy .c .h .cc .cpp .cxx .hpp .hh .cs .go .rs .swift .m
.mm .rb .php .pl .pm .lua .r .jl .dart .ex .exs .erl .hs .ml .mli .fs .fsx .clj .cljs .lisp .el .scm .vb .bas .pas .f90
.f .sql .sh .bash .zsh .fish .ps1 .bat .cmd .css .scss .less .vue .svelte .tf .gradle .cmake .mk .proto .graphql .asm
.s .vhd .vhdl .v .sv .ino .nix .zig .nim .d .tcl .awk .sed .diff .patch .toml .ini .cfg .conf .properties .env
"""
EXTENSIONS: Mapping[str, str] = {
    ".pdf": PDF,
    **dict.fromkeys((".html", ".htm", ".xhtml"), HTML),
    **dict.fromkeys((".md", ".markdown"), MARKDOWN),
    **dict.fromkeys((".txt", ".text"), TEXT),
    **dict.fromkeys((".docx", ".docm", ".dotx"), DOCX),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx"), PPTX),
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb"), XLSX),
    **dict.fromkeys((".odt", ".ott"), ODT),
    **dict.fromkeys((".odp", ".otp"), ODP),
    **dict.fromkeys((".ods", ".ots"), ODS),
    ".rtf": RTF,
    ".doc": DOC,
    **dict.fromkeys((".ppt", ".pps"), PPT),
    ".xls": XLS,
    ".csv": CSV,
    **dict.fromkeys((".tsv", ".tab"), TSV),
    ".epub": EPUB,
    ".eml": EML,
    ".mbox": MBOX,
    ".msg": MSG,
    **dict.fromkeys((".mht", ".mhtml"), MHTML),
    **dict.fromkeys((".rst", ".rest"), RST),
    **dict.fromkeys((".adoc", ".asciidoc", ".asc"), ASCIIDOC),
    ".org": ORG,
    **dict.fromkeys((".tex", ".latex", ".ltx"), LATEX),
    **dict.fromkeys((".json", ".jsonl", ".ndjson", ".geojson", ".ipynb"), JSON),
    **dict.fromkeys((".xml", ".xsd", ".xsl", ".xslt", ".rss", ".atom", ".opml", ".svg"), XML),
    **dict.fromkeys((".yaml", ".yml"), YAML),
    ".log": LOG,
    ".png": PNG,
    **dict.fromkeys((".jpg", ".jpeg"), JPEG),
    **dict.fromkeys((".tif", ".tiff"), TIFF),
    ".webp": WEBP,
    ".zip": ZIP,
    **dict.fromkeys(_CODE_EXTENSIONS.split(), CODE),
}
"""Extension → media type, of everything that can be read."""

IMAGES = frozenset({PNG, JPEG, TIFF, WEBP})
TEXTUAL = frozenset(
    {HTML, MARKDOWN, TEXT, CSV, TSV, EML, MBOX, MHTML, RST, ASCIIDOC, ORG, LATEX, CODE, JSON, XML, YAML, LOG}
)
"""Types whose bytes are text: only the name, and a look at the text, tells them apart."""

_NOT_READ = {  # extension → what a person calls it
    ".pages": "Pages documents",
    ".numbers": "Numbers spreadsheets",
    ".key": "Keynote presentations",
    **dict.fromkeys((".mobi", ".azw3"), "Kindle books"),
}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_IMAGES = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"II+\x00", TIFF),
    (b"MM\x00+", TIFF),
)
_SIGNATURES = (  # (first bytes, what a person calls it)
    (b"%!PS", "PostScript files"),
    (b"GIF8", "GIF images"),
    (b"RIFF", "Sound and video"),
    (b"ID3", "Sound files"),
    (b"OggS", "Sound files"),
    (b"\x1f\x8b", "Compressed files"),
    (b"7z\xbc\xaf\x27\x1c", "7z archives"),
    (b"Rar!", "RAR archives"),
    (b"SQLite format 3\x00", "Databases"),
    (b"\x7fELF", "Programs"),
    (b"MZ\x90", "Programs"),
)
_IN_ZIP = (  # what stands near the beginning of a ZIP of this kind
    (b"mimetypeapplication/epub+zip", EPUB),
    (b"mimetypeapplication/vnd.oasis.opendocument.text", ODT),
    (b"mimetypeapplication/vnd.oasis.opendocument.presentation", ODP),
    (b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", ODS),
    (b"word/", DOCX),
    (b"ppt/", PPTX),
    (b"xl/", XLSX),
)
_OFFICE_ZIPS = frozenset({DOCX, PPTX, XLSX, ODT, ODP, ODS, EPUB})
_OLD_OFFICE = frozenset({DOC, PPT, XLS, MSG})
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_HTML_START = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|title|meta|script)\b",
    re.IGNORECASE | re.DOTALL,
)
_MIME_START = re.compile(
    rb"(?:Return-Path|Received|MIME-Version|Delivered-To|From|To|Subject|Date|Message-ID|X-[\w-]+): ", re.IGNORECASE
)
_MIME_FIELD = re.compile(rb"^(?:Subject|From|To|Date|MIME-Version):", re.IGNORECASE | re.MULTILINE)
_MBOX_START = re.compile(rb"From \S+.*\r?\n[\w-]+:")
_MHTML_START = re.compile(rb"Content-Type:\s*multipart/related", re.IGNORECASE)


def detect(head: bytes, name: str) -> str:
    """Media type of a file: one of the constants of this module.

    Args:
        head: its first bytes, HEAD_BYTES of them if there are so many.
        name: file name or path part of a web address; only a label, never opened.

    Raises:
        EmptySource: no bytes.
        UnsupportedType: a format that Footnote does not read, by name.
        DamagedSource: the name says one thing, the bytes another.
    """
    if not head:
        raise EmptySource("The file is empty.", hint="Check the file and add it again.")
    extension = PurePath(name.replace("\\", "/")).suffix.lower()
    named = EXTENSIONS.get(extension, "")
    holds_files = head.startswith((*_ZIP, _OLE))  # a PDF in them is not packed where it cannot be made smaller
    if b"%PDF-" in head[:1024] and not holds_files and named not in TEXTUAL - {TEXT}:
        return PDF  # readers accept its mark anywhere in the first kilobyte
    if extension in _NOT_READ:
        raise _unsupported(_NOT_READ[extension])
    if head.startswith(_ZIP):
        return _in_zip(head, named)
    if head.startswith(_OLE):
        return _in_ole(named)
    if head.startswith(b"{\\rtf"):
        return RTF
    for signature, media_type in _IMAGES:
        if head.startswith(signature):
            return media_type
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    if named and named not in TEXTUAL:
        raise DamagedSource(
            f"The file is named {extension}, but it is not one.",
            hint="Open it in the program it comes from, save it again and add that.",
        )
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            raise _unsupported(what)
    return _text_type(head, named)


def _in_zip(head: bytes, named: str) -> str:
    if named in _OFFICE_ZIPS:
        return named
    return next((media_type for mark, media_type in _IN_ZIP if mark in head), ZIP)


def _in_ole(named: str) -> str:
    """Old office files, Outlook messages and encrypted new ones share a container that only the name tells apart."""
    if named in _OLD_OFFICE | _OFFICE_ZIPS:
        return named
    raise _unsupported("Older office files without their ending (.doc, .xls, .ppt, .msg)")


def _text_type(head: bytes, named: str) -> str:
    wide = head.startswith(_WIDE_MARKS)
    if b"\x00" in head and not wide:
        raise _unsupported("Files of this kind")
    if named and named != TEXT:
        return named
    start = head.decode("utf-16", errors="ignore").encode("ascii", "ignore") if wide else head
    start = start.removeprefix(_BYTE_ORDER_MARK)
    if _HTML_START.match(start):
        return HTML
    if _MBOX_START.match(start):
        return MBOX
    if (
        _MIME_START.match(start)
        and len(re.findall(rb"^(?:Subject|From|To|Date|MIME-Version):", start, re.I | re.M)) > 1
    ):
        return MHTML if _MHTML_START.search(start) and b"Snapshot-Content-Location" in start else EML
    return TEXT


def _unsupported(what: str) -> UnsupportedType:
    return UnsupportedType(f"{what} are not supported.", hint=READABLE)
