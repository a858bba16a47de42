"""Receipts as the component shows them. Pure functions: values in, JSON out."""

from __future__ import annotations

from typing import Any

from rag.prompts import MESSAGE_TOKENS
from rag.receipt_words import Difference, compare, facts, part_name, place, reason
from rag.receipts import Considered, Receipt, Sent
from ui.safe import visible
from workspaces.models import Turn

View = dict[str, Any]

_VALUE = 400
_DELETED = "(The text of this source was deleted with its document.)"


def receipt_view(receipt: Receipt, turn: Turn, *, earlier: tuple[Receipt, Turn] | None = None) -> View:
    """Everything the component `receipt` draws.

    Args:
        receipt: of the turn.
        turn: whose receipt it is.
        earlier: an earlier run of the same question, to stand beside it.
    """
    sent = receipt.sent
    return {
        "warning": visible(receipt.warning or ""),
        "facts": [[label, visible(value, limit=_VALUE)] for label, value in facts(receipt).items()],
        "tokens": _tokens(sent) if sent else None,
        "candidates": [_row(entry, receipt) for entry in receipt.candidates],
        "more": receipt.more,
        "messages": _messages(sent) if sent else None,
        "whole": sent.whole if sent else True,
        "comparison": _comparison(earlier, receipt, turn) if earlier else None,
    }


def _tokens(sent: Sent) -> View:
    rows = [{"kind": part.kind, "name": part_name(part), "tokens": part.tokens} for part in sent.parts]
    rows.append(
        {"kind": "template", "name": "Around the messages, at most", "tokens": MESSAGE_TOKENS * len(sent.messages)}
    )
    rows.append({"kind": "reserve", "name": "Kept free for the answer", "tokens": sent.reserve})
    return {"rows": rows, "window": sent.window}


def _row(entry: Considered, receipt: Receipt) -> View:
    return {
        "rank": entry.rank,
        "place": visible(place(entry), limit=120),
        "chunk": entry.chunk_id[:8],
        "lexical": _figure(entry.lexical),
        "dense": _figure(entry.dense),
        "score": "–" if entry.deleted else _figure(entry.score),
        "reason": reason(entry, receipt),
        "kept": entry.read is not None,
        "shown": entry.fate not in ("below", "shown_with"),
    }


def _messages(sent: Sent) -> list[View]:
    gone = {part.message for part in sent.parts if part.kind == "source" and not part.text}
    names = {"system": "Instruction", "user": "To the model", "assistant": "Earlier answer"}
    return [
        {"name": names[message.role], "text": message.content + (f"\n\n{_DELETED}" if place in gone else "")}
        for place, message in enumerate(sent.messages)
    ]


def _comparison(earlier: tuple[Receipt, Turn], receipt: Receipt, turn: Turn) -> View:
    before, first = earlier
    found = compare(before, receipt)
    said, says = _answer(first), _answer(turn)
    return {
        "title": f"Beside question {first.ordinal}, the same question before",
        "facts": [_line(item) for item in found.facts],
        "candidates": [_line(item) for item in found.candidates],
        "answers": {"same": said == says, "before": said, "after": says},
    }


def _line(item: Difference) -> View:
    texts = {"label": item.label, "before": item.before, "after": item.after}
    return {name: visible(text, limit=_VALUE) for name, text in texts.items()} | {"differs": item.differs}


def _answer(turn: Turn) -> str:
    if turn.answer is not None and turn.answer.text:
        return turn.answer.text
    return "Not answered from the documents." if turn.state == "refused" else "No answer."


def _figure(score: float | None) -> str:
    return "–" if score is None else f"{score:.2f}"
