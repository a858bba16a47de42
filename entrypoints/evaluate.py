"""`footnote eval`: a dataset through the real pipeline, in a data directory of its own that is removed afterwards."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from entrypoints.output import Output, as_json
from entrypoints.shown import download_line
from rag.protocols import ChatModel
from workspaces.bootstrap import Services, open_services
from workspaces.evaluation import Evaluation, Line, resume_runs
from workspaces.settings import load_settings

_REPORT_EVERY = 50


def evaluate(options: argparse.Namespace, out: Output) -> int:
    """Ingest the corpus, ask the questions that the runs file does not hold yet, print the figures."""
    evaluation = Evaluation(options.dataset)
    with tempfile.TemporaryDirectory(prefix="footnote-eval-") as folder:
        services = open_services(load_settings(data_dir=Path(folder) / "data"), jobs=True)
        try:
            services.start()
            run = _run(evaluation, services, options, out)
        finally:
            services.close()
    figures = evaluation.score(run)
    out.line(as_json(figures) if options.json else "\n".join(f"{key:24}{value}" for key, value in figures.items()))
    return 0


def _run(evaluation: Evaluation, services: Services, options: argparse.Namespace, out: Output) -> list[Line]:
    workspace_id = services.library.create_workspace("evaluation").id
    evaluation.ingest(
        services.library, workspace_id, progress=lambda done, total: _report(out, "documents", done, total)
    )
    questions = evaluation.sample(options.sample, seed=options.seed)
    wanted = {question["id"] for question in questions}
    run = [line for line in (resume_runs(options.runs) if options.runs else []) if line["id"] in wanted]
    answered = {line["id"] for line in run}
    left = [question for question in questions if question["id"] not in answered]
    if options.retrieval_only:
        lines = evaluation.search(services.library, workspace_id, left)
    else:
        model = None if options.no_model else _model(services, out)
        lines = evaluation.answer(services.conversations, workspace_id, left, model=model)
    for line in lines:
        run.append(line)
        if options.runs:
            with options.runs.open("a", encoding="utf-8") as file:
                file.write(as_json(line) + "\n")
        _report(out, "questions", len(run), len(questions))
    return run


def _model(services: Services, out: Output) -> ChatModel | None:
    services.chat_models.ensure(lambda download: out.note(download_line(download)))
    return services.chat_models.open()


def _report(out: Output, what: str, done: int, total: int) -> None:
    if done % _REPORT_EVERY == 0 or done == total:
        out.note(f"{done} of {total} {what}")
