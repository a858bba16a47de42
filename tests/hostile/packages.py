"""Office files and e-books, which are ZIPs of XML: entities, bombs, depth, parts that lead out."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile import ANY, REFUSED, Hostile
from tests.hostile.archives import zipped

FAMILY = "packages"
SECRET = "root:"
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"'
)
_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPES = {
    "entity of a file": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
    "entity of the net": '<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:9/x">]>',
    "parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p; <!ENTITY e "e">]>',
    "billion laughs": f'<!DOCTYPE x [<!ENTITY l0 "ha">{_LAUGHS}<!ENTITY e "&l9;">]>',
    "quadratic": f'<!DOCTYPE x [<!ENTITY e "{"a" * 100_000}">]>',
    "external subset": '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><!-- &e; -->',
}


def files() -> Iterator[Hostile]:
    """All of them."""
    yield from declaring()
    for ending, make in MAKERS.items():
        yield Hostile(FAMILY, f"huge part.{ending}", make("word " * 30_000_000, ""), ANY)
        yield Hostile(FAMILY, f"empty part.{ending}", _emptied(ending), REFUSED)
        yield Hostile(FAMILY, f"not XML.{ending}", make("<<<&&&", ""), ANY)
    yield Hostile(FAMILY, "deep tables.docx", docx(_deep("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>", 4_000)))
    yield Hostile(
        FAMILY, "deep lists.odt", odt(_deep("<text:list><text:list-item>", "</text:list-item></text:list>", 4_000))
    )
    yield Hostile(FAMILY, "many paragraphs.docx", docx("<w:p/>" * 3_000_000))
    spaces = '<text:s text:c="9999999"/>' * 1_000
    yield Hostile(FAMILY, "many spans.odt", odt(f"<text:p>{spaces}</text:p>"))
    yield Hostile(FAMILY, "repeated cells.ods", _repeated("number-columns-repeated"))
    yield Hostile(FAMILY, "repeated rows.ods", _repeated("number-rows-repeated"))
    yield Hostile(FAMILY, "remote template.docx", _remote())
    yield Hostile(
        FAMILY,
        "parts that lead out.docx",
        zipped({"[Content_Types].xml": _TYPES.encode(), "../word/document.xml": b"<x/>"}),
    )
    yield Hostile(FAMILY, "only types.pptx", zipped({"[Content_Types].xml": _TYPES.encode()}), REFUSED)


def declaring() -> Iterator[Hostile]:
    """Those that declare what an XML parser would replace by other text, or by another file."""
    for what, doctype in DOCTYPES.items():
        reference = "&e;" * (5_000 if what == "quadratic" else 1)
        for ending, make in MAKERS.items():
            body = make(f"before {'' if 'subset' in what else reference} after", doctype)
            ends = ANY if (what, ending) == ("external subset", "epub") else REFUSED  # EPUB 2 has one in every chapter
            yield Hostile(FAMILY, f"{what}.{ending}", body, ends, never=SECRET)


def docx(inside: str, doctype: str = "") -> bytes:
    """A DOCX whose body holds `inside`."""
    document = f'<?xml version="1.0"?>{doctype}<w:document {_W}><w:body>{inside}</w:body></w:document>'
    return _opc({"word/document.xml": document.encode()}, "word/document.xml", "officeDocument")


def odt(inside: str, doctype: str = "", *, kind: str = "text") -> bytes:
    """An ODF document whose body holds `inside`."""
    element = {"text": "text", "presentation": "presentation", "spreadsheet": "spreadsheet"}[kind]
    content = (
        f'<?xml version="1.0"?>{doctype}<office:document-content {_ODF}><office:body><office:{element}>'
        f"{inside}</office:{element}></office:body></office:document-content>"
    )
    media = f"application/vnd.oasis.opendocument.{kind}"
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    return zipped(
        {"mimetype": media.encode(), "content.xml": content.encode(), "META-INF/manifest.xml": manifest.encode()}
    )


def epub(text: str, doctype: str = "") -> bytes:
    """An e-book of one chapter."""
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
        '<rootfile full-path="a.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    opf = (
        f'<?xml version="1.0"?>{doctype}<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><manifest>'
        '<item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="c"/></spine></package>'
    )
    chapter = (
        f'<?xml version="1.0"?>{doctype}<html xmlns="http://www.w3.org/1999/xhtml"><body><p>{text}</p></body></html>'
    )
    return zipped(
        {
            "mimetype": b"application/epub+zip",
            "META-INF/container.xml": container.encode(),
            "a.opf": opf.encode(),
            "c.xhtml": chapter.encode(),
        }
    )


def pptx(text: str, doctype: str = "") -> bytes:
    """A presentation of one slide, as little as a reader needs."""
    p = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
    a = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    r = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    shape = f"<p:sp><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    slide = f'<?xml version="1.0"?>{doctype}<p:sld {p} {a}><p:cSld><p:spTree>{shape}</p:spTree></p:cSld></p:sld>'
    deck = f'<p:presentation {p} {r}><p:sldIdLst><p:sldId id="256" r:id="rId1"/></p:sldIdLst></p:presentation>'
    relations = _relations({"rId1": ("slide", "slides/slide1.xml")})
    parts = {
        "ppt/presentation.xml": deck.encode(),
        "ppt/_rels/presentation.xml.rels": relations.encode(),
        "ppt/slides/slide1.xml": slide.encode(),
    }
    return _opc(parts, "ppt/presentation.xml", "officeDocument")


def xlsx(text: str, doctype: str = "") -> bytes:
    """A workbook of one cell."""
    s = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    r = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    cell = f'<row r="1"><c r="A1" t="inlineStr"><is><t>{text}</t></is></c></row>'
    sheet, head = '<sheet name="S" sheetId="1" r:id="rId1"/>', f'<?xml version="1.0"?>{doctype}'
    parts = {
        "xl/workbook.xml": f"<workbook {s} {r}><sheets>{sheet}</sheets></workbook>".encode(),
        "xl/_rels/workbook.xml.rels": _relations({"rId1": ("worksheet", "worksheets/sheet1.xml")}).encode(),
        "xl/worksheets/sheet1.xml": f"{head}<worksheet {s}><sheetData>{cell}</sheetData></worksheet>".encode(),
    }
    return _opc(parts, "xl/workbook.xml", "officeDocument")


MAKERS = {
    "docx": lambda text, doctype: docx(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>", doctype),
    "odt": lambda text, doctype: odt(f"<text:p>{text}</text:p>", doctype),
    "odp": lambda text, doctype: odt(
        f'<draw:page draw:name="a"><draw:frame><draw:text-box><text:p>{text}</text:p></draw:text-box></draw:frame>'
        "</draw:page>",
        doctype,
        kind="presentation",
    ),
    "ods": lambda text, doctype: odt(
        f'<table:table table:name="S"><table:table-row><table:table-cell office:value-type="string"><text:p>{text}'
        "</text:p>"
        "</table:table-cell></table:table-row></table:table>",
        doctype,
        kind="spreadsheet",
    ),
    "epub": epub,
    "pptx": pptx,
    "xlsx": xlsx,
}


def _opc(parts: dict[str, bytes], main: str, kind: str) -> bytes:
    relations = _relations({"rId1": (kind, main)})
    return zipped({"[Content_Types].xml": _TYPES.encode(), "_rels/.rels": relations.encode(), **parts})


def _relations(targets: dict[str, tuple[str, str]]) -> str:
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    inside = "".join(f'<Relationship Id="{i}" Type="{base}/{k}" Target="{t}"/>' for i, (k, t) in targets.items())
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inside}</Relationships>'
    )


def _deep(start: str, end: str, depth: int) -> str:
    return start * depth + end * depth


def _emptied(ending: str) -> bytes:
    main = {"docx": "word/document.xml", "pptx": "ppt/presentation.xml", "xlsx": "xl/workbook.xml"}
    if ending in main:
        return _opc({main[ending]: b""}, main[ending], "officeDocument")
    media = {"odt": "vnd.oasis.opendocument.text", "odp": "vnd.oasis.opendocument.presentation"}
    media |= {"ods": "vnd.oasis.opendocument.spreadsheet", "epub": "epub+zip"}
    inside = "META-INF/container.xml" if ending == "epub" else "content.xml"
    return zipped({"mimetype": f"application/{media[ending]}".encode(), inside: b""})


def _repeated(attribute: str) -> bytes:
    """A cell, or a row, that says it stands there two thousand million times."""
    of_cell = f'table:{attribute}="2000000000"' if "column" in attribute else ""
    of_row = f'table:{attribute}="2000000000"' if "row" in attribute else ""
    cell = f'<table:table-cell {of_cell} office:value-type="string"><text:p>x</text:p></table:table-cell>'
    return odt(
        f'<table:table table:name="S"><table:table-row {of_row}>{cell}</table:table-row></table:table>',
        kind="spreadsheet",
    )


def _remote() -> bytes:
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate" '
        'Target="http://127.0.0.1:9/evil.dotm" TargetMode="External"/></Relationships>'
    )
    document = f"<w:document {_W}><w:body><w:p><w:r><w:t>plain</w:t></w:r></w:p></w:body></w:document>"
    parts = {"word/document.xml": document.encode(), "word/_rels/settings.xml.rels": relations.encode()}
    return _opc(parts, "word/document.xml", "officeDocument")
