"""Rows of conversations, turns and what turns showed and cited <-> the values above them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from rag.receipts import Considered
from rag.types import Answer, Citation, Exchange, Locator, Passage, Sentence, Span, Timings
from workspaces.models import Conversation, Turn
from workspaces.problems import problem_of
from workspaces.scopes import scope_of
from workspaces.scoping import limited_to
from workspaces.tables import conversations, documents, turn_passages, turns, workspaces

EVIDENCE, CITATION = "evidence", "citation"


def conversation_of(row: Row[Any], *, told: Sequence[Turn] = ()) -> Conversation:
    """A row of `conversations` as a value."""
    return Conversation(row.id, row.workspace_id, row.title, row.created_at, row.updated_at, tuple(told))


def turns_of(connection: Connection, condition: ColumnElement[bool]) -> list[Turn]:
    """The turns for which a condition on `turns` holds, in order.

    A document that was deleted since has blank quotes: its citations stay, with an empty quote, because the answer's
    footnotes still name them; its passages are left out of the evidence.
    """
    rows = connection.execute(select(turns).where(condition).order_by(turns.c.conversation_id, turns.c.ordinal)).all()
    shown = connection.execute(
        select(turn_passages)
        .where(
            turn_passages.c.turn_id.in_(select(turns.c.id).where(condition)),
            turn_passages.c.role.in_((EVIDENCE, CITATION)),  # what was only read stands in the receipt
        )
        .order_by(turn_passages.c.turn_id, turn_passages.c.number)
    ).all()
    looked = _looked(connection, rows, shown)
    return [
        _turn(row, [passage for passage in shown if passage.turn_id == row.id], looked.get(row.id, _Looked()))
        for row in rows
    ]


def exchanges(told: Sequence[Turn], *, limit: int) -> list[Exchange]:
    """The last answered turns as the prompt sees them, oldest first.

    Sentences that are not in the documents are left out: a model repeats what stands in its history. So is a turn whose
    question was answered again.
    """
    answered = [turn for turn in told if turn.state == "answered" and turn.answer is not None]
    again = {turn.repeats for turn in answered}
    answered = [turn for turn in answered if turn.id not in again][-limit:]
    return [Exchange(turn.asked, _founded(turn.answer), turn.id) for turn in answered if turn.answer is not None]


def before(told: Sequence[Turn], turn: Turn | None) -> list[Turn]:
    """The turns of a conversation that came before a question was asked for the first time; all where it is new."""
    known = {item.id: item for item in told}
    while turn is not None and turn.repeats in known:
        turn = known[turn.repeats]
    return [item for item in told if turn is None or item.ordinal < turn.ordinal]


def insert_evidence(connection: Connection, turn_id: str, passages: Sequence[Passage]) -> None:
    """Store what a turn showed."""
    live = live_documents(connection, [passage.document_id for passage in passages])
    insert_passages(
        connection, [_evidence_row(turn_id, rank, passage, live) for rank, passage in enumerate(passages, 1)]
    )


def insert_citations(connection: Connection, turn_id: str, citations: Sequence[Citation]) -> None:
    """Store footnotes of a turn."""
    live = live_documents(connection, [citation.document_id for citation in citations])
    insert_passages(connection, [_citation_row(turn_id, citation, live) for citation in citations])


def replace_citations(connection: Connection, turn_id: str, citations: Sequence[Citation]) -> None:
    """Store the final footnotes of a turn in place of those that were stored while it grew."""
    earlier = (turn_passages.c.turn_id == turn_id) & (turn_passages.c.role == CITATION)
    connection.execute(delete(turn_passages).where(earlier))
    insert_citations(connection, turn_id, citations)


def update_turn(connection: Connection, turn_id: str, **values: object) -> bool:
    """Change a running turn; False when it is gone or no longer running, so that what is final stays as it is."""
    running = (turns.c.id == turn_id) & (turns.c.state == "running")
    return connection.execute(update(turns).where(running).values(**values)).rowcount == 1


def answer_values(answer: Answer) -> dict[str, object]:
    """Column values of an answer."""
    return {
        "answer": answer.text,
        "sentences": sentence_values(answer.sentences),
        "model": answer.model,
        "timings": timing_values(answer.timings),
        "prompt_tokens": answer.prompt_tokens,
        "output_tokens": answer.output_tokens,
        "left_out": answer.left_out,
    }


def sentence_values(sentences: Sequence[Sentence]) -> list[object]:
    """Sentences as JSON; their text is the answer's at the span. Footnotes that say otherwise stand last, if any."""
    return [
        [
            item.span.start,
            item.span.end,
            item.verdict,
            list(item.citations),
            *([list(item.conflicts)] if item.conflicts else []),
        ]
        for item in sentences
    ]


def timing_values(timings: Timings) -> dict[str, float | None]:
    """Timings as JSON."""
    return {"evidence": timings.evidence, "first_token": timings.first_token, "total": timings.total}


@dataclass(frozen=True, slots=True)
class _Looked:
    """Where a turn looked, in words."""

    limited_to: tuple[str, ...] = ()
    elsewhere: Mapping[str, str] = field(default_factory=dict)


def _looked(connection: Connection, rows: Sequence[Row[Any]], shown: Sequence[Row[Any]]) -> dict[str, _Looked]:
    """Of the turns that have a scope."""
    scoped = [row for row in rows if row.scope]
    if not scoped:
        return {}
    chats = select(conversations.c.id, conversations.c.workspace_id).where(
        conversations.c.id.in_({row.conversation_id for row in scoped})
    )
    home = {row.id: row.workspace_id for row in connection.execute(chats)}
    found: dict[str, _Looked] = {}
    for row in scoped:
        scope = scope_of(row.scope)
        ids = {passage.document_id for passage in shown if passage.turn_id == row.id} if scope.also else set()
        limits = limited_to(connection, home[row.conversation_id], scope)
        found[row.id] = _Looked(limits, _elsewhere(connection, ids, scope.also))
    return found


def _elsewhere(connection: Connection, document_ids: Collection[str], also: Collection[str]) -> dict[str, str]:
    """Document id → name of its workspace, where that is one of these."""
    if not document_ids:
        return {}
    query = (
        select(documents.c.id, workspaces.c.name)
        .join(workspaces, workspaces.c.id == documents.c.workspace_id)
        .where(documents.c.id.in_(document_ids), workspaces.c.id.in_(also), workspaces.c.deleted_at.is_(None))
    )
    return {row.id: row.name for row in connection.execute(query)}


def _turn(row: Row[Any], shown: Sequence[Row[Any]], looked: _Looked) -> Turn:
    citations = tuple(_citation(passage) for passage in shown if passage.role == CITATION)
    unanswered = row.state == "refused" or (row.state == "running" and not row.sentences)
    return Turn(
        id=row.id,
        conversation_id=row.conversation_id,
        ordinal=row.ordinal,
        question=row.question,
        state=row.state,
        created_at=row.created_at,
        evidence=tuple(passage_of(passage) for passage in shown if passage.role == EVIDENCE and passage.quote),
        written=row.answer if row.state == "running" else "",
        answer=None if unanswered else _answer(row, citations),
        citations=citations,
        problem=problem_of(row.problem_code, row.problem_message, row.problem_hint),
        model=row.model,
        searched=row.searched,
        repeats=row.repeats,
        warning=row.warning,
        rating=row.rating,
        scope=scope_of(row.scope),
        limited_to=looked.limited_to,
        elsewhere=looked.elsewhere,
        without_names=row.without_names,
    )


def _answer(row: Row[Any], citations: tuple[Citation, ...]) -> Answer:
    sentences = (
        Sentence(row.answer[start:end], Span(start, end), verdict, *(tuple(numbers) for numbers in footnotes))
        for start, end, verdict, *footnotes in row.sentences
    )
    return Answer(
        text=row.answer,
        sentences=tuple(sentences),
        citations=citations,
        model=row.model,
        timings=Timings(**row.timings),
        prompt_tokens=row.prompt_tokens,
        output_tokens=row.output_tokens,
        left_out=row.left_out,
    )


def _founded(answer: Answer) -> str:
    return " ".join(sentence.text for sentence in answer.sentences if sentence.verdict in ("supported", "partly"))


def _citation(row: Row[Any]) -> Citation:
    return Citation(
        number=row.number,
        chunk_id=row.chunk_id,
        document_id=row.document_id,
        version_id=row.version_id,
        title=row.title,
        span=Span(row.start, row.end),
        quote=row.quote,
        page=row.page,
        page_label=row.page_label,
        locator=locator_of(row.locator),
    )


def locator_of(values: Sequence[Any] | None) -> Locator | None:
    """A stored place as a value."""
    return Locator(*values) if values else None


def passage_of(row: Row[Any]) -> Passage:
    """A row of evidence as a value."""
    detail: Mapping[str, Any] = row.detail
    marked = detail.get("sentence")
    return Passage(
        chunk_id=row.chunk_id,
        document_id=row.document_id,
        version_id=row.version_id,
        title=row.title,
        ordinal=detail.get("ordinal", 0),
        span=Span(row.start, row.end),
        text=row.quote,
        language=detail.get("language", ""),
        page=row.page,
        page_label=row.page_label,
        heading_path=tuple(detail.get("headings", ())),
        score=detail.get("score", 0.0),
        lexical_score=detail.get("lexical"),
        dense_score=detail.get("dense"),
        best_sentence=Span(*marked) if marked else None,
        header=detail.get("header", ""),
        locator=locator_of(row.locator),
    )


def _evidence_row(turn_id: str, rank: int, passage: Passage, live: frozenset[str]) -> dict[str, object]:
    marked = passage.best_sentence
    detail = {
        "ordinal": passage.ordinal,
        "language": passage.language,
        "headings": list(passage.heading_path),
        "score": passage.score,
        "lexical": passage.lexical_score,
        "dense": passage.dense_score,
        "sentence": [marked.start, marked.end] if marked else None,
        "header": passage.header,
    }
    known = passage.document_id in live
    return {
        **address_values(passage),
        "turn_id": turn_id,
        "role": EVIDENCE,
        "number": rank,
        "quote": passage.text if known else "",
        "detail": detail if known else {},
    }


def _citation_row(turn_id: str, citation: Citation, live: frozenset[str]) -> dict[str, object]:
    return {
        **address_values(citation),
        "turn_id": turn_id,
        "role": CITATION,
        "number": citation.number,
        "quote": citation.quote if citation.document_id in live else "",
        "detail": {},
    }


def address_values(place: Passage | Citation | Considered) -> dict[str, object]:
    """Column values of where a passage stands."""
    return {
        "chunk_id": place.chunk_id,
        "document_id": place.document_id,
        "version_id": place.version_id,
        "title": place.title,
        "start": place.span.start,
        "end": place.span.end,
        "page": place.page,
        "page_label": place.page_label,
        "locator": list(astuple(place.locator)) if place.locator else None,
    }


def live_documents(connection: Connection, document_ids: Sequence[str]) -> frozenset[str]:
    """Those that nobody has deleted: a deletion between retrieval and this row must not bring a quote back."""
    query = select(documents.c.id).where(documents.c.id.in_(set(document_ids)), documents.c.deleted_at.is_(None))
    return frozenset(connection.execute(query).scalars())


def insert_passages(connection: Connection, rows: list[dict[str, object]]) -> None:
    """Store rows of `turn_passages`, if there are any."""
    if rows:
        connection.execute(insert(turn_passages), rows)
