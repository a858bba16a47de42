"""Exports a sentence-transformers model for the processor. A child process: `python -m rag.embedders.export MODEL OUT`.

The export holds the transformer, its pooling and the normalisation, in 8-bit numbers where that is good enough. Each
recipe is examined by `rag.embedders.acceptance` through the embedder that will run it; the first that passes is taken.
What passes depends on the processor, so this runs where the embedder will. The last recipe is full precision.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
import onnxruntime.quantization as quantization
import torch
from sentence_transformers import SentenceTransformer
from torch import nn

from rag.embedders.acceptance import Figures, Vectors, compare, embed_examination, examination
from rag.embedders.card import MODEL_NAME, TOKENIZER_NAME, EmbedderCard
from rag.embedders.compression import CompactEmbedding, noisy_layers, smooth
from rag.embedders.onnx import OnnxEmbedder
from rag.embedders.reference import SentenceTransformerEmbedder, load_model, weights_digest
from rag.errors import EmbedderError, FootnoteError
from rag.types import Language

_OPSET = 17  # the first with LayerNormalization as one operator


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to write the numbers. `reduce_range` keeps weights to 7 bits: 8-bit products of older x86 processors
    (AVX2, AVX-512 without VNNI) overflow 16 bits otherwise."""

    name: str
    eight_bit: bool
    reduce_range: bool = False


RECIPES = (
    Recipe("int8", eight_bit=True),
    Recipe("int8-r7", eight_bit=True, reduce_range=True),
    Recipe("fp32", eight_bit=False),
)


class _TextToVector(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Tokens of one text, shape (1, tokens), to its unit vector, shape (1, dimension). No padding, so no mask."""

    def __init__(self, transformer: nn.Module, *, pooling: str) -> None:
        super().__init__()
        self.transformer = transformer
        self.pooling = pooling

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        states = self.transformer(input_ids=input_ids, attention_mask=torch.ones_like(input_ids)).last_hidden_state
        pooled = states.mean(dim=1) if self.pooling == "mean" else states[:, 0]
        return nn.functional.normalize(pooled, p=2, dim=1)


def export(
    model_folder: Path,
    out_folder: Path,
    *,
    key: str,
    languages: frozenset[Language],
    say: Callable[[str], None],
) -> EmbedderCard:
    """Write `out_folder` (replaced if it exists) with the first recipe that passes, and return its card.

    Raises:
        EmbedderError: the model cannot be loaded, or is of a kind that cannot be exported.
    """
    reference = SentenceTransformerEmbedder(model_folder, languages=languages, device="cpu", batch_size=1)
    original = embed_examination(reference)
    identity = f"{key}-{weights_digest(model_folder)[:8]}"
    out_folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=out_folder.parent) as temporary:
        for recipe in RECIPES:
            folder = Path(temporary) / recipe.name
            folder.mkdir()
            model = load_model(model_folder, device="cpu")
            card = _card(model, name=f"{identity}-{recipe.name}", languages=languages, recipe=recipe)
            _write_model(model, folder / MODEL_NAME, recipe)
            model.tokenizer.backend_tokenizer.save(str(folder / TOKENIZER_NAME))
            card.write(folder)
            figures, speed = _examine(folder, original)
            say(_report(recipe, figures, size=(folder / MODEL_NAME).stat().st_size, speed=speed))
            if figures.accepted:
                card = replace(card, figures=figures.as_mapping())
                card.write(folder)
                shutil.rmtree(out_folder, ignore_errors=True)
                os.replace(folder, out_folder)
                return card
    raise EmbedderError(
        "No export of this embedder agrees with the original.",
        hint="Use the model itself: name its folder as embedder.",
    )


def _card(model: SentenceTransformer, *, name: str, languages: frozenset[Language], recipe: Recipe) -> EmbedderCard:
    prompts = model.prompts or {}
    return EmbedderCard(
        name=name,
        dimension=int(model.get_embedding_dimension() or 0),
        window=int(model.max_seq_length or 0),
        languages=languages,
        query_prefix=prompts.get("query", ""),
        document_prefix=prompts.get("document", ""),
        recipe=recipe.name,
    )


def _write_model(model: SentenceTransformer, path: Path, recipe: Recipe) -> None:
    transformer = model[0].auto_model.eval()
    if not recipe.eight_bit:
        _trace(transformer, path, pooling=_pooling(model))
        return
    calibration = list(examination().calibration)

    def calibrate() -> None:
        model.encode(calibration, batch_size=1, show_progress_bar=False)

    smooth(transformer, calibrate)
    noisy = noisy_layers(transformer, calibrate)
    transformer.set_input_embeddings(CompactEmbedding(transformer.get_input_embeddings()))
    full = path.with_name("full.onnx")
    _trace(transformer, full, pooling=_pooling(model))
    quantization.quantize_dynamic(
        full,
        path,
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        reduce_range=recipe.reduce_range,
        nodes_to_exclude=_nodes_of(noisy, full),
    )
    full.unlink()


def _trace(transformer: nn.Module, path: Path, *, pooling: str) -> None:
    """Write the graph at full precision."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter announces that it is the older one, and what it traces
        torch.onnx.export(
            _TextToVector(transformer, pooling=pooling).eval(),
            (torch.arange(100, 116).unsqueeze(0),),
            str(path),
            input_names=["input_ids"],
            output_names=["embedding"],
            dynamic_axes={"input_ids": {1: "tokens"}},
            opset_version=_OPSET,
            dynamo=False,
        )


def _nodes_of(layers: frozenset[str], path: Path) -> list[str]:
    """Names of the matrix products of these layers; the exporter writes a.layer.0.b as /a/layer.0/b/MatMul."""
    endings = tuple(f".{layer}.MatMul" for layer in layers)
    nodes = onnx.load(path, load_external_data=False).graph.node
    return [node.name for node in nodes if node.name.replace("/", ".").endswith(endings)]


def _pooling(model: SentenceTransformer) -> str:
    """ "mean" or "cls"."""
    kinds = [type(module).__name__ for module in model]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise EmbedderError(f"An embedder of {', '.join(kinds)} cannot be exported.", hint=_USE_REFERENCE)
    mode = str(model[1].get_config_dict().get("pooling_mode"))
    if mode not in ("mean", "cls"):
        raise EmbedderError(f"An embedder with {mode} pooling cannot be exported.", hint=_USE_REFERENCE)
    return mode


_USE_REFERENCE = "Use the model itself: name its folder as embedder."


def _examine(folder: Path, original: Vectors) -> tuple[Figures, float]:
    """(figures, texts a second) of the export in `folder`, run as the application will run it."""
    embedder = OnnxEmbedder(folder)
    embedder.load()
    started = time.perf_counter()
    vectors = embed_examination(embedder)
    count = len(vectors.texts) + len(vectors.passages) + len(vectors.questions)
    return compare(original, vectors), count / (time.perf_counter() - started)


def _report(recipe: Recipe, figures: Figures, *, size: int, speed: float) -> str:
    verdict = "accepted" if figures.accepted else "refused"
    return (
        f"{recipe.name}: {verdict}; cosine to the original on {figures.texts} English and German texts: "
        f"mean {figures.mean_cosine:.4f}, least {figures.least_cosine:.4f}; MRR@10 {figures.mrr:.4f} "
        f"(original {figures.mrr_original:.4f}); {size / 1e6:.1f} MB; {speed:.0f} texts a second"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of the child process; 0 when an export was accepted."""
    parser = argparse.ArgumentParser(prog="python -m rag.embedders.export", description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of a sentence-transformers model")
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--key", help="name of the model; its folder's name by default")
    parser.add_argument("--languages", nargs="*", default=[], help="codes of the languages it was trained for")
    options = parser.parse_args(arguments)

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    try:
        export(
            options.model,
            options.out,
            key=options.key or options.model.resolve().name,
            languages=frozenset(options.languages),
            say=say,
        )
    except FootnoteError as error:
        sys.stderr.write(f"{error.told}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
