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
