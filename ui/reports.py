"""What reading a document brought up, and where its passages stand, in the words of a person. Pure functions; what they
return holds foreign text that is not made safe for Markdown yet."""

from __future__ import annotations

from rag.types import Passage
from ui import figures
from ui.views import place
from workspaces.models import DocumentRecord

_SURE = 0.6
"""Below this confidence a recognised page is to be compared with its picture, as its notes say too."""


def report_lines(record: DocumentRecord) -> list[str]:
    """The notes of a document, which name its pages, and what its report adds to them; one sentence a line."""
    report = record.report
    lines = list(record.notes)
    if report.tables:
        lines.append(f"{figures.count(report.tables, 'table')} found")
    if report.hidden_characters:
        hidden = figures.count(report.hidden_characters, "character")
        begin = f". It begins: “{report.hidden_sample}”" if report.hidden_sample else ""
        lines.append(f"Not searched: {hidden} of text that nobody sees{begin}")
    lines += [f"Left out: {skipped}" for skipped in report.skipped]
    return lines + [warning for warning in report.warnings if not any(warning in note for note in record.notes)]


def made_with(record: DocumentRecord) -> str:
    """What extracted the text and cut it: who compares two versions wants to know whether both were read alike."""
    parts = [f"Read with {record.parser}"] if record.parser else []
    if record.splitter and record.chunks:
        parts.append(f"cut into passages with {record.splitter}")
    return ", ".join(parts)


def page_heading(record: DocumentRecord, number: int) -> str:
    """ "Page 3 of 12", and how its text came about where that matters."""
    told = f"Page {number:,} of {record.pages:,}"
    if number in record.report.pages_without_text:
        return f"{told} · no text"
    confidence = dict(record.report.ocr_pages).get(number)
    if confidence is None:
        return told
    doubt = "" if confidence >= _SURE else ": compare it with the picture"
    return f"{told} · recognised by {record.report.ocr_engine}, confidence {confidence:.0%}{doubt}"


def passage_item(
    passage: Passage, record: DocumentRecord, *, page: int | None, chosen: bool = False
) -> dict[str, object]:
    """A passage as `ui.components.passages` draws it, on a page or in a document without pages."""
    facts = [place(passage)]
    if page is not None and passage.page is not None and passage.page < page:
        facts.append(f"begins on page {passage.page:,}")
    facts.append(figures.count(len(passage.text.split()), "word"))
    return {
        "number": passage.ordinal,
        "address": f"Passage {passage.ordinal + 1:,} of {record.chunks:,}",
        "facts": " · ".join(fact for fact in facts if fact),
        "header": passage.header,
        "text": passage.text,
        "chosen": chosen,
    }
