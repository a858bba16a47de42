"""Cases of every kind, seeded, and what the checker says to them."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from random import Random
from typing import cast

from rag.alignment import Aligner
from rag.checking import Checker
from rag.citations import Footnotes
from rag.protocols import Embedder
from rag.types import Language, Sentence, Vector
from tests.support.planted import errors, rewriting, sources
from tests.support.planted.sources import Source

GOLD = "written by people"
"""The kind of clapnq's gold answers."""


@dataclass(frozen=True)
class Case:
    """One answer sentence."""

    kind: str
    planted: bool
    text: str
    right: str
    """The correct sentence that it was made of."""
    source: Source


def remembering(embedder: Embedder) -> Embedder:
    """The same embedder, which embeds each text once: cases share passages."""
    return cast(Embedder, _Remembering(embedder))


class _Remembering:
    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.embed_query = lru_cache(maxsize=None)(embedder.embed_query)
        self._document = lru_cache(maxsize=None)(self._embed)

    def __getattr__(self, name: str) -> object:
        return getattr(self._embedder, name)

    def embed_documents(self, texts: Sequence[str]) -> list[Vector]:
        return [self._document(text) for text in texts]

    def _embed(self, text: str) -> Vector:
        row: Vector = self._embedder.embed_documents([text])[0]
        return row


def made(directory: Path, embedder: Embedder, *, each: int, seed: int = 1) -> list[Case]:
    """Up to `each` cases of every kind, language and half; the same ones for the same seed."""
    found = sources.load(directory, embedder)
    names: dict[Language, list[str]] = defaultdict(list)
    for source in found:
        names[source.language] += source.names
    cases: list[Case] = []
    for kind, plant in errors.plantings({language: sorted(set(all_)) for language, all_ in names.items()}).items():
        cases += _some(kind, found, each, seed, partial(_planted, plant))
    for kind, rewrite in rewriting.CORRECT.items():
        taken = [source for source in found if not source.human]
        cases += _some(kind, taken, each, seed, partial(_right, rewrite))
    cases += [Case(GOLD, False, source.text, source.text, source) for source in found if source.human]
    return cases


def checked(case: Case, embedder: Embedder) -> list[Sentence]:
    """The sentence as the checker of an answer sees it."""
    aligner = Aligner(embedder, question=case.source.question, passages=case.source.passages)
    checker = Checker(aligner, Footnotes(), language=case.source.language)
    list(checker.feed(case.text))
    list(checker.finish())
    return checker.sentences


def flagged(case: Case, embedder: Embedder) -> bool:
    """Whether a reader is warned: some part of it is not "supported"."""
    return any(sentence.verdict != "supported" for sentence in checked(case, embedder))


_Make = Callable[[Source, Random], tuple[str, str] | None]


def _some(kind: str, found: Sequence[Source], each: int, seed: int, make: _Make) -> Iterator[Case]:
    """Taken evenly from the sets, sentence by sentence in an order of chance."""
    random = Random(zlib.crc32(f"{kind} {seed}".encode()))
    cells: dict[tuple[Language, bool], dict[str, list[Case]]] = defaultdict(lambda: defaultdict(list))
    for source in random.sample(found, len(found)):
        cell = cells[source.language, source.held_out]
        origin = source.dataset + " gold" * source.human
        if len(cell[origin]) < each and (pair := make(source, random)):
            cell[origin].append(Case(kind, pair[0] != pair[1], pair[0], pair[1], source))
    for cell in cells.values():
        queues = [list(cases) for cases in cell.values()]
        taken: list[Case] = []
        while len(taken) < each and any(queues):
            taken += [queue.pop() for queue in queues if queue]
        yield from taken[:each]


def _planted(plant: errors.Planting, source: Source, random: Random) -> tuple[str, str] | None:
    """Half of them in a sentence that was said again first."""
    right = source.text
    if not source.human and random.random() < 0.5:
        for rewrite in random.sample(list(rewriting.CORRECT.values()), len(rewriting.CORRECT)):
            if said := rewrite(replace(source, text=right), random):
                right = said
                break
    wrong = plant(right, source, random)
    return (wrong, right) if wrong and wrong != right else None


def _right(rewrite: rewriting.Rewriting, source: Source, random: Random) -> tuple[str, str] | None:
    said = rewrite(source, random)
    return (said, said) if said else None
