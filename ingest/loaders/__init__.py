"""One file a format. Loaders import their engines, so each is imported only when its format is met."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version

from ingest import media
from ingest.protocols import Loaded, Loader, LoadEvent
from rag.errors import UnsupportedType
from rag.types import Block, Document, Page

RECIPES = {  # media type → (package that does the work, "" if it is ours; our own version of what is made of it)
    media.PDF: ("pypdfium2", 1),
    media.HTML: ("trafilatura", 1),
    media.MARKDOWN: ("markdown-it-py", 1),
    media.TEXT: ("", 1),
}


def loader_for(media_type: str) -> Loader:
    """The loader of a media type that `ingest.media.detect` gives.

    Raises:
        UnsupportedType: any other type.
    """
    match media_type:
        case media.PDF:
            from ingest.loaders.pdf import PdfLoader

            return PdfLoader()
        case media.HTML:
            from ingest.loaders.html import HtmlLoader

            return HtmlLoader()
        case media.MARKDOWN:
            from ingest.loaders.markdown import MarkdownLoader

            return MarkdownLoader()
        case media.TEXT:
            from ingest.loaders.text import TextLoader

            return TextLoader()
        case _:
            raise UnsupportedType("Files of this kind are not supported.", hint=media.READABLE)


def recipe(media_type: str) -> str:
    """Name and version of what extracts the text: when it differs from what is stored, the text may be stale."""
    package, revision = RECIPES[media_type]
    return f"{package} {version(package)} r{revision}" if package else f"footnote r{revision}"


def assemble(events: Iterable[LoadEvent]) -> Document:
    """The whole document from a loader's events."""
    texts: list[str] = []
    pages: list[Page] = []
    blocks: list[Block] = []
    head = Loaded(title="")
    for event in events:
        if isinstance(event, Loaded):
            head = event
            continue
        texts.append(event.text)
        blocks += event.blocks
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
    )
