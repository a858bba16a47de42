"""The export of the bundled embedder: what it computes, what it refuses, what it costs in quality."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rag.embedders.acceptance import LEAST_COSINE, LEAST_MEAN_COSINE, MOST_MRR_LOSS
from rag.embedders.card import read_card
from rag.embedders.onnx import OnnxEmbedder
from rag.embedders.reference import SentenceTransformerEmbedder
from rag.embedders.setup import embedder_folder, prepare
from rag.protocols import Embedder
from tests.conftest import EVAL_DIR, needs_eval
from tests.support.minilm import minilm_export, minilm_weights


@pytest.mark.full  # a minute; `make setup` has done the same before any test
def test_set_up_makes_an_export_that_passes_and_the_second_time_has_nothing_to_do(tmp_path: Path) -> None:
    weights = minilm_weights()
    (tmp_path / weights.name).symlink_to(weights)
    lines: list[str] = []
    folder = prepare(models=tmp_path, say=lines.append)
    card = read_card(folder)
    assert any("accepted" in line for line in lines)
    assert (card.dimension, card.window, card.languages) == (384, 256, frozenset({"en"}))
    assert card.figures["texts"] >= 128
    assert card.figures["mean_cosine"] >= LEAST_MEAN_COSINE
    assert card.figures["least_cosine"] >= LEAST_COSINE
    assert card.name.endswith(f"-{card.recipe}")
    assert [path.name for path in folder.parent.iterdir()] == [embedder_folder(models=tmp_path).name]

    written = (folder / "model.onnx").stat().st_mtime_ns
    lines.clear()
    assert prepare(models=tmp_path, say=lines.append) == folder
    assert lines == []
    assert (folder / "model.onnx").stat().st_mtime_ns == written


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_loaded_and_used_it_is_small_and_needs_no_torch() -> None:
    code = (
        "import sys, psutil; from pathlib import Path; from rag.embedders.onnx import OnnxEmbedder;"
        "before = psutil.Process().memory_info().rss; embedder = OnnxEmbedder(Path(sys.argv[1]), threads=2);"
        "embedder.embed_documents(['word ' * length for length in range(1, 250, 5)] * 4);"
        "print(psutil.Process().memory_info().rss - before, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(minilm_export())]
    grown, torch = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert torch == "False"
    assert int(grown) < 180e6


def test_a_model_that_cannot_be_exported_is_refused_with_a_reason(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rag.embedders.export", str(tmp_path), str(tmp_path / "out")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "no sentence-transformers model" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


def test_smoothing_changes_no_result_and_noisy_layers_are_found() -> None:
    import torch

    from rag.embedders.compression import CompactEmbedding, noisy_layers, smooth

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))
    plain = torch.randn(4096, 8)
    spiked = plain.clone()
    spiked[:, 3] *= 50
    expected = model(spiked)
    smooth(model, lambda: model(spiked))
    torch.testing.assert_close(model(spiked), expected, rtol=1e-4, atol=1e-4)
    assert "0.linear" not in noisy_layers(model, lambda: model(plain))
    outlier = plain.clone()
    outlier[0, 0] = 100
    assert "0.linear" in noisy_layers(model, lambda: model(outlier))

    vocabulary = torch.nn.Embedding(100, 16)
    tokens = torch.arange(100)
    error = (CompactEmbedding(vocabulary)(tokens) - vocabulary(tokens)).abs()
    assert bool((error <= vocabulary.weight.abs().amax(dim=1, keepdim=True) / 253).all())


def ranks(embedder: Embedder, dataset: Path) -> np.ndarray:
    """Reciprocal rank (to 10) of each question's first right passage."""
    passages = [json.loads(line) for line in (dataset / "corpus.jsonl").read_text(encoding="utf-8").splitlines()]
    questions = [json.loads(line) for line in (dataset / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    matrix = np.stack([embedder.embed_query(f"{passage['title']}\n{passage['text']}") for passage in passages])
    result = []
    for question in questions:
        if right := {entry["passage_id"] for entry in question["evidence"]}:
            best = np.argsort(-(matrix @ embedder.embed_query(question["question"])))[:10]
            found = [place for place, row in enumerate(best, 1) if passages[row]["id"] in right]
            result.append(1 / found[0] if found else 0.0)
    return np.array(result)


@needs_eval
@pytest.mark.full
@pytest.mark.timeout(900)
def test_on_real_questions_the_export_ranks_as_well_as_the_original() -> None:
    export, original = OnnxEmbedder(minilm_export()), SentenceTransformerEmbedder(minilm_weights(), device="cpu")
    losses = np.concatenate(
        [
            ranks(original, EVAL_DIR / name) - ranks(export, EVAL_DIR / name)
            for name in ("xquad-en", "xquad-de", "clapnq")
        ]
    )
    assert len(losses) > 2500
    assert losses.mean() <= MOST_MRR_LOSS
