"""What waits to be read, in SQL: whose turn it is, what is put off, paused, stopped, begun anew.

The rule of turns: what came together is one batch (an upload, a command, a watched folder), batches take turns, and
within a batch the oldest goes first. So a file that is added now never waits behind ten thousand others, and none of
those waits for ever. Every function takes the caller's connection.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from itertools import chain, islice, zip_longest
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select, update

from rag.errors import Cancelled, FootnoteError
from workspaces import repository
from workspaces.identifiers import now
from workspaces.models import State
from workspaces.problems import NO_PROBLEM, problem_values
from workspaces.runs import PAUSED, WAITING, Run
from workspaces.tables import documents, versions, workspaces

DELAYS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5))
"""How long a document waits that failed for a passing reason; after as many tries it has failed."""

UNFINISHED: tuple[State, ...] = ("received", "stored", "parsed", "chunked", "embedded", "indexed")
STOPPED = Cancelled("You stopped this document.", hint="Start it again with Retry.")


def join(connection: Connection, run: Run, batch: str) -> None:
    """Let a run take its turns with those of a batch; what never joined one takes its turns with all such runs."""
    connection.execute(update(versions).where(versions.c.id == run.version_id).values(batch=batch))


def due(connection: Connection, *, without: Collection[Run], limit: int, served: Mapping[str, int]) -> list[Run]:
    """The runs whose turn it is.

    Args:
        without: those that are in work already.
        limit: how many.
        served: by batch, when it last had a turn (a growing number); written by the caller.
    """
    batches = connection.execute(_waiting(versions.c.batch).group_by(versions.c.batch)).scalars()
    lines: list[list[Run]] = []
    for batch in sorted(batches, key=lambda batch: served.get(batch, 0))[:limit]:
        first = _waiting(versions.c.id, versions.c.attempt).where(versions.c.batch == batch)
        rows = connection.execute(first.order_by(versions.c.created_at).limit(limit + len(without)))
        lines.append([run for run in (Run(row.id, row.attempt) for row in rows) if run not in without])
    turns = chain.from_iterable(zip_longest(*lines))
    return list(islice((run for run in turns if run is not None), limit))


def count_due(connection: Connection) -> int:
    """How many runs could be in work now, or are."""
    return int(connection.execute(_waiting(func.count())).scalar_one())


def next_time(connection: Connection) -> datetime | None:
    """When the next of those that were put off is due."""
    query = select(func.min(versions.c.next_try_at)).where(_unfinished(), versions.c.next_try_at > now())
    moment: datetime | None = connection.execute(query).scalar_one()
    return moment


def begin(connection: Connection, runs: Collection[Run]) -> list[str]:
    """Note that runs go to work: nothing puts them off any more. Returns the batches they belong to."""
    ids = [run.version_id for run in runs]
    waited = update(versions).where(versions.c.id.in_(ids), versions.c.next_try_at.is_not(None))
    connection.execute(waited.values(next_try_at=None, **NO_PROBLEM))
    return list(connection.execute(select(versions.c.batch).where(versions.c.id.in_(ids))).scalars())


def put_off(connection: Connection, run: Run, error: FootnoteError) -> bool:
    """Let a run that failed for a passing reason wait, keeping what it has done. False, changing nothing, where it was
    tried often enough."""
    tries: int = connection.execute(select(versions.c.tries).where(versions.c.id == run.version_id)).scalar_one()
    if tries >= len(DELAYS):
        return False
    repository.set_version(
        connection,
        run.version_id,
        attempt=run.attempt + 1,
        tries=tries + 1,
        next_try_at=now() + DELAYS[tries],
        **problem_values(error),
    )
    return True


def let_go(connection: Connection, run: Run) -> None:
    """A run ended without an outcome, because its workspace is paused or the disk is full: another one will go on where
    it stopped. Nothing happens where the run had ended anyway."""
    mine = versions.c.id == run.version_id, versions.c.attempt == run.attempt, _unfinished()
    connection.execute(update(versions).where(*mine).values(attempt=run.attempt + 1))


def set_paused(connection: Connection, workspace_id: str | None, *, paused: bool) -> int:
    """Pause a workspace, or let it go on; all of them where none is named. Returns how many that changed."""
    which = workspaces.c.deleted_at.is_(None), workspaces.c.paused_at.is_(None) == paused
    mine = () if workspace_id is None else (workspaces.c.id == workspace_id,)
    changed = update(workspaces).where(*which, *mine).values(paused_at=now() if paused else None)
    return connection.execute(changed).rowcount


def is_paused(connection: Connection, *workspace_ids: str) -> bool:
    """Whether no document of these workspaces may be read; False where none is named."""
    query = select(func.count()).where(workspaces.c.id.in_(workspace_ids), workspaces.c.paused_at.is_not(None))
    return bool(workspace_ids) and connection.execute(query).scalar_one() == len(workspace_ids)


def stop_all(connection: Connection, workspace_id: str, *, but: Collection[str]) -> int:
    """Stop what waits in a workspace, all but those versions; returns how many."""
    waiting = _of_workspace(versions.c.id, workspace_id).where(_unfinished())
    stopped = update(versions).where(versions.c.id.in_(waiting), versions.c.id.not_in(but)).values(
        state="failed",
        cancelled=True,
        progress_done=0,
        progress_total=0,
        next_try_at=None,
        updated_at=now(),
        **problem_values(STOPPED),
    )  # fmt: skip
    return connection.execute(stopped).rowcount


def retry_failed(connection: Connection, workspace_id: str) -> int:
    """Begin again with all failed documents and newer versions of a workspace that it can help: not with those that
    want a password, nor with files whose bytes were not taken in. Returns how many."""
    can = or_(versions.c.sha256.is_not(None), documents.c.source_kind == "url")
    failed = _of_workspace(versions.c.id, workspace_id).where(
        versions.c.state == "failed", can, versions.c.problem_code != "encrypted"
    )
    again = update(versions).where(versions.c.id.in_(failed)).values(
        state=case((versions.c.sha256.is_(None), "received"), else_="stored"),
        attempt=versions.c.attempt + 1,
        batch="",
        cancelled=False,
        notes=[],
        tries=0,
        next_try_at=None,
        updated_at=now(),
        **NO_PROBLEM,
    )  # fmt: skip
    return connection.execute(again).rowcount


def left(connection: Connection, workspace_id: str) -> tuple[int, int]:
    """(unfinished documents, their bytes) of a workspace."""
    query = _of_workspace(func.count(), workspace_id, func.coalesce(func.sum(versions.c.size), 0)).where(_unfinished())
    count, size = connection.execute(query).one()
    return count, size


def in_workspace(workspace_id: str) -> ColumnElement[bool]:
    """Live documents of a workspace, in queries that begin with the few versions in some state: no index on documents
    serves this condition, so SQLite does not begin with all documents instead."""
    return and_(func.coalesce(documents.c.workspace_id, "") == workspace_id, documents.c.deleted_at.is_(None))


def _unfinished() -> ColumnElement[bool]:
    return versions.c.state.in_(UNFINISHED)  # unlike "not final", the index on states finds them


def _waiting(*columns: Any) -> Select[Any]:
    """Unfinished versions that may be in work now."""
    return (
        select(*columns)
        .select_from(versions)
        .join(documents, documents.c.id == versions.c.document_id)
        .where(
            _unfinished(),
            or_(versions.c.next_try_at.is_(None), versions.c.next_try_at <= now()),
            documents.c.deleted_at.is_(None),
            documents.c.workspace_id.not_in(PAUSED),
            ~WAITING,
        )
    )


def _of_workspace(column: Any, workspace_id: str, *more: Any) -> Select[Any]:
    return (
        select(column, *more)
        .select_from(versions)
        .join(documents, documents.c.id == versions.c.document_id)
        .where(in_workspace(workspace_id))
    )
