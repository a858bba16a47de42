"""Workspaces and their documents: names, isolation, lists, limits."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import event, insert

from rag.errors import InvalidInput, NameTaken, NotFound
from tests.support.services import add, database, ingested, opened, settled
from workspaces import repository
from workspaces.bootstrap import Services
from workspaces.identifiers import new_id, now
from workspaces.tables import documents, versions, workspaces

WORDS = ["amber", "birch", "cedar", "delta", "ember", "falcon", "grove", "heron", "island", "juniper"]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with opened(Path(tmp_path_factory.mktemp("data")) / "data") as found:
        yield found


@pytest.fixture
def workspace(services: Services, request: pytest.FixtureRequest) -> str:
    return services.library.create_workspace(request.node.name[-90:]).id


def test_bytes_that_no_document_comes_to_have_are_not_kept_and_those_of_others_are(services, workspace):
    kept = add(services, workspace, "Somebody's.")
    originals = services.settings.data_dir / "originals"
    before = sorted(originals.rglob("*"))
    for text in ("Nobody's.", "Somebody's."):
        with pytest.raises(NotFound):
            add(services, "nowhere", text)
    assert sorted(path for path in originals.rglob("*") if path.is_file()) == [p for p in before if p.is_file()]
    assert services.viewer.original(kept).path.read_bytes() == b"Somebody's."


def test_a_workspace_is_found_by_its_name_in_any_case_and_by_its_id(services):
    made = services.library.create_workspace("  Tax   2026 ")
    assert made.name == "Tax 2026"
    assert services.library.workspace("tax 2026").id == services.library.workspace(made.id).id == made.id
    assert made.id in [item.id for item in services.library.workspaces()]


def test_a_name_is_taken_whatever_its_case_and_free_again_after_deletion(services):
    made = services.library.create_workspace("Straße")
    for name in ("Straße", "STRASSE", " straße "):
        with pytest.raises(NameTaken, match="already a workspace"):
            services.library.create_workspace(name)
    other = services.library.create_workspace("another street")
    with pytest.raises(NameTaken):
        services.library.rename_workspace(other.id, "strasse")
    services.library.delete_workspace(made.id)
    assert services.library.rename_workspace(other.id, "strasse").name == "strasse"


@pytest.mark.parametrize("name", ["", "  \n", "\u200b\u202e", "x" * 101])
def test_a_name_that_nobody_can_see_or_bear_is_refused(services, name):
    with pytest.raises(InvalidInput, match="1 to 100 characters"):
        services.library.create_workspace(name)


def test_a_name_cannot_disguise_itself(services):
    made = services.library.create_workspace("tax\u202efdp.\nexe\0")
    assert made.name == "tax fdp. exe"


def test_an_unknown_workspace_names_those_that_exist(services, workspace):
    for use in (
        lambda: services.library.workspace("nowhere"),
        lambda: services.library.documents("nowhere"),
        lambda: services.library.search("nowhere", "what?"),
        lambda: add(services, "nowhere", "text"),
        lambda: services.library.add_url("nowhere", "https://example.org"),
        lambda: services.library.rename_workspace("nowhere", "x"),
        lambda: services.library.delete_workspace("nowhere"),
    ):
        with pytest.raises(NotFound, match="nowhere") as caught:
            use()
        assert "Existing workspaces" in caught.value.hint


def test_nothing_of_one_workspace_shows_in_another(services):
    generator = random.Random(5)
    ids = [services.library.create_workspace(f"isolated {number}").id for number in range(4)]
    canaries = {}
    for id_ in ids:
        canaries[id_] = f"canary{generator.randrange(10**9)}"
        for number in range(3):
            words = " ".join(generator.sample(WORDS, 6))
            ingested(services, id_, f"The {words} of {canaries[id_]} {number}.", f"{number}.txt")
    for asked in ids:
        for question in [*canaries.values(), *WORDS, "What is said of amber and delta?"]:
            for passage in services.library.search(asked, question, limit=50).passages:
                assert canaries[asked] in passage.text
        found = services.library.search(asked, canaries[asked], limit=50).passages
        assert len(found) == 3, "the control: its own canary is found"
        assert len(services.library.documents(asked)) == 3


def test_a_deleted_document_is_out_of_every_search_at_once(services, workspace):
    kept = ingested(services, workspace, "The heron stands on the island.")
    gone = ingested(services, workspace, "The heron flew over the island.", "gone.txt")
    before = {passage.document_id for passage in services.library.search(workspace, "heron island").passages}
    assert before == {kept.id, gone.id}
    services.library.delete(gone.id)
    after = {passage.document_id for passage in services.library.search(workspace, "heron island").passages}
    assert after == {kept.id}
    for use in (services.library.document, services.library.delete, services.library.retry, services.library.cancel):
        with pytest.raises(NotFound):
            use(gone.id)


def test_a_deleted_workspace_is_gone_at_once_and_its_name_is_free(services, workspace):
    name = services.library.workspace(workspace).name
    record = ingested(services, workspace, "The falcon rests in the grove.")
    services.library.delete_workspace(workspace)
    with pytest.raises(NotFound):
        services.library.workspace(workspace)
    with pytest.raises(NotFound):
        services.library.document(record.id)
    assert services.library.create_workspace(name).documents == 0


def test_what_was_deleted_can_be_added_anew(services, workspace):
    first = ingested(services, workspace, "The ember glows.")
    services.library.delete(first.id)
    second = ingested(services, workspace, "The ember glows.")
    assert second.id != first.id
    assert services.library.wait_purged(timeout=60)
    assert services.library.search(workspace, "ember").passages[0].document_id == second.id
    assert services.viewer.original(second.id).path.read_text() == "The ember glows."


@pytest.mark.parametrize("question", ["", "   ", "\n"])
def test_an_empty_question_is_refused(services, workspace, question):
    with pytest.raises(InvalidInput, match="empty"):
        services.library.search(workspace, question)


def test_an_endless_question_is_refused_with_the_figures(services, workspace):
    with pytest.raises(InvalidInput, match="12,001 characters; 10,000"):
        services.library.search(workspace, "why " * 3000 + "?")


def test_a_search_returns_as_many_as_asked_for(services, workspace):
    for number in range(12):
        ingested(services, workspace, f"The juniper number {number} grows by the delta.", f"{number}.txt")
    for limit in (1, 5, 12):
        assert len(services.library.search(workspace, "juniper delta", limit=limit).passages) == limit
    assert services.library.search(services.library.create_workspace("empty one").id, "juniper").passages == ()


def test_waiting_ends_with_the_last_document_and_forgets_deleted_ones(services, workspace):
    ids = [add(services, workspace, f"Waiting for {number}.", f"{number}.txt") for number in range(3)]
    services.library.delete(ids[1])
    seen = {record.id: record.state for record in services.library.wait(ids, timeout=60)}
    assert seen[ids[0]] == seen[ids[2]] == "ready"
    assert seen.get(ids[1]) != "ready"
    assert list(services.library.wait([])) == []
    assert list(services.library.wait(["no such id"])) == []


def test_waiting_can_end_early(services, workspace):
    id_ = _unattended(services.settings.data_dir, workspace)
    assert [record.state for record in services.library.wait([id_], timeout=0.3)] == ["stored"]
    services.library.delete(id_)


def _unattended(folder: Path, workspace: str) -> str:
    """A document that nobody works on."""
    id_, version_id = new_id(), new_id()
    with database(folder) as other, other.write() as connection:
        row = {"id": id_, "workspace_id": workspace, "version_id": version_id, "created_at": now()}
        connection.execute(insert(documents).values(title="", source_kind="file", source="late.txt", **row))
        moments = {"created_at": now(), "updated_at": now()}
        connection.execute(insert(versions).values(id=version_id, document_id=id_, number=1, state="stored", **moments))
    return id_


def test_a_long_list_takes_three_queries(tmp_path):
    workspace_id, moment = new_id(), datetime(2026, 1, 1)  # as the database stores it
    with database(tmp_path) as found:
        with found.write() as connection:
            connection.execute(insert(workspaces).values(
                id=workspace_id, name="w", name_key="w", index_id="i", created_at=moment))  # fmt: skip
            for number in range(1000):
                document_id, version_id = new_id(), new_id()
                connection.execute(insert(documents).values(
                    id=document_id, workspace_id=workspace_id, version_id=version_id, title=f"t{number}",
                    source_kind="file", source="f", created_at=moment))  # fmt: skip
                connection.execute(insert(versions).values(
                    id=version_id, document_id=document_id, number=1, state="ready", created_at=moment,
                    updated_at=moment))  # fmt: skip
        statements: list[str] = []
        with found.read() as connection:
            event.listen(connection, "before_cursor_execute", lambda *call: statements.append(call[2]))
            assert len(repository.list_documents(connection, workspace_id)) == 1000
            assert repository.list_workspaces(connection)[0].documents == 1000
    assert len([statement for statement in statements if statement.startswith("SELECT")]) == 4


def test_figures_of_a_workspace_count_every_state(services, workspace):
    ready = add(services, workspace, "Ready to be counted.")
    failed = [add(services, workspace, b"", name) for name in ("empty.txt", "blank.txt")]
    settled(services, ready, *failed)
    item = services.library.workspace(workspace)
    assert (item.documents, item.working, item.failed, item.chunks) == (3, 0, 2, 1)
    assert type(item.failed) is int
