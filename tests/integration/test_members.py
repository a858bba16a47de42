"""Files inside files: attachments and members of archives become documents, and go with their container."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.containers import archive, book, mail
from tests.support.documents import pdf
from tests.support.outlook import Outlook, text
from tests.support.services import add, change, files_holding, ingested, opened, rows, settled
from workspaces.bootstrap import Services
from workspaces.models import DocumentRecord

REPORT = pdf([["The turbine in the harbour weighs 340 tons", "and turns in winter."]])
NOTE = "The orchard of the teacher lies behind the library. It has forty trees."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tmp_path_factory.mktemp("data")) / "data"


@pytest.fixture(scope="module")
def services(folder: Path) -> Iterator[Services]:
    """Whatever the tests do, all invariants hold in the end."""
    with opened(folder) as found:
        yield found
        assert [check for check in found.doctor.check() if not check.ok] == []


@pytest.fixture
def workspace(services: Services, request: pytest.FixtureRequest) -> str:
    return services.library.create_workspace(request.node.name[-90:]).id


def inside(services: Services, container: DocumentRecord) -> dict[str, DocumentRecord]:
    """The documents inside a container by path."""
    return {record.path: record for record in services.library.inside([container.id])}


def names(services: Services, workspace: str) -> list[str]:
    return sorted(record.source for record in services.library.documents(workspace))


def test_a_mail_and_its_attachment_are_both_found_and_linked(services, workspace):
    record = ingested(services, workspace, mail(attachments={"report.pdf": REPORT}), "valves.eml")
    assert (record.title, record.author, record.date) == ("Valves", "Anna Example", "2026-03-01")
    assert (record.members, record.report.embedded, record.container_id) == (1, 1, None)
    [attached] = inside(services, record).values()
    assert (attached.state, attached.source_kind, attached.pages) == ("ready", "member", 1), attached.problem
    assert (attached.source, attached.path) == ("report.pdf", "report.pdf")
    assert (attached.container_id, attached.container_title) == (record.id, "Valves")
    [of_mail, *_] = services.library.search(workspace, "At how many bar does the valve open?").passages
    assert of_mail.document_id == record.id
    assert of_mail.locator is not None
    assert of_mail.locator.name == "Valves, from Anna Example, 2026-03-01"
    [of_report, *_] = services.library.search(workspace, "What does the turbine in the harbour weigh?").passages
    assert (of_report.document_id, of_report.page) == (attached.id, 1)


def test_what_lies_directly_in_a_container_is_read_in_pieces_by_place(services, workspace):
    packed = archive({"c.txt": "C. " + NOTE, "a.txt": NOTE, "b.eml": mail(attachments={"report.pdf": REPORT})})
    record = ingested(services, workspace, packed, "all.zip")
    every = services.library.directly_in(record.id)
    assert [(path, member.source) for path, member in every] == [
        ("a.txt", "a.txt"),
        ("b.eml", "b.eml"),
        ("c.txt", "c.txt"),
    ]
    assert services.library.directly_in(record.id, offset=1, limit=1) == every[1:2]
    [(path, report)] = services.library.directly_in(every[1][1].id)
    assert (path, report.pages) == ("report.pdf", 1)
    services.library.delete(every[0][1].id)
    assert services.library.directly_in(record.id) == every[1:]


def test_an_archive_without_text_of_its_own_is_ready_with_what_it_holds(services, workspace):
    record = ingested(
        services, workspace, archive({"a/report.pdf": REPORT, "b/note.txt": NOTE}, packed=False), "all.zip"
    )
    assert (record.chunks, record.members, record.characters, record.title) == (0, 2, 0, "all")
    assert {path: found.state for path, found in inside(services, record).items()} == {
        "a/report.pdf": "ready",
        "b/note.txt": "ready",
    }


def test_waiting_for_a_container_waits_for_what_lies_inside(services, workspace):
    nested = archive({"mail.eml": mail(attachments={"report.pdf": REPORT}), "note.txt": NOTE})
    id_ = add(services, workspace, archive({"inner.zip": nested}), "outer.zip")
    last = {record.id: record for record in services.library.wait([id_], timeout=60)}
    assert sorted(record.source for record in last.values()) == [
        "inner.zip",
        "mail.eml",
        "note.txt",
        "outer.zip",
        "report.pdf",
    ]
    assert {record.state for record in last.values()} == {"ready"}


def test_deleting_a_container_deletes_what_lies_inside_at_any_depth(services, workspace, folder):
    canary = "Zanzibarensis quokkaherder"
    nested = archive({"mail.eml": mail(attachments={"note.txt": f"{canary} lives here.".encode()})}, packed=False)
    record = ingested(services, workspace, archive({"inner.zip": nested}, packed=False), "outer.zip")
    assert files_holding(folder, canary.split()[0].encode()), "the control"
    assert services.library.members_deleted_with(record.id) == 3
    services.library.delete(record.id)
    assert services.library.documents(workspace) == []
    assert services.library.search(workspace, canary).passages == ()
    assert services.library.wait_purged(timeout=60)
    assert files_holding(folder, canary.split()[0].encode()) == []
    assert rows(folder, "SELECT count(*) FROM members JOIN documents ON id = container_id "
                        f"WHERE workspace_id = '{workspace}'") == [(0,)]  # fmt: skip


def test_an_attachment_of_two_mails_is_one_document_and_stays_with_the_second(services, workspace):
    first = ingested(services, workspace, mail(subject="First", attachments={"report.pdf": REPORT}), "1.eml")
    second = ingested(services, workspace, mail(subject="Second", attachments={"copy.pdf": REPORT}), "2.eml")
    assert names(services, workspace) == ["1.eml", "2.eml", "report.pdf"]
    assert services.library.members_deleted_with(first.id) == 0
    services.library.delete(first.id)
    [attached] = inside(services, second).values()
    assert (attached.container_id, attached.path, attached.state) == (second.id, "copy.pdf", "ready")
    services.library.delete(second.id)
    assert names(services, workspace) == []


def test_a_member_that_is_added_by_itself_too_outlives_its_container(services, workspace):
    record = ingested(services, workspace, mail(attachments={"report.pdf": REPORT}), "valves.eml")
    again = services.library.add_file(workspace, "mine.pdf", io.BytesIO(REPORT))
    assert again.duplicate_of is not None
    assert (services.library.document(again.id).source_kind, again.source) == ("file", "mine.pdf")
    services.library.delete(record.id)
    [kept] = services.library.documents(workspace)
    assert (kept.id, kept.container_id, kept.state) == (again.id, None, "ready")


def test_a_file_that_is_there_already_stays_its_owners_when_a_container_brings_it_too(services, workspace):
    own = ingested(services, workspace, REPORT, "mine.pdf")
    record = ingested(services, workspace, mail(attachments={"report.pdf": REPORT}), "valves.eml")
    assert [found.id for found in inside(services, record).values()] == [own.id]
    services.library.delete(record.id)
    assert names(services, workspace) == ["mine.pdf"]


def test_deleting_a_member_leaves_its_container(services, workspace):
    record = ingested(services, workspace, mail(attachments={"report.pdf": REPORT, "note.txt": NOTE.encode()}), "a.eml")
    services.library.delete(inside(services, record)["report.pdf"].id)
    assert services.library.wait_purged(timeout=60)
    left = services.library.document(record.id)
    assert (left.state, left.members) == ("ready", 1)


def test_reading_a_container_again_makes_nothing_twice(services, workspace, folder):
    record = ingested(services, workspace, mail(attachments={"report.pdf": REPORT, "note.txt": NOTE.encode()}), "a.eml")
    before = {path: found.id for path, found in inside(services, record).items()}
    change(folder, "UPDATE versions SET state = 'failed' WHERE id = :id", id=record.version_id)
    services.library.retry(record.id)
    [again] = settled(services, record.id)
    assert (again.state, again.members, again.report.embedded) == ("ready", 2, 2), again.problem
    assert {path: found.id for path, found in inside(services, record).items()} == before
    assert len(services.library.documents(workspace)) == 3


def test_what_cannot_be_read_inside_never_fails_the_container(services, workspace):
    files = {
        "empty.txt": b"",
        "broken.pdf": b"%PDF-1.7\n" + b"garbage " * 200,
        "run.exe": b"MZ\x90\0",
        "a.txt": b"Good.",
    }
    record = ingested(services, workspace, mail(attachments=files), "a.eml")
    found = inside(services, record)
    assert {path: item.state for path, item in found.items()} == {"broken.pdf": "failed", "a.txt": "ready"}
    assert any(line.startswith("run.exe: Programs") for line in record.report.skipped), record.report.skipped
    assert any(line.startswith("empty.txt") for line in record.report.skipped), record.report.skipped


def nested_archives(levels: int) -> bytes:
    data = archive({"note.txt": NOTE})
    for level in range(levels - 1, 0, -1):
        data = archive({f"level{level}.zip": data})
    return data


def test_files_inside_files_are_read_four_levels_deep(services, workspace):
    record = ingested(services, workspace, nested_archives(4), "level0.zip")
    assert {item.source: item.state for item in inside(services, record).values()} == {
        "level1.zip": "ready",
        "level2.zip": "ready",
        "level3.zip": "ready",
        "note.txt": "ready",
    }


def test_what_lies_deeper_is_told(services, workspace):
    record = ingested(services, workspace, nested_archives(5), "level0.zip")
    found = {item.source: item for item in inside(services, record).values()}
    assert "note.txt" not in found
    assert (found["level4.zip"].state, found["level4.zip"].problem.code) == ("failed", "no_text")
    assert "note.txt" in found["level4.zip"].problem.message
    assert {found[f"level{level}.zip"].state for level in (1, 2, 3)} == {"ready"}


def test_a_mail_with_hundreds_of_attachments_arrives(services, workspace):
    files = {f"{number}.txt": f"Attachment {number % 50} tells of winter.".encode() for number in range(300)}
    record = ingested(services, workspace, mail(attachments=files), "many.eml")
    assert record.report.embedded == 300
    assert record.members == 50, "the same bytes are the same document"
    assert len(services.library.documents(workspace)) == 51


MAILBOX = b"".join(
    b"From a@example.com Sun Mar  1 10:15:00 2026\n" + mail(f"Number {number}.", subject=f"S{number}") + b"\n"
    for number in range(3)
)
SAVED = (
    b"Subject: Saved\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>%s</p>\n--b--\n"
)
KINDS = [
    ("all.mbox", MAILBOX, 3),
    ("one.msg", Outlook({0x0037001F: text("Subject"), 0x1000001F: text(NOTE)}).bytes(), 1),
    ("page.mht", SAVED % (NOTE.encode() * 9), 1),
    ("novel.epub", book({"a.xhtml": f"<h1>One</h1><p>{NOTE}</p>", "b.xhtml": f"<h1>Two</h1><p>{NOTE}</p>"}), 2),
]


@pytest.mark.parametrize(("name", "content", "places"), KINDS, ids=[entry[0] for entry in KINDS])
def test_the_confined_process_reads_every_kind(services, workspace, name, content, places):
    record = ingested(services, workspace, content, name)
    assert record.chunks
    assert {kept.source for kept in services.library.documents(workspace)} == {name}
    [found, *_] = services.library.search(workspace, "Where does the orchard of the teacher lie? Number").passages
    assert (found.locator is not None) == bool(places)


def test_an_archive_that_lies_twice_in_another_is_one_document(services, workspace):
    own = archive({"note.txt": NOTE})
    outer = archive({"inner.zip": own, "copy.zip": own})
    record = ingested(services, workspace, outer, "outer.zip")
    assert sorted(kept.source for kept in services.library.documents(workspace)) == [
        "inner.zip",
        "note.txt",
        "outer.zip",
    ]
    assert record.report.embedded == 2
    services.library.delete(record.id)
    assert services.library.documents(workspace) == []


def test_an_archive_that_holds_nothing_readable_says_what_it_holds(services, workspace):
    [record] = settled(
        services, add(services, workspace, archive({"a.exe": b"MZ\x90\0", "b.exe": b"MZ\x90\1"}), "x.zip")
    )
    assert (record.state, record.problem.code) == ("failed", "unsupported")
    assert "2 × .exe" in record.problem.message
    [record] = settled(services, add(services, workspace, archive({}), "empty.zip"))
    assert (record.state, record.problem.code) == ("failed", "empty")
