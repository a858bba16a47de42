"""Values of the application as the components show them. Pure functions: a turn in, JSON out."""

from __future__ import annotations

import re
from typing import Any

from rag.places import describe
from rag.types import Answer, Citation, Locator, Passage, Sentence, Verdict
from ui.figures import day, on_day
from ui.safe import visible
from workspaces.models import DocumentRecord, PassageView, Turn

_BEFORE, _AFTER = 60, 260
"""Characters of a card around its marked sentence: the mark must stand in the first lines."""

_QUOTE = 300
_SEARCHED = 300
_MARKER = re.compile(r"\s*\[\d{1,2}(?:\s*,\s*\d{1,2})*\]")
"""A footnote number as a model types it; until it is checked it points nowhere."""

_REMARKS: dict[Verdict, str] = {
    "supported": "",
    "partly": "Only partly supported by the passage: compare it before you rely on it.",
    "not_found": "Not found in your documents: the model wrote this on its own.",
    "general": "General knowledge of the model: not from your documents, and checked by nobody.",
}
_LEGEND = "A dotted line marks what a passage supports only in part."

View = dict[str, Any]


def turn_view(turn: Turn, *, copy: str = "", has_documents: bool = True) -> View:
    """Everything the component `turn` draws.

    Args:
        turn: as the services return it, running or final.
        copy: what "Copy with footnotes" puts on the clipboard; empty hides it.
        has_documents: whether there was anything to search; a refusal says so.
    """
    running, refused = turn.state == "running", turn.state == "refused"
    citations = turn.citations or (turn.answer.citations if turn.answer else ())
    return {
        "question": turn.question,
        "searched": _searched(turn),
        "evidence": [] if refused else [_card(number, each, turn) for number, each in enumerate(turn.evidence, 1)],
        "answer": _answer(turn, citations),
        "refusal": _refusal(turn, citations, has_documents=has_documents) if refused else None,
        "notices": [] if running else _notices(turn),
        "sources": [] if running or refused else [_source(citation, turn) for citation in citations],
        "status": _status(turn) if running else None,
        "foot": None if running else {"copy": copy, "meta": _meta(turn), "receipt": True},
    }


def _searched(turn: Turn) -> View | None:
    """What was searched where it is not what was typed, whether that can be undone now, and where was looked."""
    if turn.searched is None and not turn.limited_to:
        return None
    text = turn.searched or turn.without_names or ""
    return {
        "text": visible(text, limit=_SEARCHED),
        "undo": turn.searched is not None and turn.state != "running",
        "limits": _limits(turn),
    }


def _limits(turn: Turn) -> str:
    return visible(" · ".join(visible(label, limit=80) for label in turn.limited_to), limit=_SEARCHED)


def where(page: int | None, label: str | None, locator: Locator | None = None) -> str:
    """The page, or the place in a document without pages, as a person names it; empty where there is neither."""
    if page is None:
        return visible(describe(locator), limit=120)
    return f"page {label}" if label and label != str(page) else f"page {page}"


def place(passage: Passage | PassageView) -> str:
    """Where it stands in a document without pages, and under which headings; a sheet's name is said once."""
    found, path = describe(passage.locator), " › ".join(passage.heading_path)
    return " · ".join(part for part in (found, "" if found.startswith(path) else path) if part)


def _where(shown: Passage | Citation, turn: Turn) -> str:
    """As `where`, with the workspace where that is another one than the chat's."""
    workspace = turn.elsewhere.get(shown.document_id, "")
    found = where(shown.page, shown.page_label, shown.locator)
    return " · ".join(part for part in (found, f"in {visible(workspace, limit=40)}" if workspace else "") if part)


def fetched(record: DocumentRecord) -> str:
    """When and where a web document was fetched, and whether it still is there; empty for other documents."""
    if record.source_kind != "url" or record.fetched_at is None:
        return ""
    told = f"as fetched {on_day(record.fetched_at)} from {visible(record.final_url or record.source, limit=120)}"
    if record.gone_at is not None:
        return f"{told}, gone from there since {day(record.gone_at)}"
    return f"{told}, unchanged {on_day(record.checked_at)}" if record.checked_at is not None else told


def _answer(turn: Turn, citations: tuple[Citation, ...]) -> View | None:
    running = turn.state == "running"
    text = turn.answer.text if turn.answer else turn.written
    if not text or turn.state == "refused":
        return None
    sentences = turn.answer.sentences if turn.answer else ()
    checked = max((sentence.span.end for sentence in sentences), default=0)
    rest = turn.written[checked:] if running else text[checked:]
    notes = {citation.number: citation for citation in citations}
    return {
        "pieces": _pieces(text, sentences, notes),
        "draft": _MARKER.sub("", rest) if running or not sentences else rest.rstrip(),
        "writing": running,
    }


def _pieces(text: str, sentences: tuple[Sentence, ...], notes: dict[int, Citation]) -> list[View]:
    """The checked part of the text in order: what stands between sentences (white space, bullets), and sentences."""
    pieces: list[View] = []
    end = 0
    for sentence in sentences:
        if between := text[end : sentence.span.start]:
            pieces.append({"text": between})
        pieces.append(
            {
                "text": text[sentence.span.start : sentence.span.end],
                "verdict": sentence.verdict,
                "remark": _REMARKS[sentence.verdict],
                "notes": [_note(notes[number]) for number in sentence.citations if number in notes],
                "otherwise": [_note(notes[number]) for number in sentence.conflicts if number in notes],
            }
        )
        end = sentence.span.end
    return pieces


def _note(citation: Citation) -> View:
    place = where(citation.page, citation.page_label, citation.locator)
    label = ", ".join(part for part in (visible(citation.title, limit=80), place) if part)
    return {"number": citation.number, "label": label, "quote": visible(citation.quote, limit=_QUOTE)}


def _source(citation: Citation, turn: Turn) -> View:
    gone = not citation.quote
    return {
        "number": citation.number,
        "title": visible(citation.title, limit=90),
        "where": _where(citation, turn),
        "quote": "This document was deleted." if gone else visible(citation.quote, limit=_QUOTE),
        "gone": gone,
    }


def _card(number: int, passage: Passage, turn: Turn) -> View:
    before, mark, after = _excerpt(passage)
    return {
        "number": number,
        "title": visible(passage.title, limit=90),
        "where": _where(passage, turn),
        "header": visible(passage.header, limit=_BEFORE),
        "before": before,
        "mark": mark,
        "after": after,
    }


def _excerpt(passage: Passage) -> tuple[str, str, str]:
    """The marked sentence and a little of what stands around it; without one, the beginning."""
    best = passage.best_sentence
    if best is None:
        return visible(passage.text, limit=_BEFORE + _AFTER), "", ""
    start, end = best.start - passage.span.start, best.end - passage.span.start
    before, after = passage.text[:start], passage.text[end:]
    return (
        "…" + _tail(before) if len(before) > _BEFORE else before,
        passage.text[start:end],
        after[:_AFTER] + "…" if len(after) > _AFTER else after,
    )


def _tail(text: str) -> str:
    """The end of a text, from a word's beginning."""
    end = text[-_BEFORE:]
    return end.partition(" ")[2] or end


def _refusal(turn: Turn, citations: tuple[Citation, ...], *, has_documents: bool) -> View:
    if not has_documents:
        hint = "There is nothing to search in this workspace yet. Add documents first."
    elif turn.scope.filtered:
        hint = f"Only a part of your documents was searched ({_limits(turn)}). The answer may stand in the others."
    elif citations:
        hint = "No passage is close enough, so no model was asked. Try other words, or add a document that covers it."
    else:
        hint = "No passage comes near. Try other words, or add a document that covers it."
    return {
        "title": f"{'These' if turn.scope.filtered else 'Your'} documents do not seem to answer this.",
        "hint": hint,
        "nearest": [_source(citation, turn) for citation in citations],
        "everywhere": has_documents and turn.scope.filtered,
    }


def _notices(turn: Turn) -> list[View]:
    notices: list[View] = []
    if turn.warning is not None:
        notices.append({"kind": "problem", "text": visible(turn.warning)})
    if turn.state == "interrupted" and turn.problem is None:
        notices.append({"kind": "stopped", "text": "Stopped. What was written is kept."})
    if turn.problem is not None:
        text = f"{visible(turn.problem.message)} {visible(turn.problem.hint)}".strip()
        notices.append({"kind": "problem", "text": text})
    answer = turn.answer
    if answer is None:
        return notices
    if answer.model is None and answer.text and turn.problem is None:
        text = "Answered without a chat model: these are sentences of your documents that fit best."
        notices.append({"kind": "plain", "text": text})
    if any(sentence.verdict == "partly" for sentence in answer.sentences):
        notices.append({"kind": "legend", "text": _LEGEND})
    if answer.left_out:
        notices.append({"kind": "legend", "text": visible(answer.left_out)})
    return notices


def _status(turn: Turn) -> str:
    if turn.progress is not None:
        return f"{turn.progress.note}…"
    if turn.written or turn.answer is not None:
        return "Writing and checking each sentence…"
    return "Reading the passages…" if turn.evidence else "Searching your documents…"


def _meta(turn: Turn) -> str:
    answer: Answer | None = turn.answer
    if answer is None:
        return ""
    parts = [visible(answer.model, limit=60) if answer.model else "No model"]
    if answer.timings.evidence is not None:
        parts.append(f"evidence after {answer.timings.evidence:.1f} s")
    if answer.timings.total is not None:
        parts.append(f"finished after {answer.timings.total:.0f} s")
    return " · ".join(parts)
