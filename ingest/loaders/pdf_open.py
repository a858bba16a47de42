"""Opening a PDF with PDFium, after a repair by pypdf where PDFium refuses it."""

from __future__ import annotations

import logging
from io import BytesIO
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from rag.errors import DamagedSource, PasswordNeeded


def open_pdf(path: Path, password: str | None = None) -> pdfium.PdfDocument:
    """Open with a password, or with the empty one; repaired if need be.

    Raises:
        PasswordNeeded, DamagedSource
    """
    document = opened(path, password)
    return _repaired(path) if document is None else document


def opened(path: Path, password: str | None = None) -> pdfium.PdfDocument | None:
    """The same without a repair: None for a file that needs one. Raises PasswordNeeded."""
    try:
        return pdfium.PdfDocument(path, password)
    except pdfium.PdfiumError as error:
        if error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
            raise PasswordNeeded(
                "The PDF is protected with a password.", hint="Type the password, or add a copy without one."
            ) from error
        return None


def unlocked(path: Path, password: str) -> bytes:
    """The same PDF without its protection, as PDFium writes it.

    Raises:
        PasswordNeeded: that is not its password.
        DamagedSource: it cannot be opened, or not written.
    """
    copy = BytesIO()
    with open_pdf(path, password) as document:
        try:
            document.save(copy, flags=raw.FPDF_REMOVE_SECURITY)
        except pdfium.PdfiumError as error:
            raise DamagedSource("The PDF is damaged and cannot be written without its password.") from error
    return copy.getvalue()


def _repaired(path: Path) -> pdfium.PdfDocument:
    import pypdf  # only here: most helpers never need it

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    copy = BytesIO()
    try:
        pypdf.PdfWriter(clone_from=pypdf.PdfReader(path, strict=False)).write(copy)
        return pdfium.PdfDocument(copy.getvalue())
    except Exception as error:  # a broken file makes pypdf raise anything; each time it means: cannot be repaired
        raise DamagedSource(
            "The PDF is damaged and cannot be opened.",
            hint="Open it in a PDF viewer, save it again and add the new file.",
        ) from error
