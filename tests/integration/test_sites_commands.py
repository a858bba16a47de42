"""The commands that fetch, over a small web."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entrypoints.cli import build_parser, command_name, run_command
from rag.errors import InvalidInput
from tests.support.sites import START, Web, online, page, small_site, working
from tests.web import answer
from workspaces.bootstrap import Services


class Paper:
    """An Output that is read afterwards."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.notes: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)

    @property
    def json(self) -> list[Any]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, Web]]:
    folder = Path(tmp_path_factory.mktemp("commands")) / "data"
    with online(Web(small_site())) as web, working(folder, web) as services:
        yield services, web


def footnote(services: Services, *arguments: str) -> tuple[int, Paper]:
    options, paper = build_parser().parse_args(arguments), Paper()
    return run_command(command_name(options), options, paper, services), paper


def test_a_section_is_added_and_refreshed_by_command(shared: tuple[Services, Web]) -> None:
    services, web = shared
    web.pages["/guide/"] = page("Guide", "a.html", "missing.html")
    code, paper = footnote(services, "add", "-w", "W", "--section", "--depth", "1", "--pages", "9", "--json", START)
    assert code == 0, paper.notes
    assert {line["source"]: line["state"] for line in paper.json} == {
        START: "ready",
        START + "a.html": "ready",
        START + "missing.html": "failed",
    }
    [missing] = [line for line in paper.json if line["state"] == "failed"]
    assert "404" in missing["problem"]["message"]
    assert set(missing) == set(paper.json[0])

    web.pages["/guide/"] = page("Guide", words="Eleven ships sail past the lighthouse at dawn. " * 9)
    web.pages["/guide/a.html"] = answer(b"", status="410 Gone")
    code, paper = footnote(services, "refresh", "-w", "W", "--json")
    assert code == 0, paper.notes
    assert {line["source"]: line["outcome"] for line in paper.json} == {START: "changed", START + "a.html": "gone"}
    assert services.library.search("W", "lighthouse ships").passages[0].text.startswith("Guide")

    web.pages["/guide/"] = answer(b"", status="500 Oops")
    code, paper = footnote(services, "refresh", "-w", "W", START)
    assert code == 1
    assert "500" in paper.lines[0]


def test_a_section_that_cannot_be_fetched_is_a_failure(shared: tuple[Services, Web]) -> None:
    code, paper = footnote(shared[0], "add", "-w", "W", "--section", "http://inside.example.org/guide/")
    assert code == 1
    assert any("a private network" in note for note in paper.notes)


def test_a_section_needs_an_address_and_figures_within_bounds(shared: tuple[Services, Web]) -> None:
    for arguments in (["notes.txt"], ["--pages", "0", START], ["--depth", "9", START]):
        with pytest.raises(InvalidInput):
            footnote(shared[0], "add", "-w", "W", "--section", *arguments)
    with pytest.raises(InvalidInput):
        footnote(shared[0], "add", "-w", "W", "--pages", "5", START)
