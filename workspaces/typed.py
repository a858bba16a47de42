"""What a person types into a chat, cleaned: questions and titles."""

from __future__ import annotations

from rag.errors import InvalidInput

LONGEST_QUESTION = 10_000
LONGEST_TITLE = 200
TITLE_LENGTH = 60
"""Characters of the first question that become the title."""


def clean_question(question: str) -> str:
    """A question to ask. Raises InvalidInput: it is empty or endless."""
    question = question.strip()
    if not question:
        raise InvalidInput("There is no question: what was typed is empty.", hint="Type what you want to know.")
    if len(question) > LONGEST_QUESTION:
        raise InvalidInput(
            f"The question has {len(question):,} characters; {LONGEST_QUESTION:,} is the most.",
            hint="Shorten it, or add the text as a document.",
        )
    return question


def clean_title(title: str) -> str:
    """A title on one line, perhaps empty. Raises InvalidInput: it is too long."""
    title = " ".join(title.split())
    if len(title) > LONGEST_TITLE:
        raise InvalidInput(f"The title is longer than {LONGEST_TITLE} characters.", hint="Shorten it.")
    return title


def title_of(question: str) -> str:
    """The question on one line, cut at a word."""
    line = " ".join(question.split())
    if len(line) <= TITLE_LENGTH:
        return line
    return line[: TITLE_LENGTH - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"
