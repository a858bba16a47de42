"""What a person calls each kind of document, and its icon."""

from __future__ import annotations

from workspaces.models import DocumentRecord

_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
_WORD = ("Text document", ":material/description:")
_SLIDES = ("Presentation", ":material/slideshow:")
_TABLE = ("Spreadsheet", ":material/table:")
_MAIL = ("Mail", ":material/mail:")
_CODE = ("Source code", ":material/code:")
_DATA = ("Data file", ":material/data_object:")
_PICTURE = ("Picture", ":material/image:")
_PAGE = ("Web page", ":material/language:")

_KINDS = {
    "application/pdf": ("PDF", ":material/picture_as_pdf:"),
    "text/html": _PAGE,
    "multipart/related": _PAGE,
    "text/markdown": ("Markdown", ":material/markdown:"),
    "text/plain": ("Text", ":material/article:"),
    f"{_OFFICE}.wordprocessingml.document": _WORD,
    f"{_OPEN}.text": _WORD,
    "application/rtf": _WORD,
    "application/msword": _WORD,
    f"{_OFFICE}.presentationml.presentation": _SLIDES,
    f"{_OPEN}.presentation": _SLIDES,
    "application/vnd.ms-powerpoint": _SLIDES,
    f"{_OFFICE}.spreadsheetml.sheet": _TABLE,
    f"{_OPEN}.spreadsheet": _TABLE,
    "application/vnd.ms-excel": _TABLE,
    "text/csv": _TABLE,
    "text/tab-separated-values": _TABLE,
    "application/epub+zip": ("E-book", ":material/menu_book:"),
    "message/rfc822": _MAIL,
    "application/vnd.ms-outlook": _MAIL,
    "application/mbox": ("Mailbox", ":material/all_inbox:"),
    "text/x-rst": ("reStructuredText", ":material/article:"),
    "text/asciidoc": ("AsciiDoc", ":material/article:"),
    "text/org": ("Org file", ":material/article:"),
    "application/x-latex": ("LaTeX", ":material/function:"),
    "text/x-source": _CODE,
    "application/json": _DATA,
    "application/xml": _DATA,
    "application/yaml": _DATA,
    "text/x-log": ("Log", ":material/receipt_long:"),
    "image/png": _PICTURE,
    "image/jpeg": _PICTURE,
    "image/tiff": _PICTURE,
    "image/webp": _PICTURE,
    "application/zip": ("ZIP archive", ":material/folder_zip:"),
}
_UNKNOWN = ("Document", ":material/draft:")


def kind(record: DocumentRecord) -> tuple[str, str]:
    """(name, icon) of a document."""
    if record.source_kind == "url" and record.media_type in ("", "text/html"):
        return _PAGE
    return _KINDS.get(record.media_type, _UNKNOWN)
