"""Whether the passages hold the answer: decided from retrieval, before any model is asked.

A logistic formula over five figures, fitted on questions with their answer in the collection and the same kind of
questions without it: clapnq (its unanswerable questions have a near miss in the corpus), xquad-en and xquad-de with the
gold passage taken out, questions of one set put to the documents of another; each checked with coefficients fitted
without it. At the threshold, share refused of unanswerable / answerable questions: clapnq .55 / .07,
xquad-en .80 / .06, xquad-de .75 / .06, foreign questions .93 to 1.00; headings of manuals - / .00, filings - / .05.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rag.matching import Match
from rag.questions import Question

THRESHOLD = 0.34
"""Evidence below it is refused. Leans towards answering: a wrong refusal hides what the documents hold, while a weak
answer is still checked sentence by sentence."""

_FIRST = 5
"""Passages that are looked at."""
_GRAMS = 2.9
_SENTENCE = 2.1
_NEAR = 2.3
_NEAR_LONG = 1.42
_UNTRUSTED = 1.5
_ACROSS = 1.75
_ACROSS_TRUSTED = 2.2
"""Words of another language are missing in any passage; names and figures are not."""
_BIAS = -4.0
_SHORT, _LONG = 4, 10
"""Content words from which a question counts as partly, and as fully, long: it says more than one passage repeats, so
its words weigh less and its meaning more."""


@dataclass(frozen=True, slots=True)
class Support:
    """What the gate reads: the matches of the first passages, best first, and how near they are in meaning."""

    matches: Sequence[Match]
    near: float
    """How near the nearest passage, or one of its sentences, is in meaning: `Likeness.near` of its cosine."""
    trusted: bool
    """Whether the embedder knows the languages of question and documents."""
    across: bool
    """Whether the question is in a language that none of the documents has."""


def evidence(question: Question, support: Support) -> float:
    """Estimated probability (0 to 1) that the first passages answer the question."""
    if not support.matches:
        return 0.0
    if question.about_documents:
        return 1.0  # "Summarise this document": any passage is evidence
    first = support.matches[:_FIRST]
    sentence = max((marked.coverage for match in first for marked in match.sentences), default=0.0)
    logit = _BIAS + _GRAMS * first[0].grams + _SENTENCE * sentence
    if support.trusted:
        long = min(1.0, max(0.0, (len(question.weights) - _SHORT) / (_LONG - _SHORT)))
        logit += support.near * (_NEAR + long * _NEAR_LONG) + (_ACROSS_TRUSTED if support.across else 0.0)
    else:
        logit += _UNTRUSTED + (_ACROSS if support.across else 0.0)
    return 1 / (1 + math.exp(-logit))
