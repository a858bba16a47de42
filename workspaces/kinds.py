"""Types of documents as a person tells them apart, for filters: "pdf", "mail", "presentation"."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ingest import media

KINDS: Mapping[str, frozenset[str]] = {
    "pdf": frozenset({media.PDF}),
    "document": frozenset({media.DOCX, media.ODT, media.RTF, media.DOC}),
    "presentation": frozenset({media.PPTX, media.ODP, media.PPT}),
    "spreadsheet": frozenset({media.XLSX, media.ODS, media.XLS, media.CSV, media.TSV}),
    "mail": frozenset({media.EML, media.MSG, media.MBOX}),
    "web": frozenset({media.HTML, media.MHTML}),
    "book": frozenset({media.EPUB}),
    "text": frozenset({media.TEXT, media.MARKDOWN, media.RST, media.ASCIIDOC, media.ORG, media.LATEX, media.LOG}),
    "picture": frozenset(media.IMAGES),
    "code": frozenset({media.CODE}),
    "data": frozenset({media.JSON, media.XML, media.YAML}),
    "archive": frozenset({media.ZIP}),
}
"""Name → media types; every type that can be read is in one of them."""

GROUPS: Mapping[str, tuple[str, ...]] = {"office": ("document", "presentation", "spreadsheet")}
"""What people say for several."""

_OF = {media_type: name for name, types in KINDS.items() for media_type in types}


def kind_of(media_type: str) -> str:
    """The kind of a media type; "" where there is none, as for what has not been read yet."""
    return _OF.get(media_type, "")


def media_types(kinds: Collection[str]) -> frozenset[str]:
    """The media types of some kinds; unknown names have none."""
    single = [name for kind in kinds for name in GROUPS.get(kind, (kind,))]
    return frozenset(media_type for name in single for media_type in KINDS.get(name, ()))
