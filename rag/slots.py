"""Where an answer sentence says something else than the source sentences that it rests on, word by word.

Answer and source are aligned (Ratcliff and Obershelp's matching, as in difflib, anchored on words that carry meaning).
A short stretch that differs beside one that agrees is a slot: the same place of the same statement, filled differently.
Where the answer rests on several source sentences, the one that agrees with more of the words around a slot is its
witness: a similar sentence about something else accuses nobody.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from itertools import product
from typing import Literal

from rag.words import STOP_WORDS

LONGEST = 4
"""Words of a stretch that may differ: a longer one is another wording."""
_MOVED = 8
"""Words of a phrase that stands at another place of the sentence ("In early 1954, ...", "... in early 1954")."""

_TOKEN = re.compile(
    r"(\d[\d.,]*\d|\d+(?=(?:st|nd|rd|th)\b)|(?:can|\w+)(?=n['’]t\b)|n['’]t\b|can(?=not\b)|\w+)"
    r"(?:(?<=\d)(?:st|nd|rd|th)\b)?[^\w\s,;:.!?()]*([,;:.!?()]*)",
    re.IGNORECASE,
)
"""A word and the punctuation that parts it from the next; the ending of an ordinal is neither."""
_POSSESSIVE = re.compile(r"\s?['’]s\b")
_TOKENISED = re.compile(r"\s+(?=[,.;:!?)\]])")
"""White space before punctuation, in texts that were taken apart into words."""
_ONE_SIDED = 2
"""Content words that must agree on the one side of a slot that is open to the other: at an end of a sentence, say."""


Edge = Literal["", "start", "end"]


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of the answer and what the source has in its place; either may be empty."""

    mine: tuple[str, ...]
    theirs: tuple[str, ...]
    before: int
    """Content words that agree right before it."""
    after: int
    """Content words that agree right after it."""
    edge: Edge = ""
    """Where only one side agrees, which end of both stretches stands at it: there they can be compared."""

    @property
    def near(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of both stretches, the words that stand in the same place for certain."""
        if self.edge == "start":
            return self.mine[:1], self.theirs[:1]
        return (self.mine[-1:], self.theirs[-1:]) if self.edge == "end" else (self.mine, self.theirs)

    @property
    def held(self) -> int:
        """Content words that agree around it."""
        return self.before + self.after


@dataclass(frozen=True, slots=True)
class _Step:
    """A stretch of both sentences; `equal` where they agree."""

    start: int
    end: int
    begin: int
    stop: int
    equal: bool


class _Witness:
    """One source sentence beside the answer."""

    def __init__(self, answer: str, source: str) -> None:
        (self._mine, mine_ends), (self._theirs, their_ends) = _read(answer), _read(source)
        self._ends = mine_ends, their_ends
        self._folded = [word.casefold() for word in self._mine], [word.casefold() for word in self._theirs]
        whole = _Step(0, len(self._mine), 0, len(self._theirs), equal=False)
        self._steps = [
            finer
            for step in self._aligned(whole, STOP_WORDS)
            for finer in ([step] if step.equal else self._aligned(step, ()))
        ]

    @cached_property
    def agreement(self) -> int:
        """Content words that agree."""
        return sum(map(self._agreed, range(len(self._steps))))

    def slots(self) -> Iterator[tuple[int, int, Slot]]:
        """(first word, end, slot) of each short stretch that differs."""
        for place, step in enumerate(self._steps):
            before, after = self._agreed(place - 1), self._agreed(place + 1)
            if step.equal:
                continue
            added = step.start == step.end or step.begin == step.stop  # a negation, say, beside a word of any kind
            between = 0 < place < len(self._steps) - 1 and before + after >= _ONE_SIDED
            inside = between if added else before and after
            if inside and max(step.end - step.start, step.stop - step.begin) <= LONGEST:
                yield self._slot(step, before, after)
            elif step.end > step.start and step.stop > step.begin:
                if before >= _ONE_SIDED and self._same_end(step.start - 1, step.begin - 1):
                    yield self._slot(step, before, 0, edge="start")
                if after >= _ONE_SIDED and self._same_end(step.end - 1, step.stop - 1):
                    yield self._slot(step, 0, after, edge="end")
        yield from self._moved()

    def _same_end(self, place: int, other: int) -> bool:
        return self._ends[0][place] == self._ends[1][other]

    def holds(self, start: int, end: int) -> int:
        """Content words of the stretch that it shares with the answer, where all words from `start` to `end` and those
        beside them lie in it; those of the place itself do not count."""
        for step in self._steps:
            if step.equal and step.start <= max(0, start - (start == end)) and end + (start == end) <= step.end:
                return content_words(self._mine[step.start : start]) + content_words(self._mine[end : step.end])
        return 0

    def _moved(self) -> Iterator[tuple[int, int, Slot]]:
        """What only the answer has beside what only the source has, where they share a word."""
        added = [
            step
            for step in self._steps
            if not step.equal and step.begin == step.stop and step.end - step.start <= _MOVED
        ]
        left = [
            step
            for step in self._steps
            if not step.equal and step.start == step.end and step.stop - step.begin <= _MOVED
        ]
        for one, other in product(added, left):
            mine, theirs = self._folded[0][one.start : one.end], self._folded[1][other.begin : other.stop]
            if set(mine) & set(theirs):
                yield self._slot(_Step(one.start, one.end, other.begin, other.stop, equal=False), self.agreement, 0)

    def _slot(self, step: _Step, before: int, after: int, *, edge: Edge = "") -> tuple[int, int, Slot]:
        """A slot of the whole step, or of its words at one edge."""
        start, end, begin, stop = step.start, step.end, step.begin, step.stop
        if edge == "start":
            end, stop = min(end, start + LONGEST), min(stop, begin + LONGEST)
        elif edge == "end":
            start, begin = max(start, end - LONGEST), max(begin, stop - LONGEST)
        place = (start, start + 1) if edge == "start" else (end - 1, end) if edge else (start, end)
        return *place, Slot(tuple(self._mine[start:end]), tuple(self._theirs[begin:stop]), before, after, edge)

    def _aligned(self, step: _Step, ignored: Collection[str]) -> Iterator[_Step]:
        """The steps inside one; what is ignored begins no agreement, it only extends one."""
        mine, theirs = self._folded[0][step.start : step.end], self._folded[1][step.begin : step.stop]
        for kind, start, end, begin, stop in SequenceMatcher(
            ignored.__contains__, mine, theirs, autojunk=False
        ).get_opcodes():
            yield _Step(step.start + start, step.start + end, step.begin + begin, step.begin + stop, kind == "equal")

    def _agreed(self, place: int) -> int:
        if not 0 <= place < len(self._steps) or not self._steps[place].equal:
            return 0
        return content_words(self._mine[self._steps[place].start : self._steps[place].end])


def slots(answer: str, sources: Sequence[str]) -> Iterator[Slot]:
    """The slots that no other of the source sentences fills as the answer does, with more words around it."""
    witnesses = [_Witness(answer, source) for source in sources]
    for witness in witnesses:
        for start, end, slot in witness.slots():
            held = slot.held, witness.agreement
            if all(other is witness or (other.holds(start, end), other.agreement) < held for other in witnesses):
                yield slot


def agreement(answer: str, source: str) -> int:
    """Content words that both sentences have in the same order."""
    return _Witness(answer, source).agreement


def words_of(text: str) -> list[str]:
    """Words and numbers; "isn't" and "cannot" are two, a possessive ending is none."""
    return _read(text)[0]


def _read(text: str) -> tuple[list[str], list[str]]:
    """The words, and the punctuation behind each."""
    found = _TOKEN.findall(_TOKENISED.sub("", _POSSESSIVE.sub("", text)))
    return [word for word, _ in found], [end for _, end in found]


def content_words(words: Sequence[str]) -> int:
    """How many of them carry meaning."""
    return sum(word.casefold() not in STOP_WORDS for word in words)
