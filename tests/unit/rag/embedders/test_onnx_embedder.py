from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rag.embedders.card import CARD_NAME, MODEL_NAME, TOKENIZER_NAME, EmbedderCard, read_card
from rag.embedders.onnx import OnnxEmbedder
from rag.embedders.reference import SentenceTransformerEmbedder, weights_digest
from rag.embedders.setup import embedder_folder, is_ready
from rag.errors import EmbedderError, NotFound

CARD = EmbedderCard(
    name="toy-12345678-int8",
    dimension=4,
    window=16,
    languages=frozenset({"de", "en"}),
    query_prefix="query: ",
    recipe="int8",
    figures={"mean_cosine": 0.999},
)


def test_a_card_is_read_as_it_was_written(tmp_path: Path) -> None:
    CARD.write(tmp_path)
    assert read_card(tmp_path) == CARD


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"format": 99}', '{"format": 1, "languages": [], "extra": 1}', "\x80"]
)
def test_a_damaged_card_is_an_error_that_says_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / CARD_NAME).write_bytes(text.encode("latin-1"))
    with pytest.raises(EmbedderError) as caught:
        read_card(tmp_path)
    assert "make setup" in caught.value.hint


def test_without_set_up_every_use_says_what_to_do(tmp_path: Path) -> None:
    embedder = OnnxEmbedder(tmp_path / "missing")
    for use in (lambda: embedder.name, lambda: embedder.window, lambda: embedder.count_tokens("x"), embedder.load):
        with pytest.raises(EmbedderError) as caught:
            use()
        assert caught.value.hint == "Run `make setup`."
        assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize("damaged", [TOKENIZER_NAME, MODEL_NAME])
def test_damaged_files_are_an_error_for_a_person(tmp_path: Path, damaged: str) -> None:
    from tokenizers import Tokenizer, models

    CARD.write(tmp_path)
    Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]")).save(str(tmp_path / TOKENIZER_NAME))
    (tmp_path / MODEL_NAME).write_bytes(b"no model")
    (tmp_path / damaged).write_bytes(b"damaged")
    with pytest.raises(EmbedderError) as caught:
        OnnxEmbedder(tmp_path).embed_query("x")
    assert "make setup" in caught.value.hint
    assert str(tmp_path) not in caught.value.message


def test_the_embedder_is_made_without_torch_or_a_model_in_memory() -> None:
    code = (
        "import sys; from pathlib import Path; from rag.embedders.onnx import OnnxEmbedder;"
        "from rag.embedders.reference import SentenceTransformerEmbedder; import rag.embedders.setup;"
        "OnnxEmbedder(Path('x')); SentenceTransformerEmbedder(Path('x'));"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'onnxruntime', 'tokenizers', 'httpx'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_other_weights_have_another_folder(tmp_path: Path) -> None:
    folder = embedder_folder(models=tmp_path)
    assert folder.is_relative_to(tmp_path)
    assert folder != embedder_folder("smollm2-135m", models=tmp_path)
    assert not is_ready(folder)
    with pytest.raises(NotFound):
        embedder_folder("no-such-model")


def test_a_folder_that_is_no_model_or_has_pickled_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="no sentence-transformers model"):
        SentenceTransformerEmbedder(tmp_path).embed_query("x")
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(EmbedderError, match="no safetensors"):
        weights_digest(tmp_path)
