"""The vector index of the application over real SQLite and real Chroma."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from rag.errors import EmbedderError, StorageError
from rag.stores.chroma import ChromaStore
from rag.stores.exact import exact_search
from tests.support.corpus import EMBEDDER, numbered, vector_of
from workspaces import truth
from workspaces.index_store import collection_name
from workspaces.truth import SEARCHABLE
from workspaces.vectors import VectorIndex

PATIENCE = 60.0


@pytest.fixture
def make_index(corpus, tmp_path):
    made = []

    def make(open_store=ChromaStore):
        made.append(VectorIndex(corpus.database, tmp_path / "vectors", open_store=open_store))
        return made[-1]

    yield make
    for index in made:
        index.close()


class Counting(ChromaStore):
    """Counts searches; fails them, or writes, while it is told to."""

    def __init__(self, directory):
        super().__init__(directory)
        self.searches = 0
        self.broken = False

    def search(self, collection, vector, *, limit):
        self.searches += 1
        return super().search(collection, vector, limit=limit)

    def _call(self, *arguments):
        if self.broken:
            raise StorageError("broken by the test")
        return super()._call(*arguments)


def planted(corpus, index, workspace, prefix, count):
    """A document as the ingest brings it in: rows, then vectors, then ready."""
    document = corpus.document(workspace, numbered(prefix, count), state="embedded")
    index.add(workspace, document.ids, document.matrix)
    corpus.set_state(document, "ready")
    return document


def proven(index, workspace):
    index.resume()
    index.start_probe()
    assert index.wait(timeout=PATIENCE)
    return workspace in index.status.proven


def store_of(index):
    return index._store.current


def best(index, workspace, vector, limit=5):
    return [item.id for item in index.search(workspace, vector, limit=limit)]


def truly_best(corpus, workspace, vector, limit=5):
    with corpus.database.read() as connection:
        blocks = truth.blocks(connection, workspace, SEARCHABLE)
        return [item.id for item in exact_search(blocks, vector, limit=limit)]


def test_a_document_is_found_before_and_after_its_index_is_proven(corpus, make_index):
    index, workspace = make_index(Counting), corpus.workspace()
    document = planted(corpus, index, workspace, "text", 40)
    query = vector_of("a question", corpus.dimension)
    assert best(index, workspace, query) == truly_best(corpus, workspace, query)
    assert best(index, workspace, document.matrix[3], 1) == [document.ids[3]]
    assert proven(index, workspace)
    before = store_of(index).searches
    assert best(index, workspace, query) == truly_best(corpus, workspace, query)
    assert store_of(index).searches == before + 1, "the control: the index answered, not the exact search"


def test_writes_prove_themselves_without_being_asked(corpus, make_index):
    index, workspace = make_index(), corpus.workspace()
    planted(corpus, index, workspace, "text", 10)
    assert index.wait(timeout=PATIENCE)
    assert index.status.proven == {workspace}


def test_nothing_of_another_workspace_is_ever_found(corpus, make_index):
    index, mine, other = make_index(), corpus.workspace(), corpus.workspace()
    own = planted(corpus, index, mine, "mine", 20)
    foreign = planted(corpus, index, other, "other", 20)
    for ready in (False, True):
        if ready:
            assert proven(index, mine)
        assert set(best(index, mine, foreign.matrix[0], 20)) == set(own.ids)


@pytest.mark.parametrize("ready", [False, True])
def test_deleted_documents_vanish_at_once_and_take_nobodys_place(corpus, make_index, ready):
    index, workspace = make_index(), corpus.workspace()
    doomed = planted(corpus, index, workspace, "doomed", 30)
    kept = planted(corpus, index, workspace, "kept", 30)
    if ready:
        assert proven(index, workspace)
    assert best(index, workspace, doomed.matrix[0], 1) == doomed.ids[:1], "the control: it was found"
    corpus.bury(doomed)
    assert set(best(index, workspace, doomed.matrix[0], 30)) == set(kept.ids)


@pytest.mark.parametrize("state", ["embedded", "indexed", "failed", "stored"])
def test_what_is_not_ready_is_not_found(corpus, make_index, state):
    index, workspace = make_index(), corpus.workspace()
    hidden = corpus.document(workspace, numbered("hidden", 5), state=state)
    index.add(workspace, hidden.ids, hidden.matrix)
    ready = planted(corpus, index, workspace, "ready", 5)
    assert set(best(index, workspace, hidden.matrix[0], 10)) == set(ready.ids)
    assert index.wait(timeout=PATIENCE)
    assert set(best(index, workspace, hidden.matrix[0], 5)) == set(ready.ids)


def test_vectors_entered_before_ready_is_committed_are_no_fault_and_survive_a_rebuild(corpus, make_index):
    index, workspace = make_index(), corpus.workspace()
    entering = corpus.document(workspace, numbered("entering", 5), state="embedded")
    index.add(workspace, entering.ids, entering.matrix)
    assert index.verify(workspace) == []
    index.rebuild()
    corpus.set_state(entering, "ready")
    assert index.verify(workspace) == []
    assert index.differences(workspace) == (0, 0)


def test_removed_chunks_leave_the_index_and_their_bytes_leave_the_disk(corpus, make_index, tmp_path):
    index, workspace = make_index(), corpus.workspace()
    doomed = planted(corpus, index, workspace, "doomed", 30)
    planted(corpus, index, workspace, "kept", 1100)
    needle = doomed.matrix[7].astype("<f4").tobytes()[:64]
    assert bytes_on_disk(tmp_path, needle), "the control: it was there"
    corpus.bury(doomed)
    corpus.purge(doomed)
    index.remove(workspace, doomed.ids)
    assert index.differences(workspace) == (0, 0)
    index.compact()
    assert not bytes_on_disk(tmp_path, needle)
    assert index.wait(timeout=PATIENCE)
    assert index.verify(workspace) == []
    assert [entry.name for entry in (tmp_path / "vectors").iterdir()] == ["current"]


def test_a_removal_that_was_not_compacted_is_made_up_for_at_the_next_start(corpus, make_index, tmp_path):
    first, workspace = make_index(), corpus.workspace()
    doomed = planted(corpus, first, workspace, "doomed", 30)
    planted(corpus, first, workspace, "kept", 30)
    needle = doomed.matrix[7].astype("<f4").tobytes()[:64]
    corpus.bury(doomed)
    corpus.purge(doomed)
    first.remove(workspace, doomed.ids)
    first.close()
    assert bytes_on_disk(tmp_path, needle), "the control: Chroma's delete leaves them"
    assert proven(make_index(), workspace)
    assert not bytes_on_disk(tmp_path, needle)


def test_compacting_without_removals_does_not_touch_the_store(corpus, make_index):
    index, workspace = make_index(), corpus.workspace()
    planted(corpus, index, workspace, "text", 5)
    store = store_of(index)
    index.compact()
    assert store_of(index) is store


def test_a_deleted_workspace_leaves_nothing_behind(corpus, make_index):
    index, doomed, kept = make_index(), corpus.workspace(), corpus.workspace()
    planted(corpus, index, doomed, "doomed", 5)
    document = planted(corpus, index, kept, "kept", 5)
    index.drop(doomed)
    assert store_of(index).collections() == {collection_name(kept, EMBEDDER)}
    assert set(best(index, kept, document.matrix[0])) == set(document.ids)


def test_an_unknown_workspace_is_empty_and_cannot_be_written(corpus, make_index):
    index = make_index()
    index.add("0" * 32, ["a"], np.ones((1, corpus.dimension), dtype=np.float32))
    index.remove("0" * 32, ["a"])
    assert index.search("0" * 32, vector_of("q", corpus.dimension), limit=5) == []
    assert store_of(index).collections() == set()


def test_a_vector_of_another_model_is_refused_in_words(corpus, make_index):
    index, workspace = make_index(), corpus.workspace()
    planted(corpus, index, workspace, "text", 5)
    for _ in range(2):
        with pytest.raises(EmbedderError, match="another model"):
            index.search(workspace, vector_of("q", corpus.dimension + 1), limit=5)
        assert proven(index, workspace)


def test_a_failing_index_never_reaches_the_search(corpus, make_index):
    index, workspace = make_index(Counting), corpus.workspace()
    document = planted(corpus, index, workspace, "text", 20)
    assert proven(index, workspace)
    store = store_of(index)
    store.broken = True
    assert best(index, workspace, document.matrix[4], 1) == [document.ids[4]]
    assert index.wait(timeout=PATIENCE)
    assert store_of(index) is not store, "a store that fails is replaced"
    assert workspace in index.status.proven
    assert index.verify(workspace) == []


def test_a_write_that_fails_is_made_up_for(corpus, make_index):
    index, workspace = make_index(Counting), corpus.workspace()
    planted(corpus, index, workspace, "first", 20)
    assert proven(index, workspace)
    store_of(index).broken = True
    document = planted(corpus, index, workspace, "second", 20)
    assert best(index, workspace, document.matrix[4], 1) == [document.ids[4]]
    assert index.wait(timeout=PATIENCE)
    assert index.differences(workspace) == (0, 0)
    assert workspace in index.status.proven


def test_what_is_due_is_mended_before_the_index_closes(corpus, make_index):
    first, workspace = make_index(Counting), corpus.workspace()
    planted(corpus, first, workspace, "first", 20)
    store_of(first).broken = True
    planted(corpus, first, workspace, "second", 20)
    first.close()
    assert make_index().verify(workspace) == []


class TestFindings:
    """Each thing that can be wrong is found, and mended."""

    @pytest.fixture
    def index(self, corpus, make_index):
        return make_index()

    @pytest.fixture
    def workspace(self, corpus, index):
        workspace = corpus.workspace()
        planted(corpus, index, workspace, "text", 60)
        assert index.verify(workspace) == [], "the control: it was whole"
        return workspace

    def mended(self, index, workspace):
        assert proven(index, workspace)
        return index.verify(workspace) == [] and index.differences(workspace) == (0, 0)

    def test_missing_ids(self, corpus, index, workspace):
        collection = collection_name(workspace, EMBEDDER)
        store_of(index).delete(collection, sorted(store_of(index).ids(collection))[:3])
        assert index.check(workspace, full=False) == "the vector index holds 57 of 60 passages"
        assert index.differences(workspace) == (3, 0)
        assert "3 passages are not in the vector index" in index.verify(workspace)[0]
        assert self.mended(index, workspace)

    def test_foreign_ids(self, corpus, index, workspace):
        store_of(index).upsert(
            collection_name(workspace, EMBEDDER), ["foreign"], vector_of("x", corpus.dimension)[None]
        )
        assert index.check(workspace, full=False) is None
        assert index.differences(workspace) == (0, 1)
        assert "1 of its vectors have no passage" in index.verify(workspace)[0]
        assert self.mended(index, workspace)

    def test_one_changed_vector(self, corpus, index, workspace):
        collection = collection_name(workspace, EMBEDDER)
        some = sorted(store_of(index).ids(collection))[40]
        store_of(index).upsert(collection, [some], vector_of("x", corpus.dimension)[None])
        assert index.check(workspace, full=False) is None, "the sample does not see every vector"
        assert "1 vectors of the vector index are not those" in index.verify(workspace)[0]
        assert self.mended(index, workspace)

    def test_exchanged_vectors(self, corpus, index, workspace):
        collection = collection_name(workspace, EMBEDDER)
        ids = sorted(store_of(index).ids(collection))
        matrix = np.stack([vector_of(f"other {number}", corpus.dimension) for number in range(len(ids))])
        store_of(index).upsert(collection, ids, matrix)
        assert index.check(workspace, full=False) == "stored passages do not find themselves in the vector index"
        assert self.mended(index, workspace)

    def test_a_stray_collection(self, corpus, index, workspace):
        store_of(index).upsert("w-stray", ["a"], vector_of("x", corpus.dimension)[None])
        assert index.strays() == ["w-stray"]
        assert self.mended(index, workspace)
        assert index.strays() == []

    def test_an_empty_store(self, corpus, index, workspace):
        for name in store_of(index).collections():
            store_of(index).drop(name)
        assert index.differences(workspace) == (60, 0)
        assert self.mended(index, workspace)


def test_an_index_that_misses_passages_is_found_out_and_not_asked(corpus, make_index):
    class Forgetful(ChromaStore):
        """Leaves the best out of every narrow search, as a badly connected graph does."""

        def search(self, collection, vector, *, limit):
            found = super().search(collection, vector, limit=limit + 1)
            return found[1:] if limit <= 10 and found[0].score < 0.999 else found[:limit]

    index, workspace = make_index(Forgetful), corpus.workspace()
    planted(corpus, index, workspace, "text", 60)
    query = vector_of("a question", corpus.dimension)
    assert "misses nearest passages" in index.check(workspace, full=True), "the control: the index does miss some"
    assert not proven(index, workspace)
    assert index.status.approximate == {workspace}
    assert best(index, workspace, query) == truly_best(corpus, workspace, query)
    assert index.verify(workspace) == [], "what searches find is right"


def test_identical_passages_do_not_make_an_index_wrong(corpus, make_index):
    index, workspace = make_index(), corpus.workspace()
    planted(corpus, index, workspace, "text", 60)
    twins = corpus.document(workspace, ["the same words"] * 15, state="embedded")
    index.add(workspace, twins.ids, twins.matrix)
    corpus.set_state(twins, "ready")
    assert proven(index, workspace)
    assert index.verify(workspace) == []
    assert set(best(index, workspace, twins.matrix[0], 15)) == set(twins.ids)


def test_leftovers_of_a_replacement_that_a_crash_cut_short_are_removed(corpus, make_index, tmp_path):
    first, workspace = make_index(), corpus.workspace()
    document = planted(corpus, first, workspace, "text", 10)
    first.close()
    folder = tmp_path / "vectors"
    (folder / "current").rename(folder / "old-1234")  # between the two renames
    (folder / "new-1234").mkdir()
    index = make_index()
    assert best(index, workspace, document.matrix[2], 1) == [document.ids[2]]
    assert proven(index, workspace)
    assert [entry.name for entry in folder.iterdir()] == ["current"]


def test_a_full_disk_leaves_the_old_store_in_its_place(corpus, make_index, tmp_path):
    class Full(ChromaStore):
        """Takes nothing once it is a replacement."""

        def __init__(self, directory):
            super().__init__(directory)
            self.full = directory.name.startswith("new-")

        def upsert(self, collection, ids, vectors):
            if self.full:
                raise StorageError("The disk is full.")
            super().upsert(collection, ids, vectors)

    index, workspace = make_index(Full), corpus.workspace()
    document = planted(corpus, index, workspace, "text", 10)
    with pytest.raises(StorageError, match="full"):
        index.rebuild()
    assert [entry.name for entry in (tmp_path / "vectors").iterdir()] == ["current"]
    assert best(index, workspace, document.matrix[2], 1) == [document.ids[2]]
    assert proven(index, workspace)


def test_only_the_owner_can_read_the_index(corpus, make_index, tmp_path):
    index, workspace = make_index(), corpus.workspace()
    planted(corpus, index, workspace, "text", 10)
    index.rebuild()
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "vectors").rglob("*")} == {0}


def test_writers_and_searches_may_meet(corpus, make_index):
    """Documents come and go while the store is replaced under running searches: every answer is exact in between."""
    index, workspace = make_index(), corpus.workspace()
    anchor = planted(corpus, index, workspace, "anchor", 50)
    assert proven(index, workspace)
    failures, asked, stop = [], [], threading.Event()

    def ask():
        number = 0
        while not stop.is_set():
            number = (number + 1) % 50
            if best(index, workspace, anchor.matrix[number], 1) != [anchor.ids[number]]:
                failures.append(number)
            asked.append(number)
            stop.wait(0.005)

    askers = [threading.Thread(target=ask) for _ in range(2)]
    for asker in askers:
        asker.start()
    for number in range(3):
        document = planted(corpus, index, workspace, f"passing {number}", 20)
        index.rebuild()
        corpus.bury(document)
        corpus.purge(document)
        index.remove(workspace, document.ids)
        index.compact()
    stop.set()
    for asker in askers:
        asker.join()
    assert (failures, len(asked) > 20) == ([], True)
    assert index.wait(timeout=PATIENCE)
    assert index.verify(workspace) == []


def bytes_on_disk(folder, needle):
    return [path.name for path in (folder / "vectors").rglob("*") if path.is_file() and needle in path.read_bytes()]
