"""The commands on search indexes: another one, the former one again, and documents that could be read better today."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from entrypoints.output import Output
from workspaces.bootstrap import Services
from workspaces.models import DocumentRecord

_LOOK_SECONDS = 0.3


def reindex(services: Services, options: Namespace, out: Output) -> int:
    """Build a new index, or go back to the former one; waits. Exit 0 only if it serves then."""
    reindexing = services.reindexing
    workspace_id = services.library.workspace(options.workspace).id
    if options.cancel:
        reindexing.cancel(workspace_id)
        return 0
    if options.roll_back:
        begun = reindexing.roll_back(workspace_id)
    else:
        begun = reindexing.reindex(workspace_id, embedder_key=_key(options))
    shown = ""
    while True:
        index = next((index for index in reindexing.indexes(workspace_id) if index.id == begun.id), None)
        if index is None or index.state == "previous":
            out.note("It was cancelled.")
            return 1
        if index.state == "current":
            out.note(f"Searches use it now: {index.embedder}.")
            return 0
        if index.problem is not None or index.paused:
            problem = index.problem
            out.note(problem.told if problem else "It is paused.")
            return 1
        told = f"{index.done:,} of {index.total:,} documents"
        if told != shown:
            out.note(told)
        shown = told
        time.sleep(_LOOK_SECONDS)


def reread(
    services: Services,
    options: Namespace,
    named: Callable[[list[DocumentRecord], str], DocumentRecord],
) -> list[DocumentRecord]:
    """Begin to read documents again: those named, or all that an earlier version has read."""
    library = services.library
    workspace_id = library.workspace(options.workspace).id
    chosen = library.stale(workspace_id)
    if options.documents:
        found = library.documents(workspace_id)
        chosen = [named(found, wanted) for wanted in options.documents]
    return [library.reread(record.id) for record in chosen]


def _key(options: Namespace) -> str | None:
    """The key as it is, or a folder from where the command was typed."""
    if options.embedder is None:
        return None
    folder = Path(options.cwd) / Path(options.embedder).expanduser()
    return str(folder) if folder.is_dir() else str(options.embedder)
