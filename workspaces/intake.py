"""Takes in the files inside a container while it is parsed: each is stored and becomes a document of its own.

Taking a file in twice does nothing the second time, so a container that is parsed again (after a crash, a retry, or in
the parser's second try) makes nothing twice. A file that cannot be taken in never fails its container.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from ingest.protocols import Embedded
from rag.errors import NoText, SourceError
from rag.types import Document
from workspaces import members, repository
from workspaces.database import Database
from workspaces.files import Files
from workspaces.models import DocumentRecord
from workspaces.names import file_label
from workspaces.runs import Run, Runs
from workspaces.unnamed import unless_named

_LONGEST_REPORT = 50
"""Files that are named one by one."""


class Intake:
    """The files inside one container."""

    def __init__(
        self,
        database: Database,
        files: Files,
        runs: Runs,
        *,
        run: Run,
        container: DocumentRecord,
        limit: int,
        enqueue: Callable[[Run], None],
    ) -> None:
        """`limit` is how many bytes a document may have; `enqueue` gets the runs of new documents."""
        self._database = database
        self._files = files
        self._runs = runs
        self._run = run
        self._container = container
        self._limit = limit
        self._enqueue = enqueue
        self._taken: set[str] = set()
        self._left: dict[str, str] = {}  # path → reason
        with database.read() as connection:
            self._around = members.surroundings(connection, container.id)

    def take(self, file: Embedded) -> None:
        """Store a file and enqueue its ingest.

        Raises:
            NotFound: the container's run has ended.
            StorageError: the disk is full or cannot be written.
        """
        if self._around.depth >= members.DEEPEST:
            self._left[file.path] = f"more than {members.DEEPEST} files lie around it"
        elif file.path not in self._taken and len(self._taken) >= members.MOST:
            self._left[file.path] = f"{members.MOST:,} files inside one are the most"
        else:
            self._store(file)

    def told(self, document: Document) -> Document:
        """The container's text with what became of the files inside it in its notes and report.

        Raises:
            NoText: there were files inside and nothing else, and none of them could be taken in.
        """
        left = [f"{path}: {reason}" for path, reason in self._left.items()]
        if left and not self._taken and not document.text.strip():
            raise NoText(
                f"None of the files inside was taken in ({'; '.join(left[:3])}).",
                hint="Unpack it and add what you need.",
            )
        notes = [f"{len(left):,} files inside were left out"] if len(left) > 1 else left
        if len(left) > _LONGEST_REPORT:
            left[_LONGEST_REPORT:] = [f"{len(left) - _LONGEST_REPORT:,} more files"]
        report = replace(document.report, embedded=len(self._taken), skipped=(*document.report.skipped, *left))
        return replace(document, notes=(*document.notes, *notes), report=report)

    def _store(self, file: Embedded) -> None:
        run: Run | None = None
        with self._files.guard:
            try:
                digest, size = self._files.store(io.BytesIO(file.data), limit=self._limit)
            except SourceError as error:
                self._left[file.path] = error.message.rstrip(".")
                return
            with unless_named(self._database, self._files, digest), self._runs.commit(self._run) as connection:
                run = self._enter(connection, file.path, digest, size)
        if run is not None:
            self._enqueue(run)

    def _enter(self, connection: Connection, path: str, digest: str, size: int) -> Run | None:
        """Make the file a member; returns the run that is to be enqueued."""
        container, run = self._container, None
        if members.at(connection, container.id, path) is None:
            document_id = members.same_bytes(connection, container.workspace_id, digest)
            if document_id in self._around.ids:
                self._left[path] = "a copy of a file that it lies in"
                return None
            if document_id is None:
                document_id, version_id = repository.add_document(
                    connection, container.workspace_id, title="", kind="member", source=file_label(path)
                )
                repository.attach_original(connection, version_id, sha256=digest, size=size)
                run = Run(version_id)
            members.put(connection, container.id, path, document_id)
        self._taken.add(path)
        return run
