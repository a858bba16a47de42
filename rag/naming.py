"""Which documents a question names: "Apple's liquidity" asks one company's filings, though all say "liquidity".

A document says what it is in its title and its first lines, and hardly ever again: a filing calls its company "we". So
the words of the question are looked for there as well. What many of the documents at hand say there tells nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

from rag.analysis import stems
from rag.questions import Question
from rag.types import Language, Passage

_REMEMBERED = 2_000
"""Documents, some 5 KB each."""


def named(question: Question, passages: Sequence[Passage], openings: Mapping[str, str]) -> list[float]:
    """For each passage the share (0 to 1, by rarity) of the words naming a document that name its own.

    Args:
        question: its content words are looked for.
        passages: the candidates.
        openings: the first lines of long documents by version. Others are never named: of a short one they say what
            its passages say, and the question's words would count twice.
    """
    heads = {
        passage.version_id: _stems(f"{passage.title}\n{openings[passage.version_id]}", passage.language)
        for passage in passages
        if passage.version_id in openings
    }
    weights = {group: _weight(sum(not group.isdisjoint(head) for head in heads.values()), len(heads))
               for group in question.weights}  # fmt: skip
    whole = sum(weights.values())
    shares = {
        version: sum(weight for group, weight in weights.items() if not group.isdisjoint(head)) / whole
        if whole
        else 0.0
        for version, head in heads.items()
    }
    return [shares.get(passage.version_id, 0.0) for passage in passages]


def _weight(holding: int, documents: int) -> float:
    """Inverse document frequency as in BM25; none where all of the documents, or none, have the word."""
    if not 0 < holding < documents:
        return 0.0
    return math.log(1 + (documents - holding + 0.5) / (holding + 0.5))


@lru_cache(maxsize=_REMEMBERED)
def _stems(text: str, language: Language) -> frozenset[str]:
    return frozenset(stems(text, language))
