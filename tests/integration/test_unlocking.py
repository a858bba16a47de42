"""PDFs with a password: it opens them, and stays nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.errors import InvalidInput, PasswordNeeded
from tests.conftest import EVAL_DIR, needs_eval
from tests.support.documents import encrypted, pdf
from tests.support.services import add, files_holding, ingested, opened, rows, settled
from workspaces.bootstrap import Services

PASSWORD = "Überschlüssel-4711"
LINES = [["The copper harbour froze in winter."], ["Page two tells of the spring."]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def services(folder: Path) -> Iterator[Services]:
    with opened(folder) as found:
        yield found


@pytest.fixture
def workspace(services: Services) -> str:
    return services.library.create_workspace("Locked").id


def locked(password: str = PASSWORD, **options: Any) -> bytes:
    return encrypted(LINES, password, **options)


def refused(services: Services, workspace: str, content: bytes, name: str = "locked.pdf") -> str:
    """A document that waits for its password."""
    [record] = settled(services, add(services, workspace, content, name))
    assert record.problem is not None
    assert (record.state, record.problem.code, record.media_type) == ("failed", "encrypted", "application/pdf")
    return record.id


def spellings(password: str) -> list[bytes]:
    """How a password would look in a file."""
    escaped = ascii(password)[1:-1].encode()
    return [password.encode(), password.encode("latin-1"), password.encode("utf-16-le"), escaped]


def assert_whole(services: Services) -> None:
    assert [check for check in services.doctor.check() if not check.ok] == []


@pytest.mark.parametrize("keep", [True, False])
def test_the_password_opens_it_and_is_nowhere_afterwards(services, workspace, folder, keep, capfd):
    id_ = refused(services, workspace, locked())
    with pytest.raises(InvalidInput, match="not the password"):
        services.library.unlock(id_, "Unterschlüssel", keep=keep)
    assert services.library.document(id_).problem.code == "encrypted"
    services.library.unlock(id_, PASSWORD, keep=keep)
    [record] = settled(services, id_)
    assert (record.state, record.problem, record.pages) == ("ready", None, 2), record.problem
    found = services.library.search(workspace, "When did the copper harbour freeze?").passages[0]
    assert (found.document_id, found.page) == (id_, 1)
    assert_whole(services)
    said = capfd.readouterr()
    assert PASSWORD not in said.out + said.err
    assert files_holding(folder, *spellings(PASSWORD)) == []
    ingested(services, workspace, f"A note that holds {PASSWORD}.")
    assert files_holding(folder, *spellings(PASSWORD)), "the control: it would be found"


def test_with_a_readable_copy_pages_are_drawn_like_those_of_any_file(services, workspace, folder):
    content = locked()
    id_ = refused(services, workspace, content)
    services.library.unlock(id_, PASSWORD, keep=True)
    [record] = settled(services, id_)
    passage = services.library.search(workspace, "copper harbour").passages[0]
    view = services.viewer.passage(record.version_id, passage.span)
    assert view.page_image is not None
    assert not view.locked
    assert services.viewer.original(id_).path.read_bytes() == content, "the original stays what it was"
    [(readable,)] = rows(folder, "SELECT readable_sha256 FROM versions")
    assert b"/Encrypt" not in (folder / "originals" / readable[:2] / readable).read_bytes()
    services.library.delete(id_)
    assert services.library.wait_purged(timeout=60)
    assert [path for path in (folder / "originals").rglob("*") if path.is_file()] == []
    assert_whole(services)


def test_without_a_copy_pages_are_locked_until_the_password_comes_again(services, workspace, folder):
    id_ = refused(services, workspace, locked())
    services.library.unlock(id_, PASSWORD, keep=False)
    [record] = settled(services, id_)
    assert rows(folder, "SELECT readable_sha256 FROM versions") == [(None,)]
    passage = services.library.search(workspace, "copper harbour").passages[0]
    view = services.viewer.passage(record.version_id, passage.span)
    assert (view.locked, view.page_image, view.page) == (True, None, 1)
    assert view.quote.startswith("The copper harbour")
    opened_view = services.viewer.passage(record.version_id, passage.span, password=PASSWORD)
    assert opened_view.page_image is not None
    assert not opened_view.locked
    for password in (None, "wrong"):
        with pytest.raises(PasswordNeeded):
            services.viewer.page_image(record.version_id, 1, password=password)
    assert services.viewer.page_image(record.version_id, 2, password=PASSWORD)
    assert files_holding(folder, *spellings(PASSWORD)) == []


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256-R5", "AES-256"])
@pytest.mark.parametrize("typed", ["Schlüssel", "Besitzer-ß"])
def test_the_user_and_the_owner_password_open_every_kind(services, workspace, algorithm, typed):
    id_ = refused(services, workspace, locked("Schlüssel", owner="Besitzer-ß", algorithm=algorithm))
    services.library.unlock(id_, typed, keep=True)
    [record] = settled(services, id_)
    assert (record.state, record.pages) == ("ready", 2)


def test_an_umlaut_of_two_characters_is_the_same_umlaut(services, workspace):
    id_ = refused(services, workspace, locked())
    services.library.unlock(id_, "U\u0308berschlu\u0308ssel-4711", keep=True)
    assert settled(services, id_)[0].state == "ready"


def test_only_what_waits_for_a_password_is_unlocked(services, workspace):
    for record in (
        ingested(services, workspace, "Nothing to hide."),
        ingested(services, workspace, pdf(LINES), "a.pdf"),
    ):
        with pytest.raises(InvalidInput, match="needs no password"):
            services.library.unlock(record.id, PASSWORD, keep=True)


def test_what_the_password_opens_may_still_hold_no_text(services, workspace):
    scan = encrypted([[]], PASSWORD)
    for keep in (False, True):
        id_ = refused(services, workspace, scan + b"\n" * keep, "scan.pdf")
        services.library.unlock(id_, PASSWORD, keep=keep)
        assert settled(services, id_)[0].problem.code == "no_text"
    assert_whole(services)


def test_a_newer_version_with_a_password_waits_for_it_while_the_old_one_serves(services, workspace):
    id_ = add(services, workspace, pdf([["The copper harbour is open."]]), "harbour.pdf")
    settled(services, id_)
    assert add(services, workspace, locked(), "harbour.pdf", keep_both=False) == id_
    [record] = settled(services, id_)
    assert (record.state, record.pending.problem.code, record.pending.media_type) == (
        "ready",
        "encrypted",
        "application/pdf",
    )
    services.library.unlock(id_, PASSWORD, keep=False)
    [record] = settled(services, id_)
    assert (record.number, record.pages, record.pending) == (2, 2, None)
    assert_whole(services)


def test_an_end_after_the_text_was_read_loses_nothing(folder, monkeypatch):
    with opened(folder) as services:
        workspace = services.library.create_workspace("Locked").id
        id_ = refused(services, workspace, locked())
        monkeypatch.setattr("workspaces.jobs.Jobs.ingest", lambda *_: None)
        assert services.library.unlock(id_, PASSWORD, keep=False).state == "parsed"
    monkeypatch.undo()
    with opened(folder) as services:
        assert settled(services, id_)[0].state == "ready"
        assert_whole(services)


@needs_eval
@pytest.mark.parametrize("keep", [True, False])
def test_a_file_that_an_office_program_has_locked(services, workspace, folder, keep):
    path = EVAL_DIR / "files/sample-files/005-libreoffice-writer-password/libreoffice-writer-password.pdf"
    id_ = refused(services, workspace, path.read_bytes())
    services.library.unlock(id_, "openpassword", keep=keep)
    [record] = settled(services, id_)
    assert (record.state, record.pages) == ("ready", 1), record.problem
    assert files_holding(folder, b"openpassword") == []
    assert_whole(services)
