"""How a receipt looks on the command line: as JSON for scripts, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rag.places import describe
from rag.prompts import MESSAGE_TOKENS
from rag.receipt_words import facts, part_name, place, reason
from rag.receipts import Considered, Receipt, Sent

Json = dict[str, Any]


def receipt_json(receipt: Receipt) -> Json:
    """All of it; what is not known is null."""
    return {
        "asked": receipt.asked,
        "searched": receipt.searched,
        "limited_to": list(receipt.limited_to),
        "evidence": receipt.evidence,
        "threshold": receipt.threshold,
        "sufficient": receipt.sufficient,
        "candidates": [_candidate_json(entry, receipt) for entry in receipt.candidates],
        "more_candidates": receipt.more,
        "sent": _sent_json(receipt.sent) if receipt.sent else None,
        "parts_read_before": [asdict(reading) | {"read": list(reading.read)} for reading in receipt.readings],
        "timings": asdict(receipt.timings),
        "warning": receipt.warning,
    }


def lines(receipt: Receipt) -> Iterator[str]:
    """All of it, below an answer."""
    yield ""
    yield "Receipt"
    for label, value in facts(receipt).items():
        yield f"  {label + ':':19}{value}"
    yield ""
    yield "Passages read (words, meaning, together)"
    for entry in receipt.candidates:
        scores = "  ".join(_figure(score) for score in (entry.lexical, entry.dense, entry.score))
        yield f"  {entry.rank:2}. {scores}  {place(entry)}  [{entry.chunk_id[:8]}]  {reason(entry, receipt)}"
    if receipt.more:
        yield f"  and {receipt.more} more"
    if receipt.sent is not None:
        yield from _prompt(receipt.sent)


def _prompt(sent: Sent) -> Iterator[str]:
    yield ""
    yield "Tokens of the prompt as counted here"
    for part in sent.parts:
        yield f"  {part.tokens:6,}  {part_name(part)}"
    yield f"  {MESSAGE_TOKENS * len(sent.messages):6,}  around the messages (at most)"
    for message in sent.messages:
        yield ""
        yield f"--- {message.role} ---"
        yield from message.content.splitlines()


def _candidate_json(entry: Considered, receipt: Receipt) -> Json:
    return {
        "rank": entry.rank,
        "chunk": entry.chunk_id,
        "document": entry.document_id,
        "version": entry.version_id,
        "title": entry.title,
        "page": entry.page,
        "place": describe(entry.locator),
        "span": [entry.span.start, entry.span.end],
        "lexical": entry.lexical,
        "dense": entry.dense,
        "score": entry.score,
        "fate": entry.fate,
        "source": entry.source,
        "read": [entry.read.start, entry.read.end] if entry.read else None,
        "reason": reason(entry, receipt),
    }


def _sent_json(sent: Sent) -> Json:
    return {
        "model": sent.model,
        "identity": sent.identity or None,
        "parameters": dict(sent.parameters),
        "window": sent.window,
        "reserve": sent.reserve,
        "room_for_sources": sent.room,
        "left_out": sent.left_out or None,
        "prompt_tokens_counted": sent.counted,
        "prompt_tokens_at_least": sent.at_least,
        "prompt_tokens_reported": sent.reported,
        "output_tokens": sent.output,
        "parts": [
            {"kind": part.kind, "role": part.role, "number": part.number, "tokens": part.tokens} for part in sent.parts
        ],
        "messages": [asdict(message) for message in sent.messages],
        "fingerprint": sent.fingerprint,
    }


def _figure(score: float | None) -> str:
    return "     –" if score is None else f"{score:6.2f}"
