"""Portions: as much as a model reads at once, and as many as it reads in two minutes.

Of a document that is longer, the beginnings of its sections, spread over all of it: a section says at its beginning
what it is about, and the first pages alone would be a summary of the preface.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rag.pace import ASSUMED, ReadingPace
from rag.prompts import Budget
from rag.protocols import ChatModel
from rag.types import Passage
from rag.wording import wording

SECONDS = 120.0
"""In which all portions are to be read and noted."""
FEWEST, MOST = 2, 24
"""Portions, however slow or fast a model is."""
NOTE_TOKENS = 160
"""Most that is written of a portion."""
PORTION_TOKENS = 800
"""Most of a portion: of a longer one a small model notes no more."""
_SMALLEST = 400
_AROUND = 130
"""Tokens of a request beside its sources."""
_WRITING = 2.5
"""A written token takes as long as so many read ones (45 and 19 a second on two cores)."""
_WRITTEN = 0.7
"""Share of the room for notes that is used: 111 of 160 tokens."""
_TABLE_OF_CONTENTS = 0.5
"""Share of lines from which a passage tells where things stand, and not what they are."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Room:
    """How much a model reads: so many portions of so many tokens."""

    portions: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Portion:
    """What is read at once; `about` is the side that it is for, or the document's title."""

    passages: tuple[Passage, ...]
    about: str = ""


def room_for(model: ChatModel | None, pace: ReadingPace | None, source_tokens: int) -> Room:
    """What a model reads in time; without one, what is looked at for quotes."""
    if model is None:
        return Room(FEWEST, source_tokens)
    speed = (pace.speed(model.name) if pace else None) or ASSUMED
    beside = _AROUND + _WRITING * _WRITTEN * NOTE_TOKENS
    in_time = max(_SMALLEST, int(SECONDS / FEWEST * speed - beside))
    held = Budget(model.context_window, answer=NOTE_TOKENS).free(_AROUND)
    tokens = max(1, min(PORTION_TOKENS, source_tokens, in_time, held))
    seconds = (tokens + beside) / speed
    return Room(max(FEWEST, min(MOST, int(SECONDS / seconds))), tokens)


def most_left(done: int, seconds: float) -> int:
    """Portions that can still be read in time, when so many took so long."""
    return max(FEWEST - done, int((SECONDS - seconds) * done / max(seconds, 1e-3)), 0)


def thinned(portions: Sequence[Portion], most: int, *, due: Collection[str] = ()) -> list[Portion]:
    """At most so many, evenly; the first of each that `due` names stays in any case."""
    first = {about: next(one for one in portions if one.about == about) for about in due}
    rest = spread([one for one in portions if one not in first.values()], max(0, most - len(first)))
    return [one for one in portions if one in first.values() or one in rest]


def chosen(passages: Sequence[Passage], most: int) -> list[Passage]:
    """At most so many, in their order: the beginnings of sections first, of the highest level that has enough."""
    if len(passages) <= most:
        return list(passages)
    telling = [one for one in passages if wording(one).listing < _TABLE_OF_CONTENTS] or list(passages)
    deepest = max(len(one.heading_path) for one in telling)
    begins: list[Passage] = []
    for depth in range(1, deepest + 1):
        begins = _beginnings(telling, depth)
        if len(begins) >= most:
            return spread(begins, most)
    held = {one.chunk_id for one in begins}
    rest = spread([one for one in telling if one.chunk_id not in held], most - len(begins))
    return in_order([*begins, *rest])


def _beginnings(passages: Sequence[Passage], depth: int) -> list[Passage]:
    before: Iterable[tuple[str, ...] | None] = (None, *(one.heading_path[:depth] for one in passages))
    return [one for one, path in zip(passages, before, strict=False) if one.heading_path[:depth] != path]


def spread(items: Sequence[T], most: int) -> list[T]:
    """At most so many of these, evenly, the first among them."""
    if len(items) <= most:
        return list(items)
    return [items[place * len(items) // most] for place in range(most)]


def fitting(passages: Sequence[Passage], room: Room) -> list[Passage]:
    """The best that fit, at least one."""
    kept: list[Passage] = []
    left = room.portions * room.tokens
    for passage in passages:
        left -= tokens_of(passage)
        if kept and left < 0:
            break
        kept.append(passage)
    return kept


def packed(passages: Iterable[Passage], room: Room) -> list[Portion]:
    """Portions in the order of the passages, at most as many as there is room for."""
    portions: list[list[Passage]] = []
    left = 0
    for passage in passages:
        tokens = tokens_of(passage)
        if not portions or tokens > left:
            portions.append([])
            left = room.tokens
        portions[-1].append(passage)
        left -= tokens
    return [Portion(tuple(held), held[0].title) for held in portions[: room.portions]]


def apart(sides: Sequence[tuple[str, Sequence[Passage]]]) -> list[tuple[str, list[Passage]]]:
    """A passage that was found for several sides goes to the one for which it ranks best."""
    best: dict[str, tuple[int, int]] = {}
    for side, (_, passages) in enumerate(sides):
        for rank, passage in enumerate(passages):
            best[passage.chunk_id] = min(best.get(passage.chunk_id, (rank, side)), (rank, side))
    return [
        (about, [one for one in passages if best[one.chunk_id][1] == side])
        for side, (about, passages) in enumerate(sides)
    ]


def in_order(passages: Sequence[Passage]) -> list[Passage]:
    """Document by document, those first that come first here, each from its beginning to its end."""
    place = {version: number for number, version in enumerate(dict.fromkeys(one.version_id for one in passages))}
    return sorted(passages, key=lambda one: (place[one.version_id], one.ordinal))


def tokens_of(passage: Passage) -> int:
    """Of a passage in the prompt, about: models count three to five characters a token, German ones fewer."""
    return 20 + (len(passage.text) + len(passage.header)) * 2 // 7
