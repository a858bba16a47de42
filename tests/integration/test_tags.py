"""Tags of documents, from the command line to the disk."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import InvalidInput, NotFound
from rag.scope import Scope
from tests.integration.test_scope_commands import Said, run
from tests.support.containers import mail
from tests.support.services import files_holding, ingested, opened, rows, settled
from workspaces import tagging
from workspaces.bootstrap import Services


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with opened(tmp_path / "data") as services:
        services.library.create_workspace("House")
        services.library.create_workspace("Other")
        yield services


def tags(services: Services, document_id: str) -> tuple[str, ...]:
    return services.library.document(document_id).tags


def test_tags_are_trimmed_and_one_whatever_the_case(services: Services) -> None:
    house = services.library.workspace("House").id
    first, second = (ingested(services, house, f"text {n}", f"{n}.txt").id for n in range(2))
    services.tags.add(house, [first, second], ["  #Rent ", "2023"])
    services.tags.add(house, [first], ["RENT"])
    assert tags(services, first) == tags(services, second) == ("2023", "Rent")
    assert services.tags.of_workspace(house) == ["2023", "Rent"]
    assert services.scoping.choices(house).tags == {"2023": 2, "Rent": 2}
    page = services.library.documents_page(house, search="#ren", limit=10)
    assert [record.tags for record in page.records] == [("2023", "Rent")] * 2
    services.tags.remove(house, [first, second], ["rent"])
    services.tags.remove(house, [first], ["2023"])
    assert (tags(services, first), tags(services, second)) == ((), ("2023",))
    assert services.tags.of_workspace(house) == ["2023"], "a tag that nothing has is gone"
    services.tags.replace(house, second, ["a", "B", "A"])
    assert tags(services, second) == ("a", "B")


@pytest.mark.parametrize("name", ["", " ", "#", "x" * 51, 'say "x"', "\u202e"])
def test_what_is_no_tag_is_refused(services: Services, name: str) -> None:
    house = services.library.workspace("House").id
    document = ingested(services, house, "text").id
    with pytest.raises(InvalidInput, match="is no tag"):
        services.tags.add(house, [document], ["fine", name])
    assert services.tags.of_workspace(house) == []


def test_their_number_is_bounded(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    house = services.library.workspace("House").id
    document = ingested(services, house, "text").id
    with pytest.raises(InvalidInput, match="at most 20 tags"):
        services.tags.add(house, [document], [f"t{n}" for n in range(21)])
    assert tags(services, document) == (), "nothing of it is kept"
    services.tags.add(house, [document], [f"t{n}" for n in range(20)])
    monkeypatch.setattr(tagging, "MOST_OF_WORKSPACE", 20)
    other = ingested(services, house, "other", "o.txt").id
    with pytest.raises(InvalidInput, match="A workspace has at most"):
        services.tags.add(house, [other], ["one more"])


def test_documents_of_another_workspace_cannot_be_tagged_from_here(services: Services) -> None:
    house, other = (services.library.workspace(name).id for name in ("House", "Other"))
    foreign = ingested(services, other, "text").id
    with pytest.raises(NotFound):
        services.tags.add(house, [foreign], ["mine"])
    with pytest.raises(NotFound):
        services.tags.replace(house, foreign, ["mine"])
    services.tags.add(other, [foreign], ["theirs"])
    with pytest.raises(NotFound):
        services.tags.remove(house, [foreign], ["theirs"])
    assert tags(services, foreign) == ("theirs",)
    assert services.tags.of_workspace(house) == []


def test_they_are_kept_across_versions(services: Services) -> None:
    house = services.library.workspace("House").id
    document = ingested(services, house, "first text", "a.txt").id
    services.tags.add(house, [document], ["Rent"])
    services.library.add_file(house, "a.txt", io.BytesIO(b"second text, longer"))
    settled(services, document)
    record = services.library.document(document)
    assert (record.number, record.tags) == (2, ("Rent",))


def test_what_lies_in_a_tagged_document_is_found_by_its_tag(services: Services) -> None:
    house = services.library.workspace("House").id
    bill = {"bill.txt": b"The bill is 80 euros."}
    outer = ingested(services, house, mail("See the file.", attachments=bill), "m.eml")
    [inner] = services.library.inside([outer.id])
    settled(services, inner.id)
    services.tags.add(house, [outer.id], ["Bills"])
    assert services.scoping.count(house, Scope(tags=("bills",))) == 2


def test_they_go_with_the_document_and_leave_the_disk(services: Services, tmp_path: Path) -> None:
    house = services.library.workspace("House").id
    document, kept = (ingested(services, house, f"text {n}", f"{n}.txt").id for n in range(2))
    services.tags.add(house, [document], ["zanzibarquokka"])
    services.tags.add(house, [kept], ["staying"])
    services.library.delete(document)
    assert services.tags.of_workspace(house) == ["staying"]
    assert services.library.wait_purged(timeout=60)
    assert files_holding(tmp_path / "data", b"zanzibarquokka") == []
    assert files_holding(tmp_path / "data", b"staying"), "the control"
    services.library.delete_workspace(house)
    assert services.library.wait_purged(timeout=60)
    assert rows(tmp_path / "data", "SELECT * FROM tags") == []
    assert rows(tmp_path / "data", "SELECT * FROM document_tags") == []


def test_on_the_command_line(services: Services, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The rent of the garage is 80 euros.")
    (tmp_path / "b.txt").write_text("The rent of the flat is 900 euros.")
    added = run(services, "add", "-w", "House", "--json", "--tag", "Rent", str(tmp_path / "a.txt"))
    assert added.json["tags"] == ["Rent"]
    run(services, "add", "-w", "House", str(tmp_path / "b.txt"))
    with pytest.raises(InvalidInput, match="is no tag"):
        run(services, "add", "-w", "House", "--tag", "", str(tmp_path / "b.txt"))
    tag(services, "add", "Old", "a.txt", "b.txt")
    tag(services, "remove", "rent", "a.txt")
    listed = run(services, "documents", "-w", "House", "--json").json
    assert {document["source"]: document["tags"] for document in listed} == {"a.txt": ["Old"], "b.txt": ["Old"]}
    tag(services, "add", "Flat", "b.txt")
    found = run(services, "search", "-w", "House", "--json", "--tag", "flat", "How high is the rent?").json
    assert {services.library.document(one["document"]).source for one in found} == {"b.txt"}
    named = run(services, "search", "-w", "House", "--json", "@#flat How high is the rent?").json
    assert [one["document"] for one in named] == [one["document"] for one in found]


def tag(services: Services, action: str, *arguments: str) -> None:
    from entrypoints import commands
    from entrypoints.cli import build_parser

    options = build_parser().parse_args(["tag", "-w", "House", action, *arguments])
    assert getattr(commands, f"tag_{action}")(services, options, Said()) == 0
