"""Rows of a workspace's test <-> the values above them, and how a document that is deleted leaves them. Every function
takes the caller's connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, tuple_, update

from rag.errors import NotFound
from rag.prompts import Offer
from rag.types import Citation, Locator, Passage, Span
from workspaces.identifiers import new_id, now
from workspaces.models import Problem, SearchIndex
from workspaces.passages import text_around
from workspaces.problems import NO_PROBLEM, problem_of, problem_values
from workspaces.tables import documents, trial_passages, trial_questions, trial_results, trial_runs, workspaces
from workspaces.trial_values import (
    FoundPassage,
    Origin,
    Place,
    RunSettings,
    RunState,
    TrialQuestion,
    TrialResult,
    TrialRun,
)

NO_PLACE: dict[str, object] = dict.fromkeys(("document_id", "version_id", "page", "start", "end"))
"""Column values where nothing is known of the place."""

_TEXT = 600
"""Characters of a found passage that are shown."""


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
        place=_place(connection, row, title=row.title or ""),
        source_id=row.source_id,
    )


def _place(connection: Connection, row: Row[Any], *, title: str = "") -> Place | None:
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


# --- results -------------------------------------------------------------------------------------


def next_waiting(connection: Connection, run_id: str) -> tuple[str, str, bool, Place | None] | None:
    """(question id, question, answerable, place) of the next question that waits; None when all were asked."""
    query = (
        select(trial_results)
        .where(trial_results.c.run_id == run_id, trial_results.c.asked_at.is_(None))
        .order_by(trial_results.c.ordinal)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.question_id, row.question, row.answerable, _place(connection, row))


def save_result(
    connection: Connection, run_id: str, question_id: str, passages: Sequence[Mapping[str, object]], **values: object
) -> None:
    """Enter what a question brought. What was deleted meanwhile is not written, and neither is an answer that may
    quote it."""
    ids = {row["document_id"] for row in passages}
    live = set(
        connection.execute(
            select(documents.c.id).where(documents.c.id.in_(ids), documents.c.deleted_at.is_(None))
        ).scalars()
    )
    if ids - live:
        values["answer"] = ""
    mine = (trial_results.c.run_id == run_id) & (trial_results.c.question_id == question_id)
    saved = connection.execute(update(trial_results).where(mine).values(asked_at=now(), **values)).rowcount
    earlier = (trial_passages.c.run_id == run_id) & (trial_passages.c.question_id == question_id)
    connection.execute(delete(trial_passages).where(earlier))
    rows = [{**row, "run_id": run_id, "question_id": question_id} for row in passages if row["document_id"] in live]
    if saved and rows:
        connection.execute(insert(trial_passages), rows)


def address(item: Passage | Citation, *, role: str, number: int, expected: bool) -> dict[str, object]:
    """Column values of a passage that was found or cited."""
    span = item.span
    if isinstance(item, Passage) and item.best_sentence is not None:
        span = item.best_sentence
    return {
        "role": role,
        "number": number,
        "document_id": item.document_id,
        "version_id": item.version_id,
        "start": span.start,
        "end": span.end,
        "page": item.page,
        "page_label": item.page_label,
        "locator": list(astuple(item.locator)) if item.locator else None,
        "expected": expected,
    }


def figures_of(connection: Connection, run_id: str) -> dict[str, dict[str, list[float]]]:
    """What each asked question of a run adds to its figures."""
    query = select(trial_results.c.question_id, trial_results.c.figures).where(
        trial_results.c.run_id == run_id, trial_results.c.asked_at.is_not(None)
    )
    return {row.question_id: row.figures for row in connection.execute(query)}


def results_of(connection: Connection, run_id: str) -> list[tuple[TrialResult, Place | None]]:
    """The asked questions of a run whose text is still there, in order, without what was found; each with the place
    that was expected."""
    query = (
        select(trial_results)
        .where(trial_results.c.run_id == run_id, trial_results.c.asked_at.is_not(None), trial_results.c.question != "")
        .order_by(trial_results.c.ordinal)
    )
    return [(_result(row), _bare_place(row)) for row in connection.execute(query)]


def passages_of(connection: Connection, run_id: str, question_id: str, role: str) -> tuple[FoundPassage, ...]:
    """What a question of a run found or cited, in order, with its text as it stands in the documents."""
    query = (
        select(trial_passages, documents.c.title)
        .join(documents, documents.c.id == trial_passages.c.document_id)
        .where(
            trial_passages.c.run_id == run_id,
            trial_passages.c.question_id == question_id,
            trial_passages.c.role == role,
            documents.c.deleted_at.is_(None),
        )
        .order_by(trial_passages.c.number)
    )
    return tuple(_found(connection, row) for row in connection.execute(query).all())


def _bare_place(row: Row[Any]) -> Place | None:
    if row.document_id is None:
        return None
    span = None if row.start is None else Span(row.start, row.end)
    return Place(row.document_id, row.version_id, row.page, span)


def _result(row: Row[Any]) -> TrialResult:
    reciprocal = row.figures.get("mrr@10")
    cited = row.figures.get("citation_precision")
    return TrialResult(
        run_id=row.run_id,
        question_id=row.question_id,
        question=row.question,
        answerable=row.answerable,
        rank=round(1 / reciprocal[0]) if reciprocal and reciprocal[0] else None,
        judged=reciprocal is not None,
        refused=bool(row.refused),
        cited=bool(cited[0]) if cited else None,
        answer=row.answer,
    )


def _found(connection: Connection, row: Row[Any]) -> FoundPassage:
    span = Span(row.start, row.end)
    _, text, _ = text_around(connection, row.version_id, Span(span.start, min(span.end, span.start + _TEXT)), margin=0)
    return FoundPassage(
        number=row.number,
        document_id=row.document_id,
        version_id=row.version_id,
        title=row.title,
        span=span,
        text=text,
        page=row.page,
        page_label=row.page_label,
        locator=Locator(*row.locator) if row.locator else None,
        expected=row.expected,
    )


# --- deleting ------------------------------------------------------------------------------------


def forget_document(connection: Connection, document_id: str) -> None:
    """Take a deleted document out of its workspace's test: the questions made from it, what was found in it, and the
    answers that may quote it. Questions that a person typed stay, and the figures of past runs, which hold no text."""
    connection.execute(delete(trial_questions).where(trial_questions.c.source_id == document_id))
    for table in (trial_questions, trial_results):
        connection.execute(update(table).where(table.c.document_id == document_id).values(**NO_PLACE))
    mine = select(trial_passages.c.run_id, trial_passages.c.question_id).where(
        trial_passages.c.document_id == document_id
    )
    quoting = tuple_(trial_results.c.run_id, trial_results.c.question_id).in_(mine)
    connection.execute(update(trial_results).where(quoting).values(answer=""))
    made = trial_results.c.source_id == document_id
    connection.execute(delete(trial_results).where(made, trial_results.c.asked_at.is_(None)))
    connection.execute(update(trial_results).where(made).values(question="", answer="", source_id=None))
    connection.execute(delete(trial_passages).where(trial_passages.c.document_id == document_id))


def forget_workspace(connection: Connection, workspace_id: str) -> None:
    """Remove the test of a deleted workspace."""
    mine = select(trial_runs.c.id).where(trial_runs.c.workspace_id == workspace_id).scalar_subquery()
    for table in (trial_passages, trial_results):
        connection.execute(delete(table).where(table.c.run_id.in_(mine)))
    for table in (trial_runs, trial_questions):
        connection.execute(delete(table).where(table.c.workspace_id == workspace_id))


def left_behind(connection: Connection) -> list[str]:
    """Ids of documents that are gone or deleted, and that a test still names."""
    columns = (
        trial_questions.c.source_id,
        trial_questions.c.document_id,
        trial_results.c.source_id,
        trial_results.c.document_id,
        trial_passages.c.document_id,
    )
    live = select(documents.c.id).where(documents.c.deleted_at.is_(None))
    found: dict[str, None] = {}
    for column in columns:
        query = select(column).distinct().where(column.is_not(None), column.not_in(live))
        found.update(dict.fromkeys(connection.execute(query).scalars()))
    return list(found)
