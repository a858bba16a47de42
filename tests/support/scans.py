"""Scans made for tests: text drawn as pixels, as a picture or as a page of a PDF."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from io import BytesIO

import pypdfium2 as pdfium
import pytest
from PIL import Image

from ingest.loaders.pdf_text import read_text
from ingest.parser import client
from ingest.parser.limits import ParserLimits
from ingest.parser.watch import Watch
from tests.support.pdf_files import Made, Sheet, assembled, lines

GERMAN = (
    "Kündigung des Mietvertrags",
    "Die Kündigungsfrist für den Garten in der Großen Straße",
    "beträgt gemäß § 573c drei Monate; die Miete von 1.250,50 €",
    "ist am dritten Werktag fällig. Äpfel und Öl gehören dazu.",
)
ENGLISH = (
    "Notice of the lease",
    "The period of notice for the garden in the high street",
    "is three months; the rent of 1,250.50 is due on the third",
    "working day. Apples and oil belong to it.",
)
DPI = 150


def drawn(texts: Sequence[str], *, dpi: int = DPI, size: tuple[float, float] = (420, 200)) -> Image.Image:
    """Lines in 11 points on white paper of `size` points, by PDFium, whose own fonts look alike everywhere."""
    with pdfium.PdfDocument(_made(texts, size)) as document:
        drawn: Image.Image = document[0].render(scale=dpi / 72, grayscale=True).to_pil()
    return drawn.convert("L")


def sides(texts: Sequence[str], word: str, *, size: tuple[float, float] = (420, 200)) -> tuple[float, float]:
    """Left and right of a word that `drawn` draws, in points."""
    with pdfium.PdfDocument(_made(texts, size)) as document:
        words = [placed for line in read_text(document[0], fonts=False).lines for placed in line.words]
    return next((left, right) for text, left, _, right, _ in words if text == word)


def _made(texts: Sequence[str], size: tuple[float, float]) -> bytes:
    sheet = Sheet(lines(*texts, top=size[1] - 35, step=17, x=30), media_box=(0, 0, *size))
    return Made([sheet]).bytes()


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    """The picture as a file."""
    out = BytesIO()
    picture.save(out, kind, **options)  # type: ignore[arg-type]  # Pillow's options differ by format
    return out.getvalue()


def scanned_pdf(pages: Sequence[Image.Image | str], *, stamp: str = "", rotate: int = 0) -> bytes:
    """A PDF in which a picture fills its page; a string is a page of text; `stamp` stands on each as text."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for page in pages:
        words, image, width, height = f"BT /F1 9 Tf 20 20 Td ({stamp}) Tj ET", b"", 420.0, 200.0
        if isinstance(page, str):
            words += f" BT /F1 11 Tf 30 160 Td ({page}) Tj ET"
        else:
            width, height = page.width * 72 / DPI, page.height * 72 / DPI
            data = encoded(page, "JPEG", quality=80)
            head = b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8"
            objects.append(_stream(head % page.size + b" /Filter /DCTDecode", data))
            image = b"/XObject << /I %d 0 R >>" % len(objects)
            words = f"q {width:g} 0 0 {height:g} 0 0 cm /I Do Q {words}"
        objects.append(_stream(b"/Filter /FlateDecode", zlib.compress(words.encode("latin-1"))))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %g %g] /Rotate %d /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> %s >> >>" % (width, height, rotate, len(objects), image)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    return assembled(objects)


def watched(monkeypatch: pytest.MonkeyPatch) -> list[Watch]:
    """What counts, for each request to a parser's helper from now on, the pages that engines begin to recognise."""
    found: list[Watch] = []

    class Kept(Watch):
        def __init__(self, limits: ParserLimits) -> None:
            super().__init__(limits)
            found.append(self)

    monkeypatch.setattr(client, "Watch", Kept)
    return found


def _stream(head: bytes, body: bytes) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (head, len(body), body)
