"""PDFs: filters in chains, trees that bite their tail, lengths that lie, scripts."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Iterator

import pypdf

from tests.hostile import ANY, READY, REFUSED, Hostile
from tests.support.documents import pdf
from tests.support.pdf_files import assembled, flate_bomb, form_bomb

FAMILY = "pdfs"
GOOD = [["The copper valve opens", "at twelve bar."], ["The winter forest."]]
_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
_DRAW = b"BT /F1 11 Tf 60 780 Td (word) Tj ET"


def files() -> Iterator[Hostile]:
    """All of them."""
    yield Hostile(FAMILY, "flate bomb.pdf", flate_bomb(3_000))
    yield Hostile(FAMILY, "form bomb.pdf", form_bomb(9))
    yield Hostile(
        FAMILY, "filters in a chain.pdf", one_page(_chained(), b"/Filter [/ASCIIHexDecode /ASCII85Decode /FlateDecode]")
    )
    yield Hostile(FAMILY, "a hundred filters.pdf", one_page(b"x", b"/Filter [" + b"/FlateDecode " * 100 + b"]"))
    yield Hostile(FAMILY, "run length bomb.pdf", one_page(b"\x81 " * 2_000_000, b"/Filter /RunLengthDecode"))
    yield Hostile(FAMILY, "LZW noise.pdf", one_page(bytes(range(256)) * 4_000, b"/Filter /LZWDecode"))
    yield Hostile(FAMILY, "pages in a circle.pdf", changed(b"/Kids [4 0 R]", b"/Kids [2 0 R]"), REFUSED)
    yield Hostile(FAMILY, "page is its own parent.pdf", changed(b"/Parent 2 0 R", b"/Parent 4 0 R"))
    yield Hostile(
        FAMILY,
        "many kids.pdf",
        changed(b"/Kids [4 0 R] /Count 1", b"/Kids [" + b"4 0 R " * 200_000 + b"] /Count 200000"),
        ANY,
    )
    yield Hostile(FAMILY, "says a million pages.pdf", changed(b"/Count 1", b"/Count 1000000"))
    yield Hostile(FAMILY, "outline in a circle.pdf", _outline_circle())
    yield Hostile(FAMILY, "contents in a circle.pdf", changed(b"/Contents 5 0 R", b"/Contents 4 0 R"))
    yield Hostile(FAMILY, "no end of length.pdf", one_page(_DRAW, b"", length=2_000_000_000))
    yield Hostile(FAMILY, "negative length.pdf", one_page(_DRAW, b"", length=-5))
    yield Hostile(FAMILY, "previous xref in a circle.pdf", _previous_circle())
    yield Hostile(FAMILY, "no cross references.pdf", _without_xref())
    yield Hostile(FAMILY, "page of no size.pdf", changed(b"/MediaBox [0 0 595 842]", b"/MediaBox [0 0 0 0]"))
    yield Hostile(
        FAMILY, "page of all sizes.pdf", changed(b"/MediaBox [0 0 595 842]", b"/MediaBox [-9e9 -9e9 9e9 9e9]")
    )
    yield Hostile(
        FAMILY, "resources in a circle.pdf", changed(b"/Resources << /Font << /F1 3 0 R >> >>", b"/Resources 4 0 R")
    )
    yield Hostile(FAMILY, "deep arrays.pdf", one_page(b"[" * 200_000 + b"]" * 200_000, b""))
    yield Hostile(
        FAMILY,
        "deep dictionaries.pdf",
        changed(b"/Type /Catalog", b"/Type /Catalog /X " + b"<< /X " * 50_000 + b">> " * 50_000),
    )
    yield Hostile(FAMILY, "endless names.pdf", one_page(b"/" + b"A" * 3_000_000 + b" Do", b""))
    yield Hostile(
        FAMILY,
        "script.pdf",
        changed(b"/Type /Catalog", b"/Type /Catalog /OpenAction << /S /JavaScript /JS (app.alert(1)) >>"),
        frozenset({READY}),
    )
    yield Hostile(
        FAMILY,
        "launch.pdf",
        changed(b"/Type /Catalog", b"/Type /Catalog /OpenAction << /S /Launch /F (/bin/sh) >>"),
        frozenset({READY}),
    )
    yield Hostile(
        FAMILY,
        "calls home.pdf",
        changed(b"/Type /Catalog", b"/Type /Catalog /OpenAction << /S /URI /URI (http://127.0.0.1:9/) >>"),
        frozenset({READY}),
    )
    yield Hostile(FAMILY, "locked.pdf", _locked(), frozenset({"encrypted"}))
    yield Hostile(FAMILY, "scan.pdf", pdf([[], []]), frozenset({"no_text"}))
    yield Hostile(FAMILY, "huge image.pdf", _image(60_000, 60_000))
    yield Hostile(FAMILY, "many words.pdf", one_page(b"BT /F1 1 Tf 0 0 Td " + b"(a b c) Tj " * 400_000 + b" ET", b""))
    for number, head in enumerate(
        (b"%PDF-1.7", b"%PDF-9.9\n%%EOF", b"%PDF-1.4\n" + b"\0" * 5_000, b"%PDF-\xff\xfe" * 900)
    ):
        yield Hostile(FAMILY, f"only a head {number}.pdf", head, REFUSED)


def one_page(content: bytes, filters: bytes, *, length: int | None = None) -> bytes:
    """A page with this content stream."""
    size = len(content) if length is None else length
    stream = b"<< /Length %d %s >>\nstream\n%s\nendstream" % (size, filters, content)
    return assembled([*_skeleton(), stream])


def changed(old: bytes, new: bytes) -> bytes:
    """A good page with one thing changed; the cross references fit."""
    objects = [*_skeleton(), b"<< /Length %d >>\nstream\n%s\nendstream" % (len(_DRAW), _DRAW)]
    altered = [item.replace(old, new) for item in objects]
    if altered == objects:
        raise ValueError("nothing was changed")
    return assembled(altered)


def _skeleton() -> list[bytes]:
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R "
        b"/Resources << /Font << /F1 3 0 R >> >> >>"
    )
    return [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>", _FONT, page]


def _chained() -> bytes:
    packed = zlib.compress(b"q Q " * 5_000_000 + _DRAW, 9)
    return base64.a85encode(packed).hex().encode() + b">"


def _outline_circle() -> bytes:
    objects = [*_skeleton(), b"<< /Length 0 >>\nstream\n\nendstream"]
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R /Outlines 6 0 R >>"
    entry = b"<< /Title (a) /Parent 6 0 R /Next 7 0 R /First 7 0 R /Last 7 0 R /Dest [4 0 R /Fit] >>"
    return assembled([*objects, b"<< /Type /Outlines /First 7 0 R /Last 7 0 R >>", entry])


def _previous_circle() -> bytes:
    good = pdf(GOOD)
    start = good.rindex(b"startxref") + len(b"startxref\n")
    offset = good[start:].split(b"\n")[0]
    return good.replace(b"trailer\n<<", b"trailer\n<< /Prev " + offset)


def _without_xref() -> bytes:
    good = pdf(GOOD)
    return good[: good.rindex(b"xref\n0")] + b"%%EOF"


def _image(width: int, height: int) -> bytes:
    image = (
        b"<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB "
        b"/BitsPerComponent 8 /Length 3 >>"
    )
    objects = [*_skeleton(), b"<< /Length 30 >>\nstream\nq 595 0 0 842 0 0 cm /I Do Q  \nendstream"]
    objects[3] = objects[3].replace(b"/Font << /F1 3 0 R >>", b"/XObject << /I 6 0 R >>")
    return assembled([*objects, image % (width, height) + b"\nstream\nabc\nendstream"])


def _locked() -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf(GOOD)))
    writer.encrypt("secret", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
