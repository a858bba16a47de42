"""Work in the background survives restarts, damage and the end of the application."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rag.errors import StorageError
from tests.support.documents import long_text
from tests.support.services import Gate, GatedEmbedder, add, change, ingested, jobs_db, opened, rows, settled
from workspaces.jobs import Jobs
from workspaces.runs import Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_what_was_accepted_without_working_is_done_at_the_next_start(folder):
    with opened(folder, start=False) as services:
        workspace = services.library.create_workspace("w").id
        ids = [add(services, workspace, f"Number {number}.", f"{number}.txt") for number in range(5)]
        assert {record.state for record in services.library.documents(workspace)} == {"stored"}
    with opened(folder) as services:
        assert [record.state for record in settled(services, *ids)] == ["ready"] * 5


def test_closing_leaves_the_work_to_the_next_start(folder):
    gate = Gate()
    with opened(folder, embedder=lambda _: GatedEmbedder(gate)) as services:
        workspace = services.library.create_workspace("w").id
        gate.close()
        ids = [add(services, workspace, long_text(number, paragraphs=4), f"{number}.txt") for number in range(4)]
        assert gate.reached.wait(30)
        gate.open_soon()
    assert not any(state == "failed" for (state,) in rows(folder, "SELECT state FROM versions"))
    with opened(folder) as services:
        assert [record.state for record in settled(services, *ids)] == ["ready"] * 4
        assert [check for check in services.doctor.check() if not check.ok] == []


def test_a_document_half_embedded_goes_on_where_it_stopped(folder):
    gate = Gate()
    embedder = GatedEmbedder(gate, close_at=32)
    with opened(folder, embedder=lambda _: embedder) as services:
        workspace = services.library.create_workspace("w").id
        id_ = add(services, workspace, long_text(1, paragraphs=300))
        for record in services.library.wait([id_], timeout=60):
            if record.progress_done == 32:
                break
        gate.open_soon()
    before = embedder.embedded
    with opened(folder, embedder=lambda _: embedder) as services:
        [record] = settled(services, id_)
    assert record.state == "ready"
    assert 0 < before < record.chunks, "the control: it was stopped midway"
    assert embedder.embedded == record.chunks, "nothing is embedded twice"


def test_a_lost_list_of_jobs_is_made_anew(folder):
    with opened(folder, start=False) as services:
        workspace = services.library.create_workspace("w").id
        id_ = add(services, workspace, "Still to be read.")
    (folder / "jobs.db").unlink(missing_ok=True)
    with opened(folder) as services:
        assert settled(services, id_)[0].state == "ready"


@pytest.mark.parametrize("damage", [b"this is no database" * 300, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_damaged_list_of_jobs_is_made_anew(folder, damage, caplog):
    with opened(folder) as services:
        workspace = services.library.create_workspace("w").id
        first = ingested(services, workspace, "Read before.")
    (folder / "jobs.db").write_bytes(damage)
    with opened(folder, start=False) as services:
        id_ = add(services, workspace, "Still to be read.")
        assert not _check(services, "I7").ok, "the doctor sees it before the start mends it"
    with opened(folder) as services:
        assert [record.state for record in settled(services, first.id, id_)] == ["ready", "ready"]
        assert _check(services, "I7").ok
    assert "damaged" in caplog.text


def test_finished_jobs_are_forgotten_at_the_next_start(folder):
    with opened(folder) as services:
        workspace = services.library.create_workspace("w").id
        ingested(services, workspace, "Read and done.")
    assert jobs_db(folder, "SELECT 1 FROM workflow_status"), "the control"
    with opened(folder):
        pass
    assert jobs_db(folder, "SELECT 1 FROM workflow_status") == []
    assert jobs_db(folder, "SELECT 1 FROM operation_outputs") == []


def test_a_document_during_which_the_process_died_too_often_is_parked(folder):
    with opened(folder, start=False) as services:
        workspace = services.library.create_workspace("w").id
        poison, good = add(services, workspace, "Poison."), add(services, workspace, "Good.", "good.txt")
        version = services.library.document(poison).version_id
    gate = Gate()
    gate.close()
    with opened(folder, embedder=lambda _: GatedEmbedder(gate)):
        assert gate.reached.wait(30)
        gate.open_soon()
    exhausted = "UPDATE workflow_status SET status = 'MAX_RECOVERY_ATTEMPTS_EXCEEDED' WHERE workflow_uuid = "
    jobs_db(folder, f"{exhausted}'{version}'")
    with opened(folder) as services:
        [parked, other] = settled(services, poison, good)
        assert (parked.state, other.state) == ("failed", "ready")
        assert "again and again" in parked.problem.message
        services.library.retry(poison)
        assert settled(services, poison)[0].state == "ready"


def test_enqueueing_twice_runs_once(folder):
    gate = Gate()
    embedder = GatedEmbedder(gate)
    with opened(folder, embedder=lambda _: embedder) as services:
        workspace = services.library.create_workspace("w").id
        id_ = add(services, workspace, "Once only.")
        run = Run(services.library.document(id_).version_id)
        for _ in range(5):
            Jobs.active().ingest(run)
        Jobs.active().sweep()
        settled(services, id_)
    assert embedder.embedded == 1


def test_a_half_written_upload_and_a_file_without_a_row_are_swept_at_the_start(folder):
    with opened(folder) as services:
        workspace = services.library.create_workspace("w").id
        ingested(services, workspace, "Kept.")
    orphan = folder / "originals" / "ab" / ("ab" + "0" * 62)
    orphan.parent.mkdir(mode=0o700, exist_ok=True)
    orphan.write_bytes(b"nobody's")
    (folder / "originals" / ".incoming-x").write_bytes(b"half")
    with opened(folder) as services:
        assert not orphan.exists()
        assert not list(folder.rglob(".incoming-*"))
        assert [check for check in services.doctor.check() if not check.ok] == []


def test_two_working_data_directories_in_one_process_are_refused(folder, tmp_path):
    with opened(folder), pytest.raises(RuntimeError, match="another data directory"), opened(tmp_path / "second"):
        pass
    with opened(tmp_path / "second"):
        pass


@pytest.mark.skipif(os.name == "nt", reason="Windows has access lists instead of modes")
def test_everything_is_private(folder):
    with opened(folder) as services:
        workspace = services.library.create_workspace("w").id
        ingested(services, workspace, "Private.")
        loose = [path for path in [folder, *folder.rglob("*")] if stat.S_IMODE(path.lstat().st_mode) & 0o077]
    assert loose == []


def test_an_interrupted_workflow_of_a_deleted_document_ends(folder):
    gate = Gate()
    gate.close()
    with opened(folder, embedder=lambda _: GatedEmbedder(gate)) as services:
        workspace = services.library.create_workspace("w").id
        add(services, workspace, "Deleted while nobody works.")
        assert gate.reached.wait(30)
        gate.open_soon()
    change(folder, "UPDATE documents SET deleted_at = created_at")
    with opened(folder) as services:
        assert services.library.wait_purged(timeout=60)
        assert rows(folder, "SELECT 1 FROM versions") == []


def _check(services, name):
    return next(check for check in services.doctor.check() if check.id == name)


def test_a_list_of_jobs_that_cannot_be_made_is_told(folder):
    with opened(folder, jobs=False) as services:
        services.library.create_workspace("w")
    (folder / "jobs.db").mkdir()
    with pytest.raises(StorageError, match="list of jobs cannot be opened") as caught, opened(folder):
        pass
    assert str(folder) not in caught.value.message + caught.value.hint
    (folder / "jobs.db").rmdir()
    with opened(folder) as services:
        ingested(services, services.library.workspace("w").id, "It works again.")
