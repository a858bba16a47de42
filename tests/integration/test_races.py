"""Whoever deletes, stops or restarts a document while it is read always wins: nothing comes back or is left over."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.errors import NotFound
from tests.support.containers import archive
from tests.support.documents import long_text
from tests.support.services import PATIENCE, Gate, GatedEmbedder, GatedParser, add, ingested, opened, rows, settled
from workspaces import indexing
from workspaces.bootstrap import Services

TABLES = ("documents", "versions", "originals", "texts", "pages", "memories", "chunks", "embeddings")
STAGES = ("parse", "embed", "index")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def gates(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Gate]:
    made = {name: Gate() for name in STAGES}
    enter = indexing.Indexing.enter_words

    def gated(self: indexing.Indexing, *arguments: Any, **options: Any) -> None:
        made["index"].wait()
        enter(self, *arguments, **options)

    monkeypatch.setattr(indexing.Indexing, "enter_words", gated)
    return made


@pytest.fixture
def services(folder: Path, gates: dict[str, Gate]) -> Iterator[Services]:
    parsers = iter((GatedParser(gates["parse"]),))
    with opened(
        folder,
        embedder=lambda _: GatedEmbedder(gates["embed"]),
        parser=lambda: next(parsers),
    ) as found:
        yield found
        for gate in gates.values():
            gate.open()


@pytest.fixture
def workspace(services: Services) -> str:
    return services.library.create_workspace("races").id


def _held(services: Services, workspace: str, gate: Gate, text: str, name: str = "held.txt") -> str:
    """A document whose ingest waits at the gate."""
    gate.close()
    id_ = add(services, workspace, text, name)
    assert gate.reached.wait(30)
    return id_


def _assert_nothing_left(services: Services, folder: Path, workspace: str | None) -> None:
    assert services.library.wait_purged(timeout=60)
    for table in TABLES:
        assert rows(folder, f"SELECT 1 FROM {table}") == [], table
    if workspace is not None:
        assert rows(folder, f"SELECT 1 FROM fts_{services.reindexing.indexes(workspace)[0].id}") == []
    assert not [path for path in (folder / "originals").rglob("*") if path.is_file()]
    wrong = [check for check in services.doctor.check() if not check.ok]
    assert wrong == []


@pytest.mark.parametrize("stage", STAGES)
def test_deleting_a_document_that_is_being_read_leaves_nothing(services, folder, workspace, gates, stage):
    id_ = _held(services, workspace, gates[stage], long_text(1, paragraphs=30))
    services.library.delete(id_)
    assert services.library.documents(workspace) == []
    gates[stage].open()
    _assert_nothing_left(services, folder, workspace)


@pytest.mark.parametrize("stage", STAGES)
def test_deleting_a_workspace_that_is_being_read_into_leaves_nothing(services, folder, workspace, gates, stage):
    _held(services, workspace, gates[stage], long_text(1, paragraphs=30))
    add(services, workspace, long_text(2, paragraphs=3), "queued.txt")
    services.library.delete_workspace(workspace)
    assert services.library.workspaces() == []
    gates[stage].open()
    _assert_nothing_left(services, folder, None)
    assert rows(folder, "SELECT 1 FROM workspaces") == []
    assert rows(folder, "SELECT name FROM sqlite_master WHERE name LIKE 'fts_%'") == []


@pytest.mark.parametrize("stage", STAGES)
def test_stopping_takes_effect_at_once_and_a_retry_finishes(services, folder, workspace, gates, stage):
    text = long_text(1, paragraphs=30)
    id_ = _held(services, workspace, gates[stage], text)
    services.library.cancel(id_)
    stopped = services.library.document(id_)
    assert (stopped.state, stopped.problem.code) == ("failed", "cancelled")
    assert "Retry" in stopped.problem.hint
    gates[stage].open()
    ingested(services, workspace, "Another one passes by. It does not wait.", "other.txt")
    assert services.library.document(id_) == stopped
    found = services.library.search(workspace, text[:60]).passages
    assert id_ not in {passage.document_id for passage in found}
    assert [check for check in services.doctor.check() if not check.ok] == []
    services.library.retry(id_)
    [record] = settled(services, id_)
    assert (record.state, record.problem) == ("ready", None)
    assert [check for check in services.doctor.check() if not check.ok] == []
    assert services.library.search(workspace, text[:60]).passages[0].document_id == id_


@pytest.mark.parametrize("stage", STAGES)
def test_a_retry_before_the_stopped_run_noticed_is_not_lost(services, workspace, gates, stage):
    id_ = _held(services, workspace, gates[stage], long_text(1, paragraphs=30))
    services.library.cancel(id_)
    services.library.retry(id_)
    gates[stage].open()
    [record] = settled(services, id_)
    assert (record.state, record.problem) == ("ready", None)
    assert [check for check in services.doctor.check() if not check.ok] == []


def test_a_queued_document_is_stopped_at_once(services, workspace, gates):
    held = _held(services, workspace, gates["parse"], "The first one is held up.")
    queued = [add(services, workspace, f"Number {number} waits.", f"{number}.txt") for number in range(20)]
    services.library.cancel(queued[-1])
    assert services.library.document(queued[-1]).state == "failed"
    gates["parse"].open()
    states = [record.state for record in settled(services, held, *queued)]
    assert states == ["ready"] * 20 + ["failed"]


def test_stopping_a_finished_document_changes_nothing(services, workspace):
    record = ingested(services, workspace, "It is done.")
    services.library.cancel(record.id)
    assert services.library.document(record.id) == record
    assert services.library.retry(record.id) == record


def test_a_small_document_does_not_wait_for_a_large_one_to_be_embedded(services, workspace, monkeypatch):
    embed = GatedEmbedder.embed_documents

    def slow(self, texts):
        time.sleep(0.3)
        return embed(self, texts)

    monkeypatch.setattr(GatedEmbedder, "embed_documents", slow)
    large = add(services, workspace, long_text(1, paragraphs=900), "large.txt")
    small = add(services, workspace, "A small one.", "small.txt")
    order = [record.id for record in services.library.wait([large, small], timeout=120) if record.state == "ready"]
    assert order == [small, large]


def test_tabs_that_add_and_delete_at_once_leave_a_whole_library(services, folder, workspace):
    texts = [long_text(number, paragraphs=2) for number in range(4)]
    faults: list[BaseException] = []

    def tab(seed: int) -> None:
        try:
            for turn in range(8):
                id_ = add(services, workspace, texts[(seed + turn) % 4], "shared.txt")
                if (seed + turn) % 3 == 0:
                    services.library.cancel(id_)
                if (seed + turn) % 2:
                    services.library.delete(id_)
        except NotFound:
            pass  # another tab deleted it first
        except BaseException as error:  # noqa: BLE001  # handed to the test's own thread
            faults.append(error)

    threads = [threading.Thread(target=tab, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    left = services.library.documents(workspace)
    settled(services, *(record.id for record in left))
    assert services.library.wait_purged(timeout=60)
    assert len({record.id for record in left}) <= 4
    assert [check for check in services.doctor.check() if not check.ok] == []
    for record in left:
        services.library.delete(record.id)
    _assert_nothing_left(services, folder, workspace)


def test_bytes_that_a_newer_version_is_just_getting_are_not_taken_in_twice(folder):
    gate = Gate()
    with opened(folder, embedder=lambda _: GatedEmbedder(gate)) as services:
        workspace = services.library.create_workspace("w").id
        owner = ingested(services, workspace, "The first text.", "a.txt")
        gate.close()
        add(services, workspace, "The newer text.", "a.txt", keep_both=False)
        assert gate.reached.wait(PATIENCE)
        box = add(services, workspace, archive({"inside.txt": "The newer text."}), "box.zip")
        deadline = time.monotonic() + PATIENCE
        while not services.library.document(box).members:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        gate.open()
        settled(services, owner.id, box)
        assert [record.id for record in services.library.inside([box])] == [owner.id]
        assert [check for check in services.doctor.check() if not check.ok] == []
