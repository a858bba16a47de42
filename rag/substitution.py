"""Whether an answer puts another number, date, name or opposite word in the place of the one that its source has there.

"Recorded in 1983 by Jim Haas" is not supported by "recorded in 1974 by Jim Haas", even where 1983 stands in the next
sentence; nor "A beat B" by "B beat A". Read from the slots of both sentences (rag/slots.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from rag.facts import facts_of, ground_of, has_name
from rag.opposites import opposed
from rag.polarity import is_negation
from rag.slots import Slot, slots, words_of
from rag.types import Language
from rag.words import MONTHS, STOP_WORDS

_LISTED = re.compile(r"(?:\W|\b(?:and|or|und|oder|sowie|as|well)\b)*", re.IGNORECASE)
_BESIDE_NEGATIONS = frozenset({"longer", "more", "any", "mehr", "still", "always"})
"""They belong to "no longer" and "nicht mehr"."""
_LONGEST_NAME = 3
"""Words of a name that may have changed places."""
_APART = 15
"""Words between two names that may have changed places."""
_SYMMETRIC = frozenset(
    {"and", "or", "is", "was", "are", "were", "as", "well", "with", "und", "oder", "ist", "war", "sind", "waren", "mit"}
)
"""Words around which two names may change places: "A and B"."""


def substitutes(
    answer: str,
    sources: Sequence[str],
    *,
    answer_language: Language,
    source_language: Language,
    known: Collection[str] = (),
) -> bool:
    """Whether the answer fills a place of its source sentences with something else. `known`: words that are names even
    where they open a sentence."""
    found = differences(answer, sources, answer_language=answer_language, source_language=source_language, known=known)
    return next(found, None) is not None or swapped(answer, sources)


def differences(
    answer: str,
    sources: Sequence[str],
    *,
    answer_language: Language,
    source_language: Language,
    known: Collection[str] = (),
) -> Iterator[Slot]:
    """The places that answer and source sentences fill with different facts."""
    names = _names(answer, answer_language, known), _names(" ".join(sources), source_language, known)
    for slot in slots(answer, sources):
        if (
            _other_number(slot)
            or _opposite(slot, answer_language)
            or _denied(slot)
            or _other_name(slot, names, answer, sources)
        ):
            yield slot


def swapped(answer: str, sources: Sequence[str]) -> bool:
    """Whether two names stand in each other's place around the same words."""
    told = {told for source in sources for told in _between(source)}
    return any(
        (other, words, one) in told and (one, words, other) not in told for one, words, other in _between(answer)
    )


def _between(text: str) -> set[tuple[str, tuple[str, ...], str]]:
    """Each two names of a text with the words between them, unless those are as true the other way round."""
    words = words_of(text)
    capital = [word[0].isupper() and word.casefold() not in STOP_WORDS for word in words]
    ends = [
        [end for end in range(start + 1, min(start + _LONGEST_NAME, len(words)) + 1) if all(capital[start:end])]
        for start in range(len(words))
    ]
    found = set()
    for start, end in ((place, end) for place, stops in enumerate(ends) for end in stops):
        for begin in range(end + 1, min(end + _APART, len(words) - 1) + 1):
            between = words[end:begin]
            if ends[begin] and any(not word[0].isupper() and word.casefold() not in _SYMMETRIC for word in between):
                key = " ".join(words[start:end]), tuple(word.casefold() for word in between)
                found |= {(*key, " ".join(words[begin:stop])) for stop in ends[begin]}
    return found


def _other_number(slot: Slot) -> bool:
    """A number or date for one that does not agree with it."""
    mine, theirs = ground_of(" ".join(slot.mine)), ground_of(" ".join(slot.theirs))
    if mine.dates and theirs.dates and any(date.agrees(other) for date in mine.dates for other in theirs.dates):
        return False
    if not all(ground_of(" ".join(words)).quantities for words in slot.near):
        return False
    return not any(number.agrees(other) for number in mine.quantities for other in theirs.quantities)


def _opposite(slot: Slot, language: Language) -> bool:
    """A word for one that excludes it; a negation beside one of them turns it back."""
    if any(map(is_negation, slot.mine)) != any(map(is_negation, slot.theirs)):
        return False
    mine, theirs = ({word.casefold() for word in words} for words in slot.near)
    return any(opposed(one, other, language) for one in mine - theirs for other in theirs - mine)


def _denied(slot: Slot) -> bool:
    """A negation that only one of them has, and no other word that could make up for it."""
    mine, theirs = any(map(is_negation, slot.mine)), any(map(is_negation, slot.theirs))
    folded = {word.casefold() for word in (*slot.mine, *slot.theirs)} - STOP_WORDS - _BESIDE_NEGATIONS
    rest = [word for word in folded if not is_negation(word)]
    return mine != theirs and not rest and not slot.edge


def _other_name(
    slot: Slot, names: tuple[Collection[str], Collection[str]], answer: str, sources: Sequence[str]
) -> bool:
    """A name for a name, unless both stand in a list that was put in another order."""
    mine, theirs = ([word for word in words if word in known] for words, known in zip(slot.near, names, strict=True))
    if not mine or not theirs:
        return False
    here, there = (ground_of(f"{' '.join(words)} {''.join(words)}").words for words in (slot.mine, slot.theirs))
    if any(has_name(name, there) for name in mine) or any(has_name(name, here) for name in theirs):
        return False
    return not _listed(mine[0], theirs[0], answer) and not any(
        _listed(mine[0], theirs[0], source) for source in sources
    )


def _listed(one: str, other: str, text: str) -> bool:
    """Whether a text lists two names side by side."""
    places = sorted((text.find(one), text.find(other)))
    if places[0] < 0:
        return False
    between = text[places[0] : places[1]].removeprefix(one).removeprefix(other)
    return _LISTED.fullmatch(between) is not None


def _names(text: str, language: Language, known: Collection[str]) -> Collection[str]:
    """The names of a text. In German any capitalised word may be one, and one noun for another is no better."""
    if language == "de":
        return {word for word in re.findall(r"\w+", text) if word[0].isupper() and word.casefold() not in STOP_WORDS}
    return MONTHS.keys() | set(re.findall(r"\w+", " ".join(facts_of(text, language, known=known).names)))
