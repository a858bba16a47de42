"""A workspace with three documents, and its test."""

from __future__ import annotations

from tests.support.services import ingested
from workspaces.bootstrap import Services
from workspaces.identifiers import new_id
from workspaces.trial_values import RunSettings, TrialRun

LEASE = (
    "The lease of the harbour office began on 3 October 2021. The lease was signed by Maria Weber. "
    "The monthly rent is 1,250 euros."
)
TURBINE = (
    "The turbine was built by Siemens in Berlin. The turbine delivers 12 megawatts. "
    "The maintenance interval of the turbine is 18 months."
)
GARDEN = "The orchard was planted by Quirinus in 1931. The orchard has 340 trees. Its gate is painted green."
ANSWERS = RunSettings(answers=True, model_key="none")


class House:
    """A workspace with three documents, and its test."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.id = services.library.create_workspace(f"House {new_id()[:8]}").id
        self.lease = ingested(services, self.id, LEASE, "lease.txt").id
        self.turbine = ingested(services, self.id, TURBINE, "turbine.txt").id
        self.garden = ingested(services, self.id, GARDEN, "garden.txt").id

    def make(self, count: int = 12, *, phrase: bool = False) -> None:
        self.services.trial_questions.make(self.id, count, phrase=phrase)
        assert self.services.trials.wait(timeout=30)

    def run(self, settings: RunSettings | None = None) -> TrialRun:
        started = self.services.trials.start(self.id, settings or RunSettings())
        assert self.services.trials.wait(timeout=30)
        return self.services.trials.run(started.id)

    def figures(self, run: TrialRun) -> dict[str, float | None]:
        return {figure.key: figure.value for figure in run.figures}
