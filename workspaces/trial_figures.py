"""Figures of a run, made of what each of its questions adds (workspaces/scoring.py), and two runs side by side."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from workspaces.scoring import Values, summarised
from workspaces.trial_values import TrialFigure

SHARES = (
    "hit@1",
    "hit@5",
    "hit@10",
    "true_refusal",
    "false_refusal",
    "answers_with_citation",
    "citation_precision",
    "quotes_verbatim",
)
FIGURES = (
    "hit@1",
    "hit@5",
    "hit@10",
    "mrr@10",
    "true_refusal",
    "false_refusal",
    "citation_precision",
    "quotes_verbatim",
    "evidence_ms_p50",
    "evidence_ms_p95",
    "answer_ms_p50",
)
"""In the order in which they are shown; the scorer's names, and one percentile more."""

_SLOW = 0.95
_Z = 1.959964
"""Standard normal quantile of a two-sided 95 % interval."""


def figures(results: Iterable[Mapping[str, Sequence[float]]]) -> tuple[TrialFigure, ...]:
    """All figures of these questions; one that none of them says anything about has no value."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    for result in results:
        for key, found in result.items():
            values[key].extend(found)
    means = summarised(values)
    if times := values.get("evidence_ms_p50"):
        values["evidence_ms_p95"], means["evidence_ms_p95"] = times, percentile(times, _SLOW)
    return tuple(_figure(key, means.get(key), values.get(key, [])) for key in FIGURES)


def measured(values: Values, *, answers: bool, placed: bool) -> Values:
    """What counts of a question's values: of one that was not answered, the decision to refuse but nothing about an
    answer; of one whose place is not known, nothing about footnotes."""
    dropped = set[str]()
    if not answers:
        dropped |= {"answers_with_citation", "citation_precision", "quotes_verbatim"}
    if not placed:
        dropped.add("citation_precision")
    return {key: [float(value) for value in found] for key, found in values.items() if key not in dropped}


def wilson(successes: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927, "Probable inference, the law of succession, and statistical
    inference"): it stays within 0 and 1 and holds for small counts too."""
    share, square = successes / count, _Z * _Z
    middle = share + square / (2 * count)
    half = _Z * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    whole = 1 + square / count
    return round(max(0.0, (middle - half) / whole), 4), round(min(1.0, (middle + half) / whole), 4)


def percentile(times: Sequence[float], share: float) -> float:
    """The smallest of these that so many of them do not exceed."""
    ordered = sorted(times)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _figure(key: str, value: float | None, values: Sequence[float]) -> TrialFigure:
    if value is None:
        return TrialFigure(key, None)
    low, high = wilson(sum(values), len(values)) if key in SHARES else (None, None)
    return TrialFigure(key, value, len(values), low, high)
