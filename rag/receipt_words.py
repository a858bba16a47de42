"""A receipt in a person's words, and two of them side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rag import spelling
from rag.places import describe
from rag.prompts import Part
from rag.reader import HELD
from rag.receipts import Considered, Reading, Receipt, Sent
from rag.types import Parameter, Timings

NOT_KNOWN = "not known"
DELETED = "Deleted document"
_SAME_SCORE = 0.005


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that both receipts tell; `before` and `after` are equal where it is the same."""

    label: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        """Whether it is not the same."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two receipts side by side: all facts, and the passages that fared differently."""

    facts: tuple[Difference, ...]
    candidates: tuple[Difference, ...]


def facts(receipt: Receipt) -> dict[str, str]:
    """What is told in one line each, in the order of the answer's way."""
    sent = receipt.sent
    told = {
        "Asked": receipt.asked,
        "Searched for": receipt.searched,
        "Searched in": " · ".join(receipt.limited_to) or "all of the workspace",
        **({"Read as": spelling.told(receipt.respelled)} if receipt.respelled else {}),
        "Evidence": f"{receipt.evidence:.2f}; below {receipt.threshold:.2f} no model is asked",
        **({} if receipt.held is None else {"Read by the model": _held(receipt.held)}),
        "Passages": f"{len(receipt.candidates) + receipt.more} read, {_shown(receipt)} shown",
        "Model": sent.model if sent else _unasked(receipt),
    }
    if sent is not None:
        told |= _sending(sent)
    if receipt.readings:
        told["Read before"] = "; ".join(_reading(number, one) for number, one in enumerate(receipt.readings, 1))
    if receipt.removed:
        told["Left out of the answer"] = " ".join(f"“{sentence}”" for sentence in receipt.removed)
    return told | {"Times": _times(receipt.timings)}


def _held(held: float) -> str:
    return f"{held:.2f} that one of the first sources, each read alone, holds the answer; refused below {HELD:.2f}"


def place(entry: Considered) -> str:
    """Title, and page or place, of a candidate."""
    if entry.deleted and not entry.title:
        return DELETED
    where = describe(entry.locator) if entry.page is None else f"page {entry.page_label or entry.page}"
    named = ", ".join(part for part in (entry.title, where) if part)
    return f"{named} (deleted)" if entry.deleted else named


def reason(entry: Considered, receipt: Receipt) -> str:
    """Why a candidate was kept or dropped."""
    match entry.fate:
        case "source":
            return f"In the prompt as source {entry.source}"
        case "shortened":
            read = f"{len(entry.read) if entry.read else 0:,} of its {len(entry.span):,} characters"
            return f"In the prompt as source {entry.source}, shortened to {read}"
        case "part":
            return f"In part {_part_with(entry, receipt)} of {len(receipt.readings)} that the model took notes of"
        case "unread":
            return "Not read: the time was up, or the answer ended before"
        case "no_room":
            room = receipt.sent.room if receipt.sent else 0
            return f"Evidence only: did not fit the {room:,} tokens for sources"
        case "far":
            return "Evidence only: it came too far behind the best"
        case "evidence":
            return "Evidence only: no model was asked"
        case "below":
            return f"Left out: below the first {_shown(receipt)}"
        case "shown_with":
            return _together(entry, receipt)


def part_name(part: Part) -> str:
    """What a piece of the prompt is."""
    match part.kind:
        case "instruction":
            return "Instruction"
        case "history":
            return f"Earlier {'question' if part.role == 'user' else 'answer'} {part.number}"
        case "source":
            return f"Source {part.number}"
        case "notes":
            return f"Notes {part.number}"
        case "question":
            return "Question"


def compare(before: Receipt, after: Receipt) -> Comparison:
    """What is the same and what is not. Passages of deleted documents are not compared."""
    old, new = facts(before), facts(after)
    labels = list(dict.fromkeys([*old, *new]))
    was, now = _by_chunk(before), _by_chunk(after)
    moved = []
    for chunk_id in dict.fromkeys([*now, *was]):
        first, second = was.get(chunk_id), now.get(chunk_id)
        known = second or first
        if known is not None and _fared_differently(first, second):
            moved.append(Difference(place(known), _standing(first), _standing(second)))
    return Comparison(
        facts=tuple(Difference(label, old.get(label, "–"), new.get(label, "–")) for label in labels),
        candidates=tuple(moved),
    )


def _reading(number: int, reading: Reading) -> str:
    about = f" ({reading.about})" if reading.about else ""
    tokens = f"{reading.reported:,}" if reading.reported is not None else f"at most {reading.counted:,}"
    notes = f"{reading.kept} notes kept, {reading.dropped} left out"
    return f"part {number}{about}: {len(reading.read)} passages, {tokens} tokens, {notes}"


def _part_with(entry: Considered, receipt: Receipt) -> int:
    return next((number for number, one in enumerate(receipt.readings, 1) if entry.chunk_id in one.read), 0)


def _shown(receipt: Receipt) -> int:
    return sum(entry.fate not in ("below", "shown_with") for entry in receipt.candidates)


def _together(entry: Considered, receipt: Receipt) -> str:
    other = next((one for one in receipt.candidates if one.chunk_id == entry.shown_with), entry)
    holds = other.version_id == entry.version_id and other.span.overlap(entry.span) > 0
    return f"Part of passage {other.rank}" if holds else f"Left out: says the same as passage {other.rank}"


def _unasked(receipt: Receipt) -> str:
    return "none was asked" if receipt.sufficient else "none was asked: the evidence is too weak"


def _sending(sent: Sent) -> dict[str, str]:
    reported = f"{sent.reported:,} as the model reported" if sent.reported is not None else "the model reported none"
    return {
        "Weights": sent.identity or NOT_KNOWN,
        "Parameters": ", ".join(f"{name} {_setting(value)}" for name, value in sent.parameters.items()) or NOT_KNOWN,
        "Window": f"{sent.window:,} tokens, {sent.reserve:,} of them kept free for the answer",
        "Prompt": f"at most {sent.counted:,} tokens as counted here, {reported}",
        "Read in time": _in_time(sent.in_time),
        "Answer": f"{sent.output:,} tokens" if sent.output is not None else NOT_KNOWN,
        "Not in the prompt": sent.left_out or "nothing was left out",
    }


def _in_time(tokens: int | None) -> str:
    if tokens is None:
        return NOT_KNOWN
    return f"{tokens:,} tokens, at the speed at which it has read so far, before the first word is due"


def _setting(value: Parameter) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _times(timings: Timings) -> str:
    known = (("evidence", timings.evidence), ("first word", timings.first_token), ("whole", timings.total))
    return ", ".join(f"{name} after {seconds:.2f} s" for name, seconds in known if seconds is not None) or NOT_KNOWN


def _by_chunk(receipt: Receipt) -> Mapping[str, Considered]:
    return {entry.chunk_id: entry for entry in receipt.candidates if not entry.deleted}


def _fared_differently(before: Considered | None, after: Considered | None) -> bool:
    if before is None or after is None:
        return True
    moved = (before.fate, before.source) != (after.fate, after.source)
    return moved or abs(before.score - after.score) >= _SAME_SCORE


def _standing(entry: Considered | None) -> str:
    if entry is None:
        return "not among those read"
    match entry.fate:
        case "source" | "shortened":
            kept = f"source {entry.source}" + (" (shortened)" if entry.fate == "shortened" else "")
        case "below":
            kept = "left out"
        case "part":
            kept = "read for notes"
        case "shown_with":
            kept = "with another"
        case _:
            kept = "evidence only"
    return f"{kept}, rank {entry.rank}, score {entry.score:.2f}"
