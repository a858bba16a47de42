"""What every Embedder does, whichever it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest

from rag.embedders.onnx import OnnxEmbedder
from rag.embedders.paired import MINILM_AND_USE, PairedEmbedder
from rag.embedders.reference import SentenceTransformerEmbedder
from rag.embedders.universal import UniversalEmbedder
from rag.errors import EmbedderError, EmbedderUnavailable
from rag.protocols import Embedder
from rag.testing import HashEmbedder
from tests.support.minilm import minilm_export, minilm_weights

TEXTS = [
    "The boiler is inspected every two years.",
    "Die Kaution wird nach dem Auszug zurückgezahlt.",
    "The tenant gets the deposit back after moving out.",
    "",
    "§ 12 – 3,5 % “quoted” 你好 🙂\n\n\ttab",
]


@cache
def opened(kind: str) -> Embedder:
    if kind == "hash":
        return HashEmbedder()
    if kind == "onnx":
        return OnnxEmbedder(minilm_export())
    if kind == "universal":
        return UniversalEmbedder()
    if kind == "paired":
        return PairedEmbedder(OnnxEmbedder(minilm_export()), UniversalEmbedder(), likenesses=MINILM_AND_USE)
    return SentenceTransformerEmbedder(minilm_weights(), languages=frozenset({"en"}), device="cpu")


@pytest.fixture(params=["hash", "onnx", "reference", "universal", "paired"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return opened(request.param)


def test_rows_are_unit_vectors_of_its_dimension_in_the_order_of_the_texts(embedder: Embedder) -> None:
    rows = embedder.embed_documents(TEXTS)
    assert rows.shape == (len(TEXTS), embedder.dimension)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)
    backwards = embedder.embed_documents(TEXTS[::-1])
    np.testing.assert_allclose(rows, backwards[::-1], atol=1e-4)


def test_a_text_has_the_same_vector_alone_and_among_others(embedder: Embedder) -> None:
    rows = embedder.embed_documents(TEXTS)
    alone = np.concatenate([embedder.embed_documents([text]) for text in TEXTS])
    assert np.sum(rows * alone, axis=1).min() > 0.9999


def test_no_texts_are_no_rows(embedder: Embedder) -> None:
    assert embedder.embed_documents([]).shape == (0, embedder.dimension)


def test_a_question_is_one_unit_vector_near_the_text_that_answers_it(embedder: Embedder) -> None:
    question = embedder.embed_query("When is the boiler inspected?")
    assert question.shape == (embedder.dimension,)
    assert question.dtype == np.float32
    assert abs(float(np.linalg.norm(question)) - 1) < 1e-4
    assert int(np.argmax(embedder.embed_documents(TEXTS[:3]) @ question)) == 0


def test_tokens_are_counted_with_the_special_ones_and_grow_with_the_text(embedder: Embedder) -> None:
    empty = embedder.count_tokens("")
    assert empty >= 0
    counts = [embedder.count_tokens("house " * words) for words in (1, 10, 100, 1000)]
    assert counts == sorted(counts)
    assert counts[-1] >= 1000 + empty


def test_a_text_that_fills_the_window_is_taken_and_one_token_more_is_refused(embedder: Embedder) -> None:
    words = embedder.window - embedder.count_tokens("")
    assert embedder.count_tokens("house " * words) == embedder.window
    assert embedder.embed_documents(["house " * words]).shape[0] == 1
    with pytest.raises(EmbedderError, match=f"{embedder.window + 1} tokens"):
        embedder.embed_documents(["short", "house " * (words + 1)])


def test_a_question_past_the_window_loses_its_end_and_not_its_beginning(embedder: Embedder) -> None:
    words = embedder.window - embedder.count_tokens("")
    longer = embedder.embed_query("tenant " * words + "zebra " * 500)
    assert float(longer @ embedder.embed_query("tenant " * words)) > 0.999
    assert float(longer @ embedder.embed_query("zebra " * words)) < 0.9


def test_it_is_deterministic_and_safe_in_threads(embedder: Embedder) -> None:
    expected = embedder.embed_documents(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: embedder.embed_documents(TEXTS), range(8)))
        questions = list(pool.map(embedder.embed_query, TEXTS))
    for rows in results:
        np.testing.assert_allclose(rows, expected, atol=1e-5)
    assert len(questions) == len(TEXTS)


def test_its_identity_is_stable_and_says_more_than_the_kind(embedder: Embedder) -> None:
    assert embedder.name == embedder.name
    assert len(embedder.name) > 4
    assert all(character.isprintable() and character != "/" for character in embedder.name)
    assert isinstance(embedder.languages, frozenset)


def test_the_export_and_the_original_agree_on_shape_counts_and_vectors() -> None:
    export, original = opened("onnx"), opened("reference")
    assert (export.dimension, export.window, export.languages) == (
        original.dimension,
        original.window,
        original.languages,
    )
    assert export.name != original.name
    assert [export.count_tokens(text) for text in TEXTS] == [original.count_tokens(text) for text in TEXTS]
    cosines = np.sum(export.embed_documents(TEXTS) * original.embed_documents(TEXTS), axis=1)
    assert cosines.min() >= 0.97


def test_words_counted_one_by_one_make_what_the_whole_text_makes() -> None:
    universal = UniversalEmbedder()
    odd = "Zug-\num-Zug  geprüft; 12.345,67 €\u00a0netto (vgl. § 3 Abs. 2)"
    for text in (*filter(None, TEXTS), odd, "東京は日本の首都です。 はい"):
        whole = universal._model._tokenizer.encode(text, add_bos=True, add_eos=True)
        assert universal.count_tokens(text) >= len(whole)
        assert universal.count_tokens(text) <= len(whole) + 2


def test_a_question_in_a_language_that_one_of_a_pair_does_not_know_is_left_to_the_other() -> None:
    pair, universal = opened("paired"), opened("universal")
    german = pair.embed_query("Wann wird die Kaution nach dem Auszug zurückgezahlt?")
    assert not german[: pair.dimension - universal.dimension].any()
    english = pair.embed_query("When does the tenant get the deposit back?")
    assert english[: pair.dimension - universal.dimension].any()
    rows = pair.embed_documents(TEXTS[:3])
    assert int(np.argmax(rows @ german)) in (1, 2)  # the same sentence in German and in English
    assert float(rows[2] @ german) > float(rows[0] @ german)


def test_an_embedder_whose_package_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.embedders.universal.PACKAGE", "no-such-package")
    with pytest.raises(EmbedderUnavailable, match="not installed") as raised:
        UniversalEmbedder()
    assert "make setup" in raised.value.hint
