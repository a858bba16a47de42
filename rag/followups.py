"""A follow-up question as retrieval must read it.

Retrieval sees one question alone. "And in 2022?" or "Who founded it?" name nothing, so the question before is put in
front of it. The rule is kept simple and errs on the side of the question as it stands: words of an older topic cost a
complete question more than they help an elliptical one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.types import Exchange
from rag.words import STOP_WORDS

_OPENS = re.compile(
    r"(?:and|but|or|what about|how about|why|why not|since when|und|aber|oder|was ist mit|wie ist es mit|wieso|warum"
    r"|seit wann)\b",
    re.IGNORECASE,
)
_REFERS = re.compile(
    r"\b(?:it|its|he|him|his|she|her|they|them|their|theirs|this|that|these|those|there|former|latter|one"
    r"|er|ihn|ihm|sein\w{0,2}|sie|ihr\w{0,2}|ihnen|es|dies\w{0,2}|das|dessen|deren|dort|davon|dazu|daran|darin|damit|dafür"
    r"|darüber|dabei|letzter\w?)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
_FEW_WORDS = 3
"""With this many content words or fewer, a word that refers to something probably refers outside the question."""


def standalone(question: str, history: Sequence[Exchange]) -> str:
    """The question, with the one before in front of it when it clearly leans on that."""
    return f"{history[-1].question.strip()} {question.strip()}" if history and is_elliptical(question) else question


def is_elliptical(question: str) -> bool:
    """Whether a question leans on the one before: it opens like "And …?", or refers and names little itself."""
    content = [word for word in _WORD.findall(question) if word.casefold() not in STOP_WORDS]
    if len(content) > _FEW_WORDS:
        return False
    return bool(_OPENS.match(question.strip()) or _REFERS.search(question)) or (
        len(content) <= 1 and len(question.split()) <= 3
    )
