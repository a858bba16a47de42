"""The doctor finds every planted defect, names it, and mends what can be derived: each defect controls its check."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.stores.chroma import ChromaStore
from tests.support.documents import long_text, pdf
from tests.support.services import change, ingested, opened, rows, wait_until
from workspaces.bootstrap import Services
from workspaces.index_store import collection_name
from workspaces.models import Check

INVARIANTS = [f"I{number}" for number in range(1, 16)]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(tmp_path_factory.mktemp("sound")) / "data"
    with opened(folder) as services:
        workspace = services.library.create_workspace("one").id
        ingested(services, workspace, long_text(1, paragraphs=25), "text.txt")
        ingested(services, workspace, pdf([["The copper harbour."], ["The winter forest."]]), "pages.pdf")
        ingested(services, services.library.create_workspace("two").id, long_text(2, paragraphs=5), "other.txt")
    return folder


@pytest.fixture
def folder(tmp_path: Path, sound: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "data"))


@pytest.fixture
def patient(folder: Path) -> Iterator[Services]:
    with opened(folder, jobs=False) as services:
        yield services


def wrong(services: Services, *, repair: bool = False) -> dict[str, Check]:
    """Checks that do not hold, or did not before a repair."""
    checks = services.doctor.check(repair=repair)
    assert [check.id for check in checks] == INVARIANTS
    return {check.id: check for check in checks if not check.ok or check.repaired}


def originals(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "originals").rglob("*") if path.is_file())


def in_index(folder: Path, action: Callable[[ChromaStore, str], None]) -> None:
    """Change the vector index of the first workspace behind the application's back."""
    served = "SELECT index_id, embedder FROM workspaces JOIN indexes ON indexes.id = index_id WHERE name = 'one'"
    [(index, embedder)] = rows(folder, served)
    store = ChromaStore(folder / "vectors" / "current")
    action(store, collection_name(index, embedder))
    store.close()


def test_a_sound_library_is_sound(patient):
    assert wrong(patient) == {}


def test_a_missing_original_is_found(folder, patient):
    originals(folder)[0].unlink()
    found = wrong(patient, repair=True)
    assert set(found) == {"I1"}
    assert "missing or changed" in found["I1"].detail
    assert not found["I1"].repaired, "it cannot be derived"


def test_a_changed_original_is_found(folder, patient):
    path = originals(folder)[0]
    path.write_bytes(path.read_bytes().replace(b"e", b"a", 1))
    assert set(wrong(patient)) == {"I1"}


def test_a_missing_vector_is_found_and_mended(folder):
    in_index(folder, lambda store, name: store.delete(name, sorted(store.ids(name))[:2]))
    with opened(folder, jobs=False) as patient:
        found = wrong(patient)
        assert "2 passages are not in the vector index" in found["I2"].detail
        assert "I10" in found
        assert all(check.repaired for check in wrong(patient, repair=True).values())
        assert wrong(patient) == {}


def test_a_vector_of_nobody_is_found_and_mended(folder):
    def add_stranger(store: ChromaStore, name: str) -> None:
        vector = np.zeros((1, 128), dtype=np.float32)
        vector[0, 0] = 1
        store.upsert(name, ["stranger"], vector)

    in_index(folder, add_stranger)
    with opened(folder, jobs=False) as patient:
        found = wrong(patient)
        assert "1 vectors without a passage" in found["I3"].detail
        assert wrong(patient, repair=True)["I3"].repaired
        assert wrong(patient) == {}


def test_a_changed_vector_is_found_and_mended(folder):
    def swap(store: ChromaStore, name: str) -> None:
        vector = np.zeros((1, 128), dtype=np.float32)
        vector[0, 0] = 1
        store.upsert(name, sorted(store.ids(name))[:1], vector)

    in_index(folder, swap)
    with opened(folder, jobs=False) as patient:
        assert set(wrong(patient)) == {"I10"}
        assert wrong(patient, repair=True)["I10"].repaired
        assert wrong(patient) == {}


def test_a_collection_of_nobody_is_found_and_mended(folder):
    def add_stray(store: ChromaStore, name: str) -> None:
        store.upsert("w-" + "0" * 32 + "-00000000", ["x"], np.eye(1, 8, dtype=np.float32))

    in_index(folder, add_stray)
    with opened(folder, jobs=False) as patient:
        assert "belongs to no search index" in wrong(patient)["I3"].detail
        assert wrong(patient, repair=True)["I3"].repaired


def test_a_lost_vector_index_is_found_and_mended(folder):
    shutil.rmtree(folder / "vectors")
    with opened(folder, jobs=False) as patient:
        assert {"I2", "I10"} <= set(wrong(patient))
        assert all(check.repaired for check in wrong(patient, repair=True).values())
        assert wrong(patient) == {}


def test_a_passage_without_words_is_found_and_mended(folder):
    [(workspace,)] = rows(folder, "SELECT index_id FROM workspaces WHERE name = 'one'")
    change(folder, f"DELETE FROM fts_{workspace} WHERE rowid = (SELECT min(rowid) FROM fts_{workspace})")
    with opened(folder, jobs=False) as patient:
        found = wrong(patient)
        assert set(found) == {"I2"}
        assert "1 passages are not in the word index" in found["I2"].detail
        assert wrong(patient, repair=True)["I2"].repaired
        assert wrong(patient) == {}


def test_words_of_nobody_are_found_and_mended(folder):
    [(workspace,)] = rows(folder, "SELECT index_id FROM workspaces WHERE name = 'one'")
    change(folder, f"INSERT INTO fts_{workspace} (rowid, title, headings, body) VALUES (99999, '', '', 'ghost')")
    with opened(folder, jobs=False) as patient:
        assert "1 entries of the word index" in wrong(patient)["I3"].detail
        assert wrong(patient, repair=True)["I3"].repaired
        assert wrong(patient) == {}


def test_a_passage_without_a_stored_vector_is_found_and_mended_by_a_new_index(folder):
    change(folder, "DELETE FROM embeddings WHERE hash = (SELECT min(embedding_hash) FROM chunks)")
    with opened(folder) as patient:
        assert "with a vector" in wrong(patient)["I2"].detail
        assert wrong(patient, repair=True)["I2"].repaired
        assert wrong(patient) == {}


def test_a_lost_passage_is_found_and_mended_by_a_new_index(folder):
    [(lost,)] = rows(folder, "SELECT text FROM chunks WHERE rowid = (SELECT min(rowid) FROM chunks)")
    change(folder, "DELETE FROM chunks WHERE rowid = (SELECT min(rowid) FROM chunks)")
    with opened(folder) as patient:
        assert "passages" in wrong(patient)["I2"].detail
        assert wrong(patient, repair=True)["I2"].repaired
        assert wrong(patient) == {}
    assert (lost,) in rows(folder, "SELECT text FROM chunks")


def test_a_vector_of_another_length_is_found_and_mended_by_a_new_index(folder):
    change(folder, "UPDATE embeddings SET vector = zeroblob(64 * 4) WHERE hash = (SELECT min(hash) FROM embeddings)")
    with opened(folder) as patient:
        assert "1 vectors have not the 128 numbers" in wrong(patient)["I15"].detail
        assert wrong(patient, repair=True)["I15"].ok
        assert wrong(patient) == {}


def test_an_index_that_does_not_say_what_made_it_is_found_and_mended_by_a_new_one(folder):
    with opened(folder) as patient:
        change(folder, "UPDATE indexes SET splitter = ''")
        assert "does not say what made it" in wrong(patient)["I15"].detail
        assert wrong(patient, repair=True)["I15"].repaired
        assert wrong(patient) == {}


def test_a_passage_in_the_index_of_another_workspace_is_found(folder, patient):
    change(folder, """UPDATE chunks SET index_id = (SELECT index_id FROM workspaces WHERE name = 'two')
                      WHERE rowid = (SELECT min(rowid) FROM chunks)""")  # fmt: skip
    assert "of another workspace" in wrong(patient)["I15"].detail


def test_a_workspace_that_no_index_serves_is_found(folder, patient):
    change(folder, "UPDATE indexes SET state = 'previous' WHERE id = (SELECT min(index_id) FROM workspaces)")
    assert "1 workspaces have no search index that serves" in wrong(patient)["I15"].detail


def test_an_index_that_nobody_builds_is_found_and_mended(folder):
    with opened(folder) as patient:
        change(folder, """INSERT INTO indexes (id, workspace_id, embedder, dimension, splitter, state, created_at)
                          SELECT 'abc', workspace_id, embedder, dimension, splitter, 'building', created_at
                          FROM indexes LIMIT 1""")  # fmt: skip
        assert "1 unfinished search indexes are not in work" in wrong(patient)["I5"].detail
        assert wrong(patient, repair=True)["I5"].repaired
        wait_until(lambda: rows(folder, "SELECT state FROM indexes WHERE id = 'abc'") == [("current",)])


def test_a_vector_of_a_text_that_is_gone_is_found_and_mended(folder, patient):
    change(folder, "INSERT INTO embeddings VALUES ('gone', 'hash-128', zeroblob(512))")
    assert "1 stored vectors are of texts that no document holds" in wrong(patient)["I6"].detail
    assert wrong(patient, repair=True)["I6"].repaired
    assert rows(folder, "SELECT 1 FROM embeddings WHERE hash = 'gone'") == []


def test_a_mark_that_removed_vectors_are_still_on_disk_is_found_and_mended(folder):
    (folder / "vectors" / "removed").touch(mode=0o600)
    with opened(folder, jobs=False) as patient:
        assert "bytes of deleted vectors" in wrong(patient)["I6"].detail
        assert wrong(patient, repair=True)["I6"].repaired
        assert not (folder / "vectors" / "removed").exists()


def test_a_quote_of_a_deleted_document_is_found_and_mended(folder, patient):
    asked(folder, "answered")
    columns = 'turn_id, role, number, chunk_id, document_id, version_id, title, start, "end", quote, detail'
    values = "'t', 'citation', 1, 'c', 'nobody', 'v', 'T', 0, 5, 'quote', '{}'"
    change(folder, f"INSERT INTO turn_passages ({columns}) VALUES ({values})")
    assert "1 quotes of deleted documents" in wrong(patient)["I6"].detail
    assert wrong(patient, repair=True)["I6"].repaired
    assert rows(folder, "SELECT quote FROM turn_passages") == [("",)]


def test_an_answer_that_nobody_writes_is_found_and_mended(folder, patient):
    asked(folder, "running")
    assert "1 answers are marked as being written" in wrong(patient)["I9"].detail
    assert wrong(patient, repair=True)["I9"].repaired
    assert rows(folder, "SELECT state FROM turns") == [("interrupted",)]


def asked(folder: Path, state: str) -> None:
    """A question in a conversation of the first workspace."""
    change(folder, """INSERT INTO conversations SELECT 'c', id, 't', created_at, created_at
                      FROM workspaces WHERE name = 'one'""")  # fmt: skip
    change(folder, """INSERT INTO turns (id, conversation_id, ordinal, question, state, answer, sentences, timings,
                      created_at) SELECT 't', 'c', 1, 'q', :state, 'An answer.', '[]', '{}', created_at
                      FROM conversations""", state=state)  # fmt: skip


def test_a_store_that_was_never_finished_is_found_and_mended(folder, patient):
    left = folder / "vectors" / "new-abc"
    left.mkdir(mode=0o700)
    os.utime(left, (0, 0))
    assert "1 files were never finished" in wrong(patient)["I12"].detail
    assert wrong(patient, repair=True)["I12"].repaired
    assert not left.exists()


@pytest.mark.skipif(os.name == "nt", reason="a process there does not tell its folder")
def test_a_helper_of_an_earlier_run_is_found_and_ended(folder, patient):
    script = "import os, subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', " \
             "'rag.stores.vectord'], start_new_session=True); os._exit(0)"  # fmt: skip
    subprocess.run([sys.executable, "-c", script], cwd=folder / "vectors", check=True)
    assert "1 helper processes were left behind" in wrong(patient)["I12"].detail
    assert wrong(patient, repair=True)["I12"].repaired
    assert "I12" not in wrong(patient)


def test_a_directory_much_larger_than_what_it_holds_is_found(folder, patient, monkeypatch):
    monkeypatch.setattr("workspaces.disk_checks._SLACK", 20_000_000)
    assert "I14" not in wrong(patient), "the control: a small library has room"
    waste = folder / "vectors" / "current" / "waste"
    with waste.open("wb") as file:
        file.truncate(60_000_000)
    waste.chmod(0o600)
    assert "takes" in wrong(patient)["I14"].detail
    assert wrong(patient, repair=True)["I14"].repaired, "the vector index is built anew"
    assert not waste.exists()


def test_every_check_explains_itself(patient):
    assert all(check.about for check in patient.doctor.check())


def test_the_same_bytes_in_two_documents_of_a_workspace_are_found(folder, patient):
    [(first, second)] = rows(
        folder, """SELECT min(documents.version_id), max(documents.version_id) FROM documents
                   JOIN workspaces ON workspaces.id = workspace_id WHERE name = 'one'""")  # fmt: skip
    change(folder, "UPDATE versions SET sha256 = (SELECT sha256 FROM versions WHERE id = :first) WHERE id = :second",
           first=first, second=second)  # fmt: skip
    assert "I4" in wrong(patient)


def test_a_forgotten_document_is_found_and_mended(folder):
    with opened(folder) as patient:
        assert wrong(patient) == {}
        change(folder, "UPDATE versions SET state = 'stored' WHERE id = (SELECT min(id) FROM versions)")
        found = wrong(patient)
        assert "1 unfinished documents are not in work" in found["I5"].detail
        assert wrong(patient, repair=True)["I5"].repaired
        for workspace in patient.library.workspaces():
            ids = [record.id for record in patient.library.documents(workspace.id)]
            assert {record.state for record in patient.library.wait(ids, timeout=60)} >= {"ready"}
        assert wrong(patient) == {}


def test_a_document_that_makes_no_progress_is_found(folder, patient):
    change(folder, """UPDATE versions SET state = 'chunked', updated_at = '2020-01-01 00:00:00.000000'
                      WHERE id = (SELECT min(id) FROM versions)""")  # fmt: skip
    assert "no progress for 10 minutes" in wrong(patient)["I5"].detail


def test_a_damaged_database_is_found(folder):
    [(page,)] = rows(folder, "SELECT rootpage FROM sqlite_master WHERE name = 'texts'")
    damage(folder, page)
    with opened(folder, jobs=False) as patient:
        found = wrong(patient)
        assert "I7" in found
        assert str(folder) not in "".join(check.detail for check in found.values())


def test_a_database_too_damaged_to_be_opened_is_found(folder):
    damage(folder, 1)
    command = [sys.executable, "-m", "entrypoints.cli", "doctor"]
    environment = {**os.environ, "FOOTNOTE_DATA_DIR": str(folder)}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stdout.startswith("WRONG    I7")
    assert "Traceback" not in ran.stderr


def damage(folder: Path, page: int) -> None:
    """Overwrite the header of a page (from 1) of the database; of the first, that of its tree."""
    database = folder / "footnote.db"
    data = bytearray(database.read_bytes())
    start = (page - 1) * 4096 + (100 if page == 1 else 0)
    data[start : start + 200] = b"\xa5" * 200
    database.write_bytes(data)


def test_what_is_deleted_but_still_there_is_found_and_mended(folder, monkeypatch):
    monkeypatch.setattr("workspaces.doctor._PURGE_SECONDS", 3.0)  # the first wait is in vain: nobody purges it
    monkeypatch.setattr("workspaces.feeding._SOON_SECONDS", 3600.0)  # nor does the look soon after the start
    with opened(folder) as patient:
        patient.start()
        change(folder, """UPDATE documents SET deleted_at = '2020-01-01 00:00:00.000000'
                          WHERE id = (SELECT min(id) FROM documents)""")  # fmt: skip
        assert "1 deleted documents" in wrong(patient)["I6"].detail
        assert wrong(patient, repair=True)["I6"].repaired
        assert rows(folder, "SELECT id FROM documents WHERE deleted_at IS NOT NULL") == []


def test_a_failure_that_does_not_say_why_is_found(folder, patient):
    change(folder, "UPDATE versions SET state = 'failed' WHERE id = (SELECT min(id) FROM versions)")
    assert "do not say why" in wrong(patient)["I8"].detail
    change(folder, """UPDATE versions SET problem_code = 'x', problem_message = 'no /home/a/b.txt', problem_hint = 'y'
                      WHERE state = 'failed'""")  # fmt: skip
    assert wrong(patient)["I8"].detail == "1 failures name a path or a trace"


def test_a_conversation_with_a_gap_is_found(folder, patient):
    change(folder, """INSERT INTO conversations SELECT 'c', id, 't', created_at, created_at
                      FROM workspaces WHERE name = 'one'""")  # fmt: skip
    for ordinal in (1, 3):
        change(folder, """INSERT INTO turns (id, conversation_id, ordinal, question, state, answer, sentences, timings,
                          created_at) SELECT :id, 'c', :ordinal, 'q', 'refused', '', '[]', '{}', created_at
                          FROM conversations""", id=f"t{ordinal}", ordinal=ordinal)  # fmt: skip
    assert "1 conversations lack a question" in wrong(patient)["I9"].detail
    change(folder, "UPDATE turns SET ordinal = 2 WHERE ordinal = 3")
    assert "I9" not in wrong(patient)


def test_a_file_never_finished_is_found_and_mended(folder, patient):
    stray = folder / "originals" / ".incoming-x"
    stray.write_bytes(b"half")
    stray.chmod(0o600)
    assert wrong(patient) == {}, "it may still be coming in"
    os.utime(stray, (0, 0))
    assert "1 files were never finished" in wrong(patient)["I12"].detail
    assert wrong(patient, repair=True)["I12"].repaired
    assert not stray.exists()


def test_a_row_that_refers_to_nothing_is_found(folder):
    connection = sqlite3.connect(folder / "footnote.db")  # foreign keys are off here
    connection.execute("DELETE FROM documents WHERE rowid = (SELECT min(rowid) FROM documents)")
    connection.commit()
    connection.close()
    with opened(folder, jobs=False) as patient:
        assert "refer to something that is gone" in wrong(patient)["I7"].detail


@pytest.mark.skipif(os.name == "nt", reason="Windows has access lists instead of modes")
def test_loose_modes_are_found_and_mended(folder, patient):
    originals(folder)[0].chmod(0o644)
    (folder / "originals").chmod(0o755)
    found = wrong(patient)
    assert "2 files or folders can be read by others" in found["I11"].detail
    assert wrong(patient, repair=True)["I11"].repaired
    assert wrong(patient) == {}


def test_an_original_of_nobody_is_found_and_mended(folder, patient):
    orphan = folder / "originals" / "ab" / ("ab" + "0" * 62)
    orphan.parent.mkdir(mode=0o700, exist_ok=True)
    orphan.write_bytes(b"nobody's")
    orphan.chmod(0o600)
    found = wrong(patient)
    assert "1 originals belong to no document" in found["I13"].detail
    assert wrong(patient, repair=True)["I13"].repaired
    assert not orphan.exists()
    assert wrong(patient) == {}


def test_notes_name_versions_and_what_the_machine_lacks(patient, monkeypatch):
    text = "\n".join(patient.doctor.notes())
    for word in ("Footnote 0", "SQLite 3.", "chromadb 1.", "Scans and pictures are read with "):
        assert word in text
    monkeypatch.setattr("ingest.parser.landlock.version", lambda: 0)
    assert any("no Landlock" in note for note in patient.doctor.notes())
    monkeypatch.setattr("ingest.parser.landlock.version", lambda: 1)
    assert not any("no Landlock" in note for note in patient.doctor.notes())
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 40, 1))
    assert any("one connection only" in note for note in patient.doctor.notes())
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 51, 3))
    assert not any("one connection only" in note for note in patient.doctor.notes())
