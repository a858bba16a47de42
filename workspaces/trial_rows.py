"""Rows of a workspace's test, its questions and runs, <-> the values above them. Every function takes the caller's
connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from rag.errors import NotFound
from rag.prompts import Offer
from rag.types import Span
from workspaces.identifiers import new_id, now
from workspaces.models import Problem, SearchIndex
from workspaces.passages import text_around
from workspaces.problems import NO_PROBLEM, problem_of, problem_values
from workspaces.tables import documents, trial_passages, trial_questions, trial_results, trial_runs, workspaces
from workspaces.trial_values import (
    Origin,
    Place,
    RunSettings,
    RunState,
    TrialQuestion,
    TrialRun,
)

NO_PLACE: dict[str, object] = dict.fromkeys(("document_id", "version_id", "page", "start", "end"))
"""Column values where nothing is known of the place."""

# --- questions -----------------------------------------------------------------------------------


def insert_question(
    connection: Connection,
    workspace_id: str,
    text: str,
    *,
    answerable: bool,
    origin: Origin,
    place: Place | None = None,
    source_id: str | None = None,
    turn_id: str | None = None,
) -> str:
    """Add a question; its id."""
    question_id = new_id()
    connection.execute(
        insert(trial_questions).values(
            id=question_id,
            workspace_id=workspace_id,
            question=text,
            answerable=answerable,
            origin=origin,
            source_id=source_id,
            turn_id=turn_id,
            created_at=now(),
            **place_values(place),
        )
    )
    return question_id


def questions_of(connection: Connection, condition: ColumnElement[bool]) -> list[TrialQuestion]:
    """The questions of live workspaces for which a condition on `trial_questions` holds, in the order they came."""
    query = (
        select(trial_questions, documents.c.title)
        .join(workspaces, workspaces.c.id == trial_questions.c.workspace_id)
        .outerjoin(documents, documents.c.id == trial_questions.c.document_id)
        .where(condition, workspaces.c.deleted_at.is_(None))
        .order_by(trial_questions.c.created_at, trial_questions.c.id)
    )
    return [_question(connection, row) for row in connection.execute(query).all()]


def question_of(connection: Connection, question_id: str) -> TrialQuestion:
    """One question. Raises NotFound."""
    found = questions_of(connection, trial_questions.c.id == question_id)
    if not found:
        raise NotFound("This question does not exist any more.", hint="Reload the page.")
    return found[0]


def place_values(place: Place | None) -> dict[str, object]:
    """Column values of a place."""
    if place is None:
        return dict(NO_PLACE)
    return {
        "document_id": place.document_id,
        "version_id": place.version_id,
        "page": place.page,
        "start": place.span.start if place.span else None,
        "end": place.span.end if place.span else None,
    }


def _question(connection: Connection, row: Row[Any]) -> TrialQuestion:
    return TrialQuestion(
        id=row.id,
        workspace_id=row.workspace_id,
        text=row.question,
        answerable=row.answerable,
        origin=row.origin,
        created_at=row.created_at,
        place=place_of(connection, row, title=row.title or ""),
        source_id=row.source_id,
    )


def place_of(connection: Connection, row: Row[Any], *, title: str = "") -> Place | None:
    """The place in columns, with its text; None where none is known."""
    if row.document_id is None:
        return None
    span, quote = None, ""
    if row.version_id is not None and row.start is not None:
        span = Span(row.start, row.end)
        _, quote, _ = text_around(connection, row.version_id, span, margin=0)
    return Place(row.document_id, row.version_id, row.page, span, title, quote)


# --- runs ----------------------------------------------------------------------------------------


def insert_run(
    connection: Connection,
    index: SearchIndex,
    settings: RunSettings,
    *,
    run_id: str,
    model: str | None,
    questions: Sequence[TrialQuestion],
) -> None:
    """Add a run on the index that its workspace is searched by, with these questions, each waiting to be asked."""
    connection.execute(
        insert(trial_runs).values(
            id=run_id,
            workspace_id=index.workspace_id,
            state="running",
            answers=settings.answers,
            model_key=settings.model_key,
            model=model,
            passages=settings.offer.passages,
            source_tokens=settings.offer.source_tokens,
            index_id=index.id,
            embedder=index.embedder,
            splitter=index.splitter,
            started_at=now(),
        )
    )
    rows = [
        {
            "run_id": run_id,
            "question_id": question.id,
            "ordinal": ordinal,
            "question": question.text,
            "answerable": question.answerable,
            "source_id": question.source_id,
            **place_values(question.place),
        }
        for ordinal, question in enumerate(questions, 1)
    ]
    connection.execute(insert(trial_results), rows)


def runs_of(connection: Connection, condition: ColumnElement[bool]) -> list[TrialRun]:
    """The runs of live workspaces for which a condition on `trial_runs` holds, the latest first, without figures."""
    counts = (
        select(
            trial_results.c.run_id,
            func.count().label("total"),
            func.count(trial_results.c.asked_at).label("done"),
        )
        .group_by(trial_results.c.run_id)
        .subquery()
    )
    query = (
        select(trial_runs, counts.c.total, counts.c.done)
        .join(workspaces, workspaces.c.id == trial_runs.c.workspace_id)
        .outerjoin(counts, counts.c.run_id == trial_runs.c.id)
        .where(condition, workspaces.c.deleted_at.is_(None))
        .order_by(trial_runs.c.started_at.desc(), trial_runs.c.id)
    )
    return [_run(row) for row in connection.execute(query)]


def run_of(connection: Connection, run_id: str) -> TrialRun:
    """One run. Raises NotFound."""
    found = runs_of(connection, trial_runs.c.id == run_id)
    if not found:
        raise NotFound("This run does not exist any more.", hint="Reload the page.")
    return found[0]


def end_run(connection: Connection, run_id: str, state: RunState, problem: Problem | None = None) -> None:
    """Write how a run has ended, or that it goes on."""
    reason = problem_values(problem) if problem is not None else NO_PROBLEM
    ended = None if state == "running" else now()
    connection.execute(
        update(trial_runs).where(trial_runs.c.id == run_id).values(state=state, ended_at=ended, **reason)
    )


def delete_run(connection: Connection, run_id: str) -> None:
    """Forget a run and its results."""
    for table in (trial_passages, trial_results):
        connection.execute(delete(table).where(table.c.run_id == run_id))
    connection.execute(delete(trial_runs).where(trial_runs.c.id == run_id))


def _run(row: Row[Any]) -> TrialRun:
    return TrialRun(
        id=row.id,
        workspace_id=row.workspace_id,
        state=row.state,
        settings=RunSettings(row.answers, row.model_key, Offer(row.passages, row.source_tokens)),
        index_id=row.index_id,
        embedder=row.embedder,
        splitter=row.splitter,
        model=row.model,
        started_at=row.started_at,
        done=row.done or 0,
        total=row.total or 0,
        problem=problem_of(row.problem_code, row.problem_message, row.problem_hint),
    )
