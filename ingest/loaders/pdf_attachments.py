"""Files attached to a PDF, by PDFium."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from ingest.loaders.inside import Inside
from ingest.loaders.pdf_strings import attachment_name
from ingest.protocols import Embedded

_MOST_FILES = 100
_MOST_BYTES = 50 * 2**20


def attached_files(document: pdfium.PdfDocument, inside: Inside) -> Iterator[Embedded]:
    """The attached files that Footnote reads; `inside` keeps account of the others."""
    count = document.count_attachments()
    for index in range(min(count, _MOST_FILES)):
        unnamed = f"attachment {index + 1}"
        try:
            attachment = document.get_attachment(index)
        except pdfium.PdfiumError:
            inside.leave(unnamed, "damaged")
            continue
        name = attachment_name(attachment) or unnamed
        size = _size(attachment)
        if size is not None and size > _MOST_BYTES:
            inside.leave(name, f"larger than {_MOST_BYTES // 2**20} MB")
            continue
        data = None if size is None else _data(attachment, size)
        if data is None:
            inside.leave(name, "damaged")
        else:
            yield from inside.offer(name, data)
    if count > _MOST_FILES:
        inside.leave(f"{count - _MOST_FILES:,} more attached files", f"only the first {_MOST_FILES} are read")


def _size(attachment: pdfium.PdfAttachment) -> int | None:
    size = ctypes.c_ulong()
    return size.value if raw.FPDFAttachment_GetFile(attachment.raw, None, 0, size) else None


def _data(attachment: pdfium.PdfAttachment, size: int) -> bytes | None:
    buffer = (ctypes.c_char * size)()
    written = ctypes.c_ulong()
    done = raw.FPDFAttachment_GetFile(attachment.raw, buffer, size, written)
    return bytes(buffer) if done and written.value == size else None
