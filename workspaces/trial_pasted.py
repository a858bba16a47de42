"""Questions as a person types or pastes them: one a line, perhaps with what answers it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.errors import InvalidInput
from workspaces.models import DocumentRecord
from workspaces.trial_values import Place

MOST = 1_000
NO_ANSWER = frozenset({"-", "–", "—", "no answer"})
"""Behind the arrow: the documents do not hold one."""

_ARROW = re.compile(r"\s*(?:\t|→|->)\s*")
_PAGE = re.compile(r",?\s*(?:p\.|page|S\.|Seite)\s*(\d{1,5})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """One question that was typed."""

    text: str
    answerable: bool = True
    place: Place | None = None


def read(pasted: str, known: Sequence[DocumentRecord]) -> list[Line]:
    """The questions of a text.

    Args:
        pasted: `QUESTION`, `QUESTION → DOCUMENT`, `QUESTION → DOCUMENT, p. 3` or `QUESTION → –` (no answer), one a
            line; a tab does as well as the arrow. Empty lines are left out.
        known: the documents of the workspace; one is named by its title, its file name, or a part of either that only
            it has.

    Raises:
        InvalidInput: no question, too many, or names that fit no document, or several.
    """
    rows = [line.strip() for line in pasted.splitlines() if line.strip()]
    if not rows:
        raise InvalidInput("There are no questions.", hint="Type one a line.")
    if len(rows) > MOST:
        raise InvalidInput(f"{len(rows):,} questions are too many at once.", hint=f"{MOST:,} is the most.")
    lines, wrong = list[Line](), list[str]()
    for row in rows:
        text, _, target = _parted(row)
        if not target or target.casefold() in NO_ANSWER:
            lines.append(Line(text, answerable=not target))
            continue
        place = _place(target, known)
        if place is None:
            wrong.append(target)
        else:
            lines.append(Line(text, place=place))
    if wrong:
        raise InvalidInput(
            f"No document, or more than one, is called {_listed(wrong)}.",
            hint="Name each as the list of documents does. Nothing was added yet.",
        )
    return lines


def _parted(row: str) -> tuple[str, str, str]:
    """A line around its last arrow."""
    arrows = list(_ARROW.finditer(row))
    if not arrows:
        return row, "", ""
    last = arrows[-1]
    return row[: last.start()].strip(), last.group(), row[last.end() :].strip()


def _place(target: str, known: Sequence[DocumentRecord]) -> Place | None:
    record = _named(target, known)
    if record is not None:
        return Place(record.id)
    page = _PAGE.search(target)
    record = _named(target[: page.start()].strip(), known) if page else None
    if page is None or record is None or not 1 <= int(page[1]) <= record.pages:
        return None
    return Place(record.id, page=int(page[1]))


def _named(target: str, known: Sequence[DocumentRecord]) -> DocumentRecord | None:
    wanted = target.casefold()
    if not wanted:
        return None
    names = [(record, {record.title.casefold(), record.source.casefold()}) for record in known]
    exact = [record for record, called in names if wanted in called]
    if len(exact) == 1:
        return exact[0]
    part = [record for record, called in names if any(wanted in name for name in called)]
    return part[0] if len(part) == 1 and not exact else None


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name[:60]}”" for name in names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")
