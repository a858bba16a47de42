"""Where `search` and `ask` look: the options in a scope, and in words."""

from __future__ import annotations

import re
from argparse import Namespace
from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from entrypoints.output import Output
from rag.errors import InvalidInput
from rag.scope import Scope
from rag.types import Citation, Passage
from workspaces.bootstrap import Services
from workspaces.kinds import GROUPS, KINDS
from workspaces.scope_words import LANGUAGE_NAMES
from workspaces.scoping import Asked

_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_MOST_TOLD = 8


def read(services: Services, options: Namespace, out: Output) -> tuple[str, Asked]:
    """(workspace id, the question with its scope). What is searched is told where it is not everything.

    Raises:
        InvalidInput: a value that nothing here has; the message tells those that there are.
        NotFound: no such workspace.
    """
    home, *also = [services.library.workspace(name).id for name in options.workspaces]
    searched = [home, *also]
    scope = Scope(
        documents=_documents(services, searched, options.document),
        folders=tuple(_folder(services, searched, folder) for folder in options.folder),
        tags=tuple(_tag(services, searched, tag) for tag in options.tag),
        kinds=tuple(_kind(kind) for kind in options.type),
        languages=tuple(_language(services, searched, language) for language in options.language),
        since=_day(options.since, last=False),
        until=_day(options.until, last=True),
        also=tuple(also),
    )
    if scope.since and scope.until and scope.since > scope.until:
        raise InvalidInput(f"No day is after {options.since} and before {options.until}.", hint="Exchange the two.")
    asked = services.scoping.read(home, options.question, scope)
    if asked.limited_to:
        out.note("Searched in: " + " · ".join(asked.limited_to))
    return home, asked


def workspaces(
    services: Services, home: str, asked: Asked, shown: Sequence[Passage] | Sequence[Citation]
) -> dict[str, str]:
    """Document id → name of the workspace that it lies in; what was deleted meanwhile is left out."""
    names = {one: services.library.workspace(one).name for one in (home, *asked.scope.also)}
    records = services.library.found(sorted({item.document_id for item in shown}))
    return {record.id: names[record.workspace_id] for record in records if record.workspace_id in names}


def note_limits(asked: Asked, out: Output) -> None:
    """Say, where nothing was found, that the filter may be the reason."""
    if asked.scope.filtered:
        out.note("Only a part of your documents was searched. Ask without the filter to look in all of them.")


def _documents(services: Services, searched: Sequence[str], names: Iterable[str]) -> tuple[str, ...]:
    ids = [found for name in names for found in services.scoping.documents(searched, name)]
    return tuple(dict.fromkeys(ids))


def _folder(services: Services, searched: Sequence[str], folder: str) -> str:
    wanted = str(Path(folder).expanduser())
    if not any(services.scoping.count(one, Scope(folders=(wanted,))) for one in searched):
        known = [path for one in searched for path in services.scoping.choices(one).folders]
        raise InvalidInput(f"No document here lies in a folder “{folder}”.", hint=_known("Folders", known))
    return wanted


def _tag(services: Services, searched: Sequence[str], tag: str) -> str:
    known = {name.casefold(): name for one in searched for name in services.scoping.choices(one).tags}
    found = known.get(" ".join(tag.removeprefix("#").split()).casefold())
    if found is None:
        raise InvalidInput(f"No document here has the tag “{tag}”.", hint=_known("Tags", known.values()))
    return found


def _kind(kind: str) -> str:
    wanted = kind.strip().casefold()
    for known in (wanted, wanted.removesuffix("s")):  # "spreadsheets"
        if known in KINDS or known in GROUPS:
            return known
    raise InvalidInput(f"“{kind}” is no type of documents.", hint=_known("Types", [*KINDS, *GROUPS], most=99))


def _language(services: Services, searched: Sequence[str], language: str) -> str:
    wanted = language.strip().casefold()
    code = next((code for code, name in LANGUAGE_NAMES.items() if wanted in (code, name.casefold())), wanted)
    known = dict.fromkeys(found for one in searched for found in services.scoping.choices(one).languages)
    if code not in known:
        raise InvalidInput(f"No document here is written in “{language}”.", hint=_known("Languages", known))
    return code


def _day(text: str, *, last: bool) -> str:
    """The first or last day that is meant, "2023-05-31"; "" where there is none."""
    if not text:
        return ""
    match = _DAY.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        year, month, day = (int(part) if part else 0 for part in match.groups())
        month = month or (12 if last else 1)
        return date(year, month, day or (monthrange(year, month)[1] if last else 1)).isoformat()
    except ValueError as error:
        raise InvalidInput(f"“{text}” is no day.", hint="Write it as 2023, 2023-05 or 2023-05-31.") from error


def _known(what: str, names: Iterable[str], *, most: int = _MOST_TOLD) -> str:
    known = list(dict.fromkeys(names))
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return f"{what}: {', '.join(known[:most])}{more}." if known else f"There are no {what.lower()} here yet."
