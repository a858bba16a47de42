"""A turn as text to copy: the answer with its footnotes, and where each of them stands."""

from __future__ import annotations

from rag.places import describe
from rag.types import Answer, Citation
from workspaces.models import Turn

REFUSAL = "Your documents do not hold an answer to this question."
NOT_FOUND = "[not found in the documents]"
GENERAL = "[general knowledge]"
DELETED = "document deleted"
OTHERWISE = "another source says otherwise:"


def as_markdown(turn: Turn) -> str:
    """Answer, marks of what is only partly or not in the documents, and the sources with title, page and quote."""
    parts = [f"**{' '.join(turn.question.split())}**"]
    if turn.state == "refused":
        parts.append(REFUSAL)
    elif turn.answer is not None and turn.answer.text.strip():
        parts.append(_marked(turn.answer))
    if turn.warning is not None:
        parts.append(f"({turn.warning})")
    if turn.problem is not None:
        parts.append(f"({turn.problem.message})")
    elif turn.state == "interrupted":
        parts.append("(Stopped before it was complete.)")
    if turn.citations:
        heading = "Nearest passages" if turn.state == "refused" else "Sources"
        parts.append(
            "\n".join([f"{heading}:", "", *(f"{_source(citation)}  " for citation in turn.citations)]).rstrip()
        )
    return "\n\n".join(parts) + "\n"


def is_deleted(citation: Citation) -> bool:
    """Whether its document was deleted since: deleting blanks the quote."""
    return not citation.quote


def _marked(answer: Answer) -> str:
    """The answer's text with footnote numbers behind each sentence."""
    text, place = "", 0
    for sentence in answer.sentences:
        text += answer.text[place : sentence.span.end]
        place = sentence.span.end
        numbers = "".join(f"[{number}]" for number in sentence.citations)
        if sentence.verdict == "not_found":
            numbers = NOT_FOUND
        elif sentence.verdict == "general":
            numbers = GENERAL
        elif sentence.verdict == "partly":
            numbers += " [partly]" if numbers else "[partly]"
        if sentence.conflicts:
            numbers += f" ({OTHERWISE} {''.join(f'[{number}]' for number in sentence.conflicts)})"
        text += f" {numbers}" if numbers else ""
    return (text + answer.text[place:]).strip()


def _source(citation: Citation) -> str:
    where = citation.title
    if citation.page is not None:
        where += f", p. {citation.page_label or citation.page}"
    elif citation.locator is not None:
        where += f", {describe(citation.locator)}"
    if is_deleted(citation):
        return f"[{citation.number}] {where} ({DELETED})"
    return f"[{citation.number}] {where}: “{' '.join(citation.quote.split())}”"
