"""Names inside a PDF: title, author, page labels, outline. Broken halves of UTF-16 pairs are left out."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as raw

_LONGEST_BYTES = 20_000


def metadata(document: pdfium.PdfDocument, key: str) -> str:
    """An entry of the document information, such as "Title"; "" where there is none."""
    return _read(lambda buffer, size: raw.FPDF_GetMetaText(document.raw, key.encode(), buffer, size))


def page_label(document: pdfium.PdfDocument, index: int) -> str:
    """The printed number of the page at `index`, counted from 0; "" where there is none."""
    return _read(lambda buffer, size: raw.FPDF_GetPageLabel(document.raw, index, buffer, size))


def outline_title(bookmark: pdfium.PdfBookmark) -> str:
    """What an outline entry is called."""
    return _read(lambda buffer, size: raw.FPDFBookmark_GetTitle(bookmark.raw, buffer, size))


def attachment_name(attachment: pdfium.PdfAttachment) -> str:
    """What an attached file is called."""
    units = ctypes.POINTER(ctypes.c_ushort)
    return _read(lambda buffer, size: raw.FPDFAttachment_GetName(attachment.raw, ctypes.cast(buffer, units), size))


def _read(call: Callable[[Any, int], int]) -> str:
    """PDFium's way: ask for the size in bytes, then for the text in UTF-16. pypdfium2's own decoding is strict."""
    size = call(None, 0)
    if not 2 < size <= _LONGEST_BYTES:
        return ""
    buffer = ctypes.create_string_buffer(size)
    call(buffer, size)
    return buffer.raw[: size - 2].decode("utf-16-le", "ignore")
