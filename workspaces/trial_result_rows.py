"""Rows of what a run's questions brought <-> the values above them; and how a document that is deleted leaves the test.
Every function takes the caller's connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, tuple_, update

from rag.types import Citation, Passage, Span
from workspaces.identifiers import now
from workspaces.passages import text_around
from workspaces.tables import documents, trial_passages, trial_questions, trial_results, trial_runs
from workspaces.trial_rows import NO_PLACE, place_of
from workspaces.trial_values import FoundPassage, Place, TrialResult
from workspaces.turns import live_documents, locator_of

_TEXT = 600
"""Characters of a found passage that are shown."""


def next_waiting(connection: Connection, run_id: str) -> tuple[str, str, bool, Place | None] | None:
    """(question id, question, answerable, place) of the next question that waits; None when all were asked."""
    query = (
        select(trial_results)
        .where(trial_results.c.run_id == run_id, trial_results.c.asked_at.is_(None))
        .order_by(trial_results.c.ordinal)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.question_id, row.question, row.answerable, place_of(connection, row))


def save_result(
    connection: Connection, run_id: str, question_id: str, passages: Sequence[Mapping[str, object]], **values: object
) -> None:
    """Enter what a question brought. What was deleted meanwhile is not written, and neither is an answer that may
    quote it."""
    ids = [str(row["document_id"]) for row in passages]
    live = live_documents(connection, ids)
    if not live.issuperset(ids):
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
        locator=locator_of(row.locator),
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
