"""What is read for a summary, a list or a comparison, and in which portions: as much as a model reads in two minutes.

Of a document that is longer, the beginnings of its sections, spread over all of it: a section says at its beginning
what it is about, and the first pages alone would be a summary of the preface.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from rag.alignment import content_stems
from rag.pace import ASSUMED, ReadingPace
from rag.prompts import Budget
from rag.protocols import ChatModel, Retriever
from rag.tasks import Task, calls_a_document, content_words
from rag.types import Contents, Passage, Retrieval
from rag.wording import wording

SECONDS = 120.0
"""In which all portions are to be read and noted."""
FEWEST, MOST = 2, 24
"""Portions, however slow or fast a model is."""
NOTE_TOKENS = 160
"""Most that is written of a portion."""
LISTED = 40
"""Passages that are looked for where all are wanted: all that retrieval reads."""
_FLOOR = 0.25
"""Share of the best passage's score below which a passage does not count as a match."""
_PER_SIDE = 12
_LOADED = 2_000
"""Passages of one document from which it is chosen, spread evenly where it has more."""
_AROUND = 250
"""Tokens of a request beside its sources, an upper bound."""
_WRITING = 2.5
"""A written token takes as long as so many read ones (45 and 19 a second on two cores); half of the room for notes is
used."""
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


@dataclass(frozen=True, slots=True)
class Plan:
    """What is read, in its order; the retrieval holds the same passages."""

    task: Task
    retrieval: Retrieval
    portions: tuple[Portion, ...]
    there: int
    """Passages of the documents; of a list, those that match."""
    documents: int = 1
    """Those that are asked for; they may be too many to be read."""

    @property
    def abouts(self) -> tuple[str, ...]:
        """What the portions are about, each once."""
        return tuple(dict.fromkeys(portion.about for portion in self.portions))

    def of(self, about: str) -> list[Passage]:
        """What is read on it."""
        return [one for portion in self.portions if portion.about == about for one in portion.passages]

    def told(self, read: int, how: str) -> str | None:
        """How much was read of what there is, in plain words; None where that is all of a document."""
        if self.task.kind == "list":
            there = f"{self.there} or more" if self.there == LISTED else str(self.there)
            return f"{read} of {there} passages that match were {how}."
        if self.task.kind == "comparison":
            sides = ", ".join(f"{len(self.of(about))} on {about}" for about in self.abouts)
            return f"At most these passages were {how}: {sides}."
        if read >= self.there:
            return None
        held = len({one.document_id for one in self.retrieval.passages})
        whole = f"all {held} documents" if held == self.documents > 1 else f"{held} of {self.documents} documents"
        of = "the document" if self.documents == 1 else whole
        return f"{read} of {self.there:,} passages were {how}: beginnings of sections, spread over {of}."


def room_for(model: ChatModel | None, pace: ReadingPace | None, source_tokens: int) -> Room:
    """What a model reads in time; without one, what is looked at for quotes."""
    if model is None:
        return Room(FEWEST, source_tokens)
    speed = (pace.speed(model.name) if pace else None) or ASSUMED
    in_time = pace.prompt_tokens(model.name) if pace else None
    budget = Budget(model.context_window, answer=NOTE_TOKENS, sources=source_tokens, prompt=in_time)
    tokens = max(1, min(source_tokens, budget.free(_AROUND)))
    seconds = (tokens + _AROUND + _WRITING * NOTE_TOKENS / 2) / speed
    return Room(max(FEWEST, min(MOST, int(SECONDS / seconds))), tokens)


def plan(retriever: Retriever, workspace_id: str, question: str, *, task: Task, room: Room) -> Plan | None:
    """What to read for a task; None where the question is better answered from the best passages: no document is called
    so, or nothing comes near."""
    match task.kind:
        case "summary":
            return _summary(retriever, workspace_id, question, task, room)
        case "list":
            return _list(retriever, workspace_id, question, task, room)
        case "comparison":
            return _comparison(retriever, workspace_id, question, task, room)


def _summary(retriever: Retriever, workspace_id: str, question: str, task: Task, room: Room) -> Plan | None:
    documents = called(retriever.documents(workspace_id), task)
    if not documents:
        return None
    portions = _of_documents(retriever, workspace_id, documents, room)
    there = sum(document.passages for document in documents)
    return _made(question, task, portions, there, documents=len(documents))


def _list(retriever: Retriever, workspace_id: str, question: str, task: Task, room: Room) -> Plan | None:
    found = retriever.retrieve(workspace_id, task.subject, limit=LISTED)
    if not _named(found, task.subject):
        return None
    floor = _FLOOR * found.passages[0].score
    matching = [one for one in found.passages if one.score >= floor]
    portions = _packed(_in_order(_fitting(matching, room)), room)
    return _made(question, task, portions, len(matching), evidence=found)


def _comparison(retriever: Retriever, workspace_id: str, question: str, task: Task, room: Room) -> Plan | None:
    documents = retriever.documents(workspace_id)
    sides: list[tuple[str, list[Passage]]] = []
    if not task.sides:
        if not 2 <= len(documents) <= room.portions:
            return None
        share = Room(max(1, room.portions // len(documents)), room.tokens)
        for document in documents:
            found = _of_documents(retriever, workspace_id, [document], share)
            sides.append((document.title, [one for portion in found for one in portion.passages]))
    for side in task.sides:
        retrieval = retriever.retrieve(workspace_id, f"{task.subject} {side}".strip(), limit=_PER_SIDE)
        if not _named(retrieval, side):
            return None
        mine = {one.version_id for one in called(documents, replace(task, subject=side))} if side else set()
        best = [one for one in retrieval.passages if not mine or one.version_id in mine]
        sides.append((side, best or list(retrieval.passages)))
    share = Room(max(1, room.portions // len(sides)), room.tokens)
    portions = []
    for about, passages in _apart(sides):
        portions += [replace(one, about=about) for one in _packed(_in_order(_fitting(passages, share)), share)]
    if len({portion.about for portion in portions}) < len(sides):
        return None
    return _made(question, task, portions, sum(len(passages) for _, passages in sides))


def _named(found: Retrieval, subject: str) -> bool:
    """Whether there is evidence on a subject. The gate is made for questions: one word that stands in every passage
    tells them apart no more, and weighs nothing there; here it is what is looked for."""
    return found.sufficient or any(
        content_stems(subject, one.language) <= content_stems(" ".join((*one.heading_path, one.text)), one.language)
        for one in found.passages
    )


def called(documents: Sequence[Contents], task: Task) -> list[Contents]:
    """The documents that a task is about: all where it only says "the document", the only one where it says what sort
    it is, or those whose title is what it says."""
    words = content_stems(task.subject, task.language)
    if not words or (len(documents) == 1 and calls_a_document(task.subject)):
        return list(documents)
    sort = any(calls_a_document(word) for word in content_words(task.subject))
    found = []
    for document in documents:
        title = content_stems(document.title, task.language)
        if words <= title and (sort or 2 * len(words) >= len(title)):
            found.append(document)
    return found


def _of_documents(retriever: Retriever, workspace_id: str, documents: Sequence[Contents], room: Room) -> list[Portion]:
    """Each document gets an equal share; what a short one leaves goes to the others."""
    left = room.portions * max(1, room.tokens // _usual_tokens(retriever, workspace_id, documents))
    taken: dict[str, list[Passage]] = {}
    some = sorted(documents[:left], key=lambda document: document.passages)
    for place, document in enumerate(some):
        share = left // (len(some) - place)
        taken[document.version_id] = _chosen(_loaded(retriever, workspace_id, document), share)
        left -= len(taken[document.version_id])
    return _packed([one for document in documents for one in taken.get(document.version_id, ())], room)


def _usual_tokens(retriever: Retriever, workspace_id: str, documents: Sequence[Contents]) -> int:
    """What a passage of these takes, about."""
    largest = max(documents, key=lambda document: document.passages)
    sample = retriever.at_ordinals(
        workspace_id, [(largest.version_id, place) for place in range(largest.passages)][:50]
    )
    return sum(map(_tokens, sample)) // len(sample) + 1 if sample else _AROUND


def _loaded(retriever: Retriever, workspace_id: str, document: Contents) -> list[Passage]:
    places = _spread(range(document.passages), _LOADED)
    return _in_order(retriever.at_ordinals(workspace_id, [(document.version_id, place) for place in places]))


def _chosen(passages: Sequence[Passage], most: int) -> list[Passage]:
    """At most so many, in their order: the beginnings of sections first, of the highest level that has enough."""
    if len(passages) <= most:
        return list(passages)
    telling = [one for one in passages if wording(one).listing < _TABLE_OF_CONTENTS] or list(passages)
    deepest = max(len(one.heading_path) for one in telling)
    begins: list[Passage] = []
    for depth in range(1, deepest + 1):
        begins = _beginnings(telling, depth)
        if len(begins) >= most:
            return _spread(begins, most)
    held = {one.chunk_id for one in begins}
    rest = _spread([one for one in telling if one.chunk_id not in held], most - len(begins))
    return _in_order([*begins, *rest])


def _beginnings(passages: Sequence[Passage], depth: int) -> list[Passage]:
    before: Iterable[tuple[str, ...] | None] = (None, *(one.heading_path[:depth] for one in passages))
    return [one for one, path in zip(passages, before, strict=False) if one.heading_path[:depth] != path]


def _spread(items: Sequence[T], most: int) -> list[T]:
    """At most so many of these, evenly, the first among them."""
    if len(items) <= most:
        return list(items)
    return [items[place * len(items) // most] for place in range(most)]


def _fitting(passages: Sequence[Passage], room: Room) -> list[Passage]:
    """The best that fit, at least one."""
    kept: list[Passage] = []
    left = room.portions * room.tokens
    for passage in passages:
        left -= _tokens(passage)
        if kept and left < 0:
            break
        kept.append(passage)
    return kept


def _packed(passages: Iterable[Passage], room: Room) -> list[Portion]:
    """Portions in the order of the passages, at most as many as there is room for."""
    portions: list[list[Passage]] = []
    left = 0
    for passage in passages:
        tokens = _tokens(passage)
        if not portions or tokens > left:
            portions.append([])
            left = room.tokens
        portions[-1].append(passage)
        left -= tokens
    return [Portion(tuple(held), held[0].title) for held in portions[: room.portions]]


def _apart(sides: Sequence[tuple[str, Sequence[Passage]]]) -> list[tuple[str, list[Passage]]]:
    """A passage that was found for several sides goes to the one for which it ranks best."""
    best: dict[str, tuple[int, int]] = {}
    for side, (_, passages) in enumerate(sides):
        for rank, passage in enumerate(passages):
            best[passage.chunk_id] = min(best.get(passage.chunk_id, (rank, side)), (rank, side))
    return [
        (about, [one for one in passages if best[one.chunk_id][1] == side])
        for side, (about, passages) in enumerate(sides)
    ]


def _in_order(passages: Sequence[Passage]) -> list[Passage]:
    """Document by document, those first that come first here, each from its beginning to its end."""
    place = {version: number for number, version in enumerate(dict.fromkeys(one.version_id for one in passages))}
    return sorted(passages, key=lambda one: (place[one.version_id], one.ordinal))


def _tokens(passage: Passage) -> int:
    """Of a passage in the prompt, about, and rather too many: models count three to five characters a token."""
    return 20 + (len(passage.text) + len(passage.header)) // 3


def _made(
    question: str,
    task: Task,
    portions: Sequence[Portion],
    there: int,
    *,
    documents: int = 1,
    evidence: Retrieval | None = None,
) -> Plan | None:
    passages = tuple(one for portion in portions for one in portion.passages)
    if not passages:
        return None
    retrieval = Retrieval(question, passages, evidence.evidence if evidence else 1.0, sufficient=True)
    return Plan(task, retrieval, tuple(portions), there, documents)
