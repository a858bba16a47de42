"""Answers from the documents alone, or with general knowledge beside them, as the workspace has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.errors import InvalidInput, NotFound
from rag.testing import ScriptedChatModel
from rag.types import Answered, Refused
from tests.support.services import ingested, opened
from workspaces.bootstrap import Services

LEASE = "The monthly rent of the harbour office is 1,250 euros. Maria Weber signed the lease for the city."
FOREIGN = "Who won the football match in Lisbon yesterday evening?"
SAID = "The monthly rent of the harbour office is 1,250 euros. Bananas grow in tropical countries."


def answered(services: Services, workspace: str, question: str) -> Answered | Refused:
    last = list(services.conversations.answer(workspace, question, model=ScriptedChatModel(SAID)))[-1]
    assert isinstance(last, Answered | Refused)
    return last


def test_the_mode_of_the_workspace_decides_and_outlives_a_restart(tmp_path: Path) -> None:
    folder, question = tmp_path / "data", "How high is the monthly rent of the harbour office?"
    with opened(folder) as services:
        workspace = services.library.create_workspace("Lease").id
        ingested(services, workspace, LEASE, "lease.txt")
        strict = answered(services, workspace, question)
        assert isinstance(strict, Answered)
        assert strict.answer.removed == ("Bananas grow in tropical countries.",)
        assert services.library.set_mode("Lease", "open").mode == "open"
    with opened(folder) as services:
        general = answered(services, workspace, question)
        assert isinstance(general, Answered)
        assert [one.verdict for one in general.answer.sentences] == ["supported", "general"]
        foreign = answered(services, workspace, FOREIGN)
        assert isinstance(foreign, Answered)
        services.library.set_mode("Lease", "strict")
        assert isinstance(answered(services, workspace, FOREIGN), Refused)


def test_no_such_mode_or_workspace_is_said(tmp_path: Path) -> None:
    with opened(tmp_path / "data") as services:
        services.library.create_workspace("Lease")
        with pytest.raises(InvalidInput, match="no mode"):
            services.library.set_mode("Lease", "loose")  # type: ignore[arg-type]  # as a caller without types may
        with pytest.raises(NotFound):
            services.library.set_mode("nowhere", "open")


def test_a_slip_in_the_question_is_forgiven_and_told(tmp_path: Path) -> None:
    with opened(tmp_path / "data") as services:
        workspace = services.library.create_workspace("Lease").id
        ingested(services, workspace, LEASE, "lease.txt")
        told = answered(services, workspace, "How high is the monthly rent of the habrour office?")
        assert isinstance(told, Answered)
        assert told.answer.left_out is not None
        assert "No document says “habrour”: “harbour” was looked for." in told.answer.left_out
        assert told.receipt is not None
        assert told.receipt.respelled == (("habrour", "harbour"),)
