"""A second reader of the first passages: the real adapter over a small cross-encoder, and a double."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from rag.errors import EmbedderUnavailable
from rag.protocols import Reranker
from rag.rerankers import CrossEncoderReranker
from tests.support.minilm import minilm_weights
from tests.support.retrieval import WORKSPACE, WordReranker, chunk, retriever

TEXTS = ["The boiler is inspected every two years.", "The deposit is paid back.", "Pets are allowed.", ""]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MiniLM with an untrained head: what it thinks means nothing, how it is run does."""
    import torch
    from sentence_transformers import CrossEncoder

    torch.manual_seed(1)
    made = Path(tmp_path_factory.mktemp("reader"))
    CrossEncoder(str(minilm_weights()), num_labels=1, local_files_only=True).save_pretrained(str(made))
    return made


@pytest.fixture(params=["double", "cross-encoder"])
def reranker(request: pytest.FixtureRequest, folder: Path) -> Reranker:
    return WordReranker() if request.param == "double" else CrossEncoderReranker(folder, seconds=60)


def test_each_text_has_a_score_and_the_same_one_again(reranker: Reranker) -> None:
    scores = reranker.scores("When is the boiler inspected?", TEXTS)
    assert len(scores) == len(TEXTS)
    assert scores == pytest.approx(reranker.scores("When is the boiler inspected?", TEXTS), abs=1e-5)
    assert reranker.scores("When?", []) == []


def test_it_stops_when_its_time_is_up_but_reads_something(folder: Path) -> None:
    hasty = CrossEncoderReranker(folder, seconds=0)
    assert len(hasty.scores("When is the boiler inspected?", TEXTS)) == 2


def test_a_folder_without_a_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable, match="no cross-encoder") as raised:
        CrossEncoderReranker(tmp_path).scores("x", ["y"])
    assert "FOOTNOTE_RERANKER" in raised.value.hint


def test_its_opinion_changes_the_order_of_what_it_read_and_of_nothing_else() -> None:
    passages = [chunk(f"The rent of house {number} is paid monthly.", name=f"house{number}") for number in range(30)]

    class Last(WordReranker):
        def scores(self, question: str, texts: Sequence[str]) -> list[float]:
            return [float(rank) for rank, _ in enumerate(texts)][:10]

    plain = retriever(*passages).retrieve(WORKSPACE, "When is the rent paid?", limit=30)
    read = retriever(*passages, reranker=Last()).retrieve(WORKSPACE, "When is the rent paid?", limit=30)
    before, after = ([one.chunk_id for one in found.passages] for found in (plain, read))
    assert after[:10] == before[:10][::-1]
    assert after[10:] == before[10:]
