"""What goes wrong inside an ingest becomes the document's reason; each test has an application of its own."""

from __future__ import annotations

import io
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from rag.errors import DamagedSource, EmbedderError, StorageError
from rag.testing import HashEmbedder
from tests.support.services import add, ingested, opened, settled
from workspaces import queueing

TEXT = "The pressure valve opens at 12 bar. It closes again at 9 bar."


def test_a_file_past_the_limit_says_so_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("FOOTNOTE_MAX_UPLOAD_MB", "1")
    with opened(tmp_path / "data", start=False) as services:
        workspace = services.library.create_workspace("w").id
        record = services.library.add_file(workspace, "big.txt", io.BytesIO(b"x" * 1_000_001))
    assert (record.state, record.problem.code) == ("failed", "too_large")
    assert "1 MB" in record.problem.message
    assert not [path for path in (tmp_path / "data" / "originals").rglob("*") if path.is_file()]


def test_a_fault_of_ours_ends_in_a_visible_state(tmp_path, caplog):
    class Broken(HashEmbedder):
        def embed_documents(self, texts: Any) -> Any:
            raise ZeroDivisionError("/secret/path")

    with opened(tmp_path / "data", embedder=lambda _: Broken()) as services:
        workspace = services.library.create_workspace("w").id
        [record] = settled(services, add(services, workspace, TEXT))
    assert record.state == "failed"
    assert "internal fault" in record.problem.message
    assert "secret" not in record.problem.message + record.problem.hint
    assert "ZeroDivisionError" in caplog.text, "the log says what it was"


def test_a_storage_error_is_the_documents_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(queueing, "DELAYS", ())

    class Full(HashEmbedder):
        def embed_documents(self, texts: Any) -> Any:
            raise StorageError("The disk is broken.", hint="Mend it.")

    with opened(tmp_path / "data", embedder=lambda _: Full()) as services:
        workspace = services.library.create_workspace("w").id
        [record] = settled(services, add(services, workspace, TEXT))
    assert (record.state, record.problem.code, record.problem.message) == ("failed", "storage", "The disk is broken.")


def test_another_embedder_than_the_workspaces_is_refused_by_ingest_and_search(tmp_path):
    with opened(tmp_path / "data") as services:
        workspace = services.library.create_workspace("w").id
        ingested(services, workspace, TEXT)
    with opened(tmp_path / "data", embedder=lambda _: HashEmbedder(name="other")) as services:
        [record] = settled(services, add(services, workspace, TEXT + " More."))
        assert (record.state, record.problem.code) == ("failed", "embedder")
        with pytest.raises(EmbedderError, match="another embedder"):
            services.library.search(workspace, "valve")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1/", "forbidden"),
        ("http://169.254.169.254/latest/meta-data", "forbidden"),
        ("file:///etc/passwd", "forbidden"),
        ("http://user:secret@example.org/", "forbidden"),
        ("gopher://example.org/", "forbidden"),
    ],
)
def test_a_forbidden_address_ends_with_its_reason(tmp_path, url, code):
    with opened(tmp_path / "data") as services:  # with the real fetcher
        workspace = services.library.create_workspace("w").id
        [record] = settled(services, services.library.add_url(workspace, url).id)
    assert (record.state, record.problem.code) == ("failed", code)
    assert record.problem.hint


def test_jobs_hold_ids_only_and_no_pickle(tmp_path):
    class Telling(HashEmbedder):
        def embed_documents(self, texts: Any) -> Any:
            if "fault" in texts[0]:
                raise ValueError(f"canary {texts[0]}")
            if "refuse" in texts[0]:
                raise DamagedSource("canary", hint=texts[0])
            return super().embed_documents(texts)

    folder = tmp_path / "data"
    with opened(folder, embedder=lambda _: Telling()) as services:
        workspace = services.library.create_workspace("canary").id
        ids = [add(services, workspace, f"The canary sings {what}.", f"canary {what}.txt")
               for what in ("well", "fault", "refuse")]  # fmt: skip
        ids.append(services.library.add_url(workspace, "http://127.0.0.1/canary").id)
        states = [record.state for record in settled(services, *ids)]
        services.library.delete(ids[0])
        assert services.library.wait_purged(timeout=30)
    assert states == ["ready", "failed", "failed", "failed"]
    jobs = b"".join(path.read_bytes() for path in folder.glob("jobs.db*"))
    assert rows_of_jobs(folder), "the control: something was recorded"
    assert b"canary" not in jobs
    assert b"gASV" not in jobs, "base64 of a pickle"


def rows_of_jobs(folder: Path) -> list[Any]:
    connection = sqlite3.connect(folder / "jobs.db")
    found = connection.execute("SELECT workflow_uuid FROM workflow_status").fetchall()
    connection.close()
    return found
