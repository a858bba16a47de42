"""What a LexicalIndex does, and what the one in SQLite FTS5 promises besides."""

from __future__ import annotations

import pytest

from rag.analysis import stems
from tests.support.corpus import numbered


def groups(question, *languages):
    """One group a word, holding its stem in every language."""
    return [{stem for language in languages or ("en",) for stem in stems(word, language)} for word in question.split()]


def found(corpus, workspace_id, question, *languages, limit=10):
    return [item.id for item in corpus.lexical.search(workspace_id, groups(question, *languages), limit=limit)]


def test_finds_inflected_forms_in_the_language_of_the_document(corpus):
    workspace = corpus.workspace()
    english = corpus.document(workspace, ["The tenants were running late.", "Nothing of the kind."])
    german = corpus.document(workspace, ["Die Häuser wurden verkauft.", "Ganz etwas anderes."], language="de")
    assert found(corpus, workspace, "tenant run") == [english.ids[0]]
    assert found(corpus, workspace, "Haus verkaufen", "en", "de") == [german.ids[0]]


def test_scores_are_higher_for_better_matches_and_sorted(corpus):
    workspace = corpus.workspace()
    both, one = corpus.document(workspace, ["copper valve", "copper kettle", *numbered("filler", 30)]).ids[:2]
    result = corpus.lexical.search(workspace, groups("copper valve"), limit=5)
    assert [item.id for item in result] == [both, one]
    assert result[0].score > result[1].score > 0


def test_a_group_matches_where_any_of_its_stems_does(corpus):
    workspace = corpus.workspace()
    planted = corpus.document(workspace, ["a gift for you", "das Gift wirkt", "neither"])
    result = corpus.lexical.search(workspace, [{"gift", "wirkt"}], limit=5)
    assert {item.id for item in result} == set(planted.ids[:2])
    assert corpus.lexical.document_frequencies(workspace, [{"gift", "wirkt"}, {"neither"}, {"absent"}, set()]) == (
        3,
        [2, 1, 0, 0],
    )


def test_titles_and_headings_are_searched_too(corpus):
    workspace = corpus.workspace()
    planted = corpus.document(workspace, ["plain words"], title="Annual report", headings=["Warranty", "Exclusions"])
    assert found(corpus, workspace, "annual") == planted.ids
    assert found(corpus, workspace, "exclusion") == planted.ids


def test_nothing_matches_nothing(corpus):
    workspace = corpus.workspace()
    corpus.document(workspace, ["some words"])
    assert corpus.lexical.search(workspace, [], limit=5) == []
    assert corpus.lexical.search(workspace, [set()], limit=5) == []
    assert corpus.lexical.search(workspace, groups("words"), limit=0) == []


@pytest.mark.parametrize(
    "hostile",
    [
        '"', '""', "'", "*", "word*", "NEAR(a b)", "AND", "OR", "NOT", "title:word", "{body}: word", "-word", "^word",
        "a + b", ")", "((", ";DROP TABLE chunks", "\\", "\0", "a\0b", "\ud800", "%", "_", "🦜", "§ 12", "ISO-27001",
        "\u202eevil", "' OR 1=1 --",
    ],
)  # fmt: skip
def test_no_input_is_read_as_syntax(corpus, hostile):
    workspace = corpus.workspace()
    corpus.document(workspace, ["word", "it is found verbatim"])
    with corpus.database.write() as connection:
        corpus.lexical.insert(connection, workspace, [(10_000, hostile, hostile, f"this holds {hostile}", "en")])
    for group in ([{hostile}], [{hostile, "word"}], groups(hostile or "x")):
        corpus.lexical.search(workspace, group, limit=5)
        corpus.lexical.document_frequencies(workspace, group)
    assert found(corpus, workspace, "verbatim"), "the control: the table is whole and is searched"


def test_operators_are_words(corpus):
    workspace = corpus.workspace()
    planted = corpus.document(workspace, ["alpha not", "alpha", "beta"])
    assert corpus.lexical.search(workspace, [{"NOT"}, {"alpha"}], limit=1)[0].id == planted.ids[0]


@pytest.mark.parametrize("word", ["§", "iso27001", "café", "漢字", "3.14", "нет"])
def test_the_index_does_not_cut_what_the_analysis_left_whole(corpus, word):
    workspace = corpus.workspace()
    corpus.document(workspace, ["something else"])
    with corpus.database.write() as connection:
        corpus.lexical.insert(connection, workspace, [(10_000, "", "", word, "")])
    assert corpus.lexical.document_frequencies(workspace, [{stem} for stem in stems(word, "")])[1] == [1] * len(
        stems(word, "")
    )


def test_diacritics_are_kept_apart(corpus):
    workspace = corpus.workspace()
    planted = corpus.document(workspace, ["schon", "schön"], language="")
    assert found(corpus, workspace, "schön", "") == [planted.ids[1]]


def test_a_very_long_question_is_answered_by_its_rarest_words(corpus):
    workspace = corpus.workspace()
    planted = corpus.document(workspace, [*numbered("common", 50), "the needle stands here"])
    question = " ".join(f"word{number}" for number in range(2000)) + " common needle"
    assert planted.ids[50] in found(corpus, workspace, question, limit=60)


def test_workspaces_are_apart_and_do_not_shift_each_others_scores(corpus):
    mine, other = corpus.workspace(), corpus.workspace()
    corpus.document(mine, ["copper valve", "iron valve"])
    before = corpus.lexical.search(mine, groups("copper valve"), limit=5)
    corpus.document(other, [f"copper valve {number}" for number in range(50)])
    assert corpus.lexical.search(mine, groups("copper valve"), limit=5) == before
    assert len(found(corpus, other, "copper", limit=100)) == 50


@pytest.mark.parametrize("state", ["stored", "embedded", "indexed", "failed"])
def test_only_ready_documents_are_found(corpus, state):
    workspace = corpus.workspace()
    corpus.document(workspace, ["copper valve"], state=state)
    ready = corpus.document(workspace, ["copper pipe"])
    assert found(corpus, workspace, "copper") == ready.ids


def test_deleted_documents_vanish_at_once_and_take_nobodys_place(corpus):
    workspace = corpus.workspace()
    doomed = corpus.document(workspace, [f"copper {number}" for number in range(40)])
    kept = corpus.document(workspace, ["copper and many other words that make it a worse match than those before"])
    assert kept.ids[0] not in found(corpus, workspace, "copper", limit=5), "the control: it is ranked below"
    corpus.bury(doomed)
    assert found(corpus, workspace, "copper", limit=5) == kept.ids


def test_purged_words_leave_the_database_file(corpus):
    workspace = corpus.workspace()
    doomed = corpus.document(workspace, ["zanzibarquokka is a rare word", *numbered("other", 200)])
    corpus.document(workspace, numbered("kept", 50))
    corpus.database.compact()
    assert b"zanzibarquokka" in corpus.database.path.read_bytes(), "the control: it was there"
    corpus.purge(doomed)
    corpus.database.compact()
    assert b"zanzibarquokka" not in corpus.database.path.read_bytes()
    assert found(corpus, workspace, "zanzibarquokka") == []


def test_a_transaction_that_fails_leaves_no_words(corpus):
    workspace = corpus.workspace()

    def insert_and_fail():
        with corpus.database.write() as connection:
            corpus.lexical.insert(connection, workspace, [(1, "", "", "orphan", "en")])
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        insert_and_fail()
    assert corpus.lexical.document_frequencies(workspace, [{"orphan"}]) == (0, [0])


def test_missing_words_are_counted_and_a_rebuild_brings_them_back(corpus):
    workspace = corpus.workspace()
    planted = corpus.document(workspace, ["copper valve", "iron valve"])
    with corpus.database.write() as connection:
        corpus.lexical.delete(connection, workspace, planted.rowids[:1])
        assert corpus.lexical.missing(connection, workspace) == 1
        corpus.lexical.drop(connection, workspace)
        assert corpus.lexical.missing(connection, workspace) == 2
        corpus.lexical.rebuild(connection, workspace)
        assert corpus.lexical.missing(connection, workspace) == 0
    assert found(corpus, workspace, "copper") == planted.ids[:1]


def test_a_dropped_or_unknown_workspace_is_empty(corpus):
    workspace = corpus.workspace()
    corpus.document(workspace, ["copper"])
    with corpus.database.write() as connection:
        corpus.lexical.drop(connection, workspace)
        corpus.lexical.drop(connection, workspace)
    assert found(corpus, workspace, "copper") == []
    assert corpus.lexical.document_frequencies("0" * 32, [{"copper"}]) == (0, [0])


@pytest.mark.parametrize("forged", ["", "x; DROP TABLE chunks", "ABC", "../x", "a b", "0" * 65])
def test_nothing_but_an_id_gets_into_a_statement(corpus, forged):
    with pytest.raises(ValueError, match="no id"):
        corpus.lexical.search(forged, [{"a"}], limit=1)
    with corpus.database.write() as connection, pytest.raises(ValueError, match="no id"):
        corpus.lexical.create(connection, forged)


def test_in_a_large_index_the_rarest_words_decide(corpus, monkeypatch):
    workspace = corpus.workspace()
    texts = ["copper pipe", "copper valve", *(f"valve {word}" for word in ["steel"] * 6 + ["brass"] * 6)]
    planted = corpus.document(workspace, [*texts, *numbered("filler", 30)])
    monkeypatch.setattr("workspaces.lexical._SCORED_ROWS", 5)
    assert sorted(found(corpus, workspace, "copper valve")) == sorted(planted.ids[:2])
    assert len(found(corpus, workspace, "valve")) == 10  # however common, one word at least is looked for


def test_how_common_a_word_is_is_forgotten_when_the_index_changes(corpus, monkeypatch):
    workspace = corpus.workspace()
    monkeypatch.setattr("workspaces.lexical._SCORED_ROWS", 3)
    first = corpus.document(workspace, ["copper pipe", "valve one", "valve two", "valve three"])
    assert found(corpus, workspace, "copper valve") == first.ids[:1]
    corpus.document(workspace, [f"copper {number}" for number in range(5)])
    assert sorted(found(corpus, workspace, "copper valve")) == sorted(first.ids[1:])
