"""Use cases on workspaces and documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Protocol

from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from ingest.addresses import parse
from rag.errors import InvalidInput, NameTaken, NotFound, SourceError
from rag.modes import MODES, Mode
from rag.scope import EVERYTHING, Scope
from rag.types import Retrieval
from workspaces import indexes, listing, members, queueing, repository, runs, versions
from workspaces.database import Database
from workspaces.deleting import blank_quotes_of_workspace, mark_deleted
from workspaces.embedders import Embedders
from workspaces.files import Files
from workspaces.identifiers import new_id, now
from workspaces.jobs import Jobs
from workspaces.lexical import Fts5Index
from workspaces.models import (
    FINAL_STATES,
    DocumentFilter,
    DocumentRecord,
    DocumentsPage,
    Pending,
    SourceKind,
    VersionRecord,
    Workspace,
)
from workspaces.names import file_label, printable, workspace_name
from workspaces.runs import Run
from workspaces.tables import documents, workspaces
from workspaces.unlocking import Unlocking
from workspaces.unnamed import unless_named
from workspaces.versions import Change
from workspaces.waiting import follow

_ADDRESS_CHARACTERS = 2_000
_QUESTION_CHARACTERS = 10_000


class Retriever(Protocol):
    """What the library needs of workspaces.searching.Searching."""

    def retrieve(self, workspace_id: str, question: str, *, limit: int = 10, scope: Scope = EVERYTHING) -> Retrieval:
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
        retriever: Retriever,
        embedders: Embedders,
        upload_limit: int,
        twins: Mapping[str, str],
        unlocking: Unlocking,
    ) -> None:
        """`twins` says, by document id, which document a web page turned out to be."""
        self._database = database
        self._files = files
        self._jobs = jobs
        self._lexical = lexical
        self._retriever = retriever
        self._embedders = embedders
        self._upload_limit = upload_limit
        self._twins = twins
        self._unlocking = unlocking

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
        clean, workspace_id, embedder = workspace_name(name), new_id(), self._embedders.open()
        identity = (embedder.name, self._embedders.default, embedder.dimension)
        try:
            with self._database.write() as connection:
                connection.execute(
                    insert(workspaces).values(
                        id=workspace_id,
                        name=clean,
                        name_key=clean.casefold(),
                        index_id="",
                        created_at=now(),
                    )
                )
                index_id = indexes.add(connection, workspace_id, state="current", embedder=identity)
                connection.execute(update(workspaces).where(workspaces.c.id == workspace_id).values(index_id=index_id))
                self._lexical.create(connection, index_id)
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

    def set_mode(self, workspace_id: str, mode: Mode) -> Workspace:
        """Let answers come from the documents alone ("strict"), or add general knowledge, marked as such ("open").

        Raises:
            NotFound: no such workspace.
            InvalidInput: no such mode.
        """
        if mode not in MODES:
            raise InvalidInput(f"There is no mode “{mode}”.", hint=f"Choose one of: {', '.join(MODES)}.")
        with self._database.write() as connection:
            found = repository.workspace_id_of(connection, workspace_id)
            connection.execute(update(workspaces).where(workspaces.c.id == found).values(mode=mode))
        return self.workspace(found)

    def delete_workspace(self, workspace_id: str) -> None:
        """Delete a workspace with its documents and conversations: gone at once, as are quotes of it in chats of other
        workspaces; off the disk soon after.

        Raises:
            NotFound: no such workspace.
        """
        with self._database.write() as connection:
            found, moment = repository.workspace_id_of(connection, workspace_id), now()
            gone = update(workspaces).where(workspaces.c.id == found)
            connection.execute(gone.values(deleted_at=moment, name=found, name_key=found))
            mine = update(documents).where(documents.c.workspace_id == found, documents.c.deleted_at.is_(None))
            connection.execute(mine.values(deleted_at=moment))
            blank_quotes_of_workspace(connection, found)
        self._jobs.purge("workspace", found)

    # --- documents -------------------------------------------------------------------------------

    def add_file(
        self,
        workspace_id: str,
        name: str,
        content: BinaryIO | Path,
        *,
        title: str | None = None,
        keep_both: bool = False,
        batch: str = "",
    ) -> DocumentRecord:
        """Store a file and enqueue its ingest. The same bytes again are the same document, with `duplicate_of` set;
        a failed one is tried again. Other bytes under the name of a file that is there are a newer version of it.

        An empty or too large file becomes a document, or a newer version, in `failed(reason)`.

        Args:
            workspace_id: name or id.
            name: a label; its last part counts.
            content: a stream, or where the file lies.
            title: goes before the one in the file, and before that of earlier versions.
            keep_both: other bytes are another document, whatever the name.
            batch: an id that files have in common that come together; batches take turns (workspaces/queueing.py).

        Raises:
            NotFound: no such workspace.
            InvalidInput: the path cannot be read.
            StorageError: the disk is full or cannot be written.
        """
        label = file_label(name)
        with _stream(content, label) as stream, self._files.guard:
            try:
                original = self._files.store(stream, limit=self._upload_limit)
            except SourceError as error:
                return self._add_failed(workspace_id, label, error, keep_both=keep_both)
            with unless_named(self._database, self._files, original[0]):
                record, change = self._add_stored(
                    workspace_id, label, original, title=printable(title or ""), keep_both=keep_both, batch=batch
                )
        self._follow_up(change)
        return record

    def add_version(
        self, document_id: str, content: BinaryIO | Path, *, fetched: Mapping[str, object] | None = None
    ) -> DocumentRecord:
        """Store newer bytes of a document and enqueue their ingest; nothing happens where they are the current ones.

        Where another document of the workspace has exactly these bytes, that one comes back with `duplicate_of` set,
        and this one stays as it is. Empty or too large content becomes a newer version in `failed(reason)`.

        Args:
            document_id: of the document.
            content: a stream, or where the file lies.
            fetched: of bytes from the web, the columns of the version that say when, from where and of what type.

        Raises:
            NotFound: the document was deleted.
            InvalidInput: the path cannot be read.
            StorageError: the disk is full or cannot be written.
        """
        with _stream(content, self.document(document_id).source) as stream, self._files.guard:
            try:
                original = self._files.store(stream, limit=self._upload_limit)
            except SourceError as error:
                return self._refuse_version(document_id, error)
            kept = unless_named(self._database, self._files, original[0])
            with kept, self._database.write() as connection:
                record = repository.get_document(connection, document_id)
                twins = repository.find_by_bytes(connection, record.workspace_id, original[0])
                mine = [twin for twin in twins if twin.id == document_id]
                if twins and not mine:
                    return replace(twins[0], duplicate_of=twins[0].id)
                if mine:
                    change = versions.again(connection, record, original[0])
                else:
                    change = versions.renew(connection, record, original)
                record = repository.get_document(connection, document_id)
                if fetched is not None:
                    newest = record.pending.version_id if record.pending else record.version_id
                    repository.set_version(connection, newest, **fetched)
        self._follow_up(change)
        return self.document(document_id)

    def versions(self, document_id: str) -> list[VersionRecord]:
        """All versions of a document, the newest first. Raises NotFound."""
        with self._database.read() as connection:
            return versions.of_document(connection, document_id)

    def stale(self, workspace_id: str) -> list[DocumentRecord]:
        """Ready documents whose text was read by other loaders than the present ones. Raises NotFound."""
        with self._database.read() as connection:
            return versions.stale(connection, repository.workspace_id_of(connection, workspace_id))

    def reread(self, document_id: str) -> DocumentRecord:
        """Read the original of a ready document again: a newer version of it, so that old citations keep their text.

        Raises:
            NotFound: the document was deleted.
            InvalidInput: it is not ready, or a newer version is in work.
        """
        with self._database.write() as connection:
            change = versions.reread(connection, repository.get_document(connection, document_id))
        self._follow_up(change)
        return self.document(document_id)

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
            queueing.join(connection, run, run.version_id)
        self._jobs.ingest(run)
        return self.document(document_id)

    def documents(self, workspace_id: str) -> list[DocumentRecord]:
        """The documents of a workspace, newest first."""
        with self._database.read() as connection:
            return repository.list_documents(connection, repository.workspace_id_of(connection, workspace_id))

    def documents_page(
        self, workspace_id: str, *, search: str = "", only: DocumentFilter = "all", offset: int = 0, limit: int
    ) -> DocumentsPage:
        """Some documents of a workspace, and how many there are. Arguments as those of `listing.page`. Raises
        NotFound."""
        with self._database.read() as connection:
            found = repository.workspace_id_of(connection, workspace_id)
            return listing.page(connection, found, search=search, only=only, offset=offset, limit=limit)

    def document(self, document_id: str) -> DocumentRecord:
        """One document. Raises NotFound."""
        with self._database.read() as connection:
            return repository.get_document(connection, document_id)

    def found(self, document_ids: Sequence[str]) -> list[DocumentRecord]:
        """Those of the documents that exist."""
        with self._database.read() as connection:
            return repository.get_documents(connection, document_ids)

    def twin(self, document_id: str) -> DocumentRecord | None:
        """The document that a web page, added in this process, turned out to be byte for byte; then it is not a
        document of its own any more. None otherwise."""
        try:
            return self.document(self._twins[document_id])
        except (KeyError, NotFound):
            return None

    def cancel(self, document_id: str) -> None:
        """Stop the ingest of a document, or of its newer version: it ends in `failed` at once, with the reason that a
        person stopped it.

        Raises:
            NotFound: it was deleted.
        """
        with self._database.write() as connection:
            newest = _newest(repository.get_document(connection, document_id))
            if newest.state not in FINAL_STATES:
                repository.set_failed(connection, newest.version_id, queueing.STOPPED)
                repository.set_version(connection, newest.version_id, cancelled=True)

    def retry(self, document_id: str) -> DocumentRecord:
        """Begin the ingest of a failed document, or of its failed newer version, again; nothing happens to others, nor
        to a file whose bytes were not taken in. Raises NotFound."""
        with self._database.write() as connection:
            record = repository.get_document(connection, document_id)
            newest = _newest(record)
            possible = record.source_kind == "url" or repository.sha256_of(connection, newest.version_id) is not None
            run = runs.restart(connection, newest.version_id) if newest.state == "failed" and possible else None
            if run is not None:
                queueing.join(connection, run, run.version_id)
        if run is not None:
            self._jobs.ingest(run)
        return self.document(document_id)

    def unlock(self, document_id: str, password: str, *, keep: bool) -> DocumentRecord:
        """Open a PDF that failed for want of its password, or whose newer version did; it goes on from there. Takes as
        long as reading it. Arguments and errors as those of `Unlocking.unlock`."""
        run = self._unlocking.unlock(document_id, password, keep=keep)
        if run is not None:
            self._jobs.ingest(run)
        return self.document(document_id)

    def delete(self, document_id: str) -> None:
        """Delete a document: out of every search and citation at once, off the disk soon after. What lies inside it
        goes along (`members_deleted_with`). Raises NotFound."""
        with self._database.write() as connection:
            repository.get_document(connection, document_id)
            mark_deleted(connection, document_id)
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

    def directly_in(self, document_id: str, *, offset: int = 0, limit: int = 20) -> list[tuple[str, DocumentRecord]]:
        """A piece of the documents in this one, not those deeper inside: (where it lies, what it is), by place."""
        with self._database.read() as connection:
            found = members.directly_in(connection, document_id, offset=offset, limit=limit)
            records = repository.get_documents(connection, sorted({member for _, member in found}))
        known = {record.id: record for record in records}
        return [(path, known[member]) for path, member in found if member in known]

    def wait_purged(self, *, timeout: float) -> bool:
        """Until everything that was deleted is off the disk; False where `timeout` seconds do not suffice."""
        return self._jobs.wait_purged(timeout=timeout)

    def wait(self, document_ids: Sequence[str], *, timeout: float | None = None) -> Iterator[DocumentRecord]:
        """Each document's record whenever its state or progress changes, until all are ready or failed, or
        those that are not belong to paused workspaces.

        Args:
            document_ids: what to wait for, and with them what turns out to lie inside them; those deleted meanwhile
                are forgotten.
            timeout: seconds after which it ends all the same.
        """
        return follow(self._database, document_ids, timeout=timeout)

    def search(self, workspace_id: str, question: str, *, limit: int = 10, scope: Scope = EVERYTHING) -> Retrieval:
        """The best passages for a question, within a scope.

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
        with self._database.read() as connection:
            found = repository.workspace_id_of(connection, workspace_id)
        return self._retriever.retrieve(found, clean, limit=limit, scope=scope)

    def _add_stored(
        self, workspace_id: str, label: str, original: tuple[str, int], *, title: str, keep_both: bool, batch: str
    ) -> tuple[DocumentRecord, Change]:
        """The document of these bytes, and what is to be done for it."""
        digest, size = original
        with self._database.write() as connection:
            found = repository.workspace_id_of(connection, workspace_id)
            twins = repository.find_by_bytes(connection, found, digest)
            earlier = None if keep_both or twins else versions.named(connection, found, label)
            if twins:
                twin = next((twin for twin in twins if twin.source == label), twins[0])
                members.adopt(connection, twin.id, kind="file", source=label)
                as_newest = twin.source == label and not keep_both
                document_id, change = twin.id, versions.again(connection, twin, digest, as_newest=as_newest)
            elif earlier is not None:
                document_id, change = earlier.id, versions.renew(connection, earlier, original, title=title)
            else:
                document_id, version_id = repository.add_document(
                    connection, found, title=title, kind="file", source=label
                )
                repository.attach_original(connection, version_id, sha256=digest, size=size)
                change = Change(Run(version_id))
            if change.run is not None:
                queueing.join(connection, change.run, batch)
            record = repository.get_document(connection, document_id)
        return (replace(record, duplicate_of=document_id) if twins else record), change

    def _add_failed(
        self, workspace_id: str, label: str, error: SourceError, *, kind: SourceKind = "file", keep_both: bool = False
    ) -> DocumentRecord:
        """A document without bytes that says why, or a newer version without bytes; adding the same again changes the
        one that is there."""
        change = Change()
        with self._database.write() as connection:
            found = repository.workspace_id_of(connection, workspace_id)
            known = repository.find_failed(connection, found, kind=kind, source=label)
            if known is None and kind == "file" and not keep_both:
                known = versions.named(connection, found, label)
            if known is None:
                document_id, version_id = repository.add_document(connection, found, title="", kind=kind, source=label)
                repository.set_failed(connection, version_id, error)
            else:
                document_id = known.id
                change = versions.refuse(connection, known, error)
        self._follow_up(change)
        return self.document(document_id)

    def _refuse_version(self, document_id: str, error: SourceError) -> DocumentRecord:
        with self._database.write() as connection:
            change = versions.refuse(connection, repository.get_document(connection, document_id), error)
        self._follow_up(change)
        return self.document(document_id)

    def _follow_up(self, change: Change) -> None:
        if change.run is not None:
            self._jobs.ingest(change.run)
        for version_id in change.superseded:
            self._jobs.purge("version", version_id)


@contextmanager
def _stream(content: BinaryIO | Path, label: str) -> Iterator[BinaryIO]:
    if not isinstance(content, Path):
        yield content
        return
    try:
        stream = content.open("rb")
    except OSError as error:
        raise InvalidInput(
            f"“{label}” cannot be read: {error.strerror or 'the system refused it'}.",
            hint="Check that it is there and that you may read it.",
        ) from error
    with stream:
        yield stream


def _newest(record: DocumentRecord) -> DocumentRecord | Pending:
    """What is in work, or failed last: the newer version if there is one."""
    return record.pending or record


def _taken(name: str) -> NameTaken:
    return NameTaken(f"There is already a workspace “{name}”.", hint="Choose another name.")
