"""Mails and archives made for tests."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from email.message import EmailMessage


def mail(
    text: str = "The valve opens at 12 bar.",
    *,
    subject: str = "Valves",
    sender: str = "Anna Example <anna@example.com>",
    html: str | None = None,
    attachments: Mapping[str, bytes] | None = None,
) -> bytes:
    """A mail as programs send it; the same bytes for the same arguments."""
    made = EmailMessage()
    made["Subject"] = subject
    made["From"] = sender
    made["To"] = "Bert Example <bert@example.com>"
    made["Date"] = "Sun, 01 Mar 2026 10:15:00 +0100"
    made.set_content(text)
    if html is not None:
        made.add_alternative(html, subtype="html")
    for name, data in (attachments or {}).items():
        made.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    for number, part in enumerate(made.walk()):
        if part.is_multipart():
            part.set_boundary(f"=-part-{number}")  # else one is drawn by chance
    return made.as_bytes()


def archive(files: Mapping[str, bytes | str], *, packed: bool = True) -> bytes:
    """A ZIP of these files; the same bytes for the same arguments."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as made:
        for name, data in files.items():
            made.writestr(zipfile.ZipInfo(name, (2026, 3, 1, 10, 15, 0)), data, compress_type=made.compression)
    return out.getvalue()


def book(
    chapters: Mapping[str, str],
    *,
    contents: str = "",
    metadata: str = "",
    items: str = "",
    more: Mapping[str, bytes | str] | None = None,
) -> bytes:
    """An EPUB 3 of these chapters (member of OEBPS/ → body) in this order.

    Args:
        chapters: what stands in the body of each, or a whole part that begins with "<?xml" or "<!DOCTYPE".
        contents: list items of the table of contents.
        metadata: elements after title, author, language and date.
        items: elements of the manifest.
        more: other members.
    """
    listed = "".join(
        f'<item id="i{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(chapters)
    )
    order = "".join(f'<itemref idref="i{number}"/>' for number in range(len(chapters)))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        "<dc:title>The Book</dc:title><dc:creator>Anna Example</dc:creator><dc:language>de-DE</dc:language>"
        f'<dc:date>2020-01-02T00:00:00Z</dc:date>{metadata}</metadata><manifest><item id="nav" href="nav.xhtml" '
        f'properties="nav" media-type="application/xhtml+xml"/>{listed}{items}</manifest>'
        f'<spine toc="ncx"><itemref idref="nav"/>{order}</spine></package>'
    )
    return archive(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
            "OEBPS/book.opf": package,
            "OEBPS/nav.xhtml": _page(f"<nav><ol>{contents}</ol></nav>"),
            **{f"OEBPS/{name}": body if body[:2] in ("<?", "<!") else _page(body) for name, body in chapters.items()},
            **(more or {}),
        }
    )


def _page(body: str) -> str:
    return f'<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{body}</body></html>'
