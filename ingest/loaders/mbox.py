"""A mailbox (.mbox): its messages one after the other, each found again by subject, sender and date.

Messages are cut at "From " lines after a blank line and read one at a time (RFC 4155; `>From ` as in mboxrd), so that
memory does not grow with the mailbox.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from ingest.loaders.inside import Inside
from ingest.loaders.mail_text import Mail, write_mail
from ingest.loaders.mime import Leaf, attached, leaves_of, mail_of, parse_message
from ingest.protocols import Embedded, Loaded, LoadEvent, PageLoaded
from rag.errors import DamagedSource, EmptySource, SourceError
from rag.types import HIDDEN_SAMPLE

_LINE = 1 << 16
_LARGEST_MESSAGE = 150_000_000
"""Bytes; mail servers pass on a third of that. Reading one takes several times its size in memory."""
_MOST_PIECES = 10_000
"""A mailbox of more messages comes in pieces of several."""
_TIME = re.compile(rb"From \S.*\d:\d\d")
_FIELD = re.compile(rb"[\w-]+:")
_HEADERS = 1 << 18
"""Bytes in which the header of a message that is not read stands."""
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_FOLDER = 60


class MboxLoader:
    """Reads one mailbox; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource: nothing but white space.
            DamagedSource: not a mailbox.
        """
        inside = Inside()
        account = _Account()
        with path.open("rb") as file:
            starts = list(_starts(file))
            if not starts:
                raise _no_mailbox(file)
            per_piece = -(-len(starts) // _MOST_PIECES)
            total = -(-len(starts) // per_piece)
            ends = [*starts[1:], path.stat().st_size]
            pending: list[PageLoaded] = []
            for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
                mail, leaves = _read(file, start, end)
                account.add(mail)
                pending.append(write_mail(mail, start=account.length, number=number, total=total))
                account.length += len(pending[-1].text)
                if len(pending) == per_piece or number == len(starts):
                    yield _merged(pending)
                    pending.clear()
                yield from _attached(leaves, inside, mail, number)
        yield account.head(inside, title=title)


class _Account:
    """What is said of the mailbox as a whole."""

    def __init__(self) -> None:
        self.length = 0
        self._days: list[str] = []
        self._messages = 0
        self._sealed = 0
        self._hidden = 0
        self._sample = ""

    def add(self, mail: Mail) -> None:
        self._messages += 1
        self._sealed += bool(mail.unread)
        self._hidden += len(mail.body.hidden)
        self._sample = self._sample or mail.body.hidden[:HIDDEN_SAMPLE]
        if mail.day:
            self._days = [min([*self._days[:1], mail.day]), max([*self._days[-1:], mail.day])]

    def head(self, inside: Inside, *, title: str | None) -> Loaded:
        notes = [f"{self._messages:,} message{'s' if self._messages != 1 else ''}"]
        if self._days:
            notes[0] += f", {self._days[0]} to {self._days[-1]}"
        if self._sealed:
            notes.append(f"{self._sealed:,} of them cannot be read: they are encrypted, damaged or too large")
        return Loaded(
            title=title or "",
            date=self._days[-1] if self._days else None,
            notes=(*notes, *inside.notes()),
            report=replace(inside.report(), hidden_characters=self._hidden, hidden_sample=self._sample),
        )


def _starts(file: BinaryIO) -> Iterator[int]:
    """Where messages begin: at "From " lines at the top of the file or after a blank line."""
    position, blank, at_line_start = 0, True, True
    candidate: int | None = None  # a "From " line without a time is one if a header follows
    while line := file.readline(_LINE):
        if candidate is not None and _FIELD.match(line):
            yield candidate
        candidate = None
        if at_line_start and blank and line.startswith(b"From "):
            if _TIME.match(line):
                yield position
            else:
                candidate = position
        blank = at_line_start and not line.strip()
        at_line_start = line.endswith(b"\n")
        position += len(line)


def _read(file: BinaryIO, start: int, end: int) -> tuple[Mail, list[Leaf]]:
    file.seek(start)
    first = len(file.readline(_LINE))
    if end - start > _LARGEST_MESSAGE:
        return _unread(file.read(_HEADERS)), []
    data = _QUOTED.sub(rb"\1", file.read(end - start - first))
    try:
        message = parse_message(io.BytesIO(data))
    except SourceError:
        return _unread(data), []
    leaves = leaves_of(message)
    return mail_of(message, leaves), leaves


def _unread(data: bytes) -> Mail:
    """A message of which only the header is read."""
    head = re.split(rb"\r?\n\r?\n", data[:_HEADERS], maxsplit=1)[0]
    return replace(mail_of(parse_message(io.BytesIO(head)), []), unread="too large or damaged")


def _merged(pieces: list[PageLoaded]) -> PageLoaded:
    return PageLoaded(
        text="".join(piece.text for piece in pieces),
        blocks=tuple(block for piece in pieces for block in piece.blocks),
        places=tuple(place for piece in pieces for place in piece.places),
        total=pieces[0].total,
    )


def _attached(leaves: list[Leaf], inside: Inside, mail: Mail, number: int) -> Iterator[Embedded]:
    subject = mail.subject.replace("/", " ").replace("\\", " ")[:_FOLDER].strip()
    yield from attached(leaves, inside, folder=f"{number} {subject}".strip() + "/")


def _no_mailbox(file: BinaryIO) -> SourceError:
    file.seek(0)
    if not file.read(_LINE).strip():
        return EmptySource("The file holds no mail.", hint="Export the mailbox again and add the new file.")
    return DamagedSource("The file is not a mailbox.", hint="Export the mailbox again, or add its mails one by one.")
