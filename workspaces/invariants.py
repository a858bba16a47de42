"""Invariants of the doctor that are read from rows alone, and of what lies about beside them."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path

from sqlalchemy import Connection, func, or_, select

from workspaces.tables import turns, versions

_STALE_SECONDS = 600.0
"""A file that nobody has written to for so long is no longer being received."""

_UNSPEAKABLE = re.compile(r"Traceback|File \"|(?:^|\s)(?:/(?:home|root|tmp|usr|var|Users)/|[A-Za-z]:\\)")


def unexplained(connection: Connection) -> list[str]:
    """Failed versions without a code, message or hint (I8), or whose words hold a path or a trace."""
    told = (versions.c.problem_code, versions.c.problem_message, versions.c.problem_hint)
    rows = connection.execute(select(*told).where(versions.c.state == "failed")).all()
    silent = sum(not all(row) for row in rows)
    leaking = sum(any(_UNSPEAKABLE.search(part or "") for part in row) for row in rows)
    found = [f"{silent} failed documents do not say why, or what to do"] if silent else []
    return found + ([f"{leaking} failed documents name a path or a trace"] if leaking else [])


def disordered(connection: Connection) -> list[str]:
    """Conversations whose turns do not count from the first without gaps (I9); doubles cannot be stored."""
    first, last = func.min(turns.c.ordinal), func.max(turns.c.ordinal)
    gaps = (
        select(turns.c.conversation_id)
        .group_by(turns.c.conversation_id)
        .having(or_(first > 1, last - first + 1 != func.count()))
    )
    count = len(connection.execute(gaps).all())
    return [f"{count} conversations lack a question"] if count else []


def leftovers(originals: Path) -> list[Path]:
    """Files that were being received when something ended it (I12)."""
    limit = time.time() - _STALE_SECONDS
    found = []
    for path in originals.glob(".incoming-*"):
        with contextlib.suppress(FileNotFoundError):  # it has just become an original
            if path.stat().st_mtime < limit:
                found.append(path)
    return found
