from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rag.retrieval import HybridRetriever
from rag.scope import Within
from rag.testing import HashEmbedder
from rag.types import Matrix, Retrieval, ScoredId, Vector
from tests.support.retrieval import (
    WORKSPACE,
    MemoryLexicalIndex,
    MemoryPassages,
    MemoryVectorSearch,
    chunk,
    retriever,
)

COLLECTION = [
    chunk("The lease began in 2021. The monthly rent is 1,250 euros. Smoking is forbidden.", name="lease", start=80),
    chunk("The turbine was built in Berlin. It delivers 12.5 MW at full load.", name="turbine"),
    chunk("Apples ripen in autumn. Pears ripen earlier.", name="fruit"),
    chunk("Der Vertrag endet im März. Die Miete ist monatlich fällig.", name="vertrag", language="de"),
    *(chunk(f"Protocol {i} of the sports club meeting.", name=f"filler{i}") for i in range(10)),
]


def asked(question: str, *, limit: int = 10) -> Retrieval:
    return retriever(*COLLECTION).retrieve(WORKSPACE, question, limit=limit)


def test_the_passage_that_answers_comes_first_with_its_sentence() -> None:
    first = asked("How high is the monthly rent?").passages[0]
    assert first.chunk_id == "lease"
    assert first.best_sentence is not None
    begin = first.span.start
    sentence = first.text[first.best_sentence.start - begin : first.best_sentence.end - begin]
    assert sentence == "The monthly rent is 1,250 euros."


def test_the_page_is_that_of_the_best_sentence() -> None:
    first = asked("How high is the monthly rent?").passages[0]
    assert first.span.start // 100 + 1 == 1
    assert (first.page, first.page_label) == (2, "p2")


def test_passages_come_best_first_and_no_more_than_asked_for() -> None:
    passages = asked("How high is the monthly rent?", limit=3).passages
    assert len(passages) == 3
    assert [passage.score for passage in passages] == sorted((p.score for p in passages), reverse=True)


def test_each_passage_says_what_both_halves_gave_it() -> None:
    first = asked("How high is the monthly rent?").passages[0]
    assert first.lexical_score is not None
    assert first.lexical_score > 0
    assert first.dense_score is not None


def test_an_answer_is_evidence_and_its_absence_is_not() -> None:
    assert asked("How high is the monthly rent?").sufficient
    absent = asked("Who discovered penicillin?")
    assert not absent.sufficient
    assert absent.passages, "the nearest passages are shown all the same"


def test_a_german_question_finds_german_text_with_an_english_embedder() -> None:
    embedder = HashEmbedder(languages=frozenset({"en"}))
    found = retriever(*COLLECTION, embedder=embedder).retrieve(WORKSPACE, "Wann ist die Miete fällig?")
    assert found.passages[0].chunk_id == "vertrag"
    assert found.sufficient


@pytest.mark.parametrize("question", ["", "  \n", "?!"])
def test_a_question_without_words_finds_no_evidence(question: str) -> None:
    assert not asked(question).sufficient


def test_an_empty_workspace_finds_nothing() -> None:
    found = retriever().retrieve(WORKSPACE, "How high is the rent?")
    assert (found.passages, found.sufficient, found.evidence) == ((), False, 0.0)


def test_one_passage_alone_can_be_found() -> None:
    found = retriever(COLLECTION[0]).retrieve(WORKSPACE, "How high is the monthly rent?")
    assert [passage.chunk_id for passage in found.passages] == ["lease"]
    assert found.sufficient


def test_what_an_index_still_holds_of_a_deleted_document_is_left_out() -> None:
    embedder = HashEmbedder()
    left = [passage for passage in COLLECTION if passage.chunk_id != "lease"]
    stale = HybridRetriever(
        embedder, MemoryVectorSearch(embedder, COLLECTION), MemoryLexicalIndex(COLLECTION), MemoryPassages(left)
    )
    found = stale.retrieve(WORKSPACE, "How high is the monthly rent?")
    assert "lease" not in {passage.chunk_id for passage in found.passages}
    assert found.passages


class _Misled:
    """Vectors that put everything unrelated first."""

    def search(self, workspace_id: str, vector: Vector, *, limit: int, within: Within | None = None) -> list[ScoredId]:
        others = [passage.chunk_id for passage in COLLECTION if passage.chunk_id != "vertrag"]
        return [ScoredId(id_, 0.5 - 0.01 * rank) for rank, id_ in enumerate(others)][:limit]


def test_a_blind_half_does_not_hide_what_the_other_sees() -> None:
    blind = HybridRetriever(
        HashEmbedder(languages=frozenset({"en"})), _Misled(), MemoryLexicalIndex(COLLECTION), MemoryPassages(COLLECTION)
    )
    found = blind.retrieve(WORKSPACE, "Wann endet der Vertrag und wann ist die Miete fällig?")
    assert found.passages[0].chunk_id == "vertrag"


class _Counting(HashEmbedder):
    """Counts the texts that were embedded as documents."""

    texts = 0

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        self.texts += len(texts)
        return super().embed_documents(texts)


def test_few_sentences_are_embedded_however_long_the_passages_are() -> None:
    long = [replace(passage, text=passage.text * 20) for passage in COLLECTION]
    embedder = _Counting(window=4096)
    ready = retriever(*long, embedder=embedder)
    before = embedder.texts
    ready.retrieve(WORKSPACE, "How high is the monthly rent?")
    assert 0 < embedder.texts - before <= 10


def test_a_word_that_is_typed_wrong_finds_what_is_meant_and_says_so() -> None:
    found = asked("How high is the montly rennt for the offize?")
    assert found.passages[0].chunk_id == "lease"
    assert found.respelled == (("montly", "monthly"), ("rennt", "rent"))  # nothing there is like "offize"
    assert asked("How high is the monthly rent?").respelled == ()


def test_a_word_of_another_language_is_no_slip() -> None:
    english = [one for one in COLLECTION if one.language == "en"]
    found = retriever(*english).retrieve(WORKSPACE, "Wann wurde die Turbinen gebaut und wer hat das getan?")
    assert found.respelled == ()


def test_what_stands_in_quotation_marks_is_wanted_word_for_word() -> None:
    loose = chunk("Notice of the end of a quarter is given in writing. Three months are usual.", name="loose")
    exact = chunk("Other terms: three months to the end of a quarter.", name="exact")
    found = retriever(loose, exact, *COLLECTION)
    typed = "Which notice is given: {}?"
    assert found.retrieve(WORKSPACE, typed.format("end of a quarter, in writing")).passages[0].chunk_id == "loose"
    for phrase in ('"three months to the end"', "„Three months to the end“", "»three  months\nto the end«"):
        assert found.retrieve(WORKSPACE, typed.format(phrase)).passages[0].chunk_id == "exact"
