"""Runs, figures and results of a test in the words of a person. Pure functions; what they return is plain text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from ui import figures, safe, views
from workspaces.trial_values import FoundPassage, TrialFigure, TrialQuestion, TrialResult, TrialRun

LABELS = {
    "hit@1": "Right passage found first",
    "hit@5": "Right passage among the first 5",
    "hit@10": "Right passage among the first 10",
    "mrr@10": "Mean reciprocal rank (MRR@10)",
    "true_refusal": "Refused where there is no answer",
    "false_refusal": "Refused although there is an answer",
    "citation_precision": "Footnotes at the expected place",
    "quotes_verbatim": "Quotes word for word",
    "evidence_ms_p50": "Time to the evidence, median",
    "evidence_ms_p95": "Time to the evidence, 95 of 100",
    "answer_ms_p50": "Time to the whole answer, median",
}
NONE = "–"
_STATES = {"running": "running", "cancelled": "cancelled", "interrupted": "interrupted", "failed": "failed"}
_ORIGINS = {"rated": "from a thumb down", "pasted": "typed", "generated": "made from your documents"}
_EXCERPT = 240
_PERCENT = "\u00a0%"
"""Never alone on a line."""


def value(figure: TrialFigure) -> str:
    """ "83 %", "0.91", "120 ms", or a dash where there is no data."""
    if figure.value is None:
        return NONE
    if figure.key.endswith(("_p50", "_p95")):
        return f"{figure.value / 1000:.1f} s" if figure.value >= 1000 else f"{figure.value:.0f} ms"
    return f"{figure.value:.3f}" if figure.low is None else f"{figure.value * 100:.0f}{_PERCENT}"


def interval(figure: TrialFigure) -> str:
    """ "66 to 93 %", or a dash."""
    if figure.low is None or figure.high is None:
        return NONE
    return f"{figure.low * 100:.0f} to {figure.high * 100:.0f}{_PERCENT}"


def figure_rows(run: TrialRun) -> dict[str, list[str]]:
    """The figures of a run as columns."""
    return {
        "Figure": [LABELS[figure.key] for figure in run.figures],
        "Value": [value(figure) for figure in run.figures],
        "95 % interval": [interval(figure) for figure in run.figures],
        "Of": [f"{figure.count:,}" if figure.count else NONE for figure in run.figures],
    }


def compared_rows(first: TrialRun, second: TrialRun) -> dict[str, list[str]]:
    """The figures of two runs side by side as columns."""
    return {
        "Figure": [LABELS[figure.key] for figure in first.figures],
        "First": [_with_interval(figure) for figure in first.figures],
        "Second": [_with_interval(figure) for figure in second.figures],
    }


def trend(runs: Sequence[TrialRun]) -> list[dict[str, float | int | None]]:
    """Finished runs, oldest first, as a picture takes them."""
    finished = [run for run in reversed(runs) if run.state == "done"]
    names = {"mrr@10": "Mean reciprocal rank", "true_refusal": "Refused rightly"}
    return [
        {"Run": number} | {names[figure.key]: figure.value for figure in run.figures if figure.key in names}
        for number, run in enumerate(finished, 1)
    ]


def run_label(run: TrialRun) -> str:
    """When a run began, what it did, and how it ended."""
    parts = [f"{figures.day(run.started_at)} {figures.clock(run.started_at)}", kind(run)]
    parts.append(f"{run.done:,} of {run.total:,} questions" if run.done < run.total else f"{run.total:,} questions")
    if run.state in _STATES:
        parts.append(_STATES[run.state])
    return safe.visible(" · ".join(parts), limit=140)


def kind(run: TrialRun) -> str:
    """What varies from run to run."""
    if not run.settings.answers:
        return "search only"
    if run.model is None:
        return "answers without a model"
    offer = run.settings.offer
    return f"{run.model}, {figures.count(offer.passages, 'passage')}, {offer.source_tokens:,} tokens"


def settings_line(run: TrialRun) -> str:
    """With what the run searched."""
    began = run.started_at if run.started_at.tzinfo else run.started_at.replace(tzinfo=UTC)
    parts = [f"started {figures.on_day(began)} at {figures.clock(began)}", kind(run), f"embedder {run.embedder}"]
    if run.splitter:
        parts.append(f"cut by {run.splitter.split(' ')[0]}")
    return safe.visible(" · ".join(parts), limit=300)


def expectation(question: TrialQuestion) -> str:
    """What is expected of a question, and where it came from."""
    if not question.answerable:
        told = "No answer in your documents"
    elif question.place is None:
        told = "Has an answer"
    else:
        where = f", page {question.place.page}" if question.place.page else ""
        told = f"Answered by {safe.visible(question.place.title, limit=70) or 'a document'}{where}"
    return f"{told} · {_ORIGINS[question.origin]}"


def outcome(result: TrialResult) -> str:
    """How a question went, in a few words."""
    if not result.answerable:
        return "rightly refused" if result.refused else "not refused"
    parts = []
    if result.judged:
        parts.append(f"found as number {result.rank}" if result.rank else "not found")
    if result.refused:
        parts.append("refused")
    elif result.cited is not None:
        parts.append("footnote right" if result.cited else "footnote elsewhere")
    return ", ".join(parts) or "asked"


def went_wrong(result: TrialResult) -> bool:
    """Whether a question did not go as expected."""
    if not result.answerable:
        return not result.refused
    return result.refused or (result.judged and result.rank is None) or result.cited is False


def found_line(passage: FoundPassage) -> str:
    """Where a found passage stands."""
    where = views.where(passage.page, passage.page_label, passage.locator)
    return ", ".join(part for part in (safe.visible(passage.title, limit=70), where) if part)


def excerpt(passage: FoundPassage) -> str:
    """The beginning of what was found."""
    return safe.visible(passage.text, limit=_EXCERPT)


def _with_interval(figure: TrialFigure) -> str:
    told = interval(figure)
    return value(figure) if told == NONE else f"{value(figure)} ({told})"
