"""Watched folders over the real services."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoints.cli import build_parser, command_name, run_command
from rag.errors import InvalidInput
from tests.support.services import change, opened, rows, settled
from workspaces.bootstrap import Services
from workspaces.models import DocumentRecord, Look
from workspaces.watching import UNREACHABLE


def put(folder: Path, path: str, text: str, *, age: float = 60) -> None:
    """A file that was written a while ago."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    moment = time.time() - age
    os.utime(file, (moment, moment))


@pytest.fixture
def watched(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    put(folder, "valve.txt", "The pressure valve opens at twelve bar.")
    put(folder, "deep/pump.txt", "The pump delivers nine litres a minute.")
    return folder


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with opened(tmp_path / "data") as services:
        services.library.create_workspace("W")
        yield services


def look(services: Services) -> Look:
    [folder] = services.folders.list("W")
    found = services.folders.look(folder.id)
    settled(services, *found.document_ids)
    return found


def begin(services: Services, folder: Path, *patterns: str) -> Look:
    services.folders.add("W", str(folder), patterns)
    return look(services)


def by_source(services: Services) -> dict[str, DocumentRecord]:
    return {record.source: record for record in services.library.documents("W")}


def test_files_become_documents_and_a_change_a_newer_version(services: Services, watched: Path) -> None:
    assert begin(services, watched).added == 2
    first = by_source(services)
    assert set(first) == {"valve.txt", "pump.txt"}
    put(watched, "valve.txt", "The pressure valve opens at fifteen bar.", age=30)
    assert look(services).changed == 1
    again = by_source(services)["valve.txt"]
    assert (again.id, again.number, again.state) == (first["valve.txt"].id, 2, "ready")
    assert look(services) == Look()


def test_only_the_content_says_that_a_file_has_changed(services: Services, watched: Path) -> None:
    begin(services, watched)
    os.utime(watched / "valve.txt", (1, 1))
    assert look(services) == Look()
    assert by_source(services)["valve.txt"].number == 1


def test_a_moved_file_stays_the_same_document_under_its_new_name(services: Services, watched: Path) -> None:
    begin(services, watched)
    first = by_source(services)["pump.txt"]
    (watched / "deep/pump.txt").rename(watched / "engine.txt")
    found = look(services)
    assert (found.moved, found.added, found.gone) == (1, 0, 0)
    assert by_source(services)["engine.txt"].id == first.id


def test_a_file_that_is_gone_takes_its_document_along(services: Services, watched: Path) -> None:
    begin(services, watched)
    (watched / "valve.txt").unlink()
    assert look(services).gone == 1
    assert set(by_source(services)) == {"pump.txt"}


def test_a_folder_that_cannot_be_reached_keeps_its_documents(services: Services, watched: Path) -> None:
    begin(services, watched)
    watched.rename(watched.with_name("away"))
    assert look(services).problem == UNREACHABLE
    watched.mkdir()
    assert look(services).problem == UNREACHABLE
    assert len(by_source(services)) == 2
    assert services.folders.list("W")[0].problem == UNREACHABLE
    watched.rmdir()
    watched.with_name("away").rename(watched)
    assert look(services) == Look()
    (watched / "valve.txt").unlink()  # the control: in a folder that is there, a missing file is gone
    assert look(services).gone == 1


def test_the_same_bytes_twice_are_one_document_until_the_last_is_gone(services: Services, watched: Path) -> None:
    put(watched, "copy.txt", (watched / "valve.txt").read_text())
    begin(services, watched)
    assert len(services.library.documents("W")) == 2
    (watched / "copy.txt").unlink()
    assert look(services).gone == 1
    assert len(services.library.documents("W")) == 2
    put(watched, "copy.txt", (watched / "valve.txt").read_text())
    look(services)
    put(watched, "copy.txt", "Now it says something else entirely.")
    look(services)
    assert len(services.library.documents("W")) == 3
    (watched / "valve.txt").unlink()
    look(services)
    assert len(services.library.documents("W")) == 2


def test_what_a_person_added_outlives_the_file(services: Services, watched: Path) -> None:
    services.library.add_file("W", "valve.txt", watched / "valve.txt")
    begin(services, watched)
    (watched / "valve.txt").unlink()
    look(services)
    assert set(by_source(services)) == {"pump.txt", "valve.txt"}


def test_what_a_person_deleted_comes_back_only_when_its_file_changes(services: Services, watched: Path) -> None:
    begin(services, watched)
    services.library.delete(by_source(services)["valve.txt"].id)
    assert look(services) == Look()
    assert set(by_source(services)) == {"pump.txt"}
    put(watched, "valve.txt", "The valve is new, and opens at twenty bar.")
    look(services)
    assert set(by_source(services)) == {"pump.txt", "valve.txt"}


def test_patterns_hidden_files_and_links_are_left_out(services: Services, watched: Path, tmp_path: Path) -> None:
    put(tmp_path, "secret/outside.txt", "This lies outside of the folder.")
    (watched / "link").symlink_to(tmp_path / "secret", target_is_directory=True)
    (watched / "link.txt").symlink_to(tmp_path / "secret/outside.txt")
    for path in (".hidden.txt", "~$open.txt", "node_modules/a.txt", "drafts/a.txt", "old.log"):
        put(watched, path, f"Left out: {path}")
    assert begin(services, watched, "drafts/", "*.log").added == 2
    assert set(by_source(services)) == {"valve.txt", "pump.txt"}


def test_a_file_that_is_being_written_waits(services: Services, watched: Path) -> None:
    put(watched, "fresh.txt", "Half of it is there.", age=0)
    found = begin(services, watched)
    assert (found.added, found.waiting) == (2, 1)
    put(watched, "fresh.txt", "Half of it is there, and then the rest.")
    assert look(services).added == 1


def test_what_happened_between_two_runs_is_found(tmp_path: Path, watched: Path) -> None:
    with opened(tmp_path / "data") as services:
        services.library.create_workspace("W")
        begin(services, watched)
    put(watched, "new.txt", "A third file came in between.")
    (watched / "valve.txt").unlink()
    change(tmp_path / "data", "UPDATE folder_files SET document_id = NULL")  # as if killed before it was noted
    with opened(tmp_path / "data") as services:
        assert look(services).gone == 1
        assert len(rows(tmp_path / "data", "SELECT path FROM folder_files WHERE document_id IS NOT NULL")) == 2
        (watched / "deep/pump.txt").unlink()
        look(services)
        assert "pump.txt" not in by_source(services)


def test_stopping_keeps_the_documents_or_deletes_them(services: Services, watched: Path) -> None:
    begin(services, watched)
    services.folders.remove(services.folders.list("W")[0].id)
    assert len(by_source(services)) == 2
    services.library.delete(by_source(services)["pump.txt"].id)
    begin(services, watched)
    services.folders.remove(services.folders.list("W")[0].id, delete_documents=True)
    assert set(by_source(services)) == {"valve.txt"}  # it was there before it was watched again


def test_what_cannot_be_watched_is_refused(services: Services, watched: Path, tmp_path: Path) -> None:
    services.folders.add("W", str(watched))
    data = tmp_path / "data"
    for path in (watched, data, data / "originals", tmp_path, watched / "valve.txt", tmp_path / "nothing", ""):
        with pytest.raises(InvalidInput):
            services.folders.add("W", str(path))


def test_a_deleted_workspace_takes_its_folders_along(services: Services, watched: Path, tmp_path: Path) -> None:
    begin(services, watched)
    services.library.delete_workspace("W")
    assert services.library.wait_purged(timeout=60)
    assert rows(tmp_path / "data", "SELECT id FROM folders") == []
    assert (watched / "valve.txt").is_file()


def test_the_thread_finds_what_is_new_and_ends(services: Services, watched: Path) -> None:
    services.folders.add("W", str(watched))
    services.folders.start()
    deadline = time.monotonic() + 60
    while len(by_source(services)) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    services.folders.close()
    put(watched, "late.txt", "Nobody looks any more.")
    assert "late.txt" not in by_source(services)


class Paper:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line = self.note = self.lines.append


def test_a_folder_is_watched_by_command(services: Services, watched: Path) -> None:
    def footnote(*arguments: str) -> tuple[int, str]:
        options, paper = build_parser().parse_args(["watch", "-w", "W", *arguments]), Paper()
        return run_command(command_name(options), options, paper, services), "\n".join(paper.lines)

    code, told = footnote(str(watched), "--ignore", "deep")
    assert code == 0, told
    assert "1 new" in told
    assert "(1 files)" in footnote("--list")[1]
    put(watched, "new.txt", "Another one has come.")
    assert "1 new" in footnote("--look")[1]
    assert footnote("--remove", str(watched), "--delete-documents")[0] == 0
    assert by_source(services) == {}
    with pytest.raises(InvalidInput):
        footnote("--remove", str(watched))
