"""The queue: what is tried again, put off, paused, stopped, and whose turn it is; with real services."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import insert

from rag.errors import DamagedSource, DiskFull, FootnoteError, StorageError
from rag.testing import HashEmbedder
from rag.types import Matrix
from tests.support.documents import long_text
from tests.support.services import (
    PATIENCE,
    Gate,
    GatedEmbedder,
    add,
    change,
    database,
    ingested,
    jobs_db,
    opened,
    rows,
    settled,
)
from workspaces import feeding, queueing, room, workflows
from workspaces.feeding import AHEAD
from workspaces.identifiers import new_id, now
from workspaces.jobs import Jobs
from workspaces.runs import Run
from workspaces.tables import documents, versions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are short."""
    monkeypatch.setattr(queueing, "DELAYS", tuple(delay / 100 for delay in queueing.DELAYS[:1]) * 3)
    monkeypatch.setattr(feeding, "_TROUBLE_SECONDS", 0.1)
    monkeypatch.setattr(room, "_LOOK_SECONDS", 0.1)


class FailingEmbedder(HashEmbedder):
    """Raises an error the first `times` times."""

    def __init__(self, error: FootnoteError, *, times: int) -> None:
        super().__init__()
        self.error = error
        self.left = times
        self.asked = 0

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        self.asked += 1
        if self.left > 0:
            self.left -= 1
            raise self.error
        return super().embed_documents(texts)


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


def many(folder: Path, workspace: str, count: int, *, batch: str = "", **values: object) -> list[str]:
    """Rows of documents that wait, all with the bytes of the one that is there; their ids."""
    [(sha256, size)] = rows(folder, "SELECT sha256, size FROM originals LIMIT 1")
    ids = [new_id() for _ in range(count)]
    common = {"workspace_id": workspace, "title": "", "title_given": False, "source_kind": "file", "created_at": now()}
    row = {"number": 1, "sha256": sha256, "size": size, "state": "stored", "batch": batch, "updated_at": now()}
    with database(folder) as opened_database, opened_database.write() as connection:
        connection.execute(insert(documents), [{**common, "id": i, "version_id": i, "source": f"{i}.txt"} for i in ids])
        connection.execute(
            insert(versions), [{**row, "id": i, "document_id": i, "created_at": now(), **values} for i in ids]
        )
    return ids


# --- trying again ------------------------------------------------------------------------------------


def test_what_fails_for_a_passing_reason_is_tried_again_by_itself(folder, hurried):
    embedder = FailingEmbedder(StorageError("The disk rests."), times=2)
    with opened(folder, embedder=lambda _: embedder) as services:
        workspace = services.library.create_workspace("w").id
        [record] = settled(services, add(services, workspace, "Tried again."))
    assert (record.state, record.problem, record.next_try_at) == ("ready", None, None)
    assert embedder.asked == 3


def test_a_document_that_waits_says_why_and_until_when_and_survives_a_restart(folder):
    embedder = FailingEmbedder(StorageError("The disk rests.", hint="Wait."), times=1)
    with opened(folder, embedder=lambda _: embedder) as services:
        workspace = services.library.create_workspace("w").id
        id_ = add(services, workspace, "Tried again.")
        until(lambda: services.library.document(id_).next_try_at)
        record = services.library.document(id_)
        assert (record.state, record.problem.message) == ("chunked", "The disk rests.")
        assert record.next_try_at > now()
        assert [check for check in services.doctor.check() if not check.ok] == [], "it is not forgotten"
    change(folder, "UPDATE versions SET next_try_at = '2020-01-01 00:00:00.000000'")
    with opened(folder) as services:
        assert settled(services, id_)[0].state == "ready"


def test_after_the_last_try_it_has_failed_with_the_reason_and_begins_anew_when_told(folder, hurried):
    embedder = FailingEmbedder(StorageError("The disk rests."), times=len(queueing.DELAYS) + 1)
    with opened(folder, embedder=lambda _: embedder) as services:
        workspace = services.library.create_workspace("w").id
        id_ = add(services, workspace, "Given up.")
        [record] = settled(services, id_)
        assert (record.state, record.problem.code, record.next_try_at) == ("failed", "storage", None)
        assert embedder.asked == len(queueing.DELAYS) + 1
        services.library.retry(id_)
        assert settled(services, id_)[0].state == "ready"


def test_what_the_file_itself_is_the_reason_of_fails_at_once(folder):
    embedder = FailingEmbedder(DamagedSource("Torn."), times=1)
    with opened(folder, embedder=lambda _: embedder) as services:
        workspace = services.library.create_workspace("w").id
        [record] = settled(services, add(services, workspace, "Torn."))
    assert (record.state, record.problem.code, embedder.asked) == ("failed", "damaged", 1)


# --- a full disk -------------------------------------------------------------------------------------


def test_a_full_disk_lets_everything_wait_and_fails_nothing(folder, hurried, monkeypatch):
    with opened(folder) as services:
        workspace = services.library.create_workspace("w").id
        ingested(services, workspace, "Read before.")
        monkeypatch.setattr(room, "_RESERVE_BYTES", 1 << 62)
        ids = [add(services, workspace, f"Number {number}.", f"{number}.txt") for number in range(12)]
        until(lambda: services.reading.standing(workspace).no_room)
        assert [check for check in services.doctor.check() if check.id == "I5" and not check.ok] == []
        assert {services.library.document(id_).state for id_ in ids} == {"stored"}
        assert services.library.wait_purged(timeout=10), "what makes room is not held up"
        monkeypatch.undo()
        assert {record.state for record in settled(services, *ids)} == {"ready"}
        assert not services.reading.standing(workspace).no_room


def test_a_write_that_finds_no_room_is_taken_up_again_without_losing_a_try(folder, hurried):
    embedder = FailingEmbedder(DiskFull("The disk is full."), times=2)
    with opened(folder, embedder=lambda _: embedder) as services:
        workspace = services.library.create_workspace("w").id
        [record] = settled(services, add(services, workspace, "Written in the end."))
    assert record.state == "ready"
    assert rows(folder, "SELECT tries FROM versions") == [(0,)]


def test_a_document_that_alone_finds_no_room_fails_in_the_end(folder, hurried):
    embedder = FailingEmbedder(DiskFull("The disk is full."), times=1_000)
    with opened(folder, embedder=lambda _: embedder) as services:
        workspace = services.library.create_workspace("w").id
        [record] = settled(services, add(services, workspace, "Too much."))
        assert (record.state, record.problem.code) == ("failed", "disk_full")


# --- a list of jobs that cannot be written ----------------------------------------------------------


@contextmanager
def refusing(folder: Path, table: str) -> Iterator[None]:
    """The list of jobs takes no new rows in a table."""
    jobs_db(folder, f"CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(FAIL, 'no room'); END")
    try:
        yield
    finally:
        jobs_db(folder, "DROP TRIGGER full")


def test_what_the_list_of_jobs_does_not_take_is_offered_again_until_it_does(folder, hurried, caplog):
    with opened(folder) as services:
        workspace = services.library.create_workspace("w").id
        with refusing(folder, "workflow_status"):
            id_ = add(services, workspace, "Offered again.")
            until(lambda: "list of jobs cannot be read or written" in caplog.text)
            assert services.library.document(id_).state == "stored"
        assert settled(services, id_)[0].state == "ready"


def test_a_job_that_was_given_up_because_its_step_could_not_be_noted_goes_on_by_itself(folder, hurried, monkeypatch):
    monkeypatch.setattr(feeding, "_SOON_SECONDS", 0.3)
    monkeypatch.setattr(feeding, "_REST_SECONDS", 1.0)
    with opened(folder) as services:
        workspace = services.library.create_workspace("w").id
        with refusing(folder, "operation_outputs"):
            id_ = add(services, workspace, "Given up and taken up.")
            until(workflows.abandoned)
            time.sleep(1.0)
            assert services.library.document(id_).in_work, "the control"
        assert settled(services, id_)[0].state == "ready"
        services.library.delete(id_)
        assert services.library.wait_purged(timeout=PATIENCE)


# --- pausing and stopping ----------------------------------------------------------------------------


def test_a_paused_workspace_reads_nothing_even_after_a_restart_and_others_go_on(folder):
    with opened(folder) as services:
        paused, other = (services.library.create_workspace(name).id for name in ("paused", "other"))
        services.reading.pause(paused)
        id_ = add(services, paused, "Not yet.")
        ingested(services, other, "Read meanwhile.")
        assert services.library.document(id_).state == "stored"
        assert list(services.library.wait([id_]))[-1].state == "stored", "nobody waits for what is paused"
        assert [check for check in services.doctor.check() if not check.ok] == []
    with opened(folder) as services:
        assert services.library.workspace(paused).paused
        ingested(services, other, "Read after the restart.", "after.txt")
        assert services.library.document(id_).state == "stored"
        services.reading.resume()
        assert settled(services, id_)[0].state == "ready"


def test_a_document_in_work_stops_and_goes_on_where_it_was(folder):
    gate = Gate()
    embedder = GatedEmbedder(gate, close_at=32)
    with opened(folder, embedder=lambda _: embedder) as services:
        workspace = services.library.create_workspace("w").id
        id_ = add(services, workspace, long_text(1, paragraphs=300))
        until(lambda: services.library.document(id_).progress_done == 32)
        services.reading.pause(workspace)
        gate.open()
        until(lambda: not Jobs.active().live())
        before = embedder.embedded
        assert services.library.document(id_).state == "chunked"
        services.reading.resume(workspace)
        [record] = settled(services, id_)
    assert record.state == "ready"
    assert 32 <= before < record.chunks, "the control: it was stopped midway"
    assert embedder.embedded <= record.chunks + 16, "at most one batch is embedded twice"


def test_all_that_waits_is_stopped_and_all_that_failed_is_tried_again(folder):
    with opened(folder) as services:
        workspace = services.library.create_workspace("w").id
        ready = ingested(services, workspace, "Ready.", "ready.txt").id
        services.reading.pause(workspace)
        ids = [add(services, workspace, f"Number {number}.", f"{number}.txt") for number in range(10)]
        assert services.reading.stop_waiting(workspace) == 10
        assert {services.library.document(id_).problem.code for id_ in ids} == {"cancelled"}
        services.reading.resume(workspace)
        assert services.reading.retry_failed(workspace) == 10
        assert {record.state for record in settled(services, *ids, ready)} == {"ready"}
        assert services.reading.retry_failed(workspace) == 0


def test_what_no_new_try_can_help_is_left_alone(folder):
    with opened(folder) as services:
        workspace = services.library.create_workspace("w").id
        id_ = ingested(services, workspace, "Locked.").id
        add(services, workspace, b"", "empty.txt")  # its bytes were not taken in
        locked = "UPDATE versions SET state = 'failed', problem_code = 'encrypted' WHERE document_id = :id"
        change(folder, locked, id=id_)
        assert services.library.documents_page(workspace, limit=1).counts["failed"] == 2
        assert services.reading.retry_failed(workspace) == 0


# --- poison ------------------------------------------------------------------------------------------


def test_a_document_during_which_the_process_died_three_times_is_parked_and_others_are_not(folder):
    gate = Gate()
    gate.close()
    with opened(folder, embedder=lambda _: GatedEmbedder(gate)) as services:
        workspace = services.library.create_workspace("w").id
        poison = add(services, workspace, "Poison.")
        assert gate.reached.wait(PATIENCE)
        threading.Timer(0.5, gate.open).start()
    pending = "SELECT recovery_attempts FROM workflow_status WHERE status = 'PENDING'"
    assert jobs_db(folder, pending) == [(0,)], "an orderly end is no death"
    jobs_db(folder, "UPDATE workflow_status SET recovery_attempts = 3 WHERE status = 'PENDING'")
    with opened(folder) as services:
        good = add(services, workspace, "Good.", "good.txt")
        assert [record.state for record in settled(services, poison, good)] == ["failed", "ready"]
        assert "again and again" in services.library.document(poison).problem.message
        services.library.retry(poison)
        assert settled(services, poison)[0].state == "ready"


# --- many --------------------------------------------------------------------------------------------


def test_of_thousands_only_a_few_are_jobs_and_a_new_file_does_not_wait_for_them(folder):
    gate = Gate()
    with opened(folder) as services:
        workspace = services.library.create_workspace("w").id
        ingested(services, workspace, "The same bytes.")
    many(folder, workspace, 2_000, batch="old")
    with opened(folder, embedder=lambda _: GatedEmbedder(gate)) as services:
        gate.close()
        late = services.library.add_file(workspace, "late.txt", _written(folder, "Added late."), batch="new").id
        assert gate.reached.wait(PATIENCE), "the late one is in work: only its text is not embedded yet"
        assert 0 < len(Jobs.active().live()) <= AHEAD
        assert [check for check in services.doctor.check() if check.id == "I5" and not check.ok] == []
        page = services.library.documents_page(workspace, only="working", limit=20)
        assert page.found > 1_500, "the control: the others still wait"
        services.reading.pause(workspace)
        services.reading.stop_waiting(workspace)
        services.reading.resume(workspace)
        gate.open()
        assert services.library.document(late).problem is not None


def _written(folder: Path, text: str) -> Path:
    path = folder.parent / "late.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_batches_take_turns_and_within_a_batch_the_oldest_goes_first(folder):
    with opened(folder, start=False) as services:
        workspace = services.library.create_workspace("w").id
        add(services, workspace, "The bytes.")
    change(folder, "UPDATE versions SET state = 'ready'")
    old, new = many(folder, workspace, 5, batch="old"), many(folder, workspace, 2, batch="new")
    with database(folder) as opened_database, opened_database.read() as connection:
        turns = queueing.due(connection, without=[], limit=4, served={})
        assert {run.version_id for run in turns} == {*old[:2], *new}
        after_old = queueing.due(connection, without=[Run(old[0])], limit=1, served={"old": 1})
        assert after_old == [Run(new[0])]
        after_new = queueing.due(connection, without=[Run(old[0]), Run(new[0])], limit=1, served={"old": 1, "new": 2})
        assert after_new == [Run(old[1])]


def test_a_page_of_the_list_finds_filters_and_counts(folder):
    with opened(folder, start=False) as services:
        workspace = services.library.create_workspace("w").id
        add(services, workspace, "The bytes.", "ÄRGER mit Miete.txt")
    change(folder, "UPDATE versions SET state = 'ready'")
    waiting = many(folder, workspace, 25)
    failed = many(folder, workspace, 2, state="failed", problem_code="damaged", problem_message="Torn.")
    with opened(folder, start=False) as services:
        first = services.library.documents_page(workspace, limit=20)
        assert first.counts == {"all": 28, "working": 25, "failed": 2, "ready": 1}
        assert (first.found, len(first.records)) == (28, 20)
        assert {record.id for record in first.records[:2]} == set(failed)
        second = services.library.documents_page(workspace, offset=20, limit=20)
        shown = [record.id for record in (*first.records, *second.records)]
        listed = [record.id for record in services.library.documents(workspace)]
        assert sorted(shown) == sorted(listed)
        assert [id_ for id_ in shown if id_ not in failed] == [id_ for id_ in listed if id_ not in failed]
        found = services.library.documents_page(workspace, search="miete ärger", limit=20)
        assert [record.source for record in found.records] == ["ÄRGER mit Miete.txt"]
        assert services.library.documents_page(workspace, search="miete ärger", only="failed", limit=20).found == 0
        working = services.library.documents_page(workspace, only="working", offset=20, limit=20)
        assert (working.found, len(working.records)) == (25, 5)
        assert {record.id for record in working.records} <= set(waiting)
        for only in ("failed", "ready"):
            page = services.library.documents_page(workspace, only=only, limit=20)
            assert page.found == len(page.records) == page.counts[only]
