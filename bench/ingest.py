"""Ingest of four PDF manuals: Footnote against a plain pipeline, in one run on one machine.

    python bench/ingest.py [FOOTNOTE_EVAL_DIR]

The plain pipeline is what most tutorials build: pypdf, chunks of 1,000 characters with 100 overlap,
SentenceTransformer.encode, a Chroma collection. It silently cuts every chunk at the model's 256 word pieces. Both
read the same files with the same weights; the figures to compare are ratios, not seconds. Stages of Footnote overlap,
so they add up to more than its wall time.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # as a script, this file would shadow the package `ingest`

DEPTH = 5
WINDOW = 256
CHUNK, OVERLAP = 1000, 100
RAW_TEXTS = 800

Place = tuple[str, int | None]


@dataclass
class Result:
    """What one pipeline did."""

    name: str
    wall: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)
    pieces: list[int] = field(default_factory=list)
    page_hit: float = 0.0
    embeddable: float = 0.0
    """Word pieces a second of the embedder alone, with nothing else to do."""

    @property
    def embedded(self) -> int:
        """Word pieces that really entered the model."""
        return sum(min(count, WINDOW) for count in self.pieces)


def main() -> int:
    """Run both, print the table."""
    data = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("FOOTNOTE_EVAL_DIR", "../shared/eval"))
    dataset = data / "debian-docs"
    if not dataset.is_dir():
        print(f"The evaluation set debian-docs is not in {data}; set FOOTNOTE_EVAL_DIR.")
        return 1
    questions = _lines(dataset / "questions.jsonl")
    files = {line["id"]: dataset / line["path"] for line in _lines(dataset / "corpus.jsonl")}
    plain, ours = plain_pipeline(files, questions), footnote(files, questions)
    for result in (plain, ours):
        _print(result)
    rate = (ours.embedded / ours.wall) / (plain.embedded / plain.wall)
    print(f"wall time: {plain.wall / ours.wall:.2f} times as fast")
    print(f"word pieces embedded a second: {rate:.2f} times as many")
    print(f"of the rate of the embedder alone: {ours.embedded / ours.wall / ours.embeddable:.1%}")
    print(f"page hit@{DEPTH}: {ours.page_hit:.3f} against {plain.page_hit:.3f}")
    return 0


def footnote(files: dict[str, Path], questions: list[dict[str, Any]]) -> Result:
    """The product: library, parser process, splitter, int8 embedder, SQL, Chroma child."""
    from workspaces.bootstrap import open_services
    from workspaces.settings import load_settings

    result = Result("Footnote")
    with tempfile.TemporaryDirectory() as folder:
        services = open_services(load_settings(data_dir=Path(folder) / "data"))
        try:
            services.start()
            workspace = services.library.create_workspace("bench")
            names: dict[str, str] = {}
            versions = []
            started = time.perf_counter()
            for name, path in files.items():
                record = services.library.add_file(workspace.id, path.name, path, title=name)
                names[record.id] = name
                versions.append(record.version_id)
            for record in services.library.wait(list(names)):
                if record.problem is not None:
                    raise SystemExit(f"{record.source}: {record.problem.message}")
            result.wall = time.perf_counter() - started
            result.stages = _stage_seconds(versions)
            texts = _stored_texts(Path(folder) / "data" / "footnote.db")
            result.pieces = _count(texts)
            result.embeddable = _raw_rate(texts)

            def places(question: str) -> list[Place]:
                found = services.library.search(workspace.id, question, limit=DEPTH).passages
                return [(names[passage.document_id], passage.page) for passage in found]

            result.page_hit = _page_hit(questions, places)
        finally:
            services.close()
    return result


def plain_pipeline(files: dict[str, Path], questions: list[dict[str, Any]]) -> Result:
    """pypdf, fixed-size chunks, sentence-transformers in fp32, Chroma."""
    import chromadb
    from pypdf import PdfReader
    from sentence_transformers import SentenceTransformer

    logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of every font it cannot decode
    model = SentenceTransformer(str(_weights()), local_files_only=True)
    model.encode(["warm up"])  # loading is not counted on either side
    result = Result("plain pipeline")
    with tempfile.TemporaryDirectory() as folder:
        client = chromadb.PersistentClient(folder, settings=chromadb.Settings(anonymized_telemetry=False))
        collection = client.create_collection("bench", embedding_function=None)
        started = time.perf_counter()
        texts: list[str] = []
        places: list[Place] = []
        for name, path in files.items():
            for number, page in enumerate(PdfReader(path).pages, 1):
                text = page.extract_text()
                pieces = [text[at : at + CHUNK] for at in range(0, len(text), CHUNK - OVERLAP)]
                texts += pieces
                places += [(name, number)] * len(pieces)
        parsed = time.perf_counter()
        vectors = model.encode(texts, batch_size=32, show_progress_bar=False)
        embedded = time.perf_counter()
        for at in range(0, len(texts), 1000):
            ids = [str(number) for number in range(at, min(at + 1000, len(texts)))]
            collection.add(ids=ids, embeddings=vectors[at : at + 1000], documents=texts[at : at + 1000])
        stored = time.perf_counter()
        result.wall = stored - started
        result.stages = {"parse and split": parsed - started, "embed": embedded - parsed, "store": stored - embedded}
        result.pieces = _count(texts)

        def nearest(question: str) -> list[Place]:
            found = collection.query(query_embeddings=model.encode([question]), n_results=DEPTH, include=[])
            return [places[int(number)] for number in found["ids"][0]]

        result.page_hit = _page_hit(questions, nearest)
    return result


def _stage_seconds(version_ids: list[str]) -> dict[str, float]:
    from dbos import DBOS

    from workspaces.jobs import STEPS

    seconds = dict.fromkeys(STEPS, 0.0)
    for version_id in version_ids:
        for step, ran in zip(STEPS, DBOS.list_workflow_steps(version_id), strict=False):
            seconds[step] += ((ran["completed_at_epoch_ms"] or 0) - (ran["started_at_epoch_ms"] or 0)) / 1000
    return seconds


def _stored_texts(database: Path) -> list[str]:
    import sqlite3

    from rag.types import embedding_text

    query = """SELECT documents.title, chunks.heading_path, chunks.text, chunks.header FROM chunks
               JOIN versions ON versions.id = chunks.version_id JOIN documents ON documents.version_id = versions.id"""
    with sqlite3.connect(database) as connection:
        rows = connection.execute(query).fetchall()
    return [embedding_text(title, json.loads(headings), text, header=header) for title, headings, text, header in rows]


def _raw_rate(texts: list[str]) -> float:
    """Word pieces a second that the int8 embedder reads of these texts, already split, in a process of its own."""
    script = """
import json, sys, time
from workspaces.adapters import ENGINES
from workspaces.settings import load_settings
embedder = ENGINES.embedder(load_settings())
texts = json.load(sys.stdin)
embedder.embed_documents(texts[:16])
started = time.perf_counter()
for at in range(0, len(texts), 16):
    embedder.embed_documents(texts[at : at + 16])
print(time.perf_counter() - started)
"""
    sample = texts[:: max(1, len(texts) // RAW_TEXTS)]
    done = subprocess.run(
        [sys.executable, "-c", script], input=json.dumps(sample), capture_output=True, text=True, check=True, cwd=ROOT
    )
    return sum(_count(sample)) / float(done.stdout)


def _count(texts: list[str]) -> list[int]:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(_weights() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [len(tokenizer.encode(text).ids) for text in texts]


def _weights() -> Path:
    from rag.weights.catalogue import EMBEDDER
    from rag.weights.location import models_dir

    return models_dir() / EMBEDDER.key


def _page_hit(questions: list[dict[str, Any]], search: Callable[[str], list[Place]]) -> float:
    hits = 0
    for question in questions:
        wanted = {(entry["doc"], entry["page"]) for entry in question["evidence"]}
        hits += bool(wanted & set(search(question["question"])))
    return hits / len(questions)


def _print(result: Result) -> None:
    cut = [count - WINDOW for count in result.pieces if count > WINDOW]
    print(f"{result.name}: {result.wall:.1f} s, {len(result.pieces)} chunks, {sum(result.pieces)} word pieces")
    print(f"  cut at {WINDOW}: {len(cut)} chunks, {sum(cut)} word pieces never embedded")
    print(f"  {result.embedded / result.wall:.0f} word pieces embedded a second")
    print("  " + ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in result.stages.items()))


def _lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


if __name__ == "__main__":
    sys.exit(main())
