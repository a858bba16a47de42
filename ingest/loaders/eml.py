"""A mail as mail programs save it (.eml): its text, and the files attached to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ingest.loaders.inside import Inside
from ingest.loaders.mail_text import Mail, write_mail
from ingest.loaders.mime import attached, leaves_of, mail_of, parse_message
from ingest.protocols import Loaded, LoadEvent
from rag.errors import DamagedSource, EmptySource, NoText, PasswordNeeded
from rag.types import HIDDEN_SAMPLE

_FIELDS = ("from", "to", "subject", "date", "message-id", "received", "mime-version")


class EmlLoader:
    """Reads one mail; keeps no state between files."""

    def load(self, path: Path, *, title: str | None) -> Iterator[LoadEvent]:
        """See `ingest.protocols.Loader`.

        Raises:
            EmptySource: nothing but white space.
            DamagedSource: not a mail, or nested beyond reading.
            PasswordNeeded: encrypted.
            NoText: wrapped in an S/MIME signature that hides its text.
        """
        with path.open("rb") as file:
            message = parse_message(file)
        if not message.keys() and not str(message.get_payload()).strip():
            raise EmptySource("The file holds no mail.", hint="Save the mail again and add the new file.")
        if not any(name.lower() in _FIELDS for name in message.keys()):  # noqa: SIM118 - a message is no mapping
            raise DamagedSource(
                "The file is not a mail: it has no sender, subject or date.", hint="Save the mail again and add that."
            )
        leaves = leaves_of(message)
        mail = mail_of(message, leaves)
        refuse_sealed(mail)
        yield write_mail(mail)
        inside = Inside()
        yield from attached(leaves, inside)
        yield head_of(mail, inside, title=title)


def head_of(mail: Mail, inside: Inside, *, title: str | None) -> Loaded:
    """What is known of one mail as a document."""
    return Loaded(
        title=title or mail.subject[:200],
        author=mail.author[:200] or None,
        date=mail.day or None,
        notes=inside.notes(),
        report=replace(
            inside.report(), hidden_characters=len(mail.body.hidden), hidden_sample=mail.body.hidden[:HIDDEN_SAMPLE]
        ),
    )


def refuse_sealed(mail: Mail) -> None:
    """Raise PasswordNeeded or NoText for a mail whose body cannot be read."""
    if mail.unread.startswith("encrypted"):
        raise PasswordNeeded(
            f"The mail is {mail.unread}; only your mail program can open it.",
            hint="Open it there, print it to PDF and add that.",
        )
    if mail.unread:
        raise NoText(f"The mail is {mail.unread}.", hint="Open it in your mail program, print it to PDF and add that.")
