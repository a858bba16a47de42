"""Office documents made for tests, from the XML that matters to the test."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_WORD_NAMES = (
    f'xmlns:w="{_W}" xmlns:r="{_R}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
)
_CORE = (
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">{}</cp:coreProperties>'
)
STYLES = """
<w:docDefaults><w:rPrDefault><w:rPr><w:sz w:val="22"/></w:rPr></w:rPrDefault></w:docDefaults>
<w:style w:type="paragraph" w:default="1" w:styleId="Standard"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/><w:basedOn w:val="Standard"/></w:style>
<w:style w:type="paragraph" w:styleId="H2"><w:name w:val="Überschrift 2"/></w:style>
<w:style w:type="paragraph" w:styleId="Eigene"><w:name w:val="Eigene"/><w:basedOn w:val="H2"/></w:style>
<w:style w:type="paragraph" w:styleId="Gliederung"><w:name w:val="Teil"/>
<w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Titel"><w:name w:val="Title"/></w:style>
<w:style w:type="character" w:styleId="Geheim"><w:name w:val="Geheim"/><w:rPr><w:vanish/></w:rPr></w:style>
<w:style w:type="table" w:styleId="Raster"><w:name w:val="Grid"/><w:tblStylePr w:type="firstRow"><w:tcPr>
<w:shd w:val="clear" w:fill="1F3864"/></w:tcPr></w:tblStylePr></w:style>
"""
NUMBERING = """
<w:abstractNum w:abstractNumId="7">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="§ %1"/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1.%2"/></w:lvl>
<w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%3)"/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId="8">
<w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val=""/></w:lvl></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="8"/></w:num>
"""


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """A ZIP file of these members, the first one stored as it is."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, data) in enumerate(parts.items()):
            archive.writestr(name, data, zipfile.ZIP_STORED if not number else zipfile.ZIP_DEFLATED)
    return out.getvalue()


def paragraph(text: str, *, style: str = "", properties: str = "", run: str = "") -> str:
    """A paragraph of a Word document with one run."""
    style = f'<w:pStyle w:val="{style}"/>' if style else ""
    look = f"<w:rPr>{run}</w:rPr>" if run else ""
    return f"<w:p><w:pPr>{style}{properties}</w:pPr><w:r>{look}<w:t>{text}</w:t></w:r></w:p>"


def item(text: str, depth: int = 0, *, list_id: int = 1) -> str:
    """A paragraph in a list."""
    return paragraph(text, properties=f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{list_id}"/></w:numPr>')


def cell(content: str, properties: str = "") -> str:
    """A cell of a Word table; plain text becomes a paragraph."""
    inner = content if content.startswith("<") else paragraph(content)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inner}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    """A row of cells or texts."""
    made = "".join(each if each.startswith("<w:tc>") else cell(each) for each in cells)
    return f"<w:tr><w:trPr>{properties}</w:trPr>{made}</w:tr>"


def table(*rows: str, properties: str = "") -> str:
    """A Word table."""
    return f"<w:tbl><w:tblPr>{properties}</w:tblPr>{''.join(rows)}</w:tbl>"


def relations(entries: Mapping[str, tuple[str, str]]) -> str:
    """A part of relationships: id → (last word of the type, target); addresses are outside."""
    made = "".join(
        f'<Relationship Id="{name}" Type="{_R}/{kind}" Target="{target}"'
        f"{' TargetMode=' + chr(34) + 'External' + chr(34) if ':' in target else ''}/>"
        for name, (kind, target) in entries.items()
    )
    return f'<Relationships xmlns="{_RELATIONS}">{made}</Relationships>'


def docx(
    body: str,
    *,
    core: str = "",
    links: Mapping[str, tuple[str, str]] | None = None,
    others: Mapping[str, str | bytes] | None = None,
    prolog: str = "",
) -> bytes:
    """A Word document; `others` are notes parts ("footnotes": inner XML) or whole members (names with a slash)."""
    parts: dict[str, str | bytes] = {"[Content_Types].xml": "<Types/>"}
    parts["_rels/.rels"] = relations({"r1": ("officeDocument", "word/document.xml"), "r2": ("x", "docProps/core.xml")})
    parts["docProps/core.xml"] = _CORE.format(core)
    wrapped = {"styles": STYLES, "numbering": NUMBERING, **{k: v for k, v in (others or {}).items() if "/" not in k}}
    known = {f"p{number}": (kind, f"{kind}.xml") for number, kind in enumerate(wrapped)}
    parts["word/_rels/document.xml.rels"] = relations({**known, **(links or {})})
    for kind, inner in wrapped.items():
        parts[f"word/{kind}.xml"] = f"<w:{kind} {_WORD_NAMES}>{inner!s}</w:{kind}>"
    parts |= {name: data for name, data in (others or {}).items() if "/" in name}
    parts["word/document.xml"] = f"{prolog}<w:document {_WORD_NAMES}><w:body>{body}</w:body></w:document>"
    return zipped(parts)


ODF_NAMES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("draw", "drawing"),
        ("style", "style"),
        ("presentation", "presentation"),
        ("svg", "svg-compatible"),
        ("fo", "xsl-fo-compatible"),
        ("meta", "meta"),
        ("manifest", "manifest"),
    )
)
ODF_NAMES += ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"'


def odf(
    body: str,
    *,
    kind: str = "text",
    styles: str = "",
    meta: str = "",
    manifest: str = "",
    others: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """An OpenDocument file: inner XML of office:text or office:presentation, automatic styles, metadata."""
    content = (
        f"<office:document-content {ODF_NAMES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    return zipped(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "META-INF/manifest.xml": f"<manifest:manifest {ODF_NAMES}>{manifest}</manifest:manifest>",
            "meta.xml": f"<office:document-meta {ODF_NAMES}><office:meta>{meta}</office:meta></office:document-meta>",
            **(others or {}),
            "content.xml": content,
        }
    )


_PPT_NAMES = (
    f'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:r="{_R}" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
)
SLIDE_SIZE = (9144000, 6858000)
"""Width and height of the slides made here."""


def shape(
    *paragraphs: str,
    place: str = "",
    box: tuple[int, int, int, int] | None = None,
    hidden: bool = False,
    fill: str = "",
) -> str:
    """A shape of a slide; `place` is the type of its placeholder ("title", "body"), paragraphs are text or <a:p>."""
    made = "".join(p if p.startswith("<") else f"<a:p><a:r><a:t>{p}</a:t></a:r></a:p>" for p in paragraphs)
    holder = f'<p:ph type="{place}"/>' if place else ""
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="1" name="x"{" hidden=" + chr(34) + "1" + chr(34) if hidden else ""}/>'
        f"<p:nvPr>{holder}</p:nvPr></p:nvSpPr><p:spPr>{transform(box)}{fill}</p:spPr>"
        f"<p:txBody>{made}</p:txBody></p:sp>"
    )


def transform(box: tuple[int, int, int, int] | None) -> str:
    """Where a shape stands: left, top, width, height."""
    if box is None:
        return ""
    left, top, width, height = box
    return f'<a:xfrm><a:off x="{left}" y="{top}"/><a:ext cx="{width}" cy="{height}"/></a:xfrm>'


def pptx(
    *slides: str,
    attributes: Mapping[int, str] | None = None,
    links: Mapping[int, Mapping[str, tuple[str, str]]] | None = None,
    others: Mapping[str, str] | None = None,
) -> bytes:
    """A presentation: shapes of each slide, attributes and relationships by the number of the slide, more members."""
    numbers = range(1, len(slides) + 1)
    listed = "".join(f'<p:sldId id="{number + 255}" r:id="s{number}"/>' for number in numbers)
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relations({"r1": ("officeDocument", "ppt/presentation.xml")}),
        "ppt/presentation.xml": (
            f"<p:presentation {_PPT_NAMES}><p:sldIdLst>{listed}</p:sldIdLst>"
            f'<p:sldSz cx="{SLIDE_SIZE[0]}" cy="{SLIDE_SIZE[1]}"/></p:presentation>'
        ),
        "ppt/_rels/presentation.xml.rels": relations(
            {f"s{number}": ("slide", f"slides/slide{number}.xml") for number in numbers}
            | {"authors": ("commentAuthors", "commentAuthors.xml")}
        ),
    }
    for number, shapes in zip(numbers, slides, strict=True):
        more = (attributes or {}).get(number, "")
        tree = f"<p:cSld><p:spTree>{shapes}</p:spTree></p:cSld>"
        parts[f"ppt/slides/slide{number}.xml"] = f"<p:sld {_PPT_NAMES} {more}>{tree}</p:sld>"
        parts[f"ppt/slides/_rels/slide{number}.xml.rels"] = relations((links or {}).get(number, {}))
    for name, inner in (others or {}).items():
        if name.endswith(".rels"):
            parts[name] = inner
            continue
        root = "p:part" if inner.startswith("<p:") else "c:chartSpace" if "chart" in name else "dgm:dataModel"
        parts[name] = f"<{root} {_PPT_NAMES}>{inner}</{root}>"
    return zipped(parts)
