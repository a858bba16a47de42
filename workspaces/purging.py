"""Takes deleted documents and workspaces off the disk: rows, words, vectors, originals; and of superseded versions the
passages, which nobody finds any more; and of dropped search indexes all that they held.

Derived things go first and the rows last, so that a purge that a crash cut short finds its way again.
"""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, select

from workspaces import folder_rows, frontier, members, tag_rows, trial_result_rows
from workspaces.batches import batches
from workspaces.database import Database
from workspaces.deleting import blank_quotes
from workspaces.extracts import chunks_by_index
from workspaces.files import Files
from workspaces.lexical import Fts5Index
from workspaces.tables import (
    chunks,
    conversations,
    documents,
    embeddings,
    entries,
    indexes,
    memories,
    originals,
    pages,
    receipts,
    recognitions,
    sites,
    texts,
    turn_passages,
    turns,
    versions,
    workspaces,
)
from workspaces.vectors import VectorIndex


class Purging:
    """Works on what is marked deleted; doing it twice does nothing the second time."""

    def __init__(self, database: Database, files: Files, *, lexical: Fts5Index, vectors: VectorIndex) -> None:
        self._database = database
        self._files = files
        self._lexical = lexical
        self._vectors = vectors
        self._compacting = threading.Lock()
        self.must_compact = False
        """Bytes of what was purged may still be on disk."""

    def pending(self) -> list[tuple[str, str]]:
        """What is marked deleted but still on disk: ("document" or "workspace", id); ("version", id) of superseded
        versions that still have passages; and ("index", id) of search indexes that were dropped."""
        with self._database.read() as connection:
            gone = connection.execute(select(workspaces.c.id).where(workspaces.c.deleted_at.is_not(None))).scalars()
            found = [("workspace", item) for item in gone]
            alone = (
                select(documents.c.id)
                .join(workspaces, workspaces.c.id == documents.c.workspace_id)
                .where(documents.c.deleted_at.is_not(None), workspaces.c.deleted_at.is_(None))
            )
            found += [("document", item) for item in connection.execute(alone).scalars()]
            dropped = (
                select(indexes.c.id)
                .join(workspaces, workspaces.c.id == indexes.c.workspace_id)
                .where(indexes.c.state == "dropped", workspaces.c.deleted_at.is_(None))
            )
            found += [("index", item) for item in connection.execute(dropped).scalars()]
            left = _superseded().where(documents.c.deleted_at.is_(None))
            found += [("version", item) for item in connection.execute(left).scalars()]
        return found

    def superseded_beside(self, version_id: str) -> list[str]:
        """Superseded versions of the same document that still have passages."""
        document = select(versions.c.document_id).where(versions.c.id == version_id).scalar_subquery()
        with self._database.read() as connection:
            return list(connection.execute(_superseded().where(documents.c.id == document)).scalars())

    def versions_of(self, item_id: str) -> list[str]:
        """Versions of a document and of what goes with it, or of all documents of a workspace; a version or an index
        itself: what nobody may be at work on while it is purged."""
        with self._database.read() as connection:
            found: list[str] = []
            for id_ in (item_id, *members.purged_with(connection, item_id)):
                mine = (documents.c.id == id_) | (documents.c.workspace_id == id_) | (versions.c.id == id_)
                query = select(versions.c.id).join(documents, documents.c.id == versions.c.document_id).where(mine)
                found += connection.execute(query).scalars()
            built = (indexes.c.id == item_id) | (indexes.c.workspace_id == item_id)
            return found + list(connection.execute(select(indexes.c.id).where(built)).scalars())

    def purge(self, item_id: str) -> None:
        """Remove a deleted document, a deleted workspace with all that it holds, the passages of a superseded version,
        or a dropped search index; the last one waiting compacts."""
        with self._database.read() as connection:
            retired = connection.execute(
                select(versions.c.id).where(versions.c.id == item_id, versions.c.state == "superseded")
            ).scalar()
            dropped = connection.execute(
                select(indexes.c.workspace_id).where(indexes.c.id == item_id, indexes.c.state == "dropped")
            ).scalar()
        if retired is not None:
            self._purge_passages(item_id)
        elif dropped is not None:
            self._purge_index(item_id, dropped)
        else:
            self._purge_deleted(item_id)
        if not self.pending():
            self.compact()

    def _purge_deleted(self, item_id: str) -> None:
        self.must_compact = True
        with self._database.read() as connection:
            is_workspace = connection.execute(
                select(workspaces.c.id).where(workspaces.c.id == item_id, workspaces.c.deleted_at.is_not(None))
            ).scalar()
            along = [] if is_workspace else [*members.purged_with(connection, item_id), item_id]
            gone = select(documents.c.id, documents.c.workspace_id).where(documents.c.deleted_at.is_not(None))
            doomed = [row for id_ in along for row in connection.execute(gone.where(documents.c.id == id_))]
            doomed += connection.execute(gone.where(documents.c.workspace_id == item_id)).all()
        if is_workspace:
            for index_id in self._indexes_of(item_id):
                self._vectors.drop(index_id)
        for row in doomed:
            self._purge_document(row.id, row.workspace_id, in_index=not is_workspace)
        if is_workspace:
            self._purge_workspace(item_id)

    def _purge_passages(self, version_id: str) -> None:
        """Text, pages and original stay for old citations; so nothing has to leave the disk at once."""
        with self._database.read() as connection:
            held = chunks_by_index(connection, [version_id])
        for index_id, rows in held.items():
            self._vectors.remove(index_id, [row.id for row in rows], erase=False)
        with self._database.write() as connection:
            for index_id, rows in held.items():
                self._lexical.delete(connection, index_id, [row.rowid for row in rows])
            for table in (chunks, entries):
                connection.execute(delete(table).where(table.c.version_id == version_id))
            _drop_unshared_vectors(connection, _hashes(held))

    def _purge_index(self, index_id: str, workspace_id: str) -> None:
        """In several transactions, for an index may be large; nothing of it is searched meanwhile."""
        self.must_compact = True
        self._vectors.drop(index_id)
        with self._database.write() as connection:
            self._lexical.drop(connection, index_id)
            mine = (
                select(versions.c.id)
                .join(documents, documents.c.id == versions.c.document_id)
                .where(documents.c.workspace_id == workspace_id)
            )
            held = list(connection.execute(mine).scalars())
        for version_id in held:
            of_version = (chunks.c.version_id == version_id) & (chunks.c.index_id == index_id)
            with self._database.write() as connection:
                hashes = list(connection.execute(select(chunks.c.embedding_hash).where(of_version)).scalars())
                if hashes:
                    connection.execute(delete(chunks).where(of_version))
                    _drop_unshared_vectors(connection, hashes)
        with self._database.write() as connection:
            connection.execute(delete(entries).where(entries.c.index_id == index_id))
            connection.execute(delete(indexes).where(indexes.c.id == index_id))

    def _indexes_of(self, workspace_id: str) -> list[str]:
        with self._database.read() as connection:
            mine = select(indexes.c.id).where(indexes.c.workspace_id == workspace_id)
            return list(connection.execute(mine).scalars())

    def compact(self) -> None:
        """Take the bytes of everything purged off the disk."""
        with self._compacting:
            if self.must_compact:
                self._vectors.compact()
                self.must_compact = not self._database.compact()

    def remove_orphans(self) -> int:
        """Delete originals on disk that no row names (a crash between the two); return how many."""
        with self._files.guard:
            with self._database.read() as connection:
                known = set(connection.execute(select(originals.c.sha256)).scalars())
            orphans = [digest for digest in self._files.stored() if digest not in known]
            for digest in orphans:
                self._files.remove(digest)
        return len(orphans) + self._files.sweep()

    def _purge_document(self, document_id: str, workspace_id: str, *, in_index: bool) -> None:
        of_document = select(versions.c.id).where(versions.c.document_id == document_id)
        mine = of_document.scalar_subquery()
        with self._database.read() as connection:
            version_ids = connection.execute(of_document).scalars().all()
            held = chunks_by_index(connection, version_ids)
        if in_index and (held or len(version_ids) > 1):  # the store may hold bytes of superseded versions
            for index_id in self._indexes_of(workspace_id):
                self._vectors.remove(index_id, [row.id for row in held.get(index_id, ())])
        with self._files.guard:
            with self._database.write() as connection:
                stored = select(versions.c.sha256, versions.c.readable_sha256).where(
                    versions.c.document_id == document_id
                )
                digests = [digest for row in connection.execute(stored) for digest in row if digest is not None]
                if in_index:
                    for index_id, rows in held.items():
                        self._lexical.delete(connection, index_id, [row.rowid for row in rows])
                blank_quotes(connection, document_id)
                trial_result_rows.forget_document(connection, document_id)
                for table in (chunks, entries, memories, pages, recognitions, texts):
                    connection.execute(delete(table).where(table.c.version_id.in_(mine)))
                members.forget(connection, document_id)
                tag_rows.forget_document(connection, document_id)
                connection.execute(delete(versions).where(versions.c.document_id == document_id))
                connection.execute(delete(documents).where(documents.c.id == document_id))
                _drop_unshared_vectors(connection, _hashes(held))
                unused = _drop_unshared_originals(connection, digests)
            for digest in unused:
                self._files.remove(digest)

    def _purge_workspace(self, workspace_id: str) -> None:
        held = self._indexes_of(workspace_id)
        with self._database.write() as connection:
            for index_id in held:
                self._lexical.drop(connection, index_id)
            connection.execute(delete(indexes).where(indexes.c.workspace_id == workspace_id))
            chats = select(conversations.c.id).where(conversations.c.workspace_id == workspace_id).scalar_subquery()
            asked = select(turns.c.id).where(turns.c.conversation_id.in_(chats)).scalar_subquery()
            for table in (turn_passages, receipts):
                connection.execute(delete(table).where(table.c.turn_id.in_(asked)))
            connection.execute(delete(turns).where(turns.c.conversation_id.in_(chats)))
            connection.execute(delete(conversations).where(conversations.c.workspace_id == workspace_id))
            mine = connection.execute(select(sites.c.id).where(sites.c.workspace_id == workspace_id)).scalars()
            frontier.remove(connection, list(mine))
            folder_rows.remove_all(connection, workspace_id)
            trial_result_rows.forget_workspace(connection, workspace_id)
            tag_rows.forget_workspace(connection, workspace_id)
            connection.execute(delete(workspaces).where(workspaces.c.id == workspace_id))


def _superseded() -> Select[Any]:
    """Ids of superseded versions that still have passages."""
    return (
        select(versions.c.id)
        .join(documents, documents.c.id == versions.c.document_id)
        .where(
            versions.c.state == "superseded",
            select(chunks.c.rowid).where(chunks.c.version_id == versions.c.id).exists(),
        )
    )


def _hashes(held: dict[str, list[Row[*tuple[Any, ...]]]]) -> list[str]:
    return list(dict.fromkeys(row.embedding_hash for rows in held.values() for row in rows))


def _drop_unshared_vectors(connection: Connection, hashes: list[str]) -> None:
    """Delete the vectors of these texts that no index has a chunk for."""
    used = (
        select(chunks.c.rowid)
        .join(indexes, indexes.c.id == chunks.c.index_id)
        .where(chunks.c.embedding_hash == embeddings.c.hash, indexes.c.embedder == embeddings.c.embedder)
        .exists()
    )
    for some in batches(hashes):
        connection.execute(delete(embeddings).where(embeddings.c.hash.in_(some), ~used))


def _drop_unshared_originals(connection: Connection, digests: list[str]) -> list[str]:
    used: set[str] = set()
    for column in (versions.c.sha256, versions.c.readable_sha256):
        used.update(connection.execute(select(column).where(column.in_(digests))).scalars())
    unused = [digest for digest in dict.fromkeys(digests) if digest not in used]
    connection.execute(delete(originals).where(originals.c.sha256.in_(unused)))
    return unused
