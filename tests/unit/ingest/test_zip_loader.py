from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from ingest.loaders import assemble
from ingest.loaders.inside import Inside, label_of
from ingest.loaders.zip import MEMBERS, ZipLoader
from ingest.protocols import Embedded, Loaded
from rag.errors import DamagedSource, EmptySource, PasswordNeeded, TooLarge, UnsupportedType
from rag.types import Report
from tests.support.containers import archive, book


def load(tmp_path: Path, data: bytes) -> tuple[dict[str, bytes], Report]:
    path = tmp_path / "file.zip"
    path.write_bytes(data)
    events = list(ZipLoader().load(path, title=None))
    assert isinstance(events[-1], Loaded)
    return {event.path: event.data for event in events if isinstance(event, Embedded)}, events[-1].report


def test_every_readable_file_is_handed_on(tmp_path: Path) -> None:
    found, report = load(tmp_path, archive({"a/": "", "a/one.txt": "One.", "two.md": "# Two"}))
    assert found == {"a/one.txt": b"One.", "two.md": b"# Two"}
    assert report == Report(embedded=2)


def test_what_is_not_read_is_counted_by_kind(tmp_path: Path) -> None:
    programs = {f"{number}.exe": b"MZ\x90" + bytes([number]) for number in range(3)}
    found, report = load(tmp_path, archive({**programs, "song.mp3": b"ID3xx", "empty.txt": b"", "a.txt": "A."}))
    assert list(found) == ["a.txt"]
    assert report.skipped == (
        "3 × .exe: Programs are not supported",
        "song.mp3: Sound files are not supported",
        "empty.txt: the file is empty",
    )


def test_hidden_and_system_files_are_only_counted(tmp_path: Path) -> None:
    names = ["__MACOSX/._a.txt", ".DS_Store", "x/.git/config", "x/Thumbs.db", "~$a.docx", "x/.hidden"]
    found, report = load(tmp_path, archive({**dict.fromkeys(names, "x"), "a.txt": "A.", "x/git.txt": "B."}))
    assert list(found) == ["a.txt", "x/git.txt"]
    assert report.skipped == (f"{len(names)} × hidden or system file",)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("../../etc/passwd.txt", "etc/passwd.txt"),
        ("/absolute/a.txt", "absolute/a.txt"),
        ("C:\\Users\\me\\a.txt", "Users/me/a.txt"),
        ("\\\\server\\share\\a.txt", "server/share/a.txt"),
        ("a/./b//c.txt", "a/b/c.txt"),
        ("x\u202etxt.exe\x00\n.txt", "xtxt.exe .txt"),
        ("..", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_names_are_only_labels(name: str, label: str) -> None:
    assert label_of(name) == label


def test_long_names_keep_their_ending_and_equal_ones_get_a_number() -> None:
    assert len(label_of("x" * 5000 + ".txt")) <= 400
    assert label_of("x" * 5000 + ".txt").endswith("….txt")
    inside = Inside()
    names = [file.path for name in ("a.txt", "../a.txt", "/a.txt") for file in inside.offer(name, b"A.")]
    assert names == ["a.txt", "a (2).txt", "a (3).txt"]


def test_hostile_names_reach_nobody_as_paths(tmp_path: Path) -> None:
    found, _ = load(tmp_path, archive({"../../evil.txt": "E.", "/etc/x.txt": "X."}))
    assert list(found) == ["evil.txt", "etc/x.txt"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp437"])
def test_names_without_a_flag_are_read_as_utf_8_or_as_the_old_code_page(tmp_path: Path, encoding: str) -> None:
    name = "Größe.txt".encode(encoding)
    found, _ = load(tmp_path, archive({"x" * len(name): "A."}).replace(b"x" * len(name), name))
    assert list(found) == ["Größe.txt"]


def test_links_and_encrypted_files_are_left_out_with_the_reason(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
        made.writestr("secret.txt", "S.")
        made.writestr("a.txt", "A.")
    found, report = load(tmp_path, _with_flag(out.getvalue(), b"secret.txt"))
    assert list(found) == ["a.txt"]
    assert set(report.skipped) == {"link.txt: a link, not a file", "secret.txt: protected with a password"}


def test_an_archive_in_which_all_is_encrypted_asks_for_its_password(tmp_path: Path) -> None:
    with pytest.raises(PasswordNeeded):
        load(tmp_path, _with_flag(archive({"secret.txt": "S."}), b"secret.txt"))


def _with_flag(data: bytes, name: bytes) -> bytes:
    """The archive with a file marked as encrypted in its directory."""
    entry = data.rfind(name) - 46
    assert data[entry : entry + 4] == b"PK\x01\x02"
    return data[: entry + 8] + struct.pack("<H", 1) + data[entry + 10 :]


def test_a_file_that_is_damaged_costs_no_other(tmp_path: Path) -> None:
    data = archive({"bad.txt": "The bad text.", "good.txt": "The good text."}, packed=False)
    found, report = load(tmp_path, data.replace(b"The bad text.", b"The BAD text."))
    assert list(found) == ["good.txt"]
    assert report.skipped == ("bad.txt: damaged",)


def test_an_empty_archive_and_one_with_nothing_to_read_say_so(tmp_path: Path) -> None:
    with pytest.raises(EmptySource):
        load(tmp_path, archive({}))
    with pytest.raises(EmptySource):
        load(tmp_path, archive({"folder/": ""}))
    with pytest.raises(UnsupportedType, match=r"2 × \.exe: Programs are not supported"):
        load(tmp_path, archive({"a.exe": b"MZ\x90", "b.exe": b"MZ\x90"}))


@pytest.mark.parametrize("keep", [10, 60, 100])
def test_an_archive_cut_short_is_damaged(tmp_path: Path, keep: int) -> None:
    with pytest.raises(DamagedSource):
        load(tmp_path, archive({"a.txt": "A." * 50})[:keep])


def test_a_file_that_unpacks_to_hundreds_of_times_its_size_is_left_out(tmp_path: Path) -> None:
    found, report = load(tmp_path, archive({"bomb.txt": b"x" * 60_000_000, "a.txt": "A."}))
    assert list(found) == ["a.txt"]
    assert report.skipped == ("bomb.txt: unpacks to hundreds of times its size",)


def test_a_size_that_lies_does_not_help_a_bomb(tmp_path: Path) -> None:
    data = archive({"bomb.txt": b"x" * 60_000_000, "a.txt": "A."})
    lie = data.replace(struct.pack("<I", 60_000_000), struct.pack("<I", 1000))
    assert lie != data
    found, report = load(tmp_path, lie)
    assert list(found) == ["a.txt"]
    assert report.skipped == ("bomb.txt: damaged",)


def test_unpacked_sizes_are_bounded_in_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.loaders.zip.UNPACKED", 1000)
    monkeypatch.setattr("ingest.loaders.zip.MEMBER", 700)
    found, report = load(tmp_path, archive({"large.txt": "x" * 701, "a.txt": "a" * 700}))
    assert list(found) == ["a.txt"]
    assert report.skipped[0].startswith("large.txt: larger than")
    with pytest.raises(TooLarge):
        load(tmp_path, archive({"a.txt": "a" * 700, "b.txt": "b" * 700}))


def test_files_that_lie_over_one_another_are_refused(tmp_path: Path) -> None:
    data = archive({"a.txt": "A" * 2000, "b.txt": "B" * 2000}, packed=False)
    assert len(load(tmp_path, data)[0]) == 2, "the control"
    entry = data.rfind(b"b.txt") - 46
    with pytest.raises(DamagedSource, match="over one another"):
        load(tmp_path, data[: entry + 42] + struct.pack("<I", 10) + data[entry + 46 :])


def test_an_archive_of_a_hundred_thousand_files_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for number in range(100_000):
            made.writestr(zipfile.ZipInfo(f"{number}.txt"), b"")
    with pytest.raises(TooLarge, match=f"{MEMBERS:,}"):
        load(tmp_path, out.getvalue())


def test_an_e_book_without_its_ending_is_read_as_one(tmp_path: Path) -> None:
    path = tmp_path / "file.zip"
    data = book({"a.xhtml": "<h1>One</h1><p>Text.</p>"})
    path.write_bytes(data)
    document = assemble(ZipLoader().load(path, title=None))
    assert (document.title, document.places[0].kind) == ("The Book", "chapter")
