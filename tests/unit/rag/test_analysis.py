from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import pytest

from rag.analysis import STEMMERS, spellings, stems, words
from rag.embedders.acceptance import examination


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("warranties", "warranty", "en"),
        ("Apple's", "Apple", "en"),
        ("Häuser", "HAUS", "de"),
        ("Straße", "STRASSE", "de"),
        ("ﬁle", "file", "en"),
        ("cafe\u0301", "café", "fr"),
        ("Ｆｕｌｌ", "full", ""),
    ],
)
def test_spellings_and_forms_of_one_word_share_a_stem(one: str, other: str, language: str) -> None:
    assert stems(one, language) == stems(other, language)


@pytest.mark.parametrize(
    ("text", "whole", "parts"),
    [
        ("ISO-27001", "iso27001", ["iso", "27001"]),
        ("3.14", "314", ["3", "14"]),
        ("§ 12", "par12", ["12"]),
        ("§12a", "par12a", ["12a"]),
        ("snake_case", "snakecase", ["snake", "case"]),
    ],
)
def test_codes_and_numbers_are_kept_whole_and_in_parts(text: str, whole: str, parts: list[str]) -> None:
    assert list(spellings(text)) == [(whole, *parts)]


def test_words_with_digits_are_never_stemmed() -> None:
    assert stems("b2bs 1990s", "en") == ["b2bs", "1990s"]


def test_a_script_without_spaces_becomes_pairs_that_a_longer_text_shares() -> None:
    assert words("東京都") == ["東京", "京都"]
    assert set(words("京都")) <= set(words("私は京都に行く"))


def test_vowel_signs_do_not_cut_a_word() -> None:
    assert words("हिन्दी में") == ["हिन्दी", "में"]


def test_an_unknown_language_keeps_words_as_they_are() -> None:
    assert stems("Warranties today", "xx") == ["warranties", "today"]


def test_text_without_words_has_none() -> None:
    assert words(" … – ?! \n") == []


def test_threads_do_not_disturb_each_other() -> None:
    text = [f"relational{i} nationalities warranties organisations{i}x connecting" for i in range(200)]
    alone = [stems(line, "en") for line in text]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda line: stems(line, "en"), text)) == alone


@pytest.mark.parametrize(("language", "algorithm"), sorted(STEMMERS.items()))
def test_the_stemmers_in_c_and_in_python_agree(language: str, algorithm: str) -> None:
    """An index that was filled with the one is searched with the other, where PyStemmer has no wheel for a machine."""
    fast = pytest.importorskip("Stemmer").Stemmer(algorithm)
    module = import_module(f"snowballstemmer.{algorithm}_stemmer")
    slow = getattr(module, f"{algorithm.capitalize()}Stemmer")()
    vocabulary = {word for text in examination().texts for word in words(text) if word.isalpha()}
    assert {word: fast.stemWord(word) for word in vocabulary} == {word: slow.stemWord(word) for word in vocabulary}
