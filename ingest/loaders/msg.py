"""A mail as Outlook saves it (.msg): read as any mail. Messages attached to it become mails (.eml) of their own."""

from __future__ import annotations

import io
from collections.abc import Iterator
from email.header import Header
from email.message import Message
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr
from pathlib import Path

import olefile

from ingest.content import in_utf8
from ingest.loaders.eml import head_of, refuse_sealed
from ingest.loaders.inside import Inside
from ingest.loaders.mail_headers import Address, addresses, sent_at
from ingest.loaders.mail_text import Body, Mail, html_body, html_bytes_body, plain_body, preferred, write_mail
from ingest.loaders.mime import SMALL_PICTURE, Leaf, attached, leaves_of, mail_of, parse_message
from ingest.loaders.msg_file import PART, Storage
from ingest.loaders.msg_rtf import rtf_body
from ingest.loaders.titles import clean
from ingest.protocols import Embedded, LoadEvent
from rag.errors import DamagedSource, EmptySource

_CLASS, _SUBJECT, _HEADERS, _BODY, _HTML, _RTF = 0x001A, 0x0037, 0x007D, 0x1000, 0x1013, 0x1009
_SENDER, _SENDER_ADDRESS, _SENDER_SMTP = 0x0C1A, 0x0C1F, 0x5D01
_SENT, _DELIVERED = 0x0039, 0x0E06
_SHOWN_NAME, _ADDRESS, _SMTP, _ROLE = 0x3001, 0x3003, 0x39FE, 0x0C15
_TO, _CC = 1, 2
_DATA, _METHOD, _LONG_NAME, _SHORT_NAME, _CONTENT_ID = 0x3701, 0x3705, 0x3707, 0x3704, 0x3712
"""Property tags ([MS-OXPROPS])."""
_OLE = 6
"""Attach method ([MS-OXCMSG], 2.2.2.9)."""
_START, _HEAD = 100, 4096
"""Bytes that are looked at."""
_DEEPEST = 8
"""Messages inside messages that are written out."""


class MsgLoader:
    """Reads one Outlook message; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource: no bytes.
            DamagedSource: not an Outlook message.
            PasswordNeeded, NoText: as for other mails.
        """
        with path.open("rb") as start:
            empty = not start.read(_HEAD).strip()
        if empty:
            raise EmptySource("The file holds no mail.", hint="Save the mail again and add the new file.")
        try:
            file = olefile.OleFileIO(path)
        except (OSError, ValueError, TypeError, IndexError, RecursionError) as error:  # its own errors, and its faults
            raise _damaged() from error
        with file:
            message = Storage(file)
            if not file.exists("__properties_version1.0"):
                raise _damaged()
            mail = _mail(message)
            refuse_sealed(mail)
            yield write_mail(mail)
            inside = Inside()
            yield from _attached(message, inside)
            yield head_of(mail, inside, title=title)


def _mail(message: Storage) -> Mail:
    header = parse_message(io.BytesIO(message.text(_HEADERS).encode("utf-8", "replace")))
    people = [
        (recipient.integer(_ROLE), _person(recipient, (_SHOWN_NAME,), (_SMTP, _ADDRESS)))
        for recipient in message.storages("__recip", PART)
    ]
    sender = _person(message, (_SENDER,), (_SENDER_SMTP, _SENDER_ADDRESS))
    kind = message.text(_CLASS).upper()
    sealed = "SMIME" in kind and "MULTIPARTSIGNED" not in kind
    return Mail(
        subject=_line(message, _SUBJECT)[:1000],
        sender=addresses(header, "From") or ((sender,) if sender.short else ()),
        to=tuple(person for role, person in people if role == _TO) or addresses(header, "To"),
        cc=tuple(person for role, person in people if role == _CC) or addresses(header, "Cc"),
        sent=sent_at(header) or message.moment(_SENT) or message.moment(_DELIVERED),
        body=Body() if sealed else _body(message),
        unread="encrypted (S/MIME)" if sealed else "",
    )


def _body(message: Storage) -> Body:
    def rich() -> Body:
        markup = _html(message)
        if not markup:
            return rtf_body(message.binary(_RTF))
        if isinstance(markup, str):
            return html_body(markup)
        return html_bytes_body(in_utf8(markup, message.charset())[0])

    body = preferred(plain_body(message.text(_BODY)), rich)
    signed = [] if body.text else _signed(message)
    return mail_of(Message(), signed).body if signed else body


def _html(message: Storage) -> bytes | str:
    return message.binary(_HTML) or message.text(_HTML)


def _signed(message: Storage) -> list[Leaf]:
    """The parts of a message that is stored with its signature, as one attachment."""
    for attachment in message.storages("__attach", PART):
        data = attachment.binary(_DATA)
        if data[:_START].lower().lstrip().startswith(b"content-type: multipart/signed"):
            return leaves_of(parse_message(io.BytesIO(data)))
    return []


def _attached(message: Storage, inside: Inside) -> Iterator[Embedded]:
    if signed := _signed(message):
        yield from attached(signed, inside)
        return
    html = _html(message)
    shown = html if isinstance(html, str) else html.decode("latin-1")
    for number, attachment in enumerate(message.storages("__attach", PART), 1):
        name, data = _file(attachment, number)
        content_id = attachment.text(_CONTENT_ID).strip("<>")
        if not data:
            inside.leave(name, "a link or an object of another program, not a file")
        elif content_id and f"cid:{content_id}" in shown and len(data) <= SMALL_PICTURE:
            inside.pass_over("small picture in the text")
        elif name.lower().endswith((".p7s", ".asc")) and len(data) <= SMALL_PICTURE:
            inside.pass_over("signature")
        else:
            yield from inside.offer(name, data)


def _file(attachment: Storage, number: int, *, depth: int = 0) -> tuple[str, bytes]:
    """Name and bytes of an attachment; b"" where it holds none."""
    name = _line(attachment, _LONG_NAME, _SHORT_NAME, _SHOWN_NAME) or f"attachment {number}"
    message = attachment.inner(_DATA)
    if message is None or attachment.integer(_METHOD) == _OLE or depth >= _DEEPEST:
        return name, attachment.binary(_DATA)
    return name.removesuffix(".msg").removesuffix(".eml") + ".eml", _as_eml(message, depth=depth + 1)


def _as_eml(message: Storage, *, depth: int) -> bytes:
    """A message inside a message as a mail: the same bytes for the same message."""
    mail = _mail(message)
    made = MIMEMultipart(boundary=f"=_part_{depth}_of_a_message")
    made["Subject"] = Header(mail.subject, "utf-8").encode()
    for name, people in (("From", mail.sender), ("To", mail.to), ("Cc", mail.cc)):
        if people:
            made[name] = ", ".join(formataddr((person.name, person.address)) for person in people)
    if mail.sent:
        made["Date"] = format_datetime(mail.sent)
    made.attach(MIMEText(mail.body.text, "plain", "utf-8"))
    for number, attachment in enumerate(message.storages("__attach", PART), 1):
        name, data = _file(attachment, number, depth=depth)
        part = MIMEApplication(data)
        part.add_header("Content-Disposition", "attachment", filename=("utf-8", "", name))
        made.attach(part)
    return made.as_bytes()


def _person(storage: Storage, names: tuple[int, ...], places: tuple[int, ...]) -> Address:
    """Name and address; addresses inside an Exchange server ("/O=…") tell nobody anything."""
    name = _line(storage, *names).strip("'\"")
    address = next((found for tag in places if "@" in (found := _line(storage, tag))), "")
    address = address.encode("ascii", "ignore").decode()
    return Address("" if name == address else name, address)


def _line(storage: Storage, *tags: int) -> str:
    """The first of these properties that says something, on one line."""
    return next((found for tag in tags if (found := clean(storage.text(tag)))), "")


def _damaged() -> DamagedSource:
    return DamagedSource(
        "The file is not an Outlook message, or it is damaged.", hint="Save the mail again and add the new file."
    )
