"""What every VectorStore does, whichever it is; and what else is promised of Chroma."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rag.stores.chroma import ChromaStore
from rag.testing import MemoryVectorStore
from tests.conftest import ROOT


def unit_rows(count, dimension=24, *, seed=1):
    matrix = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def names(count):
    return [f"{number:040x}" for number in range(count)]


@pytest.fixture(params=["memory", "chroma"])
def store(request, tmp_path):
    if request.param == "memory":
        yield MemoryVectorStore()
    else:
        chroma = ChromaStore(tmp_path / "store")
        yield chroma
        chroma.close()


class TestEveryStore:
    def test_finds_the_nearest_by_cosine_similarity_best_first(self, store):
        matrix, ids = unit_rows(60), names(60)
        store.upsert("w-one", ids, matrix)
        query = unit_rows(1, seed=2)[0]
        found = store.search("w-one", query, limit=7)
        order = np.argsort(-(matrix @ query))[:7]
        assert [item.id for item in found] == [ids[row] for row in order]
        assert [item.score for item in found] == pytest.approx((matrix @ query)[order].tolist(), abs=1e-5)

    def test_scores_do_not_depend_on_length(self, store):
        store.upsert("w-one", ["a", "b"], unit_rows(2) * np.array([[3.0], [0.1]], dtype=np.float32))
        found = store.search("w-one", unit_rows(2)[1] * 5, limit=1)
        assert (found[0].id, found[0].score) == ("b", pytest.approx(1.0, abs=1e-5))

    def test_a_limit_past_the_collection_returns_all_of_it(self, store):
        store.upsert("w-one", names(5), unit_rows(5))
        assert {item.id for item in store.search("w-one", unit_rows(1)[0], limit=50)} == set(names(5))

    def test_the_same_id_again_replaces_its_vector(self, store):
        matrix = unit_rows(2)
        store.upsert("w-one", ["a"], matrix[:1])
        store.upsert("w-one", ["a"], matrix[1:])
        assert store.count("w-one") == 1
        assert store.search("w-one", matrix[1], limit=1)[0].score == pytest.approx(1.0, abs=1e-5)

    def test_deleted_ids_are_not_found_and_unknown_ones_do_no_harm(self, store):
        matrix, ids = unit_rows(20), names(20)
        store.upsert("w-one", ids, matrix)
        store.delete("w-one", [*ids[:5], "unknown"])
        assert store.ids("w-one") == set(ids[5:])
        assert store.count("w-one") == 15
        assert ids[0] not in {item.id for item in store.search("w-one", matrix[0], limit=20)}

    def test_a_deleted_id_can_come_back(self, store):
        matrix = unit_rows(3)
        store.upsert("w-one", names(3), matrix)
        store.delete("w-one", names(3))
        assert store.search("w-one", matrix[0], limit=3) == []
        store.upsert("w-one", names(3), matrix)
        assert store.search("w-one", matrix[1], limit=1)[0].id == names(3)[1]

    def test_collections_are_apart(self, store):
        matrix = unit_rows(2)
        store.upsert("w-one", ["a"], matrix[:1])
        store.upsert("w-two", ["b"], matrix[1:])
        assert [item.id for item in store.search("w-one", matrix[1], limit=9)] == ["a"]
        store.drop("w-one")
        assert store.collections() == {"w-two"}
        assert store.ids("w-two") == {"b"}

    def test_a_dropped_collection_can_have_another_dimension(self, store):
        store.upsert("w-one", ["a"], unit_rows(1, 8))
        store.drop("w-one")
        store.upsert("w-one", ["b"], unit_rows(1, 16))
        assert store.search("w-one", unit_rows(1, 16)[0], limit=2)[0].id == "b"

    def test_what_does_not_exist_is_empty(self, store):
        assert store.search("w-none", unit_rows(1)[0], limit=5) == []
        assert store.ids("w-none") == set()
        assert store.count("w-none") == 0
        store.delete("w-none", ["a"])
        store.drop("w-none")
        assert store.collections() == set()

    def test_ids_and_rows_must_be_as_many(self, store):
        with pytest.raises(ValueError, match="2 ids for 3 vectors"):
            store.upsert("w-one", ["a", "b"], unit_rows(3))

    def test_a_hundred_collections_are_found_in_turn(self, store):
        matrix = unit_rows(100)
        for row in range(100):
            store.upsert(f"w-{row:03}", [f"id-{row}"], matrix[row : row + 1])
        for row in [*range(100), *range(100)]:
            assert [item.id for item in store.search(f"w-{row:03}", matrix[0], limit=2)] == [f"id-{row}"]

    def test_any_text_is_an_id(self, store):
        ids = ["ünï\ncödé", '"quoted"', "漢字", "{}"]
        store.upsert("w-one", ids, unit_rows(4))
        assert store.ids("w-one") == set(ids)

    def test_threads_may_use_it_together(self, store):
        matrix, ids = unit_rows(200), names(200)

        def work(start):
            store.upsert("w-one", ids[start : start + 25], matrix[start : start + 25])
            return store.search("w-one", matrix[start], limit=1)[0].id

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(work, range(0, 200, 25))) == ids[0::25]
        assert store.ids("w-one") == set(ids)


def test_chroma_keeps_what_it_was_given(tmp_path):
    matrix, ids = unit_rows(1200), names(1200)
    first = ChromaStore(tmp_path / "store")
    first.upsert("w-one", ids, matrix)
    first.close()
    second = ChromaStore(tmp_path / "store")
    try:
        assert second.ids("w-one") == set(ids)
        assert all(second.search("w-one", matrix[row], limit=1)[0].id == ids[row] for row in range(0, 1200, 50))
    finally:
        second.close()


@pytest.mark.skipif(sys.platform != "linux", reason="open files are counted in /proc")
def test_chroma_needs_no_more_open_files_than_it_may_have(tmp_path):
    import resource

    def lower_limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    matrix, ids = unit_rows(1100, 4), names(1100)
    with subprocess.Popen(
        [sys.executable, "-m", "rag.stores.vectord", str(tmp_path)],
        preexec_fn=lower_limit,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        requests, answers = process.stdin, process.stdout
        for number in range(12):  # four files each, once an index is written
            head = {"op": "upsert", "collection": f"w-{number}", "ids": ids, "dimension": 4, "bytes": matrix.nbytes}
            requests.write(json.dumps(head).encode() + b"\n" + matrix.tobytes())
            requests.flush()
            assert json.loads(answers.readline()) == {"bytes": 0}
        assert len(list(Path(f"/proc/{process.pid}/fd").iterdir())) > 40
        requests.close()


def test_chroma_finds_exactly_the_nearest_among_thousands(tmp_path):
    matrix, ids = unit_rows(3000, 96), names(3000)
    store = ChromaStore(tmp_path / "store")
    try:
        store.upsert("w-one", ids, matrix)
        for query in unit_rows(20, 96, seed=3):
            wanted = [ids[row] for row in np.argsort(-(matrix @ query))[:50]]
            assert [item.id for item in store.search("w-one", query, limit=50)] == wanted
        assert len(store.search("w-one", unit_rows(1, 96)[0], limit=3000)) == 3000
    finally:
        store.close()


def test_chromas_own_client_reads_the_directory(tmp_path):
    """The child drives the engine under chromadb's PersistentClient: the two must agree on what it writes."""
    matrix, ids = unit_rows(50), names(50)
    store = ChromaStore(tmp_path / "store")
    store.upsert("w-one", ids, matrix)
    ours = [item.id for item in store.search("w-one", matrix[7], limit=10)]
    store.close()
    chromadb = pytest.importorskip("chromadb")
    settings = chromadb.config.Settings(anonymized_telemetry=False)
    client = chromadb.PersistentClient(str(tmp_path / "store"), settings=settings)
    collection = client.get_collection("w-one", embedding_function=None)
    assert collection.configuration["hnsw"]["space"] == "cosine"
    assert set(collection.get(include=[])["ids"]) == set(ids)
    assert collection.query(query_embeddings=[matrix[7]], n_results=10, include=[])["ids"][0] == ours
    stored = collection.get(include=["documents", "metadatas"])
    assert set(stored["documents"]) == {None}, "ids and vectors only"
    assert set(stored["metadatas"]) == {None}


def test_chroma_refuses_names_that_it_would_not_keep(tmp_path):
    store = ChromaStore(tmp_path / "store")
    with pytest.raises(ValueError, match="no name for a collection"):
        store.upsert("w", ["a"], unit_rows(1))
    store.close()
