"""What is written down of an embedder's cosines is what its examination gives."""

from __future__ import annotations

import numpy as np
import pytest

from rag.embedders.acceptance import examination
from rag.embedders.onnx import OnnxEmbedder
from rag.embedders.paired import MINILM_AND_USE, PairedEmbedder
from rag.embedders.universal import UniversalEmbedder
from rag.protocols import Embedder
from rag.sentences import sentences
from rag.types import Likeness
from tests.support.minilm import minilm_export

EN, DE = 0, 1
"""Passages alternate between the languages; questions 2i and 2i + 1 ask for passage i."""


def measured(embedder: Embedder, language: int) -> Likeness:
    paper = examination()
    passages = paper.passages[language::2]
    asked = [question for number, question in enumerate(paper.questions) if number // 2 % 2 == language]
    pieces = [[one, *(one[span.start : span.end] for span in sentences(one, ""))] for one in passages]
    owners = np.repeat(np.arange(len(passages)), list(map(len, pieces)))
    rows = embedder.embed_documents([text for texts in pieces for text in texts])
    cosines = np.stack([embedder.embed_query(question) for question in asked]) @ rows.T
    nearest = np.stack([cosines[:, owners == owner].max(axis=1) for owner in range(len(passages))], axis=1)
    own = nearest[np.arange(len(asked)), np.arange(len(asked)) // 2].copy()
    nearest[np.arange(len(asked)), np.arange(len(asked)) // 2] = -1
    others = nearest.max(axis=1)
    return Likeness(float(others.mean() + 2 * others.std()), float(own.mean()))


@pytest.mark.parametrize(("language", "known"), [(EN, MINILM_AND_USE.both), (DE, MINILM_AND_USE.one)])
def test_of_the_pair(language: int, known: Likeness) -> None:
    pair = PairedEmbedder(OnnxEmbedder(minilm_export()), UniversalEmbedder(), likenesses=MINILM_AND_USE)
    found = measured(pair, language)
    assert found.unrelated == pytest.approx(known.unrelated, abs=0.01)
    assert found.usual == pytest.approx(known.usual, abs=0.01)


def test_of_minilm_in_english() -> None:
    found = measured(OnnxEmbedder(minilm_export()), EN)
    assert found.unrelated == pytest.approx(Likeness().unrelated, abs=0.03)
    assert found.usual == pytest.approx(Likeness().usual, abs=0.01)


@pytest.mark.parametrize("language", [EN, DE])
def test_of_the_universal_one(language: int) -> None:
    embedder = UniversalEmbedder()
    found, known = measured(embedder, language), embedder.likeness("de", across=False)
    assert found.unrelated == pytest.approx(known.unrelated, abs=0.02)
    assert found.usual == pytest.approx(known.usual, abs=0.02)
