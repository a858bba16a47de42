"""A follow-up question as retrieval must read it.

Retrieval sees one question alone. "And in 2022?" or "Who founded it?" name nothing, so the words that name the topic of
the conversation are put in front. The rules are kept simple and err on the side of the question as it stands: words of
an older topic cost a complete question more than they help an elliptical one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.questions import INSTRUCTIONS
from rag.types import Exchange
from rag.words import STOP_WORDS

TOPIC_WORDS = 12
"""Of one question, the most that are put in front: a topic, not a text."""

_OPENS = re.compile(r"(?:and|but|or|what about|how about|und|aber|oder|was ist mit|wie ist es mit)\b", re.IGNORECASE)
_ASKS_WHY = re.compile(r"(?:why|since when|wieso|warum|weshalb|seit wann)\b", re.IGNORECASE)
"""These lean on the last question only where they name nothing: "Why?", but not "Why was the lease terminated?"."""
_DEFINES = re.compile(
    r"(?:what|who|where|when|which|was|wer|wo|wann)\s+(?:is|are|was|were|ist|sind|war|waren)\b", re.IGNORECASE
)
"""A complete question, however short: "What is photosynthesis?"."""

_REFERS = re.compile(
    r"\b(?:it|its|he|him|his|she|her|they|them|their|theirs|this|that|these|those|there|former|latter"
    r"|(?:the|which)(?:\s\w+)?\sones?|er|ihn|ihm|es|dessen|deren|dort|davon|dazu|daran|darin|damit|dafür|darüber|dabei"
    r"|letzter\w?|(?-i:sie|ihr\w{0,2}|ihnen)|sein\w{0,2}(?=\s(?:\w+en?\s)?(?-i:[A-ZÄÖÜ]))"
    r"|(?:das|dies\w{0,2})(?!\s(?:\w+en?\s)?(?-i:[A-ZÄÖÜ])))\b",
    re.IGNORECASE,
)
"""Words that stand for something named before. In German: "sie" and "ihr" in small letters ("Sie" is who is asked),
"sein" before what is owned, "das" and "dies" where no noun follows ("das Haus" is named)."""
_EMPTY = re.compile(
    r"\b(?:is|are|was|were|will|be|been)\s+there\b(?!\s*\?)|\bthere\s+(?:is|are|was|were|will)\b"
    r"|\b(?:gibt|gab|gäbe)\s+es\b|\bes\s+(?:gibt|gab|gäbe)\b|\bsein(?=\s*\?)"
    r"|\bit(?=\b.*\bto\s(?!the\b|an?\b|its\b|his\b|her\b|their\b)(?-i:[a-z]))"
    r"|\b(?:is\s+it\s+)?(?:true|say|says|state|states|mean|means|sure|know)\s+that\b"
    r"|\b(?:this|these)\s+(?:document|file|text|pdf|page)s?\b",
    re.IGNORECASE,
)
"""The same words where they stand for nothing: "Are there fees?", "Gibt es Gebühren?", "How long does it take to …?";
and what needs no question before it: "Summarise this document"."""

_WORD = re.compile(r"\w+(?:[-.,:/]\w+)*")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_FEW_WORDS = 3
"""With this many content words or fewer, a word that refers to something probably refers outside the question."""


def standalone(question: str, history: Sequence[Exchange]) -> str:
    """The question, with the topic of those before in front of it when it clearly leans on them.

    "What is the monthly rent of the harbour office?", then "And who signed it?":
    "monthly rent of the harbour office: And who signed it?".
    """
    if not history or not is_elliptical(question):
        return question
    topic = _topic([exchange.question for exchange in history], question)
    return f"{' '.join(topic)}: {question.strip()}" if topic else question


def leans(question: str) -> bool:
    """Whether a question may lean on what was said before: also one that names much itself ("When was he …?")."""
    return is_elliptical(question) or _refers(question)


def is_elliptical(question: str) -> bool:
    """Whether a question leans on the one before: it opens like "And …?", or refers and names little itself."""
    question = question.strip()
    content = _content(question)
    if len(content) > _FEW_WORDS:
        return False
    if not content:  # it names nothing
        return True
    if _OPENS.match(question) or _refers(question):
        return True
    if len(content) > 1:
        return False
    return bool(_ASKS_WHY.match(question)) or (len(question.split()) <= 3 and not _DEFINES.match(question))


def _refers(question: str) -> bool:
    """Whether a word stands for something named before."""
    return bool(_REFERS.search(_EMPTY.sub(" ", question)))


def _topic(asked: Sequence[str], question: str) -> list[str]:
    """What is talked about: the last complete question from its first to its last word that means something, and such
    words of the follow-ups since. A year gives way to a later one."""
    begin = max((place for place, text in enumerate(asked) if not is_elliptical(text)), default=0)
    words = _core(_WORD.findall(asked[begin]))
    if len(words) > TOPIC_WORDS:
        words = [word for word in words if _means(word)][:TOPIC_WORDS]
    for follow_up in asked[begin + 1 :]:
        words = _for_its_year(words, follow_up)
        known = {word.casefold() for word in words}
        words += [word for word in _content(follow_up) if word.casefold() not in known][:TOPIC_WORDS]
    return _for_its_year(words, question)


def _for_its_year(words: Sequence[str], question: str) -> list[str]:
    """Words of a topic, without their years where the question names one."""
    return _core(_without_years(words)) if _YEAR.search(question) else list(words)


def _core(words: Sequence[str]) -> list[str]:
    """Words without those at both ends that mean nothing by themselves ("What is the")."""
    places = [place for place, word in enumerate(words) if _means(word)]
    return list(words[places[0] : places[-1] + 1]) if places else []


def _without_years(words: Sequence[str]) -> list[str]:
    """Words without years, and without the "in" before them."""
    kept: list[str] = []
    for word in words:
        if not _YEAR.fullmatch(word):
            kept.append(word)
        elif kept and not _means(kept[-1]):
            kept.pop()
    return kept


def _means(word: str) -> bool:
    return word.casefold() not in STOP_WORDS | INSTRUCTIONS


def _content(question: str) -> list[str]:
    """The words that are no function words, as they are written."""
    return [word for word in _WORD.findall(question) if word.casefold() not in STOP_WORDS]
