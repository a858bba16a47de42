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
from tests.support.services import change, ingested, opened, rows
from workspaces.bootstrap import Services
from workspaces.index_store import collection_name
from workspaces.models import Check

INVARIANTS = ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "I12", "I13"]


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
    [(workspace, embedder)] = rows(folder, "SELECT id, embedder FROM workspaces WHERE name = 'one'")
    store = ChromaStore(folder / "vectors" / "current")
    action(store, collection_name(workspace, embedder))
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
        assert "belongs to no workspace" in wrong(patient)["I3"].detail
        assert wrong(patient, repair=True)["I3"].repaired


def test_a_lost_vector_index_is_found_and_mended(folder):
    shutil.rmtree(folder / "vectors")
    with opened(folder, jobs=False) as patient:
        assert {"I2", "I10"} <= set(wrong(patient))
        assert all(check.repaired for check in wrong(patient, repair=True).values())
        assert wrong(patient) == {}


def test_a_passage_without_words_is_found_and_mended(folder):
    [(workspace,)] = rows(folder, "SELECT id FROM workspaces WHERE name = 'one'")
    change(folder, f"DELETE FROM fts_{workspace} WHERE rowid = (SELECT min(rowid) FROM fts_{workspace})")
    with opened(folder, jobs=False) as patient:
        found = wrong(patient)
        assert set(found) == {"I2"}
        assert "1 passages are not in the word index" in found["I2"].detail
        assert wrong(patient, repair=True)["I2"].repaired
        assert wrong(patient) == {}


def test_words_of_nobody_are_found_and_mended(folder):
    [(workspace,)] = rows(folder, "SELECT id FROM workspaces WHERE name = 'one'")
    change(folder, f"INSERT INTO fts_{workspace} (rowid, title, headings, body) VALUES (99999, '', '', 'ghost')")
    with opened(folder, jobs=False) as patient:
        assert "1 entries of the word index" in wrong(patient)["I3"].detail
        assert wrong(patient, repair=True)["I3"].repaired
        assert wrong(patient) == {}


def test_a_passage_without_a_stored_vector_is_found(folder):
    change(folder, "DELETE FROM embeddings WHERE hash = (SELECT min(embedding_hash) FROM chunks)")
    with opened(folder, jobs=False) as patient:
        found = wrong(patient)
        assert "with a vector" in found["I2"].detail


def test_a_lost_passage_is_found(folder):
    change(folder, "DELETE FROM chunks WHERE rowid = (SELECT min(rowid) FROM chunks)")
    with opened(folder, jobs=False) as patient:
        assert "passages" in wrong(patient)["I2"].detail


def test_the_same_bytes_in_two_documents_of_a_workspace_are_found(folder, patient):
    [(first, second)] = rows(
        folder, """SELECT min(documents.version_id), max(documents.version_id) FROM documents
                   JOIN workspaces ON workspaces.id = workspace_id WHERE name = 'one'""")  # fmt: skip
    change(folder, "UPDATE versions SET sha256 = (SELECT sha256 FROM versions WHERE id = :first) WHERE id = :second",
           first=first, second=second)  # fmt: skip
    assert "I4" in wrong(patient)


def test_a_forgotten_document_is_found_and_mended(folder):
    with opened(folder) as patient:
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
    assert wrong(patient)["I8"].detail == "1 failed documents name a path or a trace"


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
