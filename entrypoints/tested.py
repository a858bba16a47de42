"""The command that runs a workspace's test."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from entrypoints import shown
from entrypoints.output import Output, as_json
from rag.errors import FootnoteError, InvalidInput
from workspaces.bootstrap import Services
from workspaces.models import Problem
from workspaces.trial_values import RunSettings, TrialFigure, TrialRun

_TELL_SECONDS = 2.0
_FIRST = "footnote test -w WORKSPACE --generate 20"


def run(services: Services, workspace_id: str, options: Namespace, out: Output) -> int:
    """Make questions if that is wanted, ask all, print the figures. Exit 0 only if all were asked."""
    if options.generate is not None:
        _make(services, workspace_id, options.generate, out)
    elif not services.trial_questions.list(workspace_id):
        raise InvalidInput("The test of this workspace has no questions yet.", hint=f"Make some: {_FIRST}")
    if options.answers:
        services.chat_models.ensure(lambda download: out.note(shown.download_line(download)))
    key = services.chat_models.chosen() if options.answers else ""
    started = services.trials.start(workspace_id, RunSettings(answers=options.answers, model_key=key))
    told = 0

    def tell() -> None:
        nonlocal told
        done = services.trials.run(started.id).done
        if done > told:
            out.note(f"{done} of {started.total} questions asked")
            told = done

    _wait(services, tell)
    ended = services.trials.run(started.id)
    if options.json:
        out.line(as_json(run_json(ended)))
    else:
        for line in run_lines(ended):
            out.line(line)
    _raise(ended.problem)
    return 0 if ended.state == "done" else 1


def run_json(run: TrialRun) -> dict[str, Any]:
    """A run for scripts."""
    return {
        "run": run.id,
        "state": run.state,
        "questions": run.done,
        "answers": run.settings.answers,
        "model": run.model,
        "passages": run.settings.offer.passages,
        "source_tokens": run.settings.offer.source_tokens,
        "embedder": run.embedder,
        "splitter": run.splitter,
        "figures": {figure.key: _figure_json(figure) for figure in run.figures},
    }


def run_lines(run: TrialRun) -> list[str]:
    """A run for people: one line a figure; of a share with its 95 % interval and what it rests on."""
    head = f"{run.done} of {run.total} questions, " + ("with answers" if run.settings.answers else "retrieval only")
    return [head, *(_figure_line(figure) for figure in run.figures)]


def _figure_json(figure: TrialFigure) -> dict[str, Any]:
    values = asdict(figure)
    values.pop("key")
    return values


def _figure_line(figure: TrialFigure) -> str:
    if figure.value is None:
        return f"{figure.key:20}–"
    if figure.key.endswith(("_p50", "_p95")):
        return f"{figure.key:20}{figure.value:.1f} ms"
    if figure.low is None or figure.high is None:
        return f"{figure.key:20}{figure.value:.3f}   n = {figure.count}"
    return f"{figure.key:20}{figure.value:.3f}   {figure.low:.3f} to {figure.high:.3f}   n = {figure.count}"


def _make(services: Services, workspace_id: str, count: int, out: Output) -> None:
    services.trial_questions.make(workspace_id, count)
    _wait(services, lambda: None)
    made = services.trial_questions.making(workspace_id)
    if made is None:
        raise RuntimeError("nothing was made")
    _raise(made.problem)
    out.note(f"{made.done} questions were made.")


def _wait(services: Services, tell: Callable[[], None]) -> None:
    """Until what is being done has ended; an interrupt cancels it, and what it has brought stays."""
    try:
        while not services.trials.wait(timeout=_TELL_SECONDS):
            tell()
    except KeyboardInterrupt:
        services.trials.cancel()
        services.trials.wait(timeout=_TELL_SECONDS)
        raise


def _raise(problem: Problem | None) -> None:
    if problem is not None:
        raise FootnoteError(problem.message, hint=problem.hint)
