"""Numbers, sizes, dates and times in the words of a person."""

from __future__ import annotations

from datetime import UTC, datetime

from workspaces.models import Workspace


def count(number: int, one: str, many: str | None = None) -> str:
    """ "1 document", "12 documents"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: float) -> str:
    """Bytes in units of a thousand, as file managers show them."""
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit != "MB" else f"{number:.1f} MB"
        number /= 1000
    return f"{number:.2f} GB"


def duration(seconds: float) -> str:
    """A remaining time, roughly."""
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    return f"about {count(minutes, 'minute')}" if minutes < 90 else f"about {count(round(minutes / 60), 'hour')}"


def clock(moment: datetime) -> str:
    """ "14:05", by this machine's clock, of a moment in UTC."""
    return f"{(moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone():%H:%M}"


def day(moment: datetime) -> str:
    """ "today", "yesterday" or a date, on this machine's calendar."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    local, today = aware.astimezone().date(), datetime.now().astimezone().date()
    days = (today - local).days
    if days in (0, 1):
        return ("today", "yesterday")[days]
    return f"{local.day} {local:%B}" + ("" if local.year == today.year else f" {local.year}")


def on_day(moment: datetime) -> str:
    """As `day`, in a sentence: "today", "on 3 May"."""
    found = day(moment)
    return found if found in ("today", "yesterday") else f"on {found}"


def holdings(workspace: Workspace) -> str:
    """ "12 documents, 3 chats": what a deletion takes along."""
    return f"{count(workspace.documents, 'document')}, {count(workspace.conversations, 'chat')}"
