"""Speed and memory of the int8 export against sentence-transformers, side by side in one run.

    python bench/embedder.py [--texts 60] [--threads 2] [--rounds 5]

Texts of about 230 word pieces. Rounds alternate between the two, and the best of each counts: on a shared machine it is
the one least disturbed. Processor time is printed too, which other programs disturb less.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import psutil

from rag.embedders.acceptance import examination
from rag.embedders.onnx import OnnxEmbedder
from rag.embedders.setup import embedder_folder
from rag.protocols import Embedder
from rag.weights.catalogue import EMBEDDER
from rag.weights.location import models_dir

PIECES = 230


def texts_of(count: int, embedder: Embedder) -> list[str]:
    """`count` different texts of about PIECES word pieces."""
    words = " ".join(examination().passages).split()
    texts = []
    for number in range(count):
        start = number * 37 % (len(words) - PIECES)
        length = PIECES
        while embedder.count_tokens(" ".join(words[start : start + length])) > PIECES:
            length -= 3
        texts.append(" ".join(words[start : start + length]))
    return texts


def measure(embedder: Embedder, texts: Sequence[str]) -> tuple[float, float]:
    """(wall seconds, processor seconds) a text."""
    wall, processor = time.perf_counter(), time.process_time()
    embedder.embed_documents(texts)
    return (time.perf_counter() - wall) / len(texts), (time.process_time() - processor) / len(texts)


def main() -> None:
    """Print both, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    before = psutil.Process().memory_info().rss
    export = OnnxEmbedder(embedder_folder(), threads=options.threads)
    texts = texts_of(options.texts, export)
    measure(export, texts)
    grown = psutil.Process().memory_info().rss - before
    print(f"int8 export: {grown / 1e6:.0f} MB after {len(texts)} texts, torch imported: {'torch' in sys.modules}")

    import torch

    from rag.embedders.reference import SentenceTransformerEmbedder

    torch.set_num_threads(options.threads)
    original = SentenceTransformerEmbedder(models_dir() / EMBEDDER.key, device="cpu", batch_size=32)
    measure(original, texts[:4])
    best = {"int8 export": (9e9, 9e9), "sentence-transformers": (9e9, 9e9)}
    for _ in range(options.rounds):
        for name, embedder in (("int8 export", export), ("sentence-transformers", original)):
            wall, processor = measure(embedder, texts)
            best[name] = (min(best[name][0], wall), min(best[name][1], processor))
    for name, (wall, processor) in best.items():
        print(f"{name}: {1 / wall:.1f} texts a second, {processor * 1000:.1f} ms of processor time a text")
    ratio = best["sentence-transformers"][0] / best["int8 export"][0]
    print(f"the export is {ratio:.2f} times as fast")


if __name__ == "__main__":
    main()
