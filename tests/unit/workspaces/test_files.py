"""Originals are stored durably, once, and only under their hash."""

import hashlib
import io
import os
import stat

import pytest

from rag.errors import EmptySource, StorageError, TooLarge
from workspaces.files import Files

BYTES = b"The quick brown fox."
DIGEST = hashlib.sha256(BYTES).hexdigest()


def test_stored_bytes_come_back_unchanged(tmp_path):
    files = Files(tmp_path / "originals")
    assert files.store(io.BytesIO(BYTES), limit=100) == (DIGEST, len(BYTES))
    assert files.path(DIGEST).read_bytes() == BYTES
    assert files.verify(DIGEST)


def test_the_same_bytes_are_kept_once(tmp_path):
    files = Files(tmp_path)
    files.store(io.BytesIO(BYTES), limit=100)
    inode = files.path(DIGEST).stat().st_ino
    files.store(io.BytesIO(BYTES), limit=100)
    assert files.path(DIGEST).stat().st_ino == inode
    assert list(files.stored()) == [DIGEST]


def test_a_damaged_original_is_noticed_and_healed_by_storing_it_again(tmp_path):
    files = Files(tmp_path)
    files.store(io.BytesIO(BYTES), limit=100)
    files.path(DIGEST).write_bytes(b"The quick brown fix.")
    assert not files.verify(DIGEST)
    files.store(io.BytesIO(BYTES), limit=100)
    assert files.verify(DIGEST)


def test_no_bytes_are_an_empty_source_and_leave_nothing(tmp_path):
    files = Files(tmp_path)
    with pytest.raises(EmptySource):
        files.store(io.BytesIO(b""), limit=100)
    assert list(tmp_path.iterdir()) == []


def test_too_many_bytes_are_refused_with_the_figure_and_leave_nothing(tmp_path):
    files = Files(tmp_path)
    with pytest.raises(TooLarge, match="larger than 3 MB"):
        files.store(io.BytesIO(b"x" * 3_000_001), limit=3_000_000)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "a" * 63, "A" * 64, "g" * 64, "", "a" * 64 + "\n", "/" * 64])
def test_nothing_but_a_hash_becomes_a_path(tmp_path, name):
    with pytest.raises(ValueError, match="not a SHA-256"):
        Files(tmp_path).path(name)


def test_what_a_crash_left_half_written_is_swept(tmp_path):
    files = Files(tmp_path)
    files.store(io.BytesIO(BYTES), limit=100)
    (tmp_path / ".incoming-abc").write_bytes(b"half")
    assert files.sweep() == 1
    assert list(files.stored()) == [DIGEST]


@pytest.mark.skipif(os.name == "nt", reason="Windows has access lists instead of modes")
def test_originals_are_private(tmp_path):
    files = Files(tmp_path / "originals")
    files.store(io.BytesIO(BYTES), limit=100)
    assert stat.S_IMODE(files.path(DIGEST).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "originals").stat().st_mode) == 0o700


def test_a_disk_that_refuses_is_told_without_a_path(tmp_path):
    (tmp_path / "originals").write_text("a file where the folder should be")
    with pytest.raises(StorageError) as caught:
        Files(tmp_path / "originals").store(io.BytesIO(BYTES), limit=100)
    assert str(tmp_path) not in caught.value.message + caught.value.hint
