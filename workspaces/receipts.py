"""Receipts as they are kept: of documents only which passages were sent, and how far. Their text stands in
`turn_passages`, from where a deletion takes it; the prompt is put together from there when a receipt is read, and its
fingerprint tells whether it is what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from rag.errors import NotFound
from rag.places import part_of
from rag.prompts import Part, inert, source_block
from rag.receipts import Considered, Reading, Receipt, Sent
from rag.types import Exchange, Passage, Span, Timings
from workspaces.database import Database
from workspaces.deleting import CANDIDATE
from workspaces.models import Turn
from workspaces.scopes import scope_of
from workspaces.scoping import limited_to
from workspaces.tables import conversations, receipts, turn_passages, turns
from workspaces.turns import (
    EVIDENCE,
    address_values,
    exchanges,
    insert_passages,
    live_documents,
    locator_of,
    passage_of,
    turns_of,
)

Values = dict[str, Any]
_BESIDE = ("below", "shown_with")
"""Fates of what is no evidence."""


class Receipts:
    """Reads receipts. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, turn_id: str) -> Receipt:
        """What stood behind a turn.

        Raises:
            NotFound: no such turn, or it has none: it was cut off, or answered before receipts were kept.
        """
        with self._database.read() as connection:
            row = connection.execute(
                select(
                    receipts.c.record,
                    func.coalesce(turns.c.without_names, turns.c.question).label("question"),
                    turns.c.searched,
                    turns.c.timings,
                    turns.c.scope,
                    conversations.c.workspace_id,
                )
                .join(turns, turns.c.id == receipts.c.turn_id)
                .join(conversations, conversations.c.id == turns.c.conversation_id)
                .where(receipts.c.turn_id == turn_id)
            ).one_or_none()
            if row is None:
                raise NotFound("There is no receipt for this answer.", hint="Ask the question again to get one.")
            return _receipt(connection, turn_id, row)

    def earlier(self, turn_id: str) -> Turn | None:
        """The run before of the same question: the turn that this one repeats, or the last before it in its chat that
        asked the same; None where there is none."""
        with self._database.read() as connection:
            row = connection.execute(select(turns).where(turns.c.id == turn_id)).one_or_none()
            if row is None:
                return None
            same = (turns.c.question == row.question) & (turns.c.ordinal < row.ordinal)
            wanted = turns.c.id == row.repeats if row.repeats else same
            found = turns_of(connection, (turns.c.conversation_id == row.conversation_id) & wanted)
        return found[-1] if found else None


def keep(connection: Connection, turn_id: str, receipt: Receipt) -> None:
    """Store the receipt of a turn whose evidence is stored."""
    sent = receipt.sent
    record = {
        "evidence": receipt.evidence,
        "threshold": receipt.threshold,
        "sufficient": receipt.sufficient,
        "more": receipt.more,
        "held": receipt.held,
        "removed": list(receipt.removed),
        "respelled": [list(pair) for pair in receipt.respelled],
        "fates": [
            [entry.fate, entry.source, [entry.read.start, entry.read.end] if entry.read else None]
            for entry in receipt.candidates
            if entry.fate not in _BESIDE
        ],
        "sent": _sent_values(sent, receipt.asked) if sent is not None else None,
        "readings": [_reading_values(reading) for reading in receipt.readings],
    }
    connection.execute(insert(receipts).values(turn_id=turn_id, record=record))
    below = [entry for entry in receipt.candidates if entry.fate in _BESIDE]
    live = live_documents(connection, [entry.document_id for entry in below])
    insert_passages(connection, [_candidate_row(turn_id, entry) for entry in below if entry.document_id in live])


def _sent_values(sent: Sent, asked: str) -> Values:
    return {
        "model": sent.model,
        "identity": sent.identity,
        "parameters": dict(sent.parameters),
        "window": sent.window,
        "reserve": sent.reserve,
        "room": sent.room,
        "left_out": sent.left_out,
        "counted": sent.counted,
        "at_least": sent.at_least,
        "reported": sent.reported,
        "output": sent.output,
        "fingerprint": sent.fingerprint,
        "in_time": sent.in_time,
        "parts": [_part_values(part, asked) for part in sent.parts],
    }


def _reading_values(reading: Reading) -> Values:
    read = {chunk_id: [span.start, span.end] for chunk_id, span in reading.read.items()}
    return {**{field.name: getattr(reading, field.name) for field in fields(Reading)}, "read": read}


def _part_values(part: Part, asked: str) -> Values:
    """A part without what is kept elsewhere: the question, earlier turns, text of documents."""
    kept: Sequence[str] = ()
    if part.kind in ("instruction", "notes"):  # notes are the model's own, as an answer is
        kept = (part.text,)
    elif part.kind == "question":
        before, _, after = part.text.partition(inert(asked))
        kept = (before, after)
    placed = [part.kind, part.message, part.role, part.tokens, part.number, part.refers]
    return {"placed": placed, "kept": list(kept)}


def _candidate_row(turn_id: str, entry: Considered) -> Values:
    return {
        **address_values(entry),
        "turn_id": turn_id,
        "role": CANDIDATE,
        "number": entry.rank,
        "quote": "",
        "detail": {
            "lexical": entry.lexical,
            "dense": entry.dense,
            "score": entry.score,
            "shown_with": entry.shown_with,
        },
    }


# --- reading -------------------------------------------------------------------------------------


def _receipt(connection: Connection, turn_id: str, row: Row[*tuple[Any, ...]]) -> Receipt:
    record: Mapping[str, Any] = row.record
    shown = connection.execute(
        select(turn_passages)
        .where(turn_passages.c.turn_id == turn_id, turn_passages.c.role.in_((EVIDENCE, CANDIDATE)))
        .order_by(turn_passages.c.number)
    ).all()
    passages = {item.number: passage_of(item) for item in shown if item.role == EVIDENCE}
    candidates = [_evidence(item, *record["fates"][item.number - 1]) for item in shown if item.role == EVIDENCE]
    candidates += [
        _considered(item, "shown_with" if item.detail.get("shown_with") else "below", deleted=not item.detail)
        for item in shown
        if item.role == CANDIDATE
    ]
    sources = {entry.source: _read(passages[entry.rank], entry) for entry in candidates if entry.source is not None}
    sent = record["sent"]
    return Receipt(
        asked=row.question,
        searched=row.searched or row.question,
        candidates=tuple(candidates),
        more=record["more"],
        removed=tuple(record.get("removed", ())),
        held=record.get("held"),
        respelled=tuple((typed, found) for typed, found in record.get("respelled", ())),
        evidence=record["evidence"],
        threshold=record["threshold"],
        sufficient=record["sufficient"],
        sent=_sent(connection, sent, question=row.question, sources=sources) if sent is not None else None,
        timings=Timings(**row.timings),
        limited_to=limited_to(connection, row.workspace_id, scope_of(row.scope)),
        readings=tuple(_reading(values) for values in record.get("readings", ())),
    )


def _reading(values: Mapping[str, Any]) -> Reading:
    return Reading(**{**values, "read": {chunk_id: Span(*span) for chunk_id, span in values["read"].items()}})


def _evidence(row: Row[Any], fate: str, source: int | None, read: Sequence[int] | None) -> Considered:
    entry = _considered(row, fate, deleted=not row.quote)
    return replace(entry, source=source, read=Span(*read) if read else None)


def _considered(row: Row[Any], fate: Any, *, deleted: bool) -> Considered:
    return Considered(
        rank=row.number,
        chunk_id=row.chunk_id,
        document_id=row.document_id,
        version_id=row.version_id,
        title=row.title,
        span=Span(row.start, row.end),
        fate=fate,
        page=row.page,
        page_label=row.page_label,
        locator=locator_of(row.locator),
        lexical=row.detail.get("lexical"),
        dense=row.detail.get("dense"),
        score=row.detail.get("score", 0.0),
        shown_with=row.detail.get("shown_with", ""),
        deleted=deleted,
    )


def _read(passage: Passage, entry: Considered) -> Passage | None:
    """The passage as far as the model read it; None where its document was deleted."""
    if entry.deleted or entry.read is None:
        return None
    return part_of(passage, entry.read)


def _sent(
    connection: Connection, values: Mapping[str, Any], *, question: str, sources: Mapping[int, Passage | None]
) -> Sent:
    figures = {name: value for name, value in values.items() if name != "parts"}
    earlier = {part["placed"][-1] for part in values["parts"] if part["placed"][0] == "history"}
    told = turns_of(connection, turns.c.id.in_(earlier)) if earlier else []
    history = {exchange.turn_id: exchange for exchange in exchanges(told, limit=len(told))} if told else {}
    parts = []
    for part in values["parts"]:
        kind, message, role, tokens, number, refers = part["placed"]
        if kind == "source":
            passage = sources.get(number)
            text = source_block(number, passage) if passage is not None else ""
        elif kind == "history":
            text = _said(history.get(refers), role)
        elif kind == "question":
            text = inert(question).join(part["kept"])
        else:
            text = part["kept"][0]
        parts.append(Part(kind, message, role, text, tokens, number, refers))
    return Sent(parts=tuple(parts), **figures)


def _said(exchange: Exchange | None, role: str) -> str:
    if exchange is None:
        return ""
    return inert(exchange.question if role == "user" else exchange.answer)
