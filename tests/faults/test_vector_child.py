"""Chroma's process dies, hangs or loses its files: searches stay right, and the index is whole again by itself."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import psutil
import pytest

from rag.errors import StorageError
from rag.stores.chroma import ChromaStore
from rag.stores.exact import exact_search
from tests.conftest import ROOT
from tests.support.corpus import numbered, vector_of
from workspaces import truth
from workspaces.truth import SEARCHABLE
from workspaces.vectors import VectorIndex

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="these faults are made with POSIX signals")

PATIENCE = 60.0
SIGNALS = [signal.SIGKILL, signal.SIGSEGV]
FILES = ["chroma.sqlite3", "data_level0.bin", "header.bin", "index_metadata.pickle", "length.bin", "link_lists.bin"]
HARMLESS = {
    *(("length.bin", damage) for damage in ("truncated", "zeroed", "flipped", "emptied")),
    *(("link_lists.bin", damage) for damage in ("truncated", "flipped", "emptied")),
}
"""Chroma does without these: the full check finds every vector, in its place."""

COUNT = 1200  # past Chroma's 1,000 vectors between two flushes, so that every file holds something


@pytest.fixture
def opened(corpus, tmp_path):
    """Makes an index; its stores give up on a hanging child after four seconds."""
    made = []

    def make():
        def store(directory):
            return ChromaStore(directory, timeout=4.0)

        made.append(VectorIndex(corpus.database, tmp_path / "vectors", open_store=store))
        return made[-1]

    yield make
    for index in made:
        index.close()


@pytest.fixture
def library(corpus, opened):
    """A proven index over one document."""
    index, workspace = opened(), corpus.workspace()
    document = enter(corpus, index, workspace, "text")
    prove(index, workspace)
    return index, workspace, document


def enter(corpus, index, workspace, prefix, count=COUNT):
    document = corpus.document(workspace, numbered(prefix, count), state="embedded")
    index.add(workspace, document.ids, document.matrix)
    corpus.set_state(document, "ready")
    return document


def prove(index, workspace):
    index.start_probe()
    assert index.wait(timeout=PATIENCE)
    assert index.status.proven == {workspace}


def pid_of(index):
    pid = index._store.current.pid
    assert pid is not None, "the control: the child runs"
    return pid


def assert_exact(corpus, index, document):
    """Passages find themselves first, and then what comparing with every vector finds."""
    for number in range(0, len(document.ids), len(document.ids) // 10):
        query = document.matrix[number]
        found = index.search(document.workspace_id, query, limit=5)
        with corpus.database.read() as connection:
            blocks = truth.blocks(connection, document.workspace_id, SEARCHABLE)
            assert found[0].id == document.ids[number]
            assert [item.id for item in found] == [item.id for item in exact_search(blocks, query, limit=5)]


def assert_whole_again(index, workspace):
    assert index.wait(timeout=PATIENCE)
    assert index.status.problems == {}
    assert index.status.proven == {workspace}
    assert index.verify(workspace) == []
    assert index.differences(workspace) == (0, 0)


def ended(pid):
    """Whether the process is gone, or only its entry is left."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def await_true(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_child_that_died_unseen_is_noticed_by_the_next_search(corpus, library, number):
    index, workspace, document = library
    pid = pid_of(index)
    os.kill(pid, number)
    await_true(lambda: ended(pid))
    assert_exact(corpus, index, document)
    assert_whole_again(index, workspace)
    assert pid_of(index) != pid


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("seed", range(2))
def test_a_child_killed_during_an_add(corpus, library, number, seed):
    _kill_during_add(corpus, library, number, random.Random(seed).uniform(0.0, 0.3))


@pytest.mark.full
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("seed", range(2, 52))
def test_a_child_killed_during_an_add_at_any_moment(corpus, library, number, seed):
    _kill_during_add(corpus, library, number, random.Random(seed).uniform(0.0, 0.5))


def _kill_during_add(corpus, library, number, seconds):
    index, workspace, document = library
    more = corpus.document(workspace, numbered("more", COUNT), state="embedded")
    pid = pid_of(index)
    adding = threading.Thread(target=index.add, args=(workspace, more.ids, more.matrix))
    adding.start()
    time.sleep(seconds)
    os.kill(pid, number)
    adding.join()
    await_true(lambda: ended(pid))
    corpus.set_state(more, "ready")
    found = index.search(workspace, more.matrix[-1], limit=1)
    assert found[0].id == more.ids[-1]
    index.search(workspace, document.matrix[0], limit=1)
    assert_whole_again(index, workspace)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_child_killed_again_and_again_during_searches(corpus, library, number):
    index, workspace, document = library
    stop, killed = threading.Event(), []

    def kill():
        while not stop.wait(0.03):
            pid = index._store.current.pid
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
                    killed.append(pid)

    killer = threading.Thread(target=kill)
    killer.start()
    for _ in range(5):
        assert_exact(corpus, index, document)
    stop.set()
    killer.join()
    assert len(set(killed)) >= 2, "the control: it was killed more than once"
    assert_exact(corpus, index, document)
    index.start_probe()
    assert_whole_again(index, workspace)


def test_a_search_that_hangs_is_cut_off_and_answered_exactly(corpus, library):
    index, workspace, document = library
    pid = pid_of(index)
    os.kill(pid, signal.SIGSTOP)
    assert_exact(corpus, index, document)
    assert ended(pid), "what hangs is killed"
    assert_whole_again(index, workspace)


def test_a_write_that_hangs_is_cut_off_and_made_up_for(corpus, library):
    index, workspace, _ = library
    pid = pid_of(index)
    os.kill(pid, signal.SIGSTOP)
    document = enter(corpus, index, workspace, "more", 20)
    assert ended(pid), "what hangs is killed"
    assert_exact(corpus, index, document)
    assert_whole_again(index, workspace)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "damage",
    [
        "truncated",
        pytest.param("zeroed", marks=pytest.mark.full),
        pytest.param("flipped", marks=pytest.mark.full),
        pytest.param("emptied", marks=pytest.mark.full),
        pytest.param("deleted", marks=pytest.mark.full),
    ],
)
def test_files_damaged_while_it_was_closed(corpus, library, opened, tmp_path, name, damage):
    first, workspace, document = library
    first.close()
    harm(one_file(tmp_path, name), damage)
    index = opened()
    wrong = index.check(workspace, full=True)
    assert (wrong is None) == ((name, damage) in HARMLESS), "the control: the damage is real"
    assert_exact(corpus, index, document)
    prove(index, workspace)
    assert_exact(corpus, index, document)
    assert_whole_again(index, workspace)


def test_flipped_bytes_in_the_vectors_are_noticed(corpus, library, opened, tmp_path):
    first, workspace, document = library
    first.close()
    path = one_file(tmp_path, "data_level0.bin")
    data = bytearray(path.read_bytes())
    for place in random.Random(7).sample(range(len(data)), 2000):
        data[place] ^= 0x7F
    path.write_bytes(data)
    index = opened()
    assert index.check(workspace, full=True) is not None, "the control: the damage is real"
    assert_exact(corpus, index, document)
    prove(index, workspace)
    assert_whole_again(index, workspace)


def test_the_whole_directory_deleted_under_a_running_child(corpus, library, tmp_path):
    index, workspace, document = library
    subprocess.run(["rm", "-rf", str(tmp_path / "vectors")], check=True)
    assert_exact(corpus, index, document)
    more = enter(corpus, index, workspace, "more", 20)
    assert_exact(corpus, index, more)
    index.start_probe()
    assert_whole_again(index, workspace)


def test_a_directory_that_cannot_be_written_leaves_searches_exact(corpus, tmp_path):
    (tmp_path / "vectors").write_text("not a directory")
    index = VectorIndex(corpus.database, tmp_path / "vectors", open_store=ChromaStore)
    try:
        workspace = corpus.workspace()
        document = enter(corpus, index, workspace, "text", 20)
        assert_exact(corpus, index, document)
        index.start_probe()
        await_true(lambda: index.status.problems)
        assert index.status.proven == frozenset()
        assert_exact(corpus, index, document)
        shown = " ".join(index.status.problems.values())
        assert str(tmp_path) not in shown
        assert "Traceback" not in shown
    finally:
        index.close()


class TestTheProcess:
    """What is promised of the child itself."""

    @pytest.fixture
    def store(self, tmp_path):
        store = ChromaStore(tmp_path / "store", timeout=4.0)
        store.upsert("w-one", ["a"], vector_of("a", 8)[None])
        yield store
        store.close()

    def test_a_call_that_meets_a_dead_child_fails_in_words_and_the_next_one_works(self, store, tmp_path):
        os.kill(store.pid, signal.SIGKILL)
        with pytest.raises(StorageError) as caught:
            store.count("w-one")
        assert str(tmp_path) not in caught.value.message + caught.value.hint
        assert store.count("w-one") == 1

    def test_a_hanging_child_is_killed_at_the_wall_limit(self, store):
        pid = store.pid
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(StorageError):
            store.count("w-one")
        assert ended(pid)
        assert store.count("w-one") == 1

    def test_an_answer_larger_than_a_pipe_and_a_child_that_stops_reading(self, store):
        ids = [f"{number:064x}" for number in range(3000)]
        matrix = np.random.default_rng(1).standard_normal((3000, 8)).astype(np.float32)
        store.upsert("w-one", ids, matrix)
        assert len(store.ids("w-one")) == 3001
        os.kill(store.pid, signal.SIGSTOP)
        with pytest.raises(StorageError):  # the request fills the pipe and blocks: the limit holds for writing too
            store.upsert("w-one", ids, matrix)

    def test_an_error_of_the_engine_is_an_error_here_and_ends_the_child(self, store):
        with pytest.raises(StorageError):
            store.upsert("w-one", ["b"], vector_of("b", 9)[None])
        assert store.pid is None
        assert store.count("w-one") == 1

    def test_a_lock_left_by_a_dead_process_holds_nobody_up(self, store, tmp_path):
        os.kill(store.pid, signal.SIGKILL)
        assert (tmp_path / "store" / "owner.lock").exists(), "the control: the lock file is still there"
        second = ChromaStore(tmp_path / "store", timeout=4.0)
        assert second.count("w-one") == 1
        second.close()

    def test_a_second_owner_waits_for_the_first(self, store, tmp_path):
        second = ChromaStore(tmp_path / "store", timeout=30.0)
        closing = threading.Timer(0.7, store.close)
        closing.start()
        assert second.count("w-one") == 1
        assert store.pid is None, "the control: it had to wait"
        closing.join()
        second.close()

    def test_a_second_owner_gives_up_where_the_first_stays(self, store, tmp_path):
        second = ChromaStore(tmp_path / "store", timeout=1.0)
        with pytest.raises(StorageError):
            second.count("w-one")
        assert store.count("w-one") == 1
        second.close()

    def test_it_outlives_the_thread_that_first_used_it(self, tmp_path):
        store = ChromaStore(tmp_path / "other")
        thread = threading.Thread(target=store.collections)
        thread.start()
        thread.join()
        pid = store.pid
        time.sleep(0.2)
        assert not ended(pid)
        assert store.pid == pid
        store.close()
        assert ended(pid)

    @pytest.mark.parametrize("stopped", [False, True])
    def test_it_ends_with_its_parent(self, tmp_path, stopped):
        if stopped and sys.platform != "linux":
            pytest.skip("a stopped child can only be ended by Linux")
        script = (
            "import sys, pathlib; from rag.stores.chroma import ChromaStore;"
            "store = ChromaStore(pathlib.Path(sys.argv[1])); store.collections();"
            "print(store.pid, flush=True); sys.stdin.read()"
        )
        command = [sys.executable, "-c", script, str(tmp_path / "orphan")]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
            child = int(parent.stdout.readline())
            assert not ended(child), "the control: it runs"
            if stopped:
                os.kill(child, signal.SIGSTOP)
            parent.kill()
            await_true(lambda: ended(child))

    def test_it_sees_nothing_of_the_environment(self, monkeypatch, tmp_path):
        monkeypatch.setenv("FOOTNOTE_CANARY", "secret")
        monkeypatch.setenv("CHROMA_OTEL_COLLECTION_ENDPOINT", "http://127.0.0.1:9")
        store = ChromaStore(tmp_path / "other")
        store.collections()
        assert psutil.Process(store.pid).environ().keys() <= {
            "PATH", "LD_LIBRARY_PATH", "TMPDIR", "ANONYMIZED_TELEMETRY", "MALLOC_ARENA_MAX", "LC_CTYPE",
        }  # fmt: skip
        store.close()

    def test_it_opens_no_connection_and_imports_nothing_heavy(self, store):
        process = psutil.Process(store.pid)
        assert process.net_connections() == []
        mapped = " ".join(region.path for region in process.memory_maps())
        assert "chromadb_rust_bindings" in mapped, "the control: the engine is there"
        assert not [name for name in ("numpy", "onnxruntime", "grpc", "torch") if name in mapped]

    def test_nothing_is_left_open(self, tmp_path):
        before = psutil.Process().num_fds()
        for _ in range(3):
            store = ChromaStore(tmp_path / "other", timeout=4.0)
            store.collections()
            os.kill(store.pid, signal.SIGKILL)
            with pytest.raises(StorageError):
                store.collections()
            store.collections()
            store.close()
        assert psutil.Process().num_fds() == before


def one_file(tmp_path, name):
    (path,) = (tmp_path / "vectors" / "current").rglob(name)
    assert path.stat().st_size > 0, "the control: there is something to damage"
    return path


def harm(path, damage):
    size = path.stat().st_size
    if damage == "truncated":
        os.truncate(path, size // 2)
    elif damage == "zeroed":
        path.write_bytes(bytes(size))
    elif damage == "flipped":
        data = bytearray(path.read_bytes())
        for place in random.Random(7).sample(range(size), min(size, 2000)):
            data[place] ^= 0x7F
        path.write_bytes(data)
    elif damage == "emptied":
        os.truncate(path, 0)
    else:
        path.unlink()
