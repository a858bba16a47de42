"""The only module that knows DBOS: four workflows of one step per stage, and the queues they run on."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import Context
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID, WorkflowStatus
from dbos import error as dbos_errors
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from rag.errors import StorageError
from workspaces.building import Build
from workspaces.jobs import STEPS, Jobs, JsonSerializer, is_intact
from workspaces.runs import Run

APPLICATION_VERSION = "1"
"""Constant: DBOS leaves the workflows of another version waiting for ever."""

EXECUTOR_ID = "local"
_LIVE = ["ENQUEUED", "PENDING", "DELAYED"]
_EXHAUSTED = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"
_FINISHED = ["SUCCESS", "ERROR", "CANCELLED", _EXHAUSTED]
_DEATHS = 3
"""How often the process may die while a run is at work before its document is parked as failed. Each run is counted for
itself, and an orderly end does not count."""

_DELETED_AT_ONCE = 500
_PATIENCE_SECONDS = 30
_log = logging.getLogger("footnote.jobs")
_engines: list[Engine] = []
"""The one in use."""

_executing: set[str] = set()
"""Ids of the workflows that threads of this process work on."""


class _Serializer(JsonSerializer, Serializer):
    """DBOS wants its own base class."""


@DBOS.step(name="ingest-step")
def _ingest_step(step: str, version_id: str, attempt: int) -> bool:
    return Jobs.active().run_step(step, Run(version_id, attempt))


@DBOS.step(name="retire-step")
def _retire_step(version_id: str) -> None:
    Jobs.active().retire(version_id)


@DBOS.workflow(name="ingest", max_recovery_attempts=_DEATHS - 1)
def _ingest(version_id: str, attempt: int) -> None:
    with _executed(), Jobs.active().working_on(Run(version_id, attempt)):
        for step in STEPS:
            if not _ingest_step(step, version_id, attempt):
                return
        _retire_step(version_id)


@DBOS.step(name="build-step")
def _build_step(index_id: str, attempt: int) -> None:
    Jobs.active().run_build(Build(index_id, attempt))


@DBOS.workflow(name="build", max_recovery_attempts=_DEATHS - 1)
def _build(index_id: str, attempt: int) -> None:
    with _executed():
        _build_step(index_id, attempt)


@DBOS.step(name="crawl-step")
def _crawl_step(site_id: str, attempt: int) -> None:
    Jobs.active().run_crawl(site_id, attempt)


@DBOS.workflow(name="crawl", max_recovery_attempts=_DEATHS - 1)
def _crawl(site_id: str, attempt: int) -> None:
    with _executed(), Jobs.active().working(site_id):
        _crawl_step(site_id, attempt)


@DBOS.step(name="purge-step")
def _purge_step(item_id: str) -> None:
    Jobs.active().run_purge(item_id)


@DBOS.workflow(name="purge")
def _purge(item_id: str) -> None:
    with _executed():
        _purge_step(item_id)


@contextmanager
def _executed() -> Iterator[None]:
    id_ = DBOS.workflow_id or ""
    _executing.add(id_)
    try:
        yield
    finally:
        _executing.discard(id_)


def launch(path: Path, *, queues: Mapping[str, int], polling_seconds: float) -> None:
    """Start DBOS on its own database file; it resumes the workflows that a former process left.

    `queues` says how many workflows of each queue run at once. A damaged file is replaced by an empty one: what it held
    can be derived from the application's own database.

    Raises:
        StorageError: the file cannot be made or written.
    """
    logging.getLogger("dbos").setLevel(logging.CRITICAL)  # what goes wrong is logged by workspaces/jobs.py
    try:
        _prepare(path)
        _start(f"sqlite:///{path}", at_once=sum(queues.values()), polling_seconds=polling_seconds)
        for queue, at_once in queues.items():
            DBOS.register_queue(
                queue, worker_concurrency=at_once, polling_interval_sec=polling_seconds, on_conflict="always_update"
            )
    except (OSError, SQLAlchemyError, dbos_errors.DBOSException) as error:
        destroy()
        raise StorageError(
            "The list of jobs cannot be opened.", hint="Check the free space and the permissions of the data directory."
        ) from error


def _start(url: str, *, at_once: int, polling_seconds: float) -> None:
    _engines.append(_engine(url))
    config = DBOSConfig(
        name="footnote",
        system_database_url=url,
        system_database_engine=_engines[-1],
        application_version=APPLICATION_VERSION,
        executor_id=EXECUTOR_ID,
        serializer=_Serializer(),
        log_level="CRITICAL",
        enable_otlp=False,
        use_listen_notify=False,
        notification_listener_polling_interval_sec=polling_seconds,  # nothing is notified; it delays the shutdown
        max_executor_threads=at_once + 2,
    )
    DBOS(config=config)
    DBOS.launch()


def destroy() -> None:
    """Stop at once; a step in work is repeated at the next start."""
    DBOS.destroy()
    while _engines:
        engine = _engines.pop()
        with suppress(SQLAlchemyError), engine.begin() as connection:  # this is no death of the process
            connection.execute(text("UPDATE workflow_status SET recovery_attempts = 0 WHERE status = 'PENDING'"))
        engine.dispose()  # DBOS leaves an engine that it was given open


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, dbos_errors.DBOSException) as error:
        raise StorageError(
            "The list of jobs cannot be read or written.",
            hint="Check the free space and the permissions of the data directory.",
        ) from error


@_in_words()
def enqueue(queue: str, workflow_id: str, *arguments: str | int) -> None:
    """Enqueue a workflow; where there is one of this id already, nothing happens. That is why a step may do it too,
    outside its context: DBOS forbids it inside, because a repeated step would enqueue again.

    Raises:
        StorageError: as do all that follow, where the list of jobs cannot be read or written.
    """
    workflow: Any = {"purge": _purge, "crawl": _crawl, "build": _build}.get(workflow_id.partition("-")[0], _ingest)

    def begin() -> None:
        with SetWorkflowID(workflow_id):
            DBOS.enqueue_workflow(queue, workflow, *arguments)

    Context().run(begin)


@_in_words()
def live() -> set[str]:
    """Ids of queued and running workflows."""
    return {workflow.workflow_id for workflow in _listed(_LIVE)}


@_in_words()
def abandoned() -> set[str]:
    """Ids of workflows that count as running and that no thread works on: DBOS gives a workflow up, without a word,
    when it cannot write down what a step did. One that is just beginning or ending may be among them for a moment."""
    return {workflow.workflow_id for workflow in _listed(["PENDING"])} - _executing


@_in_words()
def resume(queue: str, ids: Collection[str]) -> None:
    """Let abandoned workflows go on after their last step that was written down."""
    if ids:
        DBOS.resume_workflows(sorted(ids), queue_name=queue)


@_in_words()
def forget_finished() -> set[str]:
    """Delete all traces of finished workflows; returns the ids of those that were given up after too many restarts."""
    found = _listed(_FINISHED)
    ids = [workflow.workflow_id for workflow in found]
    for start in range(0, len(ids), _DELETED_AT_ONCE):
        DBOS.delete_workflows(ids[start : start + _DELETED_AT_ONCE])
    return {workflow.workflow_id for workflow in found if workflow.status == _EXHAUSTED}


def _listed(status: list[str]) -> list[WorkflowStatus]:
    return DBOS.list_workflows(status=status, load_input=False, load_output=False)


def _prepare(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and not is_intact(path):
        _log.warning("the list of jobs was damaged and is made anew")
        for left in path.parent.glob(f"{path.name}*"):
            left.unlink()
    if not path.exists():
        path.touch(mode=0o600)


def _engine(url: str) -> Engine:
    """One connection that all threads of DBOS share in turn. Several would wait for one another inside SQLite, which
    sleeps up to 0.1 s at a time, and SQLite before 3.51.3 can damage a write-ahead log that several connections write.

    Commits are not synced: a power cut may cost the last ones, and the sweep makes up for it. Beside other work, a
    small document takes 0.05 s so, and 0.09 s with the settings that DBOS would choose.
    """
    engine = create_engine(url, pool_size=1, max_overflow=0, pool_timeout=_PATIENCE_SECONDS)

    @event.listens_for(engine, "connect")
    def _(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"  # DBOS's own choice
        for pragma in (
            f"busy_timeout={_PATIENCE_SECONDS * 1000}",
            "foreign_keys=ON",
            "journal_mode=WAL",
            "synchronous=NORMAL",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    return engine
