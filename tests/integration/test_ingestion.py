"""From bytes or an address to a document that is found, or that says why not: through the whole line."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ingest.fetch import Fetcher
from rag.errors import InvalidInput
from tests.support.containers import archive
from tests.support.documents import encrypted, long_text, pdf
from tests.support.services import add, ingested, opened, rows, settled
from tests.web import Reply, answer, page_server
from workspaces import queueing
from workspaces.bootstrap import Services

TEXT = "The pressure valve opens at 12 bar. It closes again at 9 bar."
PAGE = b"<html><head><title>On valves</title></head><body><article><h1>On valves</h1><p>" + (
    b"The pressure valve of the boiler opens at twelve bar and it closes again when nine bar are reached. " * 8
    + b"</p></article></body></html>"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tmp_path_factory.mktemp("data")) / "data"


@pytest.fixture(scope="module")
def services(folder: Path) -> Iterator[Services]:
    with opened(
        folder, fetcher=lambda: Fetcher(resolver=lambda *_: ["93.184.216.34"], open_connection=_to_the_server)
    ) as found:
        yield found


WEB: list[int] = []
"""The port behind which the whole web stands."""


def _to_the_server(_address: object, _port: int, seconds: float) -> socket.socket:
    return socket.create_connection(("127.0.0.1", WEB[-1]), seconds)


@contextmanager
def web(reply: Reply) -> Iterator[str]:
    """An address that gives this reply."""
    with page_server(reply) as server:
        WEB.append(server.port)
        yield "http://example.org/valves"


@pytest.fixture
def workspace(services: Services, request: pytest.FixtureRequest) -> str:
    return services.library.create_workspace(request.node.name[-90:]).id


def test_a_text_becomes_a_document_that_is_found(services, workspace):
    record = ingested(services, workspace, TEXT, "valves.txt")
    assert (record.title, record.media_type, record.language, record.pages) == ("valves", "text/plain", "en", 0)
    assert (record.chunks, record.characters, record.size) == (1, len(TEXT), len(TEXT))
    [passage] = services.library.search(workspace, "At how many bar does the valve open?").passages
    assert (passage.document_id, passage.text) == (record.id, TEXT)


def test_a_pdf_keeps_its_pages(services, workspace):
    lines = [[f"Page {number} tells of the copper harbour", f"and of winter {number}."] for number in range(1, 4)]
    record = ingested(services, workspace, pdf(lines), "harbour.pdf")
    assert (record.media_type, record.pages) == ("application/pdf", 3)
    passages = services.library.search(workspace, "copper harbour").passages
    assert {passage.page for passage in passages} <= {1, 2, 3}
    assert passages


def test_what_made_the_text_and_the_chunks_is_recorded(services, workspace, folder):
    record = ingested(services, workspace, TEXT)
    [(parser, splitter)] = rows(
        folder,
        f"""SELECT parser, splitter FROM versions JOIN chunks ON version_id = versions.id
            JOIN indexes ON indexes.id = index_id WHERE versions.id = '{record.version_id}' GROUP BY 1, 2""",
    )
    assert parser == "footnote r2"
    assert "256" in splitter
    assert "hash" in splitter


def test_the_same_bytes_twice_are_the_same_document(services, workspace):
    first = ingested(services, workspace, TEXT, "one.txt")
    again = services.library.add_file(workspace, "two.txt", io.BytesIO(TEXT.encode()))
    assert (again.id, again.duplicate_of, again.state) == (first.id, first.id, "ready")
    assert len(services.library.documents(workspace)) == 1


def test_the_same_bytes_in_two_workspaces_are_two_documents_and_one_original(services, workspace, folder):
    other = services.library.create_workspace(f"{workspace} other").id
    text = TEXT + " Nowhere else."
    first, second = ingested(services, workspace, text), ingested(services, other, text)
    assert first.id != second.id
    stored = f"SELECT DISTINCT sha256 FROM versions WHERE id IN ('{first.version_id}', '{second.version_id}')"
    assert len(rows(folder, stored)) == 1
    assert services.library.search(other, "nowhere else").passages[0].document_id == second.id


REFUSED = [
    ("nothing.txt", b"", "empty", "empty"),
    ("blank.txt", b" \n\t \n", "empty", "no text"),
    ("book.mobi", b"BOOKMOBI" + b"\0" * 60, "unsupported", "not supported"),
    ("archive.bin", b"Rar!\x1a\x07" + b"\0" * 60, "unsupported", "not supported"),
    ("photo.txt", b"GIF89a" + b"\0" * 60, "unsupported", "not supported"),
    ("not really.pdf", b"just some text", "damaged", "it is not one"),
    ("broken.pdf", b"%PDF-1.7\n" + b"garbage " * 200, "damaged", "damaged"),
    ("locked.pdf", encrypted([["secret"]], "secret"), "encrypted", "password"),
    ("scan.pdf", pdf([[], []]), "no_text", "no text"),
]


@pytest.mark.parametrize(("name", "content", "code", "words"), REFUSED, ids=[entry[0] for entry in REFUSED])
def test_what_cannot_be_read_ends_with_its_reason(services, workspace, name, content, code, words):
    good = add(services, workspace, TEXT, "good.txt")
    bad = add(services, workspace, content, name)
    [ready, failed] = settled(services, good, bad)
    assert ready.state == "ready", "the rest stays usable"
    assert (failed.state, failed.problem.code, failed.source) == ("failed", code, name)
    assert words in failed.problem.message
    assert failed.problem.hint
    assert "/" not in failed.problem.message + failed.problem.hint, "no path"


def test_pages_without_text_are_noted_and_the_rest_is_read(services, workspace):
    record = ingested(services, workspace, pdf([["The copper harbour."], [], ["The winter forest."]]), "half.pdf")
    assert any("2" in note and "no text" in note for note in record.notes), record.notes


def test_a_file_that_cannot_be_read_is_told(services, workspace, tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read") as caught:
        services.library.add_file(workspace, "gone.txt", tmp_path / "gone.txt")
    assert str(tmp_path) not in str(caught.value)


def test_a_failed_document_added_again_is_tried_again(services, workspace):
    id_ = add(services, workspace, TEXT)
    services.library.cancel(id_)
    [stopped] = settled(services, id_)
    assert (stopped.state, stopped.problem.code) == ("failed", "cancelled")
    assert add(services, workspace, TEXT) == id_
    [record] = settled(services, id_)
    assert (record.state, record.problem) == ("ready", None)


def test_a_refused_file_added_again_is_the_same_document(services, workspace):
    first, second = add(services, workspace, b"", "empty.txt"), add(services, workspace, b"", "empty.txt")
    assert first == second


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "..\\..\\boot.ini", "C:\\Users\\me\\notes.txt", "a\0b.txt", "\u202egnp.txt", "-rf", "..", "/",
     "x" * 5000 + ".txt", "![a](http://evil.test/x.png)", "new\nline.txt", "ﬁle.txt", "🗎.txt"],
)  # fmt: skip
def test_a_name_is_only_a_label(services, workspace, folder, name):
    before = {path for path in folder.parent.rglob("*") if not path.is_relative_to(folder)}
    record = ingested(services, workspace, f"{TEXT} {name[:40]!r}", name)
    assert 1 <= len(record.source) <= 255
    assert record.source.isprintable()
    assert not set(record.source) & set("/\\") or "http" in name
    assert {path for path in folder.parent.rglob("*") if not path.is_relative_to(folder)} == before


def test_equal_text_is_embedded_once(services, workspace, folder):
    before = rows(folder, "SELECT count(*) FROM embeddings")
    text = "A passage that stands in two files. It is embedded once only."
    first = ingested(services, workspace, text, "same.txt")
    second = ingested(services, workspace, text + "\n", "same.txt")
    assert first.id != second.id
    [(count,)] = rows(folder, "SELECT count(*) FROM embeddings")
    assert count == before[0][0] + 1


def test_many_documents_at_once_all_arrive(services, workspace):
    ids = [add(services, workspace, long_text(number, paragraphs=3), f"{number}.txt") for number in range(30)]
    assert [record.state for record in settled(services, *ids)] == ["ready"] * 30
    status = services.library.workspace(workspace)
    assert (status.documents, status.working, status.failed) == (30, 0, 0)
    assert status.chunks == sum(record.chunks for record in services.library.documents(workspace))


# --- web pages ------------------------------------------------------------------------------------


def test_a_web_page_is_archived_and_found(services, workspace):
    with web(answer(PAGE)) as url:
        added = services.library.add_url(workspace, url)
        [record] = settled(services, added.id)
    assert (record.state, record.source_kind, record.media_type) == ("ready", "url", "text/html"), record.problem
    assert record.title == "On valves"
    assert record.fetched_at is not None
    original = services.viewer.original(record.id)
    assert original.path.read_bytes() == PAGE
    assert original.name == "On valves.html"
    assert services.library.search(workspace, "When does the valve open?").passages[0].document_id == record.id


def test_a_page_that_is_there_already_is_that_document(services, workspace):
    file = ingested(services, workspace, PAGE, "saved.html")
    with web(answer(PAGE)) as url:
        added = services.library.add_url(workspace, url)
        assert settled(services, added.id) == []
    twin = services.library.twin(added.id)
    assert twin is not None
    assert twin.id == file.id
    assert [record.id for record in services.library.documents(workspace)] == [file.id]


def test_a_page_that_came_inside_an_archive_and_is_then_added_outlives_the_archive(services, workspace):
    container = ingested(services, workspace, archive({"saved.html": PAGE}), "all.zip")
    with web(answer(PAGE)) as url:
        added = services.library.add_url(workspace, url)
        assert settled(services, added.id) == []
    services.library.delete(container.id)
    [kept] = services.library.documents(workspace)
    assert (kept.source_kind, kept.source, kept.state) == ("url", url, "ready")


def test_an_unreachable_address_ends_with_its_reason_and_is_tried_again_when_added_again(
    services, workspace, monkeypatch
):
    with web(answer(PAGE)) as url:
        pass  # nobody is there any more
    waiting = services.library.add_url(workspace, url)
    while not services.library.document(waiting.id).next_try_at:
        time.sleep(0.02)
    monkeypatch.setattr(queueing, "DELAYS", ())
    [failed] = settled(services, services.library.add_url(workspace, url).id)
    assert (failed.state, failed.problem.code) == ("failed", "unreachable")
    again = services.library.add_url(workspace, url)
    assert again.id == failed.id == waiting.id
    [record] = settled(services, again.id)
    assert record.state == "failed"
    assert len(services.library.documents(workspace)) == 1


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (answer(b"", status="404 Not Found"), "unreachable"),
        (answer(b"", status="401 Unauthorized"), "unreachable"),
        (answer(b"x", media_type="video/mp4"), "unsupported"),
        (answer(b" "), "empty"),
        (answer(b"<html><body><script>run()</script></body></html>"), "no_text"),
    ],
)
def test_a_page_without_use_ends_with_its_reason(services, workspace, reply, code):
    with web(reply) as url:
        added = services.library.add_url(workspace, url)
        [record] = settled(services, added.id)
    assert (record.state, record.problem.code) == ("failed", code), record.problem
    assert record.problem.hint
