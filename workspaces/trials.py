"""Use cases of running a workspace's test: how well its questions are answered, with which settings, and two runs side
by side. A run goes on in the background, and each question is saved as it was asked: one that a former process left is
interrupted, and can go on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from rag.errors import FootnoteError, InvalidInput
from rag.protocols import ChatModel
from workspaces import indexes, repository, trial_result_rows, trial_rows
from workspaces.background import Background, told
from workspaces.database import Database
from workspaces.identifiers import new_id
from workspaces.models import Problem
from workspaces.tables import trial_questions, trial_runs
from workspaces.trial_figures import figures
from workspaces.trial_running import Asker, Running
from workspaces.trial_values import Comparison, Place, RunSettings, RunState, TrialResult, TrialRun

MOST_PASSAGES = 10
FEWEST_TOKENS, MOST_TOKENS = 100, 100_000

_log = logging.getLogger(__name__)


class Trials:
    """The runs of all workspaces' tests. Thread-safe."""

    def __init__(
        self,
        database: Database,
        background: Background,
        *,
        asker: Asker,
        open_model: Callable[[str | None], ChatModel | None],
    ) -> None:
        """`open_model(None)` is the chosen model, None if there is none."""
        self._database = database
        self._background = background
        self._asker = asker
        self._open_model = open_model

    def start(self, workspace_id: str, settings: RunSettings) -> TrialRun:
        """Begin a run of all questions; returns at once, and `run` says how it goes.

        Raises:
            NotFound: no such workspace, or no such chat model.
            InvalidInput: there are no questions, something else is being done, or a setting is out of range.
            ModelNotInstalled: the chat model is not there.
        """
        _check(settings)
        model = self._open_model(settings.model_key or None) if settings.answers else None
        run_id = new_id()

        def prepare() -> None:
            with self._database.write() as connection:
                found = repository.workspace_id_of(connection, workspace_id)
                questions = trial_rows.questions_of(connection, trial_questions.c.workspace_id == found)
                if not questions:
                    raise InvalidInput("The test has no questions yet.", hint="Make some from your documents first.")
                index = indexes.current(connection, found)
                trial_rows.insert_run(
                    connection,
                    index,
                    settings,
                    run_id=run_id,
                    model=model.name if model is not None else None,
                    questions=questions,
                )

        self._background.begin(run_id, prepare=prepare, work=lambda: self._work(run_id, model))
        return self.run(run_id)

    def resume(self, run_id: str) -> TrialRun:
        """Go on with a run that was cancelled, interrupted or has failed.

        Raises:
            NotFound: no such run, or its chat model is gone.
            InvalidInput: it is complete, or something else is being done.
            ModelNotInstalled: the chat model is not there.
        """
        run = self.run(run_id)
        if not run.resumable:
            raise InvalidInput("Nothing is left to do in this run.", hint="Start another one.")
        model = self._open_model(run.settings.model_key or None) if run.settings.answers else None
        if (model.name if model is not None else None) != run.model:
            raise InvalidInput(
                "Another chat model is chosen now than when this run began.",
                hint="Choose it again, or start a new run.",
            )

        def prepare() -> None:
            with self._database.write() as connection:
                trial_rows.end_run(connection, run_id, "running")

        self._background.begin(run_id, prepare=prepare, work=lambda: self._work(run_id, model))
        return self.run(run_id)

    def cancel(self) -> None:
        """Stop what is being done: the run, or the making of questions; what it has brought stays."""
        self._background.stop()

    def busy(self) -> bool:
        """Whether a run or the making of questions is under way, in whatever workspace."""
        return self._background.busy

    def wait(self, *, timeout: float | None = None) -> bool:
        """Wait for what is being done; whether it has ended."""
        return self._background.wait(timeout)

    def runs(self, workspace_id: str) -> list[TrialRun]:
        """The runs of a workspace's test with their figures, the latest first."""
        with self._database.read() as connection:
            found = trial_rows.runs_of(connection, trial_runs.c.workspace_id == workspace_id)
            return [self._told(connection, run) for run in found]

    def run(self, run_id: str) -> TrialRun:
        """A run as it stands. Raises NotFound."""
        with self._database.read() as connection:
            return self._told(connection, trial_rows.run_of(connection, run_id))

    def remove(self, run_id: str) -> None:
        """Forget a run.

        Raises:
            InvalidInput: it is under way.
        """
        if self._background.is_doing(run_id):
            raise InvalidInput("This run is under way.", hint="Cancel it first.")
        with self._database.write() as connection:
            trial_rows.delete_run(connection, run_id)

    def results(self, run_id: str) -> list[TrialResult]:
        """What each question of a run brought, without the passages; those made from documents that were deleted since
        are left out."""
        with self._database.read() as connection:
            return [result for result, _ in trial_result_rows.results_of(connection, run_id)]

    def result(self, result: TrialResult) -> TrialResult:
        """The same with what was found and cited."""
        with self._database.read() as connection:
            found, cited = (
                trial_result_rows.passages_of(connection, result.run_id, result.question_id, role)
                for role in ("found", "cited")
            )
        return replace(result, found=found, citations=cited)

    def compare(self, first_id: str, second_id: str) -> Comparison:
        """Two runs on the questions that both have asked in the same words with the same expectation.

        Raises:
            NotFound: no such run.
        """
        with self._database.read() as connection:
            runs = [self._told(connection, trial_rows.run_of(connection, id_)) for id_ in (first_id, second_id)]
            first, second = (
                {
                    result.question_id: (result, place)
                    for result, place in trial_result_rows.results_of(connection, run.id)
                }
                for run in runs
            )
            values = [trial_result_rows.figures_of(connection, run.id) for run in runs]
        both = [id_ for id_ in first if id_ in second and _alike(first[id_], second[id_])]
        alone = [
            replace(run, figures=figures([known[id_] for id_ in both])) for run, known in zip(runs, values, strict=True)
        ]
        pairs = ((first[id_][0], second[id_][0]) for id_ in both)
        return Comparison(alone[0], alone[1], len(both), tuple(pair for pair in pairs if pair[0].differs(pair[1])))

    def _work(self, run_id: str, model: ChatModel | None) -> None:
        state: RunState = "failed"
        problem: Problem | None = None
        try:
            running = Running(self._database, self._asker, self.run(run_id), stop=self._background.stopping)
            whole = running.ask_all(model)
            state = "done" if whole else "interrupted" if self._background.closing else "cancelled"
        except Exception as error:  # noqa: BLE001 - a thread's last resort: the run must not seem to go on
            problem = told(error)
        try:
            with self._database.write() as connection:
                trial_rows.end_run(connection, run_id, state, problem)
        except FootnoteError as error:  # the database itself fails: the run counts as interrupted
            _log.warning("a test could not be saved: %s", error.message)

    def _told(self, connection: Connection, run: TrialRun) -> TrialRun:
        """With its figures. One that no thread works on was interrupted, by whatever ended the process."""
        left = run.state == "running" and not self._background.is_doing(run.id)
        state: RunState = "interrupted" if left else run.state
        return replace(run, state=state, figures=figures(trial_result_rows.figures_of(connection, run.id).values()))


def _check(settings: RunSettings) -> None:
    offer = settings.offer
    if not 1 <= offer.passages <= MOST_PASSAGES:
        raise InvalidInput(
            f"A model cannot be offered {offer.passages} passages.", hint=f"Choose 1 to {MOST_PASSAGES}."
        )
    if not FEWEST_TOKENS <= offer.source_tokens <= MOST_TOKENS:
        raise InvalidInput(
            f"A model cannot be given {offer.source_tokens:,} tokens of sources.",
            hint=f"Choose {FEWEST_TOKENS:,} to {MOST_TOKENS:,}.",
        )


def _alike(first: tuple[TrialResult, Place | None], second: tuple[TrialResult, Place | None]) -> bool:
    (one, here), (other, there) = first, second
    return (one.question, one.answerable, here) == (other.question, other.answerable, there)
