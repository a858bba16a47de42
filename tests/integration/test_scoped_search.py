"""A filter restricts both halves inside the search: compared with looking at everything, and leaving out afterwards."""

from __future__ import annotations

import pytest

from rag.analysis import stems
from rag.stores.chroma import ChromaStore
from rag.stores.exact import exact_search
from tests.support.corpus import numbered, vector_of
from workspaces import truth, vectors
from workspaces.truth import SEARCHABLE
from workspaces.vectors import VectorIndex

PATIENCE = 60.0


class Counting(ChromaStore):
    """Counts searches, and remembers how much was asked for."""

    asked: list[int]

    def search(self, collection, vector, *, limit):
        self.__dict__.setdefault("asked", []).append(limit)
        return super().search(collection, vector, limit=limit)


@pytest.fixture
def index(corpus, tmp_path):
    made = VectorIndex(corpus.database, tmp_path / "vectors", open_store=Counting)
    yield made
    made.close()


def planted(corpus, index, workspace, prefix, count):
    document = corpus.document(workspace, numbered(prefix, count), state="embedded")
    index.add(workspace, document.ids, document.matrix)
    corpus.set_state(document, "ready")
    return document


def proven(index):
    index.start_probe()
    assert index.wait(timeout=PATIENCE)


def groups(question):
    return [{stem} for stem in stems(question, "en")]


def by_brute_force(corpus, workspace, vector, within, limit):
    """Everything by similarity, and then what is within."""
    with corpus.database.read() as connection:
        found = exact_search(truth.blocks(connection, workspace, SEARCHABLE), vector, limit=100_000)
        versions = {row.id: row.version_id for row in connection.exec_driver_sql("SELECT id, version_id FROM chunks")}
    return [item.id for item in found if versions[item.id] in within][:limit]


@pytest.mark.parametrize("few", [0, 10, 100_000], ids=["graph", "graph where it pays", "exact"])
@pytest.mark.parametrize("share", [1, 5, 20, 40])
def test_meaning_within_a_filter_is_what_brute_force_finds(corpus, index, monkeypatch, few, share):
    monkeypatch.setattr(vectors, "_FEW", few)
    workspace = corpus.workspace()
    documents = [planted(corpus, index, workspace, f"text {number} of", 20) for number in range(40)]
    proven(index)
    within = frozenset(document.version_id for document in documents[:share])
    for number in range(5):
        query = vector_of(f"question {number}", corpus.dimension)
        found = [item.id for item in index.search(workspace, query, limit=10, within=within)]
        assert found == by_brute_force(corpus, workspace, query, within, 10)
        assert len(found) == 10


def test_many_within_are_asked_of_the_graph_and_few_are_compared(corpus, index, monkeypatch):
    monkeypatch.setattr(vectors, "_FEW", 50)
    workspace = corpus.workspace()
    documents = [planted(corpus, index, workspace, f"text {number} of", 20) for number in range(10)]
    proven(index)
    asked = index._store.current.asked
    query = vector_of("a question", corpus.dimension)
    before = len(asked)
    index.search(workspace, query, limit=5, within=frozenset(document.version_id for document in documents[:2]))
    assert len(asked) == before, "forty chunks are compared one by one"
    index.search(workspace, query, limit=5, within=frozenset(document.version_id for document in documents[:5]))
    assert asked[before:] == [16], "five of a hundred of two hundred: ten, and some to spare"


def test_where_the_graph_brings_too_few_the_rest_is_compared(corpus, index, monkeypatch):
    monkeypatch.setattr(vectors, "_FEW", 0)
    workspace = corpus.workspace()
    near = planted(corpus, index, workspace, "near", 60)
    far = planted(corpus, index, workspace, "far", 60)
    proven(index)
    query = sum(near.matrix[:60]) - sum(far.matrix[:60])  # all of one document is nearer than any of the other
    query /= (query @ query) ** 0.5
    within = frozenset({far.version_id})
    found = [item.id for item in index.search(workspace, query, limit=10, within=within)]
    assert found == by_brute_force(corpus, workspace, query, within, 10)
    assert set(found) <= set(far.ids)


@pytest.mark.parametrize("share", [1, 7, 60])
def test_words_within_a_filter_keep_order_and_scores(corpus, share):
    workspace = corpus.workspace()
    documents = [
        corpus.document(workspace, [f"copper {'valve ' * (number % 4)}{number} pipe"] * 2) for number in range(60)
    ]
    within = frozenset(document.version_id for document in documents[:share])
    inside = {id_ for document in documents[:share] for id_ in document.ids}
    everything = corpus.lexical.search(workspace, groups("copper valve"), limit=1000)
    found = corpus.lexical.search(workspace, groups("copper valve"), limit=10, within=within)
    assert found == [item for item in everything if item.id in inside][:10]
    assert len(found) == min(10, 2 * share)


def test_a_filter_to_one_document_in_a_hundred_still_gives_ten_passages(corpus, index):
    workspace = corpus.workspace()
    documents = [planted(corpus, index, workspace, f"copper of {number}", 20) for number in range(100)]
    proven(index)
    wanted = documents[57]
    within = frozenset({wanted.version_id})
    by_words = corpus.lexical.search(workspace, groups("copper"), limit=10, within=within)
    by_meaning = index.search(workspace, documents[3].matrix[0], limit=10, within=within)
    for found in (by_words, by_meaning):
        assert len(found) == 10
        assert {item.id for item in found} <= set(wanted.ids)


def test_in_a_large_index_common_words_count_within_a_small_filter(corpus, monkeypatch):
    workspace = corpus.workspace()
    small = corpus.document(workspace, ["valve of steel", "pipe of brass"])
    corpus.document(workspace, [f"valve {number}" for number in range(20)])
    corpus.document(workspace, ["copper thing"])
    monkeypatch.setattr("workspaces.lexical._SCORED_ROWS", 5)
    words = groups("copper valve")
    assert [item.id for item in corpus.lexical.search(workspace, words, limit=10)] != small.ids[:1], "the control"
    found = corpus.lexical.search(workspace, words, limit=10, within=frozenset({small.version_id}))
    assert [item.id for item in found] == small.ids[:1]


def test_deleted_foreign_and_unknown_versions_in_a_filter_find_nothing(corpus, index):
    mine, other = corpus.workspace(), corpus.workspace()
    own = planted(corpus, index, mine, "copper mine", 5)
    foreign = planted(corpus, index, other, "copper other", 5)
    gone = planted(corpus, index, mine, "copper gone", 5)
    corpus.bury(gone)
    query = foreign.matrix[0]
    for ready in (False, True):
        if ready:
            proven(index)
        for versions in ({foreign.version_id}, {gone.version_id}, {"nowhere"}, set()):
            within = frozenset(versions)
            assert index.search(mine, query, limit=5, within=within) == []
            assert corpus.lexical.search(mine, groups("copper"), limit=5, within=within) == []
        assert len(index.search(mine, query, limit=5, within=frozenset({own.version_id}))) == 5, "the control"
        assert len(corpus.lexical.search(mine, groups("copper"), limit=5, within=frozenset({own.version_id}))) == 5
    assert len(index.search(other, query, limit=5, within=frozenset({foreign.version_id}))) == 5, "the control"
