from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rag.embedders.acceptance import Vectors, compare, embed_examination, examination, reciprocal_ranks
from rag.languages import detect
from rag.testing import HashEmbedder


@pytest.fixture(scope="module")
def original() -> Vectors:
    return embed_examination(HashEmbedder(dimension=384, window=256))


def noisy(vectors: Vectors, amount: float) -> Vectors:
    random = np.random.default_rng(4)

    def shaken(rows: np.ndarray) -> np.ndarray:
        moved = rows + amount * random.standard_normal(rows.shape) / np.sqrt(rows.shape[1])
        return (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)

    return Vectors(shaken(vectors.texts), shaken(vectors.passages), shaken(vectors.questions))


def test_the_examination_has_enough_texts_in_both_languages_none_of_them_used_for_calibration() -> None:
    paper = examination()
    assert len(paper.texts) >= 128
    assert len(set(paper.texts)) == len(paper.texts)
    assert not set(paper.texts) & set(paper.calibration)
    assert [detect(passage) for passage in paper.passages] == ["en", "de"] * 48
    assert len(paper.questions) == 2 * len(paper.passages)
    assert max(map(len, paper.texts)) > 700
    assert min(map(len, paper.texts)) < 50


def test_an_export_equal_to_the_original_is_accepted(original: Vectors) -> None:
    figures = compare(original, original)
    assert figures.accepted
    assert (round(figures.mean_cosine, 4), figures.certain_loss) == (1, 0)
    assert figures.mrr == figures.mrr_original > 0.5


def test_small_noise_is_accepted_and_large_noise_refused(original: Vectors) -> None:
    assert compare(original, noisy(original, 0.05)).accepted
    large = compare(original, noisy(original, 0.25))
    assert not large.accepted
    assert large.mean_cosine < 0.99


def test_one_text_that_comes_out_wrong_is_enough_to_refuse(original: Vectors) -> None:
    texts = original.texts.copy()
    texts[7] = texts[8]
    figures = compare(original, replace(original, texts=texts))
    assert figures.mean_cosine > 0.99
    assert not figures.accepted


def test_an_export_that_finds_less_is_refused_even_if_single_texts_look_right(original: Vectors) -> None:
    figures = compare(original, replace(original, questions=np.roll(original.questions, 4, axis=0)))
    assert figures.mean_cosine > 0.999
    assert figures.mrr < figures.mrr_original - 0.3
    assert not figures.accepted


def test_a_single_near_tie_that_flips_does_not_refuse(original: Vectors) -> None:
    ranks = reciprocal_ranks(original)
    best = int(np.flatnonzero(ranks == 1)[0])
    questions = original.questions.copy()
    passage = best // 2
    questions[best] = original.passages[(passage + 2) % len(original.passages)]
    flipped = compare(original, replace(original, questions=questions))
    assert flipped.mrr < flipped.mrr_original
    assert flipped.accepted
