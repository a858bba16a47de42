"""One file a format. Loaders import their engines, so each is imported only when its format is met."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ingest import media
from ingest.protocols import Loaded, Loader, LoadEvent, PageLoaded
from rag.errors import UnsupportedType
from rag.types import Block, Document, Page, Place

_LOADERS: Mapping[str, tuple[str, str, str, int]] = {
    # media type → (module, class, package that does the work or "" if it is ours, our own version of what is made)
    media.HTML: ("html", "HtmlLoader", "trafilatura", 2),
    media.MARKDOWN: ("markdown", "MarkdownLoader", "markdown-it-py", 2),
    media.TEXT: ("text", "TextLoader", "", 2),
    media.RST: ("rst", "RstLoader", "", 1),
    media.ASCIIDOC: ("asciidoc", "AsciidocLoader", "", 1),
    media.ORG: ("org", "OrgLoader", "", 1),
    media.LATEX: ("latex", "LatexLoader", "", 1),
    media.CODE: ("code", "CodeLoader", "", 1),
    media.JSON: ("json_text", "JsonLoader", "", 1),
    media.XML: ("xml_text", "XmlLoader", "", 1),
    media.YAML: ("yaml_text", "YamlLoader", "", 1),
    media.LOG: ("logs", "LogLoader", "", 1),
    media.DOCX: ("docx", "DocxLoader", "", 2),
    media.ODT: ("odt", "OdtLoader", "", 2),
    media.RTF: ("rtf", "RtfLoader", "", 1),
    media.PPTX: ("pptx", "PptxLoader", "", 2),
    media.ODP: ("odp", "OdpLoader", "", 2),
    media.XLSX: ("sheets", "SheetLoader", "python-calamine", 2),
    media.XLS: ("sheets", "SheetLoader", "python-calamine", 1),
    media.ODS: ("sheets", "SheetLoader", "python-calamine", 2),
    media.CSV: ("separated", "SeparatedLoader", "", 1),
    media.TSV: ("separated", "SeparatedLoader", "", 1),
    media.PDF: ("pdf", "PdfLoader", "pypdfium2", 4),
    **dict.fromkeys(media.IMAGES, ("image", "ImageLoader", "pillow", 1)),
    media.EML: ("eml", "EmlLoader", "", 1),
    media.MBOX: ("mbox", "MboxLoader", "", 1),
    media.MSG: ("msg", "MsgLoader", "olefile", 1),
    media.MHTML: ("mhtml", "MhtmlLoader", "trafilatura", 1),
    media.EPUB: ("epub", "EpubLoader", "", 1),
    media.ZIP: ("zip", "ZipLoader", "", 1),
}
READABLE = frozenset(_LOADERS)
"""Media types that have a loader."""
PICTURED = media.IMAGES | {media.PDF}
"""Those whose text may have to be recognised in pictures."""


def loader_for(
    media_type: str,
    *,
    password: str | None = None,
    known: Mapping[str, bytes] | None = None,
    memory: bytes = b"",
    fingerprints: Callable[[Path], Sequence[bytes]] | None = None,
) -> Loader:
    """The loader of a media type that `ingest.media.detect` gives.

    Args:
        password: of a PDF.
        known: readings of the pictures in it from before (see ingest/ocr/readings.py).
        memory: what was remembered of a PDF's former version (see `ingest.protocols.Remembered`).
        fingerprints: tells them of its pages, where it has to be guarded.

    Raises:
        UnsupportedType: any other type.
    """
    if media_type not in _LOADERS:
        raise UnsupportedType("Files of this kind are not supported.", hint=media.READABLE)
    module, name, _, _ = _LOADERS[media_type]
    make = getattr(import_module(f"ingest.loaders.{module}"), name)
    options: dict[str, Any] = {"known": known} if media_type in PICTURED else {}
    if media_type == media.PDF:
        options |= {"password": password, "memory": memory, "fingerprints": fingerprints}
    loader: Loader = make(**options)
    return loader


def recipe(media_type: str) -> str:
    """Name and version of what extracts the text: when it differs from what is stored, the text may be stale."""
    _, _, package, revision = _LOADERS[media_type]
    return f"{package} {version(package)} r{revision}" if package else f"footnote r{revision}"


def assemble(events: Iterable[LoadEvent]) -> Document:
    """The whole document from a loader's events; all else that they tell is passed over."""
    texts: list[str] = []
    pages: list[Page] = []
    blocks: list[Block] = []
    places: list[Place] = []
    head = Loaded(title="")
    for event in events:
        if isinstance(event, Loaded):
            head = event
        elif isinstance(event, PageLoaded):
            texts.append(event.text)
            blocks += event.blocks
            places += event.places
            if event.page:
                pages.append(event.page)
    return Document(
        text="".join(texts),
        title=head.title,
        language=head.language,
        pages=tuple(pages),
        blocks=tuple(blocks),
        author=head.author,
        date=head.date,
        notes=head.notes,
        places=tuple(places),
        report=head.report,
    )
