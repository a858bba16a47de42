"""`search` and `ask` within a scope: what the options mean, what is told, and what a wrong value is answered with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrypoints import commands
from entrypoints.cli import build_parser
from rag.errors import InvalidInput, NotFound
from tests.support.documents import pdf
from tests.support.services import add, opened, settled
from workspaces.bootstrap import Services

LEASE = [["The rent of the harbour office is 900 euros a month.", "The notice period is three months."]]
NOTE = "---\ndate: 2023-05-19\n---\n# Rent\n\nThe rent of the garage is 80 euros a month, said the landlord.\n"
BRIEF = "Die Miete für die Werkstatt beträgt 500 Euro im Monat, und sie ist am dritten Tag des Monats fällig."


class Said:
    """What a command said."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.notes: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)

    @property
    def json(self) -> Any:
        [line] = self.lines
        return json.loads(line)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with opened(Path(tmp_path_factory.mktemp("scopes")) / "data") as services:
        house, other = (services.library.create_workspace(name).id for name in ("House", "Other"))
        ids = [
            add(services, house, pdf(LEASE), "Lease.pdf"),
            add(services, house, NOTE, "garage.md"),
            add(services, house, BRIEF, "Brief vom Vermieter.txt"),
            add(services, other, "The rent of the boat is 40 euros a month.", "boat.txt"),
        ]
        assert [record.state for record in settled(services, *ids)] == ["ready"] * 4
        yield services


def run(services: Services, *arguments: str) -> Said:
    out, options = Said(), build_parser().parse_args(list(arguments))
    assert getattr(commands, options.command)(services, options, out) == 0
    return out


def titles(services: Services, *arguments: str, question: str = "How high is the rent?") -> set[str]:
    found = run(services, "search", "-w", "House", "--json", *arguments, question).json
    return {services.library.document(passage["document"]).source for passage in found}


ALL = {"Lease.pdf", "garage.md", "Brief vom Vermieter.txt"}


@pytest.mark.parametrize(
    ("options", "sources"),
    [
        ((), ALL),
        (("--type", "pdf"), {"Lease.pdf"}),
        (("--type", "PDFs", "--type", "text"), ALL),
        (("--language", "de"), {"Brief vom Vermieter.txt"}),
        (("--language", "german", "--type", "text"), {"Brief vom Vermieter.txt"}),
        (("--language", "german", "--type", "pdf"), set()),
        (("--document", "lease"), {"Lease.pdf"}),
        (("--document", "Lease.pdf", "--document", "garage"), {"Lease.pdf", "garage.md"}),
        (("--since", "2023"), {"garage.md"}),
        (("--since", "2023-05-19", "--until", "2023-05"), {"garage.md"}),
        (("--since", "2024"), set()),
        (("--until", "2022-12"), set()),
    ],
)
def test_options_leave_only_what_fits(services: Services, options: tuple[str, ...], sources: set[str]) -> None:
    assert titles(services, *options) == sources


def test_a_name_in_the_question_is_taken_out_and_told(services: Services) -> None:
    out = run(services, "search", "-w", "House", '@"vom vermieter" Wie hoch ist die Miete?')
    assert out.notes[0].startswith("Searched in: ")
    assert len(out.lines) == 2
    assert titles(services, question="@lease how high is the rent?") == {"Lease.pdf"}
    assert titles(services, question="@lease and @garage: how high is the rent?") == {"Lease.pdf", "garage.md"}


def test_an_answer_says_where_was_looked(services: Services) -> None:
    out = run(services, "ask", "-w", "House", "--no-model", "--json", "--type", "pdf", "How high is the rent?")
    told = out.json
    assert told["limited_to"] == told["receipt"]["limited_to"] == ["PDF"]
    assert {entry["document"] for entry in told["receipt"]["candidates"]} == {told["citations"][0]["document"]}
    plain = run(services, "ask", "-w", "House", "--no-model", "--json", "How high is the rent?").json
    assert plain["limited_to"] == []
    assert set(plain) == set(told)
    lines = run(services, "ask", "-w", "House", "--no-model", "--receipt", "--type", "pdf", "How high is the rent?")
    assert any(line.strip().startswith("Searched in:") and line.endswith("PDF") for line in lines.lines)


def test_nothing_found_within_a_filter_says_that_the_filter_may_be_the_reason(services: Services) -> None:
    out = run(services, "ask", "-w", "House", "--no-model", "--since", "2024", "How high is the rent?")
    assert "Ask without the filter" in out.notes[-1]
    control = run(services, "ask", "-w", "House", "--no-model", "Who discovered penicillin?")
    assert not any("filter" in note for note in control.notes)


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (("--type", "film"), "no type", "pdf"),
        (("--language", "fr"), "No document here is written in “fr”", "en"),
        (("--tag", "x"), "No document here has the tag", "no tags"),
        (("--folder", "x"), "No document here lies in", "no folders"),
        (("--document", "Contract"), "No document here is called", ""),
        (("--document", "Leese"), "No document here is called", "Lease"),
        (("--since", "yesterday"), "is no day", "2023-05-31"),
        (("--since", "2023-13"), "is no day", "2023-05-31"),
        (("--until", "2023-02-30"), "is no day", "2023-05-31"),
        (("--since", "2024", "--until", "2023"), "No day is after 2024 and before 2023", ""),
    ],
)
def test_wrong_values_are_told_with_what_there_is(
    services: Services, options: tuple[str, ...], message: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(services, "search", "-w", "House", *options, "How high is the rent?")
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_documents_of_another_workspace_cannot_be_named_or_chosen(services: Services) -> None:
    [boat] = services.library.documents("Other")
    for options in (("--document", boat.id), ("--document", "boat")):
        with pytest.raises(InvalidInput, match="No document here"):
            run(services, "search", "-w", "House", *options, "How high is the rent?")
        assert run(services, "search", "-w", "Other", "--json", *options, "How high is the rent?").json, "the control"
    with pytest.raises(NotFound):
        run(services, "search", "-w", "House", "-w", "Nowhere", "How high is the rent?")
