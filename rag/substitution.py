"""Whether an answer puts another number or name in the place of the one that its source has there.

"Recorded in 1983 by Jim Haas" is not supported by "recorded in 1974 by Jim Haas", even where 1983 stands in the next
sentence. Both sentences are aligned word by word (Ratcliff and Obershelp's matching, as in difflib); a short stretch
that differs beside one that agrees is a place where one thing was put for another.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from rag.facts import facts_of, ground_of, has_name
from rag.types import Language
from rag.words import STOP_WORDS

_Languages = tuple[Language, Language]

_TOKEN = re.compile(r"\d[\d.,]*\d|\w+")
_LONGEST = 3
"""Words of a stretch that may differ: a longer one is another wording."""


def substitutes(answer: str, source: str, *, answer_language: Language, source_language: Language) -> bool:
    """Whether a number or name of the answer stands where the source has a different one."""
    mine, theirs = _TOKEN.findall(answer), _TOKEN.findall(source)
    matcher = SequenceMatcher(
        None, [word.casefold() for word in mine], [word.casefold() for word in theirs], autojunk=False
    )
    languages = (answer_language, source_language)
    steps = matcher.get_opcodes()
    for index, (kind, start, end, other_start, other_end) in enumerate(steps):
        if kind != "replace" or end - start > _LONGEST or other_end - other_start > _LONGEST:
            continue
        sides = [step for step in steps[max(0, index - 1) : index + 2] if step[0] == "equal"]
        if not any(_content(mine[step[1] : step[2]]) for step in sides):
            continue
        here, there = " ".join(mine[start:end]), " ".join(theirs[other_start:other_end])
        if _other_number(here, there, source):
            return True
        if _other_name(mine[start:end], theirs[other_start:other_end], answer, source, languages):
            return True
    return False


def _content(words: list[str]) -> bool:
    return any(word.casefold() not in STOP_WORDS for word in words)


def _other_number(here: str, there: str, source: str) -> bool:
    """A number for a number, and nowhere in the source sentence."""
    mine, theirs = ground_of(here).quantities, ground_of(there).quantities
    if not mine or not theirs:
        return False
    everywhere = ground_of(source).quantities
    return any(not any(number.agrees(other) for other in everywhere) for number in mine)


def _other_name(here: list[str], there: list[str], answer: str, source: str, languages: _Languages) -> bool:
    """A name for a name, where neither sentence holds the other's."""
    mine, theirs = _names(here, answer, languages[0]), _names(there, source, languages[1])
    in_source, in_answer = ground_of(source).words, ground_of(answer).words
    return any(not has_name(name, in_source) for name in mine) and any(not has_name(name, in_answer) for name in theirs)


def _names(words: list[str], sentence: str, language: Language) -> list[str]:
    """The names among these words. In German any capitalised word may be one, and one noun for another is no better."""
    if language == "de":
        return [word for word in words if word[0].isupper() and word.casefold() not in STOP_WORDS]
    return [name for name in facts_of(sentence, language).names if name in words]
