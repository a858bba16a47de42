"""What was deleted leaves the disk: no byte of its text, words, vectors or files stays below the data directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rag.analysis import stems
from tests.support.documents import long_text, pdf
from tests.support.services import Gate, GatedEmbedder, add, files_holding, ingested, opened, rows, settled
from workspaces.bootstrap import Services
from workspaces.models import DocumentRecord

CANARY = "Xylocarpus zanzibarensis"
SECRET = f"The {CANARY} was seen by quokkaherder Balthazarowicz at 7431902 bar."
OTHER = "The lease of the harbour ends in winter."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def services(folder: Path) -> Iterator[Services]:
    with opened(folder) as found:
        yield found


@pytest.fixture
def workspace(services: Services) -> str:
    return services.library.create_workspace("purge").id


def traces(folder: Path, record: DocumentRecord) -> list[bytes]:
    """Everything that tells a document's content: its text in two encodings, its stems, windows of its vectors."""
    words = [word for word in (*SECRET.split(), *stems(SECRET, "en")) if len(word) > 8]
    found = [form for word in words for form in (word.encode(), word.encode("utf-16-le"), word.lower().encode())]
    query = f"""SELECT vector FROM embeddings JOIN chunks ON embedding_hash = hash
                WHERE version_id = '{record.version_id}'"""
    for (blob,) in rows(folder, query):
        vector = np.frombuffer(blob, dtype="<f4")
        found += [vector[start : start + 8].tobytes() for start in range(0, len(vector) - 8, 4)]
    return found


def test_no_byte_of_a_deleted_document_stays(services, folder, workspace):
    kept = ingested(services, workspace, OTHER, "other.txt")
    text = ingested(services, workspace, f"{SECRET}\n\n" + long_text(1, paragraphs=20), "secret.txt")
    pages = ingested(services, workspace, pdf([[SECRET[:60], SECRET[60:]], [OTHER]]), "secret.pdf")
    needles = [*traces(folder, text), *traces(folder, pages)]
    holding = files_holding(folder, *needles)
    assert any(name.startswith("footnote.db") for name in holding), "the control: rows"
    assert any(name.startswith("originals") for name in holding), "the control: files"
    assert any(name.startswith("vectors") for name in holding), "the control: vectors"
    services.library.delete(text.id)
    services.library.delete(pages.id)
    assert services.library.wait_purged(timeout=60)
    assert files_holding(folder, *needles) == []
    assert services.library.search(workspace, "lease of the harbour").passages[0].document_id == kept.id
    assert [check for check in services.doctor.check() if not check.ok] == []


def test_no_byte_of_a_deleted_workspace_stays(services, folder, workspace):
    other = services.library.create_workspace("kept").id
    kept = ingested(services, other, OTHER, "other.txt")
    record = ingested(services, workspace, SECRET, "secret.txt")
    _chat(services, workspace)
    needles = traces(folder, record)
    assert files_holding(folder, *needles), "the control"
    services.library.delete_workspace(workspace)
    assert services.library.wait_purged(timeout=60)
    assert files_holding(folder, *needles) == []
    assert services.library.search(other, "lease of the harbour").passages[0].document_id == kept.id
    assert rows(folder, "SELECT 1 FROM turns") == rows(folder, "SELECT 1 FROM conversations") == []


def test_what_two_documents_share_stays_until_the_last_is_deleted(services, folder, workspace):
    other = services.library.create_workspace("also").id
    first, second = (ingested(services, where, SECRET, "secret.txt") for where in (workspace, other))
    needles = traces(folder, first)
    services.library.delete(first.id)
    assert services.library.wait_purged(timeout=60)
    assert services.viewer.original(second.id).path.read_text() == SECRET
    assert services.library.search(other, CANARY).passages[0].document_id == second.id
    assert rows(folder, "SELECT count(*) FROM embeddings") == [(1,)]
    services.library.delete(second.id)
    assert services.library.wait_purged(timeout=60)
    assert files_holding(folder, *needles) == []


def test_quotes_leave_saved_chats_at_once_and_prose_stays(services, folder, workspace):
    record = ingested(services, workspace, SECRET, "secret.txt")
    turn_id = _chat(services, workspace)
    asked = services.conversations.turn(turn_id)
    quotes = [citation.quote for citation in asked.citations] + [passage.text for passage in asked.evidence]
    assert any(CANARY in quote for quote in quotes), "the control: it was quoted"
    services.library.delete(record.id)
    told = services.conversations.turn(turn_id)
    assert not any(CANARY in quote for quote in [citation.quote for citation in told.citations])
    assert not any(CANARY in passage.text for passage in told.evidence)
    assert told.question == asked.question
    assert services.library.wait_purged(timeout=60)
    assert rows(folder, f"SELECT 1 FROM turn_passages WHERE quote LIKE '%{CANARY}%'") == []


def test_an_answer_that_no_model_wrote_loses_the_sentences_of_a_deleted_document(services, folder, workspace):
    question = "What was seen at 7431902 bar, and when does the lease end?"
    record = ingested(services, workspace, SECRET, "secret.txt")
    ingested(services, workspace, OTHER, "other.txt")
    chat = services.conversations.create(workspace)
    turn_id = services.conversations.ask(chat.id, question, model_key="none").id
    asked = services.conversations.wait(turn_id, timeout=60)
    assert asked.answer is not None
    assert {SECRET, OTHER} <= {sentence.text for sentence in asked.answer.sentences}, "the control: both are quoted"
    needles = traces(folder, record)
    services.library.delete(record.id)
    told = services.conversations.turn(turn_id).answer
    assert told is not None
    assert [told.text[sentence.span.start : sentence.span.end] for sentence in told.sentences] == [
        "(deleted)" if sentence.text == SECRET else sentence.text for sentence in asked.answer.sentences
    ]
    assert services.library.wait_purged(timeout=60)
    assert [one for one in files_holding(folder, *needles) if not one.startswith("footnote.db")] == []
    assert rows(folder, f"SELECT 1 FROM turns WHERE answer LIKE '%{CANARY}%'") == []


def test_a_deleted_document_that_never_became_ready_leaves_nothing(folder):
    gate = Gate()
    with opened(folder, embedder=lambda _: GatedEmbedder(gate)) as services:
        workspace = services.library.create_workspace("purge").id
        gate.close()
        half = add(services, workspace, SECRET, "half.txt")
        assert gate.reached.wait(30)
        services.library.cancel(half)
        gate.open()
        failed = add(services, workspace, SECRET.encode() + b"\0", "broken.txt")
        settled(services, half, failed)
        assert files_holding(folder, CANARY.encode()), "the control"
        services.library.delete(half)
        services.library.delete(failed)
        assert services.library.wait_purged(timeout=60)
        assert files_holding(folder, CANARY.encode()) == []


def test_a_deletion_without_a_working_process_is_made_good_at_the_next_start(folder):
    with opened(folder) as services:
        workspace = services.library.create_workspace("purge").id
        record = ingested(services, workspace, SECRET, "secret.txt")
        needles = traces(folder, record)
    with opened(folder, jobs=False) as services:
        services.library.delete(record.id)
        assert not services.library.wait_purged(timeout=5), "nobody works here"
    assert files_holding(folder, *needles), "the control"
    with opened(folder) as services:
        assert services.library.wait_purged(timeout=60)
        assert files_holding(folder, *needles) == []


def test_free_pages_go_back_to_the_disk(services, folder, workspace):
    ids = [add(services, workspace, long_text(number, paragraphs=40), f"{number}.txt") for number in range(12)]
    settled(services, *ids)
    full = (folder / "footnote.db").stat().st_size + (folder / "footnote.db-wal").stat().st_size
    for id_ in ids:
        services.library.delete(id_)
    assert services.library.wait_purged(timeout=60)
    assert (folder / "footnote.db").stat().st_size < full / 2
    assert (folder / "footnote.db-wal").stat().st_size == 0


def _chat(services: Services, workspace: str) -> str:
    chat = services.conversations.create(workspace)
    turn = services.conversations.ask(chat.id, f"Who saw the {CANARY}?", model_key="none")
    services.conversations.wait(turn.id, timeout=30)
    return turn.id
