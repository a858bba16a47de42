"""How a mail reads as text, whatever file it came in: subject, the header lines a person cares about, body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ingest.layout import text_blocks
from ingest.loaders.html import decode_markup, parse_markup
from ingest.loaders.html_hidden import drop_unseen
from ingest.loaders.html_text import UNSTORABLE, HtmlText, write_text
from ingest.loaders.mail_headers import Address, listed
from ingest.protocols import PageLoaded
from rag.errors import SourceError
from rag.types import Block, Place, Span

_PLACE_CHARACTERS = 80
"""As much of a place's name as is shown (rag/places.py)."""
_SHORTEST_SUBJECT = 24
_LONGEST_SENDER = 30
_PLACEHOLDER = 300
"""A plain body shorter than this beside a much longer HTML body only says that there is one."""
_MUCH_LONGER = 3


@dataclass(frozen=True, slots=True)
class Body:
    """What a mail says; spans of its blocks index its own text. `hidden` is what a reader does not see."""

    text: str = ""
    blocks: tuple[Block, ...] = ()
    hidden: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it is read."""

    subject: str
    sender: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    sent: datetime | None
    body: Body
    unread: str = ""
    """Why its body cannot be read ("encrypted (PGP)"), "" where it can."""

    @property
    def author(self) -> str:
        """Who wrote it, "" where that is not said."""
        return self.sender[0].short if self.sender else ""

    @property
    def day(self) -> str:
        """The day it was sent (ISO 8601), "" where that is not said."""
        return self.sent.date().isoformat() if self.sent else ""

    @property
    def label(self) -> str:
        """Subject, sender and date, no longer than places are shown."""
        sender = f"from {_cut(self.author, _LONGEST_SENDER)}" if self.author else ""
        rest = "".join(f", {part}" for part in (sender, self.day) if part)
        return _cut(self.subject or "Mail", max(_SHORTEST_SUBJECT, _PLACE_CHARACTERS - len(rest))) + rest


def write_mail(mail: Mail, *, start: int = 0, number: int = 1, total: int = 1) -> PageLoaded:
    """The mail as the next piece of a document.

    Args:
        start: length of the document's text so far.
        number: of the message in its file, from 1.
        total: pieces of the document.
    """
    heading = mail.subject or mail.label
    fields = "\n".join(f"{name}: {value}" for name, value in _fields(mail) if value)
    head = f"{heading}\n{fields}" if fields else heading
    blocks = [Block("heading", Span(start, start + len(heading)), 1)]
    if fields:
        blocks.append(Block("paragraph", Span(start + len(heading) + 1, start + len(head))))
    text = f"{head}\n\n{mail.body.text}" if mail.body.text else head
    shift = start + len(head) + 2
    for block in mail.body.blocks:
        level = min(block.level + 1, 6) if block.kind == "heading" else block.level
        blocks.append(Block(block.kind, Span(block.span.start + shift, block.span.end + shift), level))
    place = Place("message", Span(start, start + len(text)), name=mail.label, number=number)
    return PageLoaded(text=text + "\n\n", blocks=tuple(blocks), places=(place,), total=total)


def plain_body(text: str) -> Body:
    """A plain text body, quoted replies and all."""
    text = UNSTORABLE.sub("", text).strip("\n").rstrip()
    return Body(text, text_blocks(text))


def html_body(markup: str) -> Body:
    """The visible text of an HTML body."""
    try:
        tree = parse_markup(markup)
    except SourceError:  # no element in it, or nested beyond reading: the rest of the mail still counts
        return Body()
    hidden = " ".join(drop_unseen(tree))
    written: HtmlText = write_text(tree)
    return Body(written.text, written.blocks, hidden)


def html_bytes_body(data: bytes) -> Body:
    """As `html_body`, from bytes that are UTF-8 or declare their charset."""
    try:
        return html_body(decode_markup(data))
    except SourceError:  # white space only
        return Body()


def preferred(plain: Body, rich: Callable[[], Body]) -> Body:
    """Of two forms of one body the plain one, unless it only stands for the other."""
    if len(plain.text) >= _PLACEHOLDER:
        return plain
    other = rich()
    return other if len(other.text) > _MUCH_LONGER * len(plain.text) else plain


def joined(bodies: list[Body]) -> Body:
    """Several parts of one body, in order."""
    texts: list[str] = []
    blocks: list[Block] = []
    start = 0
    for body in bodies:
        if not body.text:
            continue
        blocks += [Block(b.kind, Span(b.span.start + start, b.span.end + start), b.level) for b in body.blocks]
        texts.append(body.text)
        start += len(body.text) + 2
    return Body("\n\n".join(texts), tuple(blocks), " ".join(body.hidden for body in bodies if body.hidden))


def _fields(mail: Mail) -> tuple[tuple[str, str], ...]:
    sent = mail.sent.strftime("%Y-%m-%d %H:%M %z").rstrip() if mail.sent else ""
    return ("From", listed(mail.sender)), ("To", listed(mail.to)), ("Cc", listed(mail.cc)), ("Date", sent)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
