"""A process that ingests, for tests that kill it: python -m tests.support.ingest_driver DATA_DIR [FILE…].

Prints "acked ID" after each accepted file, "recognising" whenever an engine of text recognition is begun, and "done"
when every document is ready or failed; ends with its input. With --delete it deletes all documents instead, with
--reindex it builds another search index. --forgetful is the control: it keeps nothing of what was recognised. The
embedder is the double of rag/testing.py, slowed down so that there is a time to be killed in.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ingest.parser import client
from ingest.parser.watch import Watch
from rag.errors import NotFound
from rag.testing import HashEmbedder
from rag.types import Matrix
from workspaces.adapters import ENGINES
from workspaces.bootstrap import Services, open_services
from workspaces.recognitions import DocumentReadings
from workspaces.settings import load_settings

WORKSPACE = "kill test"
SECONDS_A_TEXT = 0.004


class SlowEmbedder(HashEmbedder):
    """About as fast as a real one on a fast machine."""

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        time.sleep(SECONDS_A_TEXT * len(texts))
        return super().embed_documents(texts)


class TellingWatch(Watch):
    """Says whenever an engine is begun."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "recognised" and value:
            print("recognising", flush=True)
        super().__setattr__(name, value)


def main() -> None:
    client.Watch = TellingWatch  # type: ignore[misc]
    if "--forgetful" in sys.argv:
        sys.argv.remove("--forgetful")
        DocumentReadings.take = lambda *_: None  # type: ignore[method-assign]
    engines = replace(
        ENGINES, embedder=lambda settings: SlowEmbedder(dimension=64 if settings.embedder == "64" else 128)
    )
    services = open_services(load_settings(data_dir=Path(sys.argv[1])), engines=engines)
    try:
        services.start()
        if sys.argv[2:] == ["--delete"]:
            _delete(services)
        elif sys.argv[2:] == ["--reindex"]:
            _reindex(services)
        else:
            _ingest(services, [Path(name) for name in sys.argv[2:]])
        print("done", flush=True)
        sys.stdin.read()
    finally:
        services.close()


def _ingest(services: Services, files: list[Path]) -> None:
    try:
        workspace = services.library.workspace(WORKSPACE)
    except NotFound:
        workspace = services.library.create_workspace(WORKSPACE)
    for file in files:
        record = services.library.add_file(workspace.id, file.name, file)
        print("acked", record.id, flush=True)
    ids = [record.id for record in services.library.documents(workspace.id)]
    for _ in services.library.wait(ids):
        pass


def _reindex(services: Services) -> None:
    """Build a search index with the other embedder, or go on with it."""
    indexes = services.reindexing.indexes(WORKSPACE)
    if indexes[0].dimension == 128 and len(indexes) == 1:
        services.reindexing.reindex(WORKSPACE, embedder_key="64")
    print("acked", WORKSPACE, flush=True)
    while any(index.state == "building" for index in services.reindexing.indexes(WORKSPACE)):
        time.sleep(0.05)


def _delete(services: Services) -> None:
    workspace = services.library.workspace(WORKSPACE)
    for record in services.library.documents(workspace.id):
        services.library.delete(record.id)
        print("acked", record.id, flush=True)
    services.library.wait_purged(timeout=60)


if __name__ == "__main__":
    main()
