"""Documents made for tests: real PDFs with known text on known pages, and long texts."""

from __future__ import annotations

import io
import random
import zlib

WORDS = (  # noqa: SIM905  # a list of 30 quoted words reads worse
    "river mountain court lease window engine library teacher contract pressure valve harbour winter forest machine "
    "copper signal budget patient garden orchard turbine archive treaty voltage pupil lawyer notice tenant meadow"
).split()


def pdf(pages: list[list[str]]) -> bytes:
    """A PDF in Helvetica, one list of lines a page."""
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    kids = []
    for lines in pages:
        body = b"BT /F1 11 Tf 15 TL 60 780 Td " + b" ".join(b"(%s) Tj T*" % _escaped(line) for line in lines) + b" ET"
        packed = zlib.compress(body)
        objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    return _assembled(objects)


def long_text(seed: int, *, paragraphs: int) -> str:
    """Paragraphs of plausible sentences, different for every seed."""
    generator = random.Random(seed)
    return "\n\n".join(
        " ".join(_sentence(generator, f"{seed}-{number}") for _ in range(5)) for number in range(paragraphs)
    )


def _sentence(generator: random.Random, label: str) -> str:
    chosen = generator.sample(WORDS, 9)
    return f"The {chosen[0]} of section {label} {' '.join(chosen[1:])} {generator.randint(10, 9999)}."


def _escaped(line: str) -> bytes:
    data = line.encode("cp1252")
    return data.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _assembled(objects: list[bytes]) -> bytes:
    out = io.BytesIO()
    out.write(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
    return out.getvalue()


def encrypted(pages: list[list[str]], password: str, *, owner: str | None = None, algorithm: str = "AES-256") -> bytes:
    """A PDF that opens with its user's or its owner's password."""
    import pypdf

    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf(pages)))
    writer.encrypt(password, owner, algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
