"""Where an answer sentence says something else than the source sentences that it rests on, word by word.

Answer and source are aligned (Ratcliff and Obershelp's matching, as in difflib, anchored on words that carry meaning). A
short stretch that differs beside one that agrees is a slot: the same place of the same statement, filled differently.
Where the answer rests on several source sentences, the one that agrees with more of the words around a slot is its
witness: a similar sentence about something else accuses nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from rag.words import STOP_WORDS

LONGEST = 4
"""Words of a stretch that may differ: a longer one is another wording."""

_TOKEN = re.compile(r"\d[\d.,]*\d|(?:can|\w+)(?=n['’]t\b)|n['’]t\b|can(?=not\b)|\w+", re.IGNORECASE)
_POSSESSIVE = re.compile(r"\s?['’]s\b")
_Step = tuple[str, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of the answer and what the source has in its place; either may be empty."""

    mine: tuple[str, ...]
    theirs: tuple[str, ...]
    before: int
    """Content words that agree right before it."""
    after: int
    """Content words that agree right after it."""

    @property
    def held(self) -> int:
        """Content words that agree around it."""
        return self.before + self.after


class _Witness:
    """One source sentence beside the answer."""

    def __init__(self, mine: Sequence[str], source: str) -> None:
        self._mine = mine
        self._theirs = words_of(source)
        matcher = SequenceMatcher(
            STOP_WORDS.__contains__,
            [word.casefold() for word in mine],
            [word.casefold() for word in self._theirs],
            autojunk=False,
        )
        self._steps: list[_Step] = matcher.get_opcodes()

    def slots(self) -> Iterator[tuple[int, int, Slot]]:
        """(first word, end, slot) of each short stretch that differs."""
        for place, (kind, start, end, begin, stop) in enumerate(self._steps):
            if kind != "equal" and end - start <= LONGEST and stop - begin <= LONGEST:
                sides = self._agreed(place - 1), self._agreed(place + 1)
                if any(sides):
                    yield start, end, Slot(tuple(self._mine[start:end]), tuple(self._theirs[begin:stop]), *sides)

    def holds(self, start: int, end: int) -> int:
        """Content words of the stretch that it shares with the answer, where all words from `start` to `end` and those
        beside them lie in it; those of the place itself do not count."""
        for kind, first, last, _, _ in self._steps:
            if kind == "equal" and first <= max(0, start - (start == end)) and end + (start == end) <= last:
                return _content(self._mine[first:start]) + _content(self._mine[end:last])
        return 0

    def _agreed(self, place: int) -> int:
        if not 0 <= place < len(self._steps):
            return 0
        kind, start, end, _, _ = self._steps[place]
        return _content(self._mine[start:end]) if kind == "equal" else 0


def slots(answer: str, sources: Sequence[str]) -> Iterator[Slot]:
    """The slots that no other of the source sentences fills as the answer does, with more words around it."""
    mine = words_of(answer)
    witnesses = [_Witness(mine, source) for source in sources]
    for witness in witnesses:
        for start, end, slot in witness.slots():
            if all(other is witness or other.holds(start, end) < slot.held for other in witnesses):
                yield slot


def words_of(text: str) -> list[str]:
    """Words and numbers; "isn't" and "cannot" are two, a possessive ending is none."""
    return _TOKEN.findall(_POSSESSIVE.sub("", text))


def _content(words: Sequence[str]) -> int:
    return sum(word.casefold() not in STOP_WORDS for word in words)
