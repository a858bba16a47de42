"""The parts of a MIME message: which of them are its body, which are files inside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as part_of
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from typing import BinaryIO

from ingest import media
from ingest.content import in_utf8
from ingest.loaders.inside import Inside
from ingest.loaders.mail_headers import addresses, decoded, decoded_text, field, sent_at
from ingest.loaders.mail_text import Body, Mail, html_bytes_body, joined, plain_body, preferred
from ingest.protocols import Embedded
from rag.errors import DamagedSource

SMALL_PICTURE = 50_000
"""Bytes. Pictures in a mail's text up to here are logos and buttons; larger ones may be screenshots."""
_SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})
_SEALED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_REFERENCE = re.compile(rb"""cid:([^"'\s>)]{1,300})""", re.IGNORECASE)
_PGP = "-----BEGIN PGP MESSAGE-----"
_ENDINGS = {media_type: extension for extension, media_type in reversed(list(media.EXTENSIONS.items()))}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part without parts."""

    part: Message
    alternative: int = 0
    """Leaves of the same number above 0 are forms of one text."""


@dataclass(slots=True)
class _Forms:
    """A text, plain and as HTML."""

    plain: list[Message] = part_of(default_factory=list)
    rich: list[Message] = part_of(default_factory=list)

    def body(self) -> Body:
        plain = joined([plain_body(decoded_text(_bytes(part), part.get_content_charset())) for part in self.plain])
        return preferred(plain, lambda: joined([_rich(part) for part in self.rich]))


def parse_message(file: BinaryIO) -> Message:
    """A message from its bytes, up to the end of the file.

    Raises:
        DamagedSource: its parts are nested beyond what can be followed.
    """
    try:
        return BytesParser(policy=compat32).parse(file)
    except RecursionError as error:
        raise DamagedSource(
            "The mail nests its parts too deeply to be read.", hint="Print it to PDF and add that."
        ) from error


def leaves_of(message: Message) -> list[Leaf]:
    """The parts that hold something, in reading order; iterative, because parts nest deeper than Python's stack."""
    found: list[Leaf] = []
    stack: list[tuple[Message, int]] = [(message, 0)]
    groups = 0
    while stack:
        part, group = stack.pop()
        inner = part.get_payload()
        if part.is_multipart() and isinstance(inner, list) and part.get_content_maintype() == "multipart":
            if part.get_content_subtype() == "alternative" and not group:
                groups += 1
                group = groups
            stack += [(child, group) for child in reversed(inner) if isinstance(child, Message)]
        else:
            found.append(Leaf(part, group))
    return found


def mail_of(message: Message, leaves: list[Leaf]) -> Mail:
    """What the message says."""
    body = _body(leaves)
    sealed = "" if body.text and not body.text.lstrip().startswith(_PGP) else _sealed(message, leaves, body)
    return Mail(
        subject=field(message, "Subject")[:1000],
        sender=addresses(message, "From") or addresses(message, "Sender"),
        to=addresses(message, "To"),
        cc=addresses(message, "Cc"),
        sent=sent_at(message),
        body=Body() if sealed else body,
        unread=sealed,
    )


def attached(leaves: list[Leaf], inside: Inside, *, folder: str = "") -> Iterator[Embedded]:
    """The files inside the message.

    Args:
        leaves: of the message.
        inside: keeps account of them.
        folder: what goes before their names, with "/" at its end.
    """
    shown = {name for leaf in leaves if _is(leaf.part, "text/html") for name in _REFERENCE.findall(_bytes(leaf.part))}
    for number, leaf in enumerate(leaves, 1):
        part = leaf.part
        kind = part.get_content_type()
        if _is_text(part):
            continue
        if kind in _SIGNATURES:
            inside.pass_over("signature")
        elif kind in _SEALED or _is_pgp(kind):
            inside.leave(folder + (_name(part) or "encrypted part"), "encrypted")
        elif kind == "message/rfc822":
            yield from _inner_message(part, inside, folder, number)
        elif kind.startswith("message/") or (kind == "text/calendar" and leaf.alternative):
            inside.pass_over("delivery report" if kind.startswith("message/") else "calendar entry of the same text")
        else:
            data = _bytes(part)
            reference = field(part, "Content-ID").strip("<>").encode("utf-8", "replace")
            if kind.startswith("image/") and reference in shown and len(data) <= SMALL_PICTURE:
                inside.pass_over("small picture in the text")
            else:
                yield from inside.offer(folder + (_name(part) or _made_up(kind, number)), data)


def _inner_message(part: Message, inside: Inside, folder: str, number: int) -> Iterator[Embedded]:
    inner = part.get_payload()
    message = inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], Message) else None
    name = _name(part) or (field(message, "Subject")[:80].replace("/", " ") if message else "")
    name = (name or f"message {number}").removesuffix(".eml") + ".eml"
    try:
        data = message.as_bytes(policy=compat32) if message else b""
    except (MessageError, LookupError, ValueError, TypeError, AttributeError, RecursionError):
        # the standard library's writer raises all of these on messages that its own reader accepts
        inside.leave(folder + name, "damaged")
        return
    yield from inside.offer(folder + name, data)


def _body(leaves: list[Leaf]) -> Body:
    texts: list[_Forms] = []
    last = 0
    for leaf in leaves:
        if not _is_text(leaf.part):
            continue
        if not (texts and leaf.alternative and leaf.alternative == last):
            texts.append(_Forms())
        last = leaf.alternative
        (texts[-1].rich if _is(leaf.part, "text/html") else texts[-1].plain).append(leaf.part)
    return joined([forms.body() for forms in texts])


def _rich(part: Message) -> Body:
    return html_bytes_body(in_utf8(_bytes(part), part.get_content_charset())[0])


def _sealed(message: Message, leaves: list[Leaf], body: Body) -> str:
    kinds = {message.get_content_type(), *(leaf.part.get_content_type() for leaf in leaves)}
    if kinds & _SEALED:
        signed = any(str(leaf.part.get_param("smime-type")).lower() == "signed-data" for leaf in leaves)
        return "wrapped in its S/MIME signature" if signed else "encrypted (S/MIME)"
    if body.text or any(map(_is_pgp, kinds)):
        return "encrypted (PGP)"
    return ""


def _is_pgp(kind: str) -> bool:
    return kind in ("application/pgp-encrypted", "multipart/encrypted")


def _is(part: Message, kind: str) -> bool:
    return part.get_content_type() == kind


def _is_text(part: Message) -> bool:
    """Whether a part is read as the body: text that is no file. What promises parts and has none is read as well."""
    kind = part.get_content_type()
    body = kind in ("text/plain", "text/html") or kind.startswith("multipart/")
    return body and part.get_content_disposition() != "attachment" and not _name(part)


def _bytes(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _name(part: Message) -> str:
    """The file name that a part carries (RFC 2231, or encoded words against the rules), "" where it has none."""
    try:
        found = part.get_filename("")
    except (ValueError, LookupError, TypeError):  # parameters that are broken beyond RFC 2231
        return ""
    return decoded(found)


def _made_up(kind: str, number: int) -> str:
    return f"attachment {number}{_ENDINGS.get(kind, '')}"
