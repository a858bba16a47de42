"""One ranking of two: words and meaning, by their scores.

Scores are compared as z-scores over the candidates of one question and added (Bruch, Gai and Ingber 2023, "An Analysis
of Fusion Functions for Hybrid Retrieval": a convex combination of normalised scores beats ranks). What the words of
each passage tell beyond that (rag/matching.py) is added on top.

The weights were fitted by listwise logistic regression on five sets at once (English and German encyclopaedia passages,
manuals asked by heading, long English texts) and checked on each with weights fitted on the others alone. MRR@10 with
MiniLM int8, words alone / meaning alone / z-scores with equal weights / all of it: xquad-en .960 / .932 / .976 / .985,
xquad-de .926 / .651 / .944 / .962, clapnq .932 / .978 / .973 / .987.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rag.matching import Match
from rag.types import ScoredId

Scores = npt.NDArray[np.float64]
"""One figure a candidate, shape (candidates,)."""

_LEXICAL = 0.55
_DENSE = 1.1
_DENSE_ELSEWHERE = 0.75
"""Where the embedder was not trained for the language of question or documents."""
_GRAMS = 0.8
_SENTENCE = 1.4
_PHRASE = 2.4
_HEADING = 2.75
_LISTING = -1.3
_NAMED = 2.0
_QUOTED = 5.0
"""More than all else can make up for, mostly: who puts words in quotation marks wants these."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that at least one half brought up; None where a half did not."""

    id: str
    lexical: float | None
    dense: float | None


def united(lexical: Sequence[ScoredId], dense: Sequence[ScoredId], *, lexical_limit: int) -> list[Candidate]:
    """The candidates of both halves, each once. Fewer words' candidates than the limit are all there are: a chunk
    that is not among them has none of the question's words, and scores 0."""
    by_words = {scored.id: scored.score for scored in lexical}
    by_meaning = {scored.id: scored.score for scored in dense}
    wordless = 0.0 if len(lexical) < lexical_limit else None
    return [Candidate(id_, by_words.get(id_, wordless), by_meaning.get(id_)) for id_ in {**by_words, **by_meaning}]


def first_scores(candidates: Sequence[Candidate], *, trusted: bool) -> Scores:
    """Fused scores before any text has been read. `trusted`: the embedder knows the languages at hand."""
    lexical = standardised([candidate.lexical for candidate in candidates])
    dense = standardised([candidate.dense for candidate in candidates])
    return _LEXICAL * lexical + _dense_weight(trusted) * dense


def fused_scores(
    candidates: Sequence[Candidate], matches: Sequence[Match], named: Sequence[float], *, trusted: bool
) -> Scores:
    """Final scores of the candidates whose passages have been matched; higher is better. `named`: see rag/naming.py."""
    listed = np.array([match.listing for match in matches])
    phrase = np.array([match.phrase for match in matches])
    heading = np.array([match.heading for match in matches])
    sentence = np.array([max((marked.coverage for marked in match.sentences), default=0.0) for match in matches])
    scores: Scores = (
        first_scores(candidates, trusted=trusted)
        + _GRAMS * standardised([match.grams for match in matches])
        + _SENTENCE * sentence
        + _PHRASE * phrase
        + _HEADING * heading
        + _LISTING * listed
        + _QUOTED * np.array([match.quoted for match in matches])
        + _NAMED * np.array(named)
    )
    return scores


def standardised(values: Sequence[float | None]) -> Scores:
    """z-scores. A missing value counts as the lowest: it was not among the best of its half."""
    present = [value for value in values if value is not None]
    floor = min(present, default=0.0)
    filled = np.array([floor if value is None else value for value in values], dtype=np.float64)
    spread = filled.std() if len(filled) else 0.0
    centred: Scores = filled - (filled.mean() if len(filled) else 0.0)
    return centred / spread if spread > np.finfo(np.float32).eps else np.zeros_like(centred)


def _dense_weight(trusted: bool) -> float:
    return _DENSE if trusted else _DENSE_ELSEWHERE
