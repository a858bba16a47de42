"""The verdict on one answer sentence: is it in the documents?

    supported   its words or its meaning are in the cited sentences, and so is every number, date and name of it
    partly      the cited sentences are about it, but a fact is missing, a negation differs, or much of it is not there
    not_found   nothing that was retrieved says it

Thresholds were set on English answers written by people, against the passages they were written from and against the
nearest other passages: at their own passages 19 of 20 sentences reach a coverage of .82 and a cosine of .71, at the
others 9 of 10 stay below .29 and .49. A sentence in another language than its source, with an embedder that knows only
one of the two, cannot be compared by stems or meaning: facts alone carry it, and without them it is "not_found".
"""

from __future__ import annotations

from rag.alignment import Alignment
from rag.facts import Facts
from rag.types import Verdict

SUPPORTED = 0.6
PARTLY = 0.4
STRONG_FACTS = 2
"""Across languages: matching numbers, dates and names from which a sentence counts as carried by them."""


def strength(alignment: Alignment) -> float:
    """0 to 1: mean of stem coverage and cosine; a coverage high enough to skip the embedding stands for itself."""
    if alignment.similarity is None:
        return alignment.coverage
    return max(alignment.coverage * 0.9, (alignment.coverage + max(0.0, alignment.similarity)) / 2)


def verdict(alignment: Alignment) -> Verdict:
    """Judge one aligned sentence."""
    if not alignment.units:
        return "not_found"
    value = strength(alignment)
    found = count(alignment.stated) - count(alignment.missing)
    if not alignment.comparable:
        return _across_languages(alignment, value, found)
    if value < PARTLY:
        return "not_found"
    if value < SUPPORTED or alignment.missing or alignment.contradicts:
        return "partly"
    return "supported"


def _across_languages(alignment: Alignment, value: float, found: int) -> Verdict:
    if alignment.missing or alignment.contradicts or not found:
        return "partly" if found or value >= SUPPORTED else "not_found"
    return "supported" if found >= STRONG_FACTS and value >= PARTLY else "partly"


def count(facts: Facts) -> int:
    """Number of facts."""
    return len(facts.quantities) + len(facts.dates) + len(facts.names)
