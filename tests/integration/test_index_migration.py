"""A data directory from before there were search indexes goes on as it was: same words, same vectors, same answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text

import workspaces
from rag.stores.chroma import ChromaStore
from rag.testing import HashEmbedder
from tests.support.services import PATIENCE, ingested, opened, rows, wait_until
from workspaces.adapters import open_splitter
from workspaces.files import Files
from workspaces.identifiers import text_hash
from workspaces.index_store import collection_name
from workspaces.lexical import _TOKENIZER

WORKSPACE, DOCUMENT, VERSION = "a" * 32, "d" * 32, "e" * 32
TEXTS = ["The copper valve closes at noon.", "The winter forest is full of owls."]
NOW = "2026-01-01 00:00:00.000000"


def write(folder: Path, revision: str, *, splitter: str) -> None:
    """A workspace with a document of two passages, as an earlier Footnote left it."""
    folder.mkdir(mode=0o700)
    (folder / "footnote.db").touch(mode=0o600)
    content = "\n".join(TEXTS).encode()
    source = folder.parent / "valves.txt"
    source.write_bytes(content)
    with source.open("rb") as stream:
        digest, size = Files(folder / "originals").store(stream, limit=1_000)
    engine = create_engine(f"sqlite:///{folder / 'footnote.db'}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(workspaces.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        _rows(connection, {"digest": digest, "size": size, "splitter": splitter, "text": content.decode()})
    engine.dispose()
    matrix = HashEmbedder().embed_documents(TEXTS)
    store = ChromaStore(folder / "vectors" / "current")
    store.upsert(collection_name(WORKSPACE, "hash-128"), ["chunk-0", "chunk-1"], matrix)
    store.close()


def _rows(connection: Connection, values: dict[str, object]) -> None:
    values |= {"w": WORKSPACE, "d": DOCUMENT, "v": VERSION, "now": NOW}
    for statement in (
        "INSERT INTO originals (sha256, size, created_at) VALUES (:digest, :size, :now)",
        "INSERT INTO workspaces (id, name, name_key, embedder, created_at) VALUES (:w, 'Old', 'old', 'hash-128', :now)",
        """INSERT INTO documents (id, workspace_id, version_id, title, source_kind, source, created_at)
           VALUES (:d, :w, :v, 'Valves', 'file', 'valves.txt', :now)""",
        """INSERT INTO versions (id, document_id, number, sha256, media_type, size, state, attempt, cancelled, notes,
               language, page_count, character_count, chunk_count, parser, splitter, progress_done, progress_total,
               created_at, updated_at)
           VALUES (:v, :d, 1, :digest, 'text/plain', :size, 'ready', 1, 0, '[]', 'en', 0, :size, 2, 'old', :splitter,
               0, 0, :now, :now)""",
        "INSERT INTO texts (version_id, text, blocks) VALUES (:v, :text, '[]')",
        f'CREATE VIRTUAL TABLE fts_{WORKSPACE} USING fts5(title, headings, body, tokenize="{_TOKENIZER}")',
    ):
        connection.execute(text(statement), values)
    vectors = HashEmbedder().embed_documents(TEXTS)
    for ordinal, passage in enumerate(TEXTS):
        start = 0 if ordinal == 0 else len(TEXTS[0]) + 1
        row = {"n": 7 + ordinal, "id": f"chunk-{ordinal}", "v": VERSION, "ordinal": ordinal, "start": start,
               "end": start + len(passage), "text": passage, "hash": text_hash(passage),
               "vector": vectors[ordinal].astype("<f4").tobytes(), "words": passage.lower()[:-1]}  # fmt: skip
        for statement in (
            """INSERT INTO chunks (rowid, id, version_id, ordinal, start, "end", heading_path, text, embedding_hash)
               VALUES (:n, :id, :v, :ordinal, :start, :end, '[]', :text, :hash)""",
            "INSERT INTO embeddings (hash, embedder, vector) VALUES (:hash, 'hash-128', :vector)",
            f"INSERT INTO fts_{WORKSPACE} (rowid, title, headings, body) VALUES (:n, 'valv', '', :words)",
        ):
            connection.execute(text(statement), row)


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0005"])
def test_words_and_vectors_of_an_earlier_version_serve_as_they_are(tmp_path: Path, revision: str) -> None:
    folder, recipe = tmp_path / "data", open_splitter(HashEmbedder()).recipe
    write(folder, revision, splitter=recipe)
    with opened(folder) as services:
        [index] = services.reindexing.indexes("Old")
        assert (index.id, index.embedder, index.dimension, index.splitter) == (WORKSPACE, "hash-128", 128, recipe)
        assert not index.closed
        best = services.library.search("Old", "When does the copper valve close?").passages[0]
        assert best.chunk_id == "chunk-0"
        assert best.text.startswith(TEXTS[0])
        assert services.library.search("Old", "owls").passages[0].chunk_id == "chunk-1", "by the old words"
        assert [check for check in services.doctor.check() if not check.ok] == []
        new = ingested(services, services.library.workspace("Old").id, "The harbour freezes over.", "new.txt")
        assert services.library.search("Old", "harbour freezes").passages[0].document_id == new.id
        assert [index.id for index in services.reindexing.indexes("Old")] == [WORKSPACE]
    assert rows(folder, "SELECT rowid, id FROM chunks WHERE version_id != :v".replace(":v", f"'{new.version_id}'")) == [
        (7, "chunk-0"),
        (8, "chunk-1"),
    ]


@pytest.mark.parametrize("splitter", ["", "structure-of-yesterday 256/256 hash-128"])
def test_passages_that_an_earlier_splitter_made_serve_until_others_take_their_place(
    tmp_path: Path, splitter: str
) -> None:
    folder = tmp_path / "data"
    write(folder, "0003", splitter=splitter)
    with opened(folder, start=False) as services:
        assert services.library.search("Old", "copper valve").passages[0].chunk_id == "chunk-0"
        services.start()
        wait_until(lambda: services.reindexing.indexes("Old")[0].id != WORKSPACE)
        [index] = services.reindexing.indexes("Old")
        assert index.splitter == open_splitter(HashEmbedder()).recipe
        assert "copper valve" in services.library.search("Old", "copper valve").passages[0].text
        assert services.library.wait_purged(timeout=PATIENCE)
        assert [check for check in services.doctor.check() if not check.ok] == []
    assert rows(folder, f"SELECT 1 FROM chunks WHERE index_id = '{WORKSPACE}'") == []
