"""A document changes: the old version serves until the new one is indexed, and old citations keep theirs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.errors import NotFound
from rag.types import Span
from tests.support.documents import long_text, pdf
from tests.support.services import Gate, GatedEmbedder, GatedParser, add, change, opened, rows, settled, wait_until
from workspaces.bootstrap import Services
from workspaces.jobs import STEPS
from workspaces.models import DocumentRecord

OLD = "The pressure valve opens at 12 bar. It closes again at 9 bar."
NEW = "The pressure valve opens at 15 bar. It closes again at 11 bar."
QUESTION = "At how many bar does the pressure valve open?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def parsing() -> Gate:
    return Gate()


@pytest.fixture
def services(folder: Path, parsing: Gate) -> Iterator[Services]:
    with opened(folder, parser=lambda: GatedParser(parsing)) as found:
        yield found


@pytest.fixture
def workspace(services: Services) -> str:
    return services.library.create_workspace("Valves").id


def put(services: Services, workspace: str, content: str | bytes, name: str = "valves.txt", **options: object) -> str:
    """Enqueue what a person uploads under a name that may be there already."""
    return add(services, workspace, content, name, **{"keep_both": False, **options})


def arrived(services: Services, document_id: str) -> DocumentRecord:
    [record] = settled(services, document_id)
    return record


def answers(services: Services, workspace: str) -> list[str]:
    return [passage.text for passage in services.library.search(workspace, QUESTION).passages]


def assert_whole(services: Services) -> None:
    assert [check for check in services.doctor.check() if not check.ok] == []


def test_other_bytes_under_the_same_name_are_a_newer_version(services, workspace, folder):
    first = arrived(services, put(services, workspace, OLD))
    second = arrived(services, put(services, workspace, NEW))
    assert (second.id, second.number, second.state, second.pending) == (first.id, 2, "ready", None)
    assert second.version_id != first.version_id
    assert answers(services, workspace) == [NEW]
    assert services.library.workspace(workspace).documents == 1
    assert_whole(services)
    assert rows(folder, "SELECT count(*), count(DISTINCT version_id) FROM chunks") == [(1, 1)]
    assert rows(folder, "SELECT count(*) FROM embeddings") == [(1,)]


def test_the_versions_of_a_document_are_listed(services, workspace):
    id_ = put(services, workspace, OLD)
    arrived(services, id_)
    arrived(services, put(services, workspace, NEW))
    newest, oldest = services.library.versions(id_)
    assert (newest.number, newest.state, newest.is_current, newest.size) == (2, "ready", True, len(NEW))
    assert (oldest.number, oldest.state, oldest.is_current, oldest.size) == (1, "superseded", False, len(OLD))
    assert oldest.added <= newest.added


def test_the_same_bytes_are_no_new_version(services, workspace):
    first = arrived(services, put(services, workspace, OLD))
    again = services.library.add_file(workspace, "valves.txt", io.BytesIO(OLD.encode()))
    assert (again.id, again.duplicate_of, again.number, again.pending) == (first.id, first.id, 1, None)
    assert services.library.add_version(first.id, io.BytesIO(OLD.encode())) == first
    assert len(services.library.versions(first.id)) == 1


def test_both_are_kept_on_request(services, workspace):
    first = arrived(services, put(services, workspace, OLD))
    second = arrived(services, put(services, workspace, NEW, keep_both=True))
    assert first.id != second.id
    assert sorted(answers(services, workspace)) == [OLD, NEW]


def test_a_file_of_the_same_name_in_another_workspace_is_another_document(services, workspace):
    other = services.library.create_workspace("Other").id
    first = arrived(services, put(services, workspace, OLD))
    assert arrived(services, put(services, other, NEW)).id != first.id


def test_the_old_version_answers_until_the_new_one_is_indexed(services, workspace, parsing):
    id_ = put(services, workspace, OLD)
    arrived(services, id_)
    parsing.close()
    put(services, workspace, NEW)
    assert parsing.reached.wait(30)
    record = services.library.document(id_)
    assert (record.state, record.number, record.in_work) == ("ready", 1, True)
    assert (record.pending.number, record.pending.state) == (2, "stored")
    assert services.library.workspace(workspace).working == 1
    assert answers(services, workspace) == [OLD]
    assert_whole(services)
    parsing.open()
    assert arrived(services, id_).number == 2
    assert answers(services, workspace) == [NEW]


def test_a_newer_version_that_fails_leaves_the_old_one_serving(services, workspace):
    id_ = put(services, workspace, OLD)
    arrived(services, id_)
    put(services, workspace, b"GIF89a" + b"\0" * 60)
    record = arrived(services, id_)
    assert (record.state, record.number, record.problem) == ("ready", 1, None)
    assert (record.pending.state, record.pending.problem.code) == ("failed", "unsupported")
    assert answers(services, workspace) == [OLD]
    assert_whole(services)
    services.library.retry(id_)
    assert arrived(services, id_).pending.state == "failed"
    put(services, workspace, NEW)
    record = arrived(services, id_)
    assert (record.number, record.pending) == (3, None)
    assert answers(services, workspace) == [NEW]
    assert_whole(services)


def test_an_empty_newer_version_is_told_and_gives_way_to_the_next_one(services, workspace):
    id_ = put(services, workspace, OLD)
    arrived(services, id_)
    assert put(services, workspace, b"") == id_
    record = services.library.document(id_)
    assert (record.state, record.pending.problem.code) == ("ready", "empty")
    assert services.library.retry(id_).pending.state == "failed", "there is nothing to be read"
    put(services, workspace, NEW)
    record = arrived(services, id_)
    assert (record.number, record.pending) == (2, None), "what never had bytes is no version"
    assert_whole(services)


def test_the_old_bytes_again_take_a_pending_version_back(services, workspace, parsing):
    id_ = put(services, workspace, OLD)
    arrived(services, id_)
    parsing.close()
    put(services, workspace, NEW)
    assert parsing.reached.wait(30)
    put(services, workspace, OLD)
    parsing.open()
    record = arrived(services, id_)
    assert (record.number, record.state, record.pending) == (1, "ready", None)
    assert answers(services, workspace) == [OLD]
    assert_whole(services)


def test_an_old_copy_of_another_name_takes_no_pending_version_back(services, workspace, parsing):
    id_ = put(services, workspace, OLD)
    arrived(services, id_)
    parsing.close()
    put(services, workspace, NEW)
    assert parsing.reached.wait(30)
    assert put(services, workspace, OLD, "copy.txt") == id_
    parsing.open()
    assert arrived(services, id_).number == 2


def test_a_second_newer_version_replaces_the_pending_one(services, workspace, parsing):
    id_ = put(services, workspace, OLD)
    arrived(services, id_)
    parsing.close()
    put(services, workspace, NEW)
    assert parsing.reached.wait(30)
    latest = "The pressure valve opens at 20 bar."
    put(services, workspace, latest)
    parsing.open()
    record = arrived(services, id_)
    assert (record.number, record.pending) == (3, None)
    assert answers(services, workspace) == [latest]
    assert [version.state for version in services.library.versions(id_)] == ["ready", "superseded", "superseded"]
    assert_whole(services)


def test_a_version_that_never_became_ready_is_replaced_at_once(services, workspace, parsing):
    parsing.close()
    id_ = put(services, workspace, OLD)
    assert parsing.reached.wait(30)
    put(services, workspace, NEW)
    assert services.library.document(id_).number == 2
    parsing.open()
    assert arrived(services, id_).state == "ready"
    assert answers(services, workspace) == [NEW]
    assert_whole(services)


def test_stopping_a_newer_version_stops_that_one_and_retry_takes_it_up(services, workspace, parsing):
    id_ = put(services, workspace, OLD)
    arrived(services, id_)
    parsing.close()
    put(services, workspace, NEW)
    assert parsing.reached.wait(30)
    services.library.cancel(id_)
    record = arrived(services, id_)
    assert (record.state, record.pending.problem.code) == ("ready", "cancelled")
    parsing.open()
    assert answers(services, workspace) == [OLD]
    services.library.retry(id_)
    assert arrived(services, id_).number == 2
    assert answers(services, workspace) == [NEW]
    assert_whole(services)


def test_deleting_while_a_newer_version_is_in_work_removes_every_version(services, workspace, folder, parsing):
    id_ = put(services, workspace, OLD)
    arrived(services, id_)
    arrived(services, put(services, workspace, OLD + " Since May."))
    parsing.close()
    put(services, workspace, NEW)
    assert parsing.reached.wait(30)
    services.library.delete(id_)
    assert answers(services, workspace) == []
    parsing.open()
    assert services.library.wait_purged(timeout=60)
    for table in ("documents", "versions", "chunks", "texts", "pages", "embeddings", "originals"):
        assert rows(folder, f"SELECT count(*) FROM {table}") == [(0,)], table
    assert [path for path in (folder / "originals").rglob("*") if path.is_file()] == []
    assert_whole(services)


def test_a_document_of_other_bytes_is_not_made_a_twin_by_a_new_version(services, workspace):
    first = arrived(services, put(services, workspace, OLD))
    second = arrived(services, put(services, workspace, NEW, "other.txt"))
    found = services.library.add_version(first.id, io.BytesIO(NEW.encode()))
    assert (found.id, found.duplicate_of) == (second.id, second.id)
    assert services.library.document(first.id).pending is None
    assert_whole(services)


def test_a_version_can_be_added_to_a_document_whatever_its_name(services, workspace, tmp_path):
    first = arrived(services, put(services, workspace, OLD))
    path = tmp_path / "renamed.txt"
    path.write_text(NEW)
    assert services.library.add_version(first.id, path).pending.number == 2
    record = arrived(services, first.id)
    assert (record.number, record.source) == (2, "valves.txt")
    services.library.delete(first.id)
    with pytest.raises(NotFound):
        services.library.add_version(first.id, path)


def test_the_title_stays_unless_the_new_file_has_another(services, workspace):
    id_ = put(services, workspace, "# On valves\n\n" + OLD, "valves.md")
    assert arrived(services, id_).title == "On valves"
    put(services, workspace, NEW, "valves.md")
    assert arrived(services, id_).title == "On valves"
    put(services, workspace, "# On taps\n\n" + NEW, "valves.md")
    assert arrived(services, id_).title == "On taps"


def test_a_title_that_was_given_outlives_the_titles_of_new_versions(services, workspace):
    id_ = put(services, workspace, "# On valves\n\n" + OLD, "valves.md", title="Our valves")
    arrived(services, id_)
    put(services, workspace, "# On taps\n\n" + NEW, "valves.md")
    assert (arrived(services, id_).title, services.library.document(id_).number) == ("Our valves", 2)


def test_what_did_not_change_is_not_embedded_again(folder):
    text = "\n\n".join(f"## Chapter {number}\n\n{long_text(number, paragraphs=3)}" for number in range(12))
    embedder = GatedEmbedder(Gate())
    with opened(folder, embedder=lambda _: embedder) as services:
        workspace = services.library.create_workspace("Long").id
        id_ = put(services, workspace, text, "book.md")
        chunks = arrived(services, id_).chunks
        before = embedder.embedded
        assert before == chunks > 10
        put(services, workspace, text[:-1] + " and nothing else.", "book.md")
        record = arrived(services, id_)
        assert record.number == 2
        assert embedder.embedded - before <= 2
        services.library.wait_purged(timeout=60)
        assert rows(folder, "SELECT count(*) FROM chunks") == [(record.chunks,)]
        [(embedded,)] = rows(folder, "SELECT count(*) FROM embeddings")
        assert embedded == record.chunks, "shared vectors stay, others go"
        assert_whole(services)


STOPS = {"stored": 1, "parsed": 2, "chunked": 3, "embedded": 4, "indexed": 5}
"""State to the number of steps that were made when Footnote ended."""


@pytest.mark.parametrize("state", STOPS)
def test_a_start_after_an_end_in_the_middle_finishes_the_newer_version(folder, state, monkeypatch):
    with opened(folder) as services:
        workspace = services.library.create_workspace("Valves").id
        id_ = put(services, workspace, OLD)
        arrived(services, id_)
    with monkeypatch.context() as cut:
        cut.setattr("workspaces.workflows.STEPS", STEPS[: STOPS[state]])
        cut.setattr("workspaces.indexing.Indexing.enter_words", lambda *_, **__: None)
        with opened(folder) as services:
            put(services, workspace, NEW)
            wait_until(lambda: services.library.document(id_).pending.state == state)
    with opened(folder, jobs=False) as services:
        record = services.library.document(id_)
        assert (record.state, record.number, record.pending.state) == ("ready", 1, state)
        assert answers(services, workspace) == [OLD]
    with opened(folder) as services:
        assert arrived(services, id_).number == 2
        assert answers(services, workspace) == [NEW]
        assert_whole(services)
        assert rows(folder, "SELECT count(DISTINCT version_id) FROM chunks") == [(1,)]


def test_a_start_removes_the_passages_that_an_end_after_the_change_left(folder, monkeypatch):
    with opened(folder) as services, monkeypatch.context() as cut:
        cut.setattr("workspaces.jobs.Jobs.retire", lambda *_: None)
        workspace = services.library.create_workspace("Valves").id
        arrived(services, put(services, workspace, OLD))
        arrived(services, put(services, workspace, NEW))
        assert rows(folder, "SELECT count(DISTINCT version_id) FROM chunks") == [(2,)], "the control: they are left"
        assert answers(services, workspace) == [NEW]
    with opened(folder) as services:
        assert services.library.wait_purged(timeout=60)
        assert rows(folder, "SELECT count(DISTINCT version_id) FROM chunks") == [(1,)]
        assert_whole(services)


def test_an_old_citation_opens_the_version_that_it_cites(services, workspace):
    old = pdf([["Chapter one."], ["The pressure valve opens at 12 bar."]])
    id_ = put(services, workspace, old, "valves.pdf")
    first = arrived(services, id_)
    cited = services.library.search(workspace, QUESTION).passages[0]
    before = services.viewer.passage(first.version_id, cited.span)
    assert (before.superseded, before.number) == (False, 1)
    put(services, workspace, pdf([["The pressure valve opens at 15 bar."]]), "valves.pdf")
    second = arrived(services, id_)
    assert services.library.wait_purged(timeout=60)
    view = services.viewer.passage(first.version_id, cited.span)
    assert (view.superseded, view.number, view.page, view.page_count) == (True, 1, before.page, 2)
    assert view.quote == cited.text == before.quote
    assert view.page_image == before.page_image is not None
    assert view.heading_path == before.heading_path
    assert services.viewer.passage(second.version_id, Span(0, 10)).superseded is False
    original = services.viewer.original(id_, first.version_id)
    assert (original.name, original.path.read_bytes()) == ("valves (version 1).pdf", old)
    assert services.viewer.original(id_).name == "valves.pdf"
    other = arrived(services, put(services, workspace, OLD, "other.txt"))
    with pytest.raises(NotFound):
        services.viewer.original(other.id, first.version_id)
    assert_whole(services)


def test_an_old_citation_keeps_its_place_and_headings_in_a_document_without_pages(services, workspace):
    text = "# Boiler\n\nGeneral remarks.\n\n## Valves\n\nIt is brass.\n\nThe pressure valve opens at 12 bar."
    id_ = put(services, workspace, text, "boiler.md")
    first = arrived(services, id_)
    start = text.index("The pressure")
    span = Span(start, start + 20)
    before = services.viewer.passage(first.version_id, span)
    put(services, workspace, text.replace("12", "15"), "boiler.md")
    arrived(services, id_)
    assert services.library.wait_purged(timeout=60)
    after = services.viewer.passage(first.version_id, span)
    assert after.superseded
    assert (after.quote, after.locator) == (before.quote, before.locator)
    assert after.heading_path[-1:] == ("Valves",)


def test_a_citation_of_a_deleted_document_opens_no_version(services, workspace):
    id_ = put(services, workspace, OLD)
    first = arrived(services, id_)
    arrived(services, put(services, workspace, NEW))
    services.library.delete(id_)
    with pytest.raises(NotFound):
        services.viewer.passage(first.version_id, Span(0, 10))


def test_the_doctor_finds_a_version_that_is_found_beside_the_current_one(folder):
    with opened(folder) as services:
        workspace = services.library.create_workspace("Valves").id
        arrived(services, put(services, workspace, OLD))
        arrived(services, put(services, workspace, NEW))
        assert_whole(services)
    change(folder, "UPDATE versions SET state = 'ready' WHERE number = 1")
    with opened(folder, start=False) as services:
        assert "I4" in {check.id for check in services.doctor.check() if not check.ok}
