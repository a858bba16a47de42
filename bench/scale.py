"""A workspace of 100,000 chunks: what a search, a start and a rebuild of the vector index cost.

    python bench/scale.py [CHUNKS] [FOOTNOTE_EVAL_DIR]

The passages of clapnq are among the chunks, with their vectors; the others are sentences of the evaluation sets,
shuffled, with noise around some hundred topics for vectors, so that the embedder's speed does not count. Questions are
those of clapnq, half of which have no answer there, through the real retriever.
"""

from __future__ import annotations

import json
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # else bench/ingest.py would shadow the package `ingest`

import numpy as np
import psutil

CHUNKS = 100_000
IN_A_DOCUMENT = 200
SENTENCES = 7
TOPICS = 400
QUESTIONS = 100
PATIENCE = 900.0
_LONGEST = 600
"""Characters of a passage that surely fit the embedder's window."""


@dataclass(frozen=True)
class Text:
    """What chunks and questions are made of."""

    sentences: list[str]
    questions: list[str]
    passages: list[str]


def main() -> int:
    """Fill a data directory, start on it twice, print the figures."""
    chunks = int(sys.argv[1]) if len(sys.argv) > 1 else CHUNKS
    data = Path(sys.argv[2] if len(sys.argv) > 2 else os.environ.get("FOOTNOTE_EVAL_DIR", "../shared/eval"))
    if not (data / "clapnq").is_dir():
        print(f"The evaluation sets are not in {data}; set FOOTNOTE_EVAL_DIR.")
        return 1
    text = text_of(data)
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        workspace = _fill(data_dir, text, chunks)
        _first_start(data_dir, workspace, chunks)
        _second_start(data_dir, workspace, text)
    return 0


def _fill(data_dir: Path, text: Text, chunks: int) -> str:
    from workspaces.bootstrap import open_services
    from workspaces.settings import load_settings

    services = open_services(load_settings(data_dir=data_dir))
    try:
        workspace = services.library.create_workspace("bench")
        services.start()  # the empty index takes this program's splitter; else another is built during the searches
    finally:
        services.close()
    started = time.perf_counter()
    for number, first in enumerate(range(0, chunks, IN_A_DOCUMENT)):
        _plant(data_dir, workspace.id, number, text, min(IN_A_DOCUMENT, chunks - first))
    print(f"{chunks:,} chunks planted in {time.perf_counter() - started:.0f} s")
    return workspace.id


def _first_start(data_dir: Path, workspace: str, chunks: int) -> None:
    """The vector index does not exist yet: it is rebuilt from the stored vectors."""
    services = _open(data_dir)
    try:
        services.library.search(workspace, "warm up")
        started = time.perf_counter()
        services.doctor.check(repair=True)
        print(f"vector index rebuilt from SQL and proven: {time.perf_counter() - started:.0f} s for {chunks:,} chunks")
    finally:
        services.close()


def _second_start(data_dir: Path, workspace: str, text: Text) -> None:
    started = time.perf_counter()
    services = _open(data_dir)
    try:
        services.library.documents(workspace)
        print(f"start to the list of documents: {time.perf_counter() - started:.2f} s")
        services.library.search(workspace, "warm up")
        print(f"start to the first answer of a search: {time.perf_counter() - started:.2f} s")
        services.warm_up()
        _searches("while the index is being proven", services, workspace, text.questions[:QUESTIONS])
        index = services.doctor._vectors  # nothing else needs to know when the background is done
        while not index.status.proven and time.perf_counter() - started < PATIENCE:
            time.sleep(0.1)
        print(f"start to an index that is asked (count and sample right): {time.perf_counter() - started:.1f} s")
        index.wait(timeout=PATIENCE)
        print(f"start to an index that is wholly compared: {time.perf_counter() - started:.1f} s")
        _searches("by the index", services, workspace, text.questions[QUESTIONS : 2 * QUESTIONS])
        process = psutil.Process()
        sizes = [part.memory_info().rss / 1e6 for part in (process, *process.children(recursive=True))]
        print(f"memory: {sizes[0]:.0f} MB, children {', '.join(f'{size:.0f}' for size in sizes[1:])} MB")
    finally:
        services.close()


def _searches(how: str, services: Any, workspace: str, questions: list[str]) -> None:
    seconds = []
    for question in questions:
        started = time.perf_counter()
        services.library.search(workspace, question)
        seconds.append(time.perf_counter() - started)
    seconds.sort()
    print(
        f"search {how}: median {statistics.median(seconds) * 1000:.0f} ms,"
        f" 95th percentile {seconds[int(len(seconds) * 0.95)] * 1000:.0f} ms"
    )


def _open(data_dir: Path) -> Any:
    from workspaces.bootstrap import open_services
    from workspaces.settings import load_settings

    services = open_services(load_settings(data_dir=data_dir))
    services.start()
    return services


def _plant(data_dir: Path, workspace_id: str, number: int, text: Text, count: int) -> None:
    """One ready document, as the ingest leaves it in SQL."""
    from sqlalchemy import insert, select

    from rag.types import Chunk, Document, Span
    from workspaces import extracts, indexes, repository
    from workspaces.database import Database
    from workspaces.lexical import Fts5Index, body_of
    from workspaces.tables import embeddings

    random_ = random.Random(number)
    pieces = text.passages[number * IN_A_DOCUMENT :][:count]
    real = len(pieces)
    pieces += [" ".join(random_.choices(text.sentences, k=SENTENCES)) for _ in range(count - real)]
    whole = "\n\n".join(pieces)
    chunks, at = [], 0
    for ordinal, piece in enumerate(pieces):
        chunks.append(Chunk(ordinal, Span(at, at + len(piece)), piece))
        at += len(piece) + 2
    database = Database(data_dir / "footnote.db")
    database.open()
    try:
        with database.write() as connection:
            title = f"Document {number}"
            _, version_id = repository.add_document(
                connection, workspace_id, title=title, kind="file", source=f"{number}.txt"
            )
            extracts.write_text(connection, version_id, Document(whole, title, "en"))
            index = indexes.current(connection, workspace_id)
            extracts.write_chunks(connection, index.id, version_id, chunks, title=title)
            indexes.enter(connection, index.id, version_id, chunk_count=count)
            hashes = connection.execute(
                select(extracts.chunks.c.embedding_hash)
                .where(extracts.chunks.c.version_id == version_id)
                .order_by(extracts.chunks.c.ordinal)
            ).scalars()
            rows = [
                {"hash": digest, "embedder": index.embedder, "vector": vector.tobytes()}
                for digest, vector in zip(hashes, _vectors(number, pieces, real), strict=True)
            ]
            connection.execute(insert(embeddings).prefix_with("OR IGNORE"), rows)
            words = connection.execute(extracts.words_of(index.id, version_id)).all()
            entries = ((row.rowid, title, "", body_of(row), "en") for row in words)
            Fts5Index(database).insert(connection, index.id, entries)
            repository.set_version(
                connection,
                version_id,
                state="ready",
                language="en",
                chunk_count=count,
                character_count=len(whole),
                media_type="text/plain",
            )
    finally:
        database.close()


def _vectors(number: int, pieces: list[str], real: int, dimension: int = 384) -> Iterator[Any]:
    if real:
        yield from _embedder().embed_documents(pieces[:real]).astype("<f4")
    count = len(pieces) - real
    generator = np.random.default_rng(number)
    topics = np.random.default_rng(7).standard_normal((TOPICS, dimension))
    found = topics[generator.integers(0, TOPICS, count)] + 0.8 * generator.standard_normal((count, dimension))
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    yield from found.astype("<f4")


@cache
def _embedder() -> Any:
    from workspaces.adapters import ENGINES
    from workspaces.settings import load_settings

    return ENGINES.embedder(load_settings())


def text_of(data: Path) -> Text:
    """Sentences and questions of the evaluation sets."""
    sentences: list[str] = []
    for name in ("clapnq", "xquad-en", "chunkeval"):
        with (data / name / "corpus.jsonl").open(encoding="utf-8") as file:
            for line in file:
                sentences += re.split(r"(?<=[.!?])\s+", json.loads(line)["text"])
    with (data / "clapnq" / "questions.jsonl").open(encoding="utf-8") as file:
        questions = [json.loads(line)["question"] for line in file]
    with (data / "clapnq" / "corpus.jsonl").open(encoding="utf-8") as file:
        passages = [json.loads(line)["text"].strip()[:_LONGEST] for line in file]
    return Text([sentence for sentence in sentences if 20 < len(sentence) < 400], questions, passages)


if __name__ == "__main__":
    sys.exit(main())
