"""Words that are typed wrong: which word of the documents is meant.

Only for words that nothing in the documents holds, so that what is spelled right is never changed. The distance counts
letters that are wrong, missing, too many, or swapped with their neighbour (Damerau 1964, "A technique for computer
detection and correction of spelling errors"); one of these in a short word, two in a long one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile

SHORTEST = 5
"""Letters; shorter words are too near to too many others."""
_LONG = 8
_WRITTEN = (("ae", "ä"), ("oe", "ö"), ("ue", "ü"), ("ss", "ß"))
"""How the letters are written where a keyboard lacks them."""


def meant(stem: str, known: Iterable[tuple[str, int]], *, allowed: int) -> str | None:
    """The stem of `known` (each with how often it occurs) that `stem` stands for, with so many slips at the most; None
    where none is near enough. Of two that are equally near it is the one that goes wrong later, then the commoner."""
    variants = tuple(_variants(stem))
    near = [
        (found, -_shared(stem, other), -often, other)
        for other, often in known
        if abs(len(other) - len(stem)) <= allowed + 1
        and (found := min(distance(one, other, most=allowed) for one in variants)) <= allowed
    ]
    return min(near)[-1] if near else None


def told(pairs: Iterable[tuple[str, str]]) -> str:
    """Which words were taken for which, in words for people; "" where none was."""
    return " ".join(f"No document says “{typed}”: “{found}” was looked for." for typed, found in pairs)


def can_be_misspelled(word: str) -> bool:
    """Whether it is worth a look: codes and numbers mean what they say."""
    return len(word) >= SHORTEST and word.isalpha()


def allowance(word: str) -> int:
    """Slips that are forgiven."""
    return 2 if len(word) >= _LONG else 1


def distance(one: str, other: str, *, most: int) -> int:
    """Slips between two words, at most `most` + 1: optimal string alignment, row by row."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before, above = [0] * (len(other) + 1), list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, against in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, above = above, row
    return above[-1]


def _shared(one: str, other: str) -> int:
    """Letters at the beginning that are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _variants(stem: str) -> Iterator[str]:
    yield stem
    for typed, written in _WRITTEN:
        if typed in stem:
            yield stem.replace(typed, written)
