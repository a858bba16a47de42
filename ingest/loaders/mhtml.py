"""A web page saved as one file (.mht, .mhtml): its main part read as any page; pictures and styles are left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from pathlib import Path

from ingest.content import in_utf8
from ingest.loaders.html import decode_markup, read_page
from ingest.loaders.mail_headers import field, sent_at
from ingest.loaders.mime import leaves_of, parse_message
from ingest.protocols import Loaded, LoadEvent
from rag.errors import DamagedSource, EmptySource

_PAGES = ("text/html", "application/xhtml+xml")
_LONGEST_ADDRESS = 300


class MhtmlLoader:
    """Reads one saved page; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource: nothing but white space.
            DamagedSource: there is no page in it.
            NoText: as for web pages.
        """
        with path.open("rb") as file:
            message = parse_message(file)
        if not message.keys() and not str(message.get_payload()).strip():
            raise EmptySource("The file holds no page.", hint="Save the page again and add the new file.")
        main = _main_part(message)
        data = main.get_payload(decode=True)
        data = data if isinstance(data, bytes) else b""
        markup = decode_markup(in_utf8(data, main.get_content_charset())[0])
        for event in read_page(markup, title=title or None):
            yield _told(event, message, main) if isinstance(event, Loaded) else event


def _main_part(message: Message) -> Message:
    """The part that `start` names (RFC 2387), else the one at the page's own address, else the first page."""
    pages = [leaf.part for leaf in leaves_of(message) if leaf.part.get_content_type() in _PAGES]
    if not pages:
        raise DamagedSource("There is no page in the file.", hint="Save the page again and add the new file.")
    start = str(message.get_param("start") or "").strip()
    address = field(message, "Snapshot-Content-Location")
    named = [page for page in pages if start and field(page, "Content-ID") == start]
    placed = [page for page in pages if address and field(page, "Content-Location") == address]
    return (named or placed or pages)[0]


def _told(head: Loaded, message: Message, main: Message) -> Loaded:
    address = (field(message, "Snapshot-Content-Location") or field(main, "Content-Location"))[:_LONGEST_ADDRESS]
    moment = sent_at(message)
    day = moment.date().isoformat() if moment else ""
    origin = (f" from {address}" if address.startswith(("http://", "https://")) else "") + (f" on {day}" if day else "")
    return replace(
        head,
        title=head.title or field(message, "Subject")[:200],
        date=head.date or day or None,
        notes=(*head.notes, f"Saved{origin}") if origin else head.notes,
    )
