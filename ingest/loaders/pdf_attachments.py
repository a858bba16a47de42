"""Files attached to a PDF, by PDFium."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from ingest.loaders.pdf_strings import attachment_name
from ingest.loaders.titles import clean
from ingest.protocols import Embedded

_MOST_FILES = 100
_MOST_BYTES = 50 * 2**20


def attached_files(document: pdfium.PdfDocument) -> Iterator[Embedded | str]:
    """Each attached file, or "name: reason" for one that is left out."""
    count = document.count_attachments()
    taken: set[str] = set()
    for index in range(min(count, _MOST_FILES)):
        try:
            attachment = document.get_attachment(index)
        except pdfium.PdfiumError:
            yield f"attachment {index + 1}: damaged"
            continue
        name = _unique(_label(attachment) or f"attachment {index + 1}", taken)
        size = _size(attachment)
        if size is None:
            yield f"{name}: damaged"
        elif size > _MOST_BYTES:
            yield f"{name}: larger than {_MOST_BYTES // 2**20} MB"
        else:
            data = _data(attachment, size)
            yield f"{name}: damaged" if data is None else Embedded(name, data)
    if count > _MOST_FILES:
        yield f"{count - _MOST_FILES} more attached files: only the first {_MOST_FILES} are read"


def _label(attachment: pdfium.PdfAttachment) -> str:
    """Its name without what would lead out of a folder."""
    parts = clean(attachment_name(attachment)).replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", ".", ".."))[:200]


def _unique(name: str, taken: set[str]) -> str:
    stem, dot, ending = name.rpartition(".")
    other, number = name, 1
    while other in taken:
        number += 1
        other = f"{stem} ({number}){dot}{ending}" if stem else f"{name} ({number})"
    taken.add(other)
    return other


def _size(attachment: pdfium.PdfAttachment) -> int | None:
    size = ctypes.c_ulong()
    return size.value if raw.FPDFAttachment_GetFile(attachment.raw, None, 0, size) else None


def _data(attachment: pdfium.PdfAttachment, size: int) -> bytes | None:
    buffer = (ctypes.c_char * size)()
    written = ctypes.c_ulong()
    done = raw.FPDFAttachment_GetFile(attachment.raw, buffer, size, written)
    return bytes(buffer) if done and written.value == size else None
