"""Use cases on workspaces and documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Protocol

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from ingest.addresses import parse
from rag.errors import Cancelled, InvalidInput, NameTaken, NotFound, SourceError
from rag.types import Retrieval
from workspaces import members, repository, runs
from workspaces.database import Database
from workspaces.files import Files
from workspaces.identifiers import new_id, now
from workspaces.jobs import Jobs
from workspaces.lexical import Fts5Index
from workspaces.models import FINAL_STATES, DocumentRecord, SourceKind, Workspace
from workspaces.names import file_label, printable, workspace_name
from workspaces.purging import blank_quotes
from workspaces.runs import Run
from workspaces.tables import documents, workspaces
from workspaces.waiting import follow

_ADDRESS_CHARACTERS = 2_000
_QUESTION_CHARACTERS = 10_000


class Retriever(Protocol):
    """What the library needs of rag.retrieval.HybridRetriever."""

    def retrieve(self, workspace_id: str, question: str, *, limit: int = 10) -> Retrieval:
        """The best passages and how strong they are."""


class Library:
    """Workspaces and their documents. Every method is safe to call from any thread."""

    def __init__(
        self,
        database: Database,
        files: Files,
        jobs: Jobs,
        *,
        lexical: Fts5Index,
        retriever: Callable[[], Retriever],
        embedder_name: Callable[[], str],
        upload_limit: int,
        twins: Mapping[str, str],
    ) -> None:
        """`twins` says, by document id, which document a web page turned out to be."""
        self._database = database
        self._files = files
        self._jobs = jobs
        self._lexical = lexical
        self._retriever = retriever
        self._embedder_name = embedder_name
        self._upload_limit = upload_limit
        self._twins = twins

    # --- workspaces ------------------------------------------------------------------------------

    def workspaces(self) -> list[Workspace]:
        """All workspaces with their figures, by name."""
        with self._database.read() as connection:
            return repository.list_workspaces(connection)

    def workspace(self, name_or_id: str) -> Workspace:
        """One workspace by its name (case does not matter) or id.

        Raises:
            NotFound: there is none; the hint names those that exist.
        """
        with self._database.read() as connection:
            found = repository.workspace_id_of(connection, name_or_id)
            return repository.list_workspaces(connection, workspace_id=found)[0]

    def create_workspace(self, name: str) -> Workspace:
        """Make an empty workspace.

        Raises:
            InvalidInput: the name is empty or longer than 100 characters.
            NameTaken: another workspace has it.
        """
        clean, workspace_id, embedder = workspace_name(name), new_id(), self._embedder_name()
        try:
            with self._database.write() as connection:
                connection.execute(
                    insert(workspaces).values(
                        id=workspace_id,
                        name=clean,
                        name_key=clean.casefold(),
                        embedder=embedder,
                        created_at=now(),
                    )
                )
                self._lexical.create(connection, workspace_id)
        except IntegrityError as error:
            raise _taken(clean) from error
        return self.workspace(workspace_id)

    def rename_workspace(self, workspace_id: str, name: str) -> Workspace:
        """Give a workspace another name. Raises as `create_workspace` does."""
        clean = workspace_name(name)
        try:
            with self._database.write() as connection:
                found = repository.workspace_id_of(connection, workspace_id)
                changed = update(workspaces).where(workspaces.c.id == found)
                connection.execute(changed.values(name=clean, name_key=clean.casefold()))
        except IntegrityError as error:
            raise _taken(clean) from error
        return self.workspace(found)

    def delete_workspace(self, workspace_id: str) -> None:
        """Delete a workspace with its documents and conversations: gone at once, off the disk soon after.

        Raises:
            NotFound: no such workspace.
        """
        with self._database.write() as connection:
            found, moment = repository.workspace_id_of(connection, workspace_id), now()
            gone = update(workspaces).where(workspaces.c.id == found)
            connection.execute(gone.values(deleted_at=moment, name=found, name_key=found))
            mine = update(documents).where(documents.c.workspace_id == found, documents.c.deleted_at.is_(None))
            connection.execute(mine.values(deleted_at=moment))
        self._jobs.purge("workspace", found)

    # --- documents -------------------------------------------------------------------------------

    def add_file(
        self, workspace_id: str, name: str, content: BinaryIO | Path, *, title: str | None = None
    ) -> DocumentRecord:
        """Store a file and enqueue its ingest. The same bytes again are the same document, with `duplicate_of` set;
        a failed one is tried again.

        An empty or too large file becomes a document in `failed(reason)`.

        Raises:
            NotFound: no such workspace.
            StorageError: the disk is full or cannot be written.
        """
        label = file_label(name)
        if isinstance(content, Path):
            try:
                with content.open("rb") as stream:
                    return self.add_file(workspace_id, label, stream, title=title)
            except OSError as error:
                raise InvalidInput(
                    f"“{label}” cannot be read: {error.strerror or 'the system refused it'}.",
                    hint="Check that it is there and that you may read it.",
                ) from error
        with self._files.guard:
            try:
                digest, size = self._files.store(content, limit=self._upload_limit)
            except SourceError as error:
                return self._add_failed(workspace_id, label, error)
            record, run = self._add_stored(workspace_id, label, title, (digest, size))
        if run is not None:
            self._jobs.ingest(run)
        return record

    def add_url(self, workspace_id: str, url: str) -> DocumentRecord:
        """Enqueue a web page. What goes wrong later ends in `failed(reason)`; so does an address that is refused."""
        address = printable(url)[:_ADDRESS_CHARACTERS]
        try:
            parse(url.strip())
        except SourceError as error:
            return self._add_failed(workspace_id, address, error, kind="url")
        with self._database.write() as connection:
            found = repository.workspace_id_of(connection, workspace_id)
            failed = repository.find_failed(connection, found, kind="url", source=address)
            if failed is None:
                document_id, version_id = repository.add_document(
                    connection, found, title="", kind="url", source=address
                )
                run = Run(version_id)
            else:
                document_id = failed.id
                run = runs.restart(connection, failed.version_id)
        self._jobs.ingest(run)
        return self.document(document_id)

    def documents(self, workspace_id: str) -> list[DocumentRecord]:
        """The documents of a workspace, newest first."""
        with self._database.read() as connection:
            return repository.list_documents(connection, repository.workspace_id_of(connection, workspace_id))

    def document(self, document_id: str) -> DocumentRecord:
        """One document. Raises NotFound."""
        with self._database.read() as connection:
            return repository.get_document(connection, document_id)

    def twin(self, document_id: str) -> DocumentRecord | None:
        """The document that a web page, added in this process, turned out to be byte for byte; then it is not a
        document of its own any more. None otherwise."""
        try:
            return self.document(self._twins[document_id])
        except (KeyError, NotFound):
            return None

    def cancel(self, document_id: str) -> None:
        """Stop the ingest of a document: it ends in `failed` at once, with the reason that a person stopped it.

        Raises:
            NotFound: it was deleted.
        """
        with self._database.write() as connection:
            record = repository.get_document(connection, document_id)
            if record.state not in FINAL_STATES:
                repository.set_failed(connection, record.version_id, _STOPPED)
                repository.set_version(connection, record.version_id, cancelled=True)

    def retry(self, document_id: str) -> DocumentRecord:
        """Begin the ingest of a failed document again; nothing happens to others. Raises NotFound."""
        with self._database.write() as connection:
            record = repository.get_document(connection, document_id)
            run = runs.restart(connection, record.version_id) if record.state == "failed" else None
        if run is not None:
            self._jobs.ingest(run)
        return self.document(document_id)

    def delete(self, document_id: str) -> None:
        """Delete a document: out of every search and citation at once, off the disk soon after. What lies inside it
        goes along (`members_deleted_with`). Raises NotFound."""
        with self._database.write() as connection:
            repository.get_document(connection, document_id)
            moment = now()
            for id_ in (document_id, *members.going_along(connection, document_id)):
                connection.execute(update(documents).where(documents.c.id == id_).values(deleted_at=moment))
                blank_quotes(connection, id_)
        self._jobs.purge("document", document_id)

    def members_deleted_with(self, document_id: str) -> int:
        """How many documents inside this one would go along if it were deleted: those that nobody added by themselves
        and that lie in no other document."""
        with self._database.read() as connection:
            return len(members.going_along(connection, document_id))

    def inside(self, document_ids: Sequence[str]) -> list[DocumentRecord]:
        """The documents inside these, at any depth."""
        with self._database.read() as connection:
            return repository.get_documents(connection, members.inside(connection, document_ids))

    def wait_purged(self, *, timeout: float) -> bool:
        """Until everything that was deleted is off the disk; False where `timeout` seconds do not suffice."""
        return self._jobs.wait_purged(timeout=timeout)

    def wait(self, document_ids: Sequence[str], *, timeout: float | None = None) -> Iterator[DocumentRecord]:
        """Each document's record whenever its state or progress changes, until all are ready or failed.

        Args:
            document_ids: what to wait for, and with them what turns out to lie inside them; those deleted meanwhile
                are forgotten.
            timeout: seconds after which it ends all the same.
        """
        return follow(self._database, document_ids, timeout=timeout)

    def search(self, workspace_id: str, question: str, *, limit: int = 10) -> Retrieval:
        """The best passages for a question.

        Raises:
            InvalidInput: the question is empty or too long.
            NotFound: no such workspace.
        """
        clean = question.strip()
        if not clean:
            raise InvalidInput("The question is empty.", hint="Type what you want to know.")
        if len(clean) > _QUESTION_CHARACTERS:
            raise InvalidInput(
                f"The question has {len(clean):,} characters; {_QUESTION_CHARACTERS:,} are the most.",
                hint="Shorten it; long material is better added as a document.",
            )
        return self._retriever().retrieve(self.workspace(workspace_id).id, clean, limit=limit)

    def _add_stored(
        self, workspace_id: str, label: str, title: str | None, original: tuple[str, int]
    ) -> tuple[DocumentRecord, Run | None]:
        """The document of these bytes, and the run that is to be enqueued for it."""
        digest, size = original
        with self._database.write() as connection:
            found = repository.workspace_id_of(connection, workspace_id)
            twin = repository.find_by_bytes(connection, found, digest)
            run: Run | None = None
            if twin is None:
                document_id, version_id = repository.add_document(
                    connection, found, title=printable(title or ""), kind="file", source=label
                )
                repository.attach_original(connection, version_id, sha256=digest, size=size)
                run = Run(version_id)
            else:
                members.adopt(connection, twin.id, kind="file", source=label)
                if twin.state == "failed":
                    run = runs.restart(connection, twin.version_id)
            record = repository.get_document(connection, twin.id if twin else document_id)
        return (replace(record, duplicate_of=twin.id) if twin else record), run

    def _add_failed(
        self, workspace_id: str, label: str, error: SourceError, *, kind: SourceKind = "file"
    ) -> DocumentRecord:
        """A document without bytes that says why; adding the same again changes the one that is there."""
        with self._database.write() as connection:
            found = repository.workspace_id_of(connection, workspace_id)
            known = repository.find_failed(connection, found, kind=kind, source=label)
            if known is None:
                document_id, version_id = repository.add_document(connection, found, title="", kind=kind, source=label)
            else:
                document_id, version_id = known.id, known.version_id
            repository.set_failed(connection, version_id, error)
            return repository.get_document(connection, document_id)


_STOPPED = Cancelled("You stopped this document.", hint="Start it again with Retry.")


def _taken(name: str) -> NameTaken:
    return NameTaken(f"There is already a workspace “{name}”.", hint="Choose another name.")
