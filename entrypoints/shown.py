"""How values look on the command line: as JSON for scripts, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC
from typing import Any

from entrypoints.receipt_shown import receipt_json
from rag.errors import FootnoteError
from rag.places import describe
from rag.receipts import Receipt
from rag.types import Answer, Answered, Citation, Interrupted, Passage, Refused, Sentence
from workspaces.models import DocumentRecord, Download, Pending, SitePage, Standing, Workspace

Json = dict[str, Any]
_NOWHERE: Mapping[str, str] = {}


def workspace_json(item: Workspace) -> Json:
    """A workspace with its figures."""
    return {**asdict(item), "created_at": item.created_at.isoformat(timespec="seconds") + "Z"}


def document_json(record: DocumentRecord) -> Json:
    """A document as `add` and `documents` show it."""
    return {
        "document": record.id,
        "title": record.title or record.source,
        "source": record.source,
        "state": record.state,
        "problem": asdict(record.problem) if record.problem else None,
        "notes": list(record.notes),
        "media_type": record.media_type,
        "language": record.language,
        "pages": record.pages,
        "characters": record.characters,
        "chunks": record.chunks,
        "duplicate": record.duplicate_of is not None,
        "version": record.number,
        "pending": _pending_json(record.pending) if record.pending else None,
        "container": _container_json(record),
        "members": record.members,
        "tags": list(record.tags),
    }


def _pending_json(newer: Pending) -> Json:
    problem = asdict(newer.problem) if newer.problem else None
    return {"version": newer.number, "state": newer.state, "problem": problem}


def _container_json(record: DocumentRecord) -> Json | None:
    """What a document lies in, and where in there."""
    if record.container_id is None:
        return None
    return {"document": record.container_id, "title": record.container_title, "path": record.path}


def refused_json(source: str, error: FootnoteError) -> Json:
    """A source that did not even become a document."""
    return {
        "document": None,
        "title": source,
        "source": source,
        "state": "failed",
        "problem": {"code": error.code, "message": error.message, "hint": error.hint},
        "notes": [],
        "media_type": "",
        "language": "",
        "pages": 0,
        "characters": 0,
        "chunks": 0,
        "duplicate": False,
        "version": 0,
        "pending": None,
        "container": None,
        "members": 0,
        "tags": [],
    }


def left_out_json(page: SitePage) -> Json:
    """An address of a section that became no document."""
    described = refused_json(page.url, FootnoteError(page.reason))
    return {**described, "state": page.state, "problem": {"code": page.state, "message": page.reason, "hint": ""}}


def refreshed_json(document_id: str, source: str, outcome: str, problem: FootnoteError | None) -> Json:
    """What looking at a web document again found."""
    told = None if problem is None else {"code": problem.code, "message": problem.message, "hint": problem.hint}
    return {"document": document_id, "source": source, "outcome": outcome, "problem": told}


def passage_json(passage: Passage, *, workspace: str) -> Json:
    """A passage as `search` shows it; `workspace` is the name of the one that it stands in."""
    return {
        "workspace": workspace,
        "document": passage.document_id,
        "title": passage.title,
        "page": passage.page,
        "place": describe(passage.locator),
        "span": [passage.span.start, passage.span.end],
        "score": passage.score,
        "text": passage.text,
    }


def answer_json(
    event: Answered | Refused | Interrupted, *, model: str | None, workspaces: Mapping[str, str] = _NOWHERE
) -> Json:
    """An answer, or a refusal: `answer` null, the nearest passages as citations. `workspaces`: names by document."""
    if isinstance(event, Refused):
        return {
            "answer": None,
            "refused": True,
            "sentences": [],
            "citations": [_citation_json(citation, workspaces) for citation in event.citations],
            "model": model,
            "timings": asdict(event.timings),
            **_receipt_json(event.receipt),
        }
    answer = event.answer
    shown: Json = {
        "answer": answer.text,
        "refused": False,
        "sentences": [_sentence_json(sentence) for sentence in answer.sentences],
        "citations": [_citation_json(citation, workspaces) for citation in answer.citations],
        "model": answer.model,
        "timings": asdict(answer.timings),
        **_receipt_json(event.receipt),
    }
    if answer.left_out:
        shown["left_out"] = answer.left_out
    if isinstance(event, Interrupted):
        shown["interrupted"] = event.error or "stopped"
    return shown


def _sentence_json(sentence: Sentence) -> Json:
    """`conflicts` is there only where another source says otherwise."""
    shown: Json = {"text": sentence.text, "verdict": sentence.verdict, "citations": list(sentence.citations)}
    return {**shown, "conflicts": list(sentence.conflicts)} if sentence.conflicts else shown


def _receipt_json(receipt: Receipt | None) -> Json:
    return {
        "searched": receipt.searched if receipt else None,
        "limited_to": list(receipt.limited_to) if receipt else [],
        "warning": receipt.warning if receipt else None,
        "receipt": receipt_json(receipt) if receipt else None,
    }


def _citation_json(citation: Citation, workspaces: Mapping[str, str]) -> Json:
    return {
        "n": citation.number,
        "workspace": workspaces.get(citation.document_id),
        "document": citation.document_id,
        "title": citation.title,
        "page": citation.page,
        "place": describe(citation.locator),
        "span": [citation.span.start, citation.span.end],
        "quote": citation.quote,
    }


def document_line(name: str, record: DocumentRecord) -> str:
    """A document's state on one line."""
    if record.next_try_at is not None:
        return f"waits   {name}: {waits(record)}"
    if record.problem is not None:
        return f"failed  {name}: {record.problem.told}"
    size = f"{_counted(record.pages, 'page')}, " if record.pages else ""
    notes = "".join(f" ({note})" for note in record.notes)
    again = " (already there)" if record.duplicate_of else ""
    version = f"version {record.number}, " if record.number > 1 else ""
    inside = f", {_counted(record.members, 'file')} inside" if record.members else ""
    tags = "".join(f" #{tag}" for tag in record.tags)
    line = f"{record.state}  {name}: {version}{size}{_counted(record.chunks, 'passage')}{inside}{tags}{notes}{again}"
    return line + (_pending_line(record.pending) if record.pending else "")


def _pending_line(newer: Pending) -> str:
    if newer.in_work or newer.problem is None:
        return f"; version {newer.number} is being read"
    return f"; version {newer.number} could not be read: {newer.problem.told}"


def waits(record: DocumentRecord) -> str:
    """When what failed for a passing reason is tried again, and why; "" where nothing waits so."""
    item = record.pending or record
    if item.next_try_at is None:
        return ""
    local = item.next_try_at.replace(tzinfo=UTC).astimezone()
    reason = f" ({item.problem.message.rstrip('.')})" if item.problem else ""
    return f"waiting to try again at {local:%H:%M}{reason}"


def left(standing: Standing) -> str:
    """How much of a queue is left."""
    if standing.no_room:
        return "the disk is full; reading goes on when there is room"
    told = f"{_counted(standing.left, 'document')} left"
    if standing.seconds_left is None:
        return told
    minutes = round(standing.seconds_left / 60)
    if minutes < 1:
        return f"{told}, less than a minute"
    return f"{told}, about {_counted(minutes, 'minute') if minutes < 90 else _counted(round(minutes / 60), 'hour')}"


def state(record: DocumentRecord) -> str:
    """The state of what is in work: of the newer version where there is one."""
    return record.pending.state if record.pending else record.state


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def passage_lines(rank: int, passage: Passage, *, workspace: str = "") -> Iterator[str]:
    """Where a passage stands, in which workspace where that has to be said, and how it begins."""
    yield f"{rank}. {passage.title}{_place(passage)}{_in(workspace)}  [{passage.score:.3f}]"
    yield "   " + " ".join(passage.text.split())[:300]


def answer_lines(event: Answered | Refused | Interrupted, *, workspaces: Mapping[str, str] = _NOWHERE) -> Iterator[str]:
    """An answer with its footnotes, and what forbids to rely on it. `workspaces`: names by document, where they have to
    be said."""
    if event.receipt is not None and event.receipt.warning is not None:
        yield f"Warning: {event.receipt.warning}"
        yield ""
    if isinstance(event, Refused):
        yield "Your documents do not seem to answer this. The nearest passages:"
        yield from _sources(event.citations, workspaces)
        return
    yield _with_footnotes(event.answer)
    yield ""
    yield from _sources(event.answer.citations, workspaces)
    if event.answer.left_out:
        yield ""
        yield event.answer.left_out
    if isinstance(event, Interrupted) and event.error:
        yield f"Interrupted: {event.error} {event.hint or ''}".rstrip()


def _with_footnotes(answer: Answer) -> str:
    text, end = "", 0
    for sentence in answer.sentences:
        marks = "".join(f"[{number}]" for number in sentence.citations)
        doubt = "" if sentence.verdict == "supported" else f" ({sentence.verdict.replace('_', ' ')})"
        if sentence.conflicts:
            others = "".join(f"[{number}]" for number in sentence.conflicts)
            doubt = f" (another source says otherwise: {others})"
        text += answer.text[end : sentence.span.end] + (f" {marks}" if marks else "") + doubt
        end = sentence.span.end
    return text + answer.text[end:]


def _sources(citations: tuple[Citation, ...], workspaces: Mapping[str, str]) -> Iterator[str]:
    for citation in citations:
        place = _place(citation) + _in(workspaces.get(citation.document_id, ""))
        yield f"[{citation.number}] {citation.title}{place}: “{' '.join(citation.quote.split())}”"


def _place(found: Passage | Citation) -> str:
    if found.page is not None:
        return f", p. {found.page_label or found.page}"
    return f", {describe(found.locator)}" if found.locator else ""


def _in(workspace: str) -> str:
    return f", in {workspace}" if workspace else ""


def download_line(download: Download) -> str:
    """How far fetching the built-in model is."""
    left = download.seconds_left
    rest = f", {left:.0f} s left" if left is not None else ""
    return f"Built-in model: {download.done / 1e6:,.0f} of {download.total / 1e6:,.0f} MB{rest}"
