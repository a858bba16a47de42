"""`@name` in a question: which documents and tags are meant, and the question without it.

A name is one word (`@handbook`, `@report.pdf`, `@#contracts` for a tag), or stands in quotes (`@"Annual report 2023"`).
A sign inside a word, as in an e-mail address, begins no name, and `@@` is the sign itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlalchemy import Connection, select

from rag.errors import InvalidInput
from rag.scope import Name
from workspaces.scopes import searchable
from workspaces.tables import documents, tags, versions

_MENTION = re.compile(
    r"(?<![\w@.+-])@(?P<tag>\#?)(?:\"(?P<straight>[^\"\n]+)\"|[“„](?P<curly>[^“”\n]+)[“”]|(?P<word>\w(?:[\w.&-]*\w)?))"
)
_BEFORE_MARK = re.compile(r"\s+([?.!,;:])")
_SIGN = re.compile(r"(?<![\w@])@@(?=\w)")
_MOST_TOLD = 5
_LABEL = 80
_ALIKE = 0.5
"""How near a name must be to be told as the one that may have been meant."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A name as it was written."""

    text: str
    tag: bool
    """It can only be a tag."""


@dataclass(frozen=True, slots=True)
class _Thing:
    """What a name may mean."""

    name: Name
    label: str
    called: frozenset[str]
    """All it is called, in small letters."""


def mentions(question: str) -> tuple[str, list[Mention]]:
    """(the question without its names, the names)."""
    found = [Mention(_written(match), bool(match["tag"])) for match in _MENTION.finditer(question)]
    if not found:
        return _SIGN.sub("@", question), []
    rest = _BEFORE_MARK.sub(r"\1", " ".join(_MENTION.sub(" ", question).split()))
    return _SIGN.sub("@", rest.lstrip(" ,;:.!?")), found


def named(connection: Connection, workspace_ids: Sequence[str], found: Iterable[Mention]) -> tuple[Name, ...]:
    """What the names mean in these workspaces.

    Raises:
        InvalidInput: a name means nothing, or several things; the message tells the nearest.
    """
    things = _things(connection, workspace_ids)
    return tuple(dict.fromkeys(name for mention in found for name in _meant(mention, things)))


def documents_named(connection: Connection, workspace_ids: Sequence[str], wanted: str) -> list[Name]:
    """The documents that are called so. Raises InvalidInput as `named` does."""
    possible = [thing for thing in _things(connection, workspace_ids) if thing.name.kind == "document"]
    return _close(wanted, possible, what="document")


def _meant(mention: Mention, things: Sequence[_Thing]) -> list[Name]:
    possible = [thing for thing in things if thing.name.kind == "tag" or not mention.tag]
    return _close(mention.text, possible, what="tag" if mention.tag else "document or tag")


def _close(written: str, possible: Sequence[_Thing], *, what: str) -> list[Name]:
    """What is called so, or else what alone is called nearly so. Raises InvalidInput."""
    wanted = _plain(written)
    exact = [thing for thing in possible if wanted in thing.called]
    close = exact or _fitting(possible, _begins_words, wanted) or _fitting(possible, str.__contains__, wanted)
    if not exact and len({thing.label for thing in close}) > 1:
        raise InvalidInput(
            f"“{written}” could be any of {len(close)}: {_told(close)}.",
            hint='Write more of the name; where it has spaces, in quotes: @"Annual report 2023".',
        )
    if not close:
        near = difflib.get_close_matches(wanted, sorted({c for t in possible for c in t.called}), 10, _ALIKE)
        nearest = [thing for called in near for thing in possible if called in thing.called]
        told = f"The nearest: {_told(nearest)}. " if nearest else ""
        raise InvalidInput(
            f"No {what} here is called “{written}”.",
            hint=f"{told}Correct the name; in a question, @@ is the sign itself.",
        )
    return [thing.name for thing in close]


def _things(connection: Connection, workspace_ids: Sequence[str]) -> list[_Thing]:
    """The documents that can be found, and the tags, of these workspaces."""
    found: list[_Thing] = []
    for workspace_id in workspace_ids:
        query = (
            select(documents.c.id, documents.c.title, documents.c.source)
            .join(versions, versions.c.id == documents.c.version_id)
            .where(searchable(workspace_id))
            .order_by(documents.c.created_at, documents.c.id)
        )
        for row in connection.execute(query):
            stem = PurePosixPath(row.source).stem if "://" not in row.source else ""
            called = {_plain(name) for name in (row.title, row.source, stem) if name.strip()}
            found.append(_Thing(Name("document", row.id), row.title or row.source, frozenset(called)))
        for tag in connection.execute(select(tags.c.name).where(tags.c.workspace_id == workspace_id)).scalars():
            found.append(_Thing(Name("tag", tag), f"#{tag}", frozenset({_plain(tag)})))
    return found


def _fitting(things: Sequence[_Thing], fits: Callable[[str, str], bool], wanted: str) -> list[_Thing]:
    return [thing for thing in things if any(fits(called, wanted) for called in thing.called)]


def _begins_words(called: str, wanted: str) -> bool:
    """Whether each word of a name begins a word of what something is called, in their order."""
    words, parts = iter(re.findall(r"\w+", called)), re.findall(r"\w+", wanted)
    return bool(parts) and all(any(word.startswith(part) for word in words) for part in parts)


def _written(match: re.Match[str]) -> str:
    return (match["straight"] or match["curly"] or match["word"]).strip()


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _told(things: Sequence[_Thing]) -> str:
    labels = list(dict.fromkeys(thing.label[:_LABEL] for thing in things))
    more = f" and {len(labels) - _MOST_TOLD} more" if len(labels) > _MOST_TOLD else ""
    return ", ".join(f"“{label}”" for label in labels[:_MOST_TOLD]) + more
