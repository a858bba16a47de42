"""What is read for a summary, a list or a comparison: whole documents, all that matches, or what each side has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.alignment import content_stems
from rag.portions import Portion, Room, apart, chosen, fitting, in_order, packed, spread, tokens_of
from rag.protocols import Retriever
from rag.tasks import Task, calls_a_document, content_words
from rag.types import Contents, Passage, Retrieval

LISTED = 40
"""Passages that are looked for where all are wanted: all that retrieval reads."""
_FLOOR = 0.25
"""Share of the best passage's score below which a passage does not count as a match."""
_PER_SIDE = 12
_LOADED = 2_000
"""Passages of one document from which it is chosen, spread evenly where it has more."""
_SAMPLE = 50
"""Passages from which is told how long they are."""


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
    portions = packed(in_order(fitting(matching, room)), room)
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
    for about, passages in apart(sides):
        portions += [replace(one, about=about) for one in packed(in_order(fitting(passages, share)), share)]
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
    named = content_words(task.subject)
    telling = [word for word in named if not calls_a_document(word)]
    sort = telling != named
    found = _titled(documents, words, task, whole=not sort)
    if not found and sort and telling:  # "the document Lease": no title says that it is a document
        found = _titled(documents, content_stems(" ".join(telling), task.language), task, whole=True)
    return found


def _titled(documents: Sequence[Contents], words: frozenset[str], task: Task, *, whole: bool) -> list[Contents]:
    """Those whose title has these words, and few others where it is to be the `whole` of it."""
    titles = ((document, content_stems(document.title, task.language)) for document in documents)
    return [one for one, title in titles if words <= title and (not whole or 2 * len(words) >= len(title))]


def _of_documents(retriever: Retriever, workspace_id: str, documents: Sequence[Contents], room: Room) -> list[Portion]:
    """Each document gets an equal share; what a short one leaves goes to the others."""
    left = room.portions * max(1, room.tokens // _usual_tokens(retriever, workspace_id, documents))
    taken: dict[str, list[Passage]] = {}
    some = sorted(documents[:left], key=lambda document: document.passages)
    for place, document in enumerate(some):
        share = left // (len(some) - place)
        taken[document.version_id] = chosen(_loaded(retriever, workspace_id, document), share)
        left -= len(taken[document.version_id])
    return packed([one for document in documents for one in taken.get(document.version_id, ())], room)


def _usual_tokens(retriever: Retriever, workspace_id: str, documents: Sequence[Contents]) -> int:
    """What a passage of these takes, about."""
    largest = max(documents, key=lambda document: document.passages)
    places = spread(range(largest.passages), _SAMPLE)
    sample = retriever.at_ordinals(workspace_id, [(largest.version_id, place) for place in places])
    return sum(map(tokens_of, sample)) // len(sample) + 1 if sample else 1


def _loaded(retriever: Retriever, workspace_id: str, document: Contents) -> list[Passage]:
    places = spread(range(document.passages), _LOADED)
    return in_order(retriever.at_ordinals(workspace_id, [(document.version_id, place) for place in places]))


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
