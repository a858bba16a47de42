"""PDFs built object by object, for what the plain ones of documents.py do not have: outlines, rotation, bombs."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Text:
    """A line of text placed on a page; (x, y) is its left end on the base line, in points."""

    text: str
    x: float
    y: float
    size: float = 11
    bold: bool = False


@dataclass(frozen=True)
class Sheet:
    """One page."""

    texts: Sequence[Text] = ()
    rotate: int = 0
    media_box: tuple[float, float, float, float] = (0, 0, 595, 842)
    extra: bytes = b""
    """Content operators put before the text."""


@dataclass(frozen=True)
class Made:
    """A whole file."""

    sheets: Sequence[Sheet]
    outline: Sequence[tuple[str, int, int]] = ()
    """(title, page, level), levels from 1."""
    info: dict[str, str] = field(default_factory=dict)
    labels: str = ""
    """Body of the page labels' number tree, e.g. "0 << /S /r >>"."""

    def bytes(self) -> bytes:
        """The file."""
        return _write(self)


def lines(*texts: str, top: float = 780, step: float = 14, x: float = 60, size: float = 11) -> list[Text]:
    """Lines below each other; an empty one leaves a gap."""
    return [Text(text, x, top - number * step, size) for number, text in enumerate(texts) if text]


def flate_bomb(megabytes: int, pattern: bytes = b"    ") -> bytes:
    """A small PDF whose only content stream unpacks to so many megabytes of `pattern`, through two filters."""
    block = pattern * (2**20 // len(pattern))
    packer = zlib.compressobj(9)
    once = b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()
    twice = zlib.compress(once, 9)
    stream = b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n%s\nendstream" % (len(twice), twice)
    return assembled([*_skeleton(), stream])


def respelled(text: str, letters: dict[str, bytes]) -> bytes:
    """One page with `text`, in a font that says that `letters` stand for other characters (UTF-16, big-endian)."""
    pairs = b" ".join(b"<%02x> <%s>" % (ord(letter), units.hex().encode()) for letter, units in letters.items())
    mapping = b"begincmap 1 begincodespacerange <00> <FF> endcodespacerange %d beginbfchar %s endbfchar endcmap end"
    content = b"BT /F1 11 Tf 60 780 Td %s Tj ET" % _literal(text)
    objects = [*_skeleton(b"/Font << /F1 3 0 R >>"), _stream(b"", content)]
    objects[2] = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>"
    return assembled([*objects, _stream(b"", mapping % (len(letters), pairs))])


def form_bomb(depth: int, width: int = 10) -> bytes:
    """A small PDF that draws width ** (depth - 1) words: each form draws the next one `width` times."""
    first = 6
    objects = [*_skeleton(b"/XObject << /F %d 0 R >>" % first), _stream(b"", b"/F Do")]
    for number in range(first, first + depth):
        last = number == first + depth - 1
        body = b"BT /F1 11 Tf 60 700 Td (word) Tj ET" if last else b"/F Do " * width
        resources = b"/Font << /F1 3 0 R >>" if last else b"/XObject << /F %d 0 R >>" % (number + 1)
        head = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << %s >>" % resources
        objects.append(_stream(head, body))
    return assembled(objects)


def drawn(content: bytes, *, resources: bytes = b"", catalog: bytes = b"", more: Sequence[bytes] = ()) -> bytes:
    """One A4 page painted by these operators; its font is /F1, and objects of `more` are numbered from 6."""
    objects = [*_skeleton(b"/Font << /F1 3 0 R >> " + resources), _stream(b"", content), *more]
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog
    return assembled(objects)


def stream(head: bytes, body: bytes) -> bytes:
    """A stream object with these dictionary entries."""
    return _stream(head, body)


def _skeleton(resources: bytes = b"") -> list[bytes]:
    """Objects 1 to 4 of a file with one page, whose content is object 5."""
    return [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << %s >> >>" % resources,
    ]


def _stream(head: bytes, body: bytes) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (head, len(body), body)


def _write(made: Made) -> bytes:
    objects: list[bytes] = [b"", b"", _font("Helvetica"), _font("Helvetica-Bold")]
    pages = []
    for sheet in made.sheets:
        objects.append(_stream(b"", sheet.extra + _content(sheet)))
        box = b"[%g %g %g %g]" % sheet.media_box
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox %s /Rotate %d /Contents %d 0 R /Resources "
            b"<< /Font << /F1 3 0 R /F2 4 0 R >> >> >>" % (box, sheet.rotate, len(objects))
        )
        pages.append(len(objects))
    catalog = b"/Type /Catalog /Pages 2 0 R"
    if made.labels:
        catalog += b" /PageLabels << /Nums [%s] >>" % made.labels.encode()
    if made.outline:
        catalog += b" /Outlines %d 0 R" % _add_outline(objects, made.outline, pages)
    objects[0] = b"<< %s >>" % catalog
    kids = b" ".join(b"%d 0 R" % page for page in pages)
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages))
    trailer = b""
    if made.info:
        objects.append(b"<< %s >>" % b" ".join(b"/%s %s" % (k.encode(), _string(v)) for k, v in made.info.items()))
        trailer = b"/Info %d 0 R" % len(objects)
    return assembled(objects, trailer)


def _font(name: str) -> bytes:
    return b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>" % name.encode()


def _content(sheet: Sheet) -> bytes:
    return b"\n".join(
        b"BT /F%d %g Tf %g %g Td %s Tj ET" % (2 if text.bold else 1, text.size, text.x, text.y, _literal(text.text))
        for text in sheet.texts
    )


def _add_outline(objects: list[bytes], entries: Sequence[tuple[str, int, int]], pages: list[int]) -> int:
    """Append the outline tree; returns the number of its root."""
    root = len(objects) + 1
    numbers = [root + 1 + index for index in range(len(entries))]
    parents = []
    open_entries: list[tuple[int, int]] = [(0, root)]
    for number, (_, _, level) in zip(numbers, entries, strict=True):
        while open_entries[-1][0] >= level:
            open_entries.pop()
        parents.append(open_entries[-1][1])
        open_entries.append((level, number))
    children = {
        parent: [n for n, p in zip(numbers, parents, strict=True) if p == parent] for parent in (root, *numbers)
    }
    objects.append(b"<< /Type /Outlines /First %d 0 R /Last %d 0 R >>" % (children[root][0], children[root][-1]))
    for number, parent, (title, page, _) in zip(numbers, parents, entries, strict=True):
        body = b"/Title %s /Parent %d 0 R /Dest [%d 0 R /Fit]" % (_string(title), parent, pages[page - 1])
        siblings = children[parent]
        following = siblings[siblings.index(number) + 1 :]
        body += b" /Next %d 0 R" % following[0] if following else b""
        if children[number]:
            body += b" /First %d 0 R /Last %d 0 R" % (children[number][0], children[number][-1])
        objects.append(b"<< %s >>" % body)
    return root


def _string(text: str) -> bytes:
    return b"<%s>" % ("\ufeff" + text).encode("utf-16-be", "surrogatepass").hex().encode()


def _literal(text: str) -> bytes:
    data = text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
    return b"(%s)" % data


def assembled(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """Header, objects numbered from 1, cross-reference table and trailer."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)
