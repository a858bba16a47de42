"""What is in a folder and what has changed, without services."""

from __future__ import annotations

from pathlib import Path

import pytest

from workspaces.folders import SETTLING_NS, Known, Scan, Stamp, compare, ignored, moved_from, scan

LONG_AGO = 10**18
NOW = LONG_AGO + 100 * SETTLING_NS


def known(size: int = 5, sha256: str = "a", document_id: str | None = "d") -> Known:
    return Known(Stamp(size, LONG_AGO), sha256, document_id, True)


@pytest.mark.parametrize(
    "path", [".git/config", "a/.hidden", "~$x.docx", "a/b.tmp", "x/node_modules/y.js", "Thumbs.db", "a/desktop.ini"]
)
def test_what_no_person_wrote_is_left_out(path: str) -> None:
    assert ignored(path)
    assert not ignored("a/plain.txt")


def test_patterns_fit_names_anywhere_and_with_a_slash_from_the_top() -> None:
    assert ignored("a/drafts/b.txt", ["drafts/"])
    assert ignored("a/old.log", ["*.log"])
    assert ignored("a/private/x/y.txt", ["a/private"])
    assert ignored("a/y.txt", ["/a/*.txt"])
    assert not ignored("b/a/private/y.txt", ["a/private"])


def test_a_scan_goes_deep_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "root/deep").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    for path in ("root/a.txt", "root/deep/b.txt", "out/c.txt"):
        (tmp_path / path).write_text("x")
    (tmp_path / "root/link").symlink_to(tmp_path / "out")
    (tmp_path / "root/loop").symlink_to(tmp_path / "root")
    assert set(scan(tmp_path / "root").files) == {"a.txt", "deep/b.txt"}
    with pytest.raises(OSError):
        scan(tmp_path / "nothing")


def test_new_and_touched_files_are_read_and_others_only_in_a_full_look() -> None:
    before = {"same": known(), "touched": known(), "cut short": known(document_id=None)}
    there = {"same": known().stamp, "touched": Stamp(6, LONG_AGO), "cut short": known().stamp, "new": known().stamp}
    cheap = compare(before, Scan(there), moment_ns=NOW, full=False)
    assert cheap.to_read == ["cut short", "new", "touched"]
    assert "same" in compare(before, Scan(there), moment_ns=NOW, full=True).to_read


def test_a_file_just_written_waits_and_so_does_one_that_may_have_become_it() -> None:
    before = {"old": known(5), "gone": known(9), "locked/x": known(7)}
    there = Scan({"moved": Stamp(5, NOW)}, unread=["locked"])
    plan = compare(before, there, moment_ns=NOW, full=False)
    assert (plan.to_read, plan.waiting, plan.missing) == ([], ["moved"], ["gone"])
    later = compare(before, there, moment_ns=NOW + SETTLING_NS, full=False)
    assert (later.to_read, later.missing) == (["moved"], ["gone", "old"])


def test_a_move_is_known_by_its_bytes() -> None:
    before = {"a": known(sha256="1"), "b": known(sha256="2")}
    assert moved_from("2", ["a", "b"], before) == "b"
    assert moved_from("3", ["a", "b"], before) is None
