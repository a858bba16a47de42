"""Whether an answer sentence denies what its source affirms, or the other way round (English and German).

A long source sentence often holds a "not" that belongs to something else. So a negation counts only for the words
beside it: an answer contradicts when those words are in both sentences and only one of the two denies them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable

from rag.words import STOP_WORDS

Normalise = Callable[[str], Iterable[str]]
"""The stems of a piece of text."""

_NEGATION = re.compile(
    r"(?:not|no|never|none|neither|nor|cannot|without|\w*n['’]t|fails? to|failed to"
    r"|nicht|kein\w{0,2}|nie|niemals|ohne|weder|keinesfalls)",
    re.IGNORECASE,
)
_PART = re.compile(r"fail(?:s|ed)? to\b|\w+(?:['’]\w+)?|[,;:()–—.]", re.IGNORECASE)
_DENIES_NOTHING = re.compile(r"(?:only|just|merely|nur|least|the same|dasselbe|dieselbe)\b|\.?\s*\d", re.IGNORECASE)
"""What follows "not" in "not only", "No" in "No. 16"."""
_CLAUSE = re.compile(
    r"[,;:()–—]|\s-+\s|\b(?:while|whereas|but|although|though|während|aber|obwohl|sondern)\b", re.IGNORECASE
)
_SCOPE = 3
"""Content words right of a negation, and left of it where nothing follows, that it is taken to deny."""


def is_negation(word: str) -> bool:
    """Whether a word denies what stands beside it."""
    return _NEGATION.fullmatch(word) is not None


def contradicts(answer: str, source: str, stems: Normalise) -> bool:
    """Whether one of two sentences on the same matter is negated where the other is not."""
    mine, theirs = frozenset(stems(answer)), frozenset(stems(source))
    denied, denied_there = scopes(answer, stems), scopes(source, stems)
    if any(_about(scope, theirs) and not any(scope & other for other in denied_there) for scope in denied):
        return True
    plain = [frozenset(stems(clause)) for clause in _CLAUSE.split(source) if not scopes(clause, stems)]
    for scope in denied_there:
        affirmed = any(len(scope & clause) >= len(scope & mine) for clause in plain)
        if _about(scope, mine) and not affirmed and not any(scope & other for other in denied):
            return True
    return False


def scopes(text: str, stems: Normalise) -> list[frozenset[str]]:
    """For each negation of a sentence, the stems it denies."""
    parts = [(match.group(), match.end()) for match in _PART.finditer(text)]
    found = []
    for index, (part, end) in enumerate(parts):
        if not _NEGATION.fullmatch(part) or _DENIES_NOTHING.match(text[end:].lstrip()):
            continue
        right = _content([word for word, _ in parts[index + 1 :]])
        left = _content([word for word, _ in reversed(parts[:index])])
        words = right or left
        if words:
            found.append(frozenset(stem for word in words for stem in stems(word)))
    return found


def _content(words: Iterable[str]) -> list[str]:
    """The nearest content words, up to the end of the clause."""
    found: list[str] = []
    for word in words:
        if not word[0].isalnum():
            if found or word in ".;":
                break
            continue
        if word.casefold() not in STOP_WORDS and not _NEGATION.fullmatch(word):
            found.append(word)
        if len(found) == _SCOPE:
            break
    return found


def _about(scope: Collection[str], stems: Collection[str]) -> bool:
    """Whether a sentence with these stems speaks of what the scope denies: at least two thirds of its words."""
    shared = sum(stem in stems for stem in scope)
    return shared > 0 and shared * 3 >= len(scope) * 2
