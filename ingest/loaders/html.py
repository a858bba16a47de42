"""Saved and fetched web pages: their main text (trafilatura) as plain text with blocks; hidden elements never enter.

lxml's HTML parser reads no external entities, expands none and opens no connection.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lxml.html
import trafilatura
from lxml import etree

from ingest.loaders.html_hidden import drop_unseen
from ingest.loaders.html_links import spell_out
from ingest.loaders.html_metadata import Metadata, read_metadata
from ingest.loaders.html_notices import SHORT, refuse_notices
from ingest.loaders.html_text import HtmlText, write_text
from ingest.loaders.text import decode
from ingest.loaders.titles import clean
from ingest.protocols import Loaded, LoadEvent, PageLoaded
from rag.errors import DamagedSource, EmptySource
from rag.types import HIDDEN_SAMPLE, Place, Report, Span

_DECLARED = re.compile(
    rb"""(?:<meta[^>]{0,200}?charset|<\?xml[^>]{0,100}?encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
_DECLARATION_BYTES = 4096
_SUPERSETS = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
"""What browsers read under these names (WHATWG Encoding Standard, section 4.2)."""
_NOT_BY_DECLARATION = frozenset({"utf-7", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"})
"""A declaration that could be read as ASCII cannot be in these."""

_SHARE_WORTH_A_NOTE = 0.6


class HtmlLoader:
    """Reads one HTML file; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource: no markup at all.
            DamagedSource: nested too deeply, or its bytes do not fit its encoding.
            NoText: a sign-in page, a robot check, a question about cookies, a page made by scripts, or nothing to read.
        """
        yield from read_page(decode_markup(path.read_bytes()), title=title)


def read_page(markup: str, *, title: str | None) -> Iterator[PageLoaded | Loaded]:
    """The main text of a page and what it says of itself. Raises as `HtmlLoader.load` does."""
    tree = parse_markup(markup)
    metadata = read_metadata(tree)
    script_note = " ".join(element.text_content() for element in tree.iter("noscript"))
    hidden = drop_unseen(tree)
    _keep_captions(tree)
    visible = write_text(tree)
    extracted = trafilatura.bare_extraction(
        tree, with_metadata=True, include_comments=False, include_tables=True, include_links=True, favor_recall=True
    )
    if extracted is not None and extracted.body is not None:
        spell_out(extracted.body, own=metadata.host)
    main = _main_text(extracted, visible)
    refuse_notices(main.text, script_note, tree)
    yield PageLoaded(main.text, main.blocks, places=(Place("paragraphs", Span(0, len(main.text))),))
    share = len(main.text) / len(visible.text) if visible.text else 1.0
    report = Report(
        tables=sum(block.kind == "table" for block in main.blocks),
        hidden_characters=sum(map(len, hidden)),
        hidden_sample=" ".join(hidden[:HIDDEN_SAMPLE])[:HIDDEN_SAMPLE],
    )
    yield _head(metadata, extracted, title or "", report=report, share=share)


def decode_markup(data: bytes) -> str:
    """Text of an HTML file: by byte order mark, by its own declaration, as UTF-8, else by the likeliest encoding.

    Raises:
        EmptySource, DamagedSource
    """
    if not data.strip():
        raise EmptySource("The file holds nothing.", hint="Save the page again and add the new file.")
    marked = data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    declared = None if marked else _DECLARED.search(data[:_DECLARATION_BYTES])
    if declared:
        try:
            name = codecs.lookup(declared.group(1).decode("ascii")).name
            if name not in _NOT_BY_DECLARATION:
                return data.decode(_SUPERSETS.get(name, name))
        except (LookupError, ValueError):  # unknown, no text encoding, or simply wrong: look at the bytes
            pass
    return decode(data)[0]


def parse_markup(markup: str) -> Any:
    """The element tree of a page.

    Raises:
        EmptySource: no elements.
        DamagedSource: nested too deeply.
    """
    data = markup.encode("utf-8", "replace")
    try:
        for huge in (False, True):  # libxml2 reads 256 levels, else 2048; the rest it would leave out in silence
            parser = lxml.html.HTMLParser(
                encoding="utf-8", no_network=True, huge_tree=huge, remove_comments=True, remove_pis=True
            )
            tree = lxml.html.document_fromstring(data, parser=parser)
            if not any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
                return tree
    except etree.ParserError as error:
        raise EmptySource("The page is empty.", hint="Save the page again and add the new file.") from error
    raise DamagedSource("The page nests its elements too deeply to be read.", hint="Save it as PDF and add that.")


def _keep_captions(tree: Any) -> None:
    """Trafilatura leaves figures out as a whole; their captions are text."""
    for element in tree.iter("figure", "figcaption"):
        element.tag = "div" if element.tag == "figure" else "p"


def _main_text(extracted: Any, visible: HtmlText) -> HtmlText:
    """Trafilatura's main text; all visible text where that finds next to nothing in a page that has more."""
    main = write_text(extracted.body) if extracted is not None and extracted.body is not None else HtmlText("", ())
    return visible if len(main.text) < SHORT and len(visible.text) > 2 * len(main.text) else main


def _head(found: Metadata, extracted: Any, title: str, *, report: Report, share: float) -> Loaded:
    given = clean(found.title or getattr(extracted, "title", None) or found.html_title)
    return Loaded(
        title=title or given[:200],
        language=found.language,
        author=clean(found.author or getattr(extracted, "author", None) or "")[:200] or None,
        date=found.date or clean(getattr(extracted, "date", None) or "") or None,
        notes=("Main text only: menus and the like are left out",) if share < _SHARE_WORTH_A_NOTE else (),
        report=report,
    )
