"""Checks that what Footnote holds is whole; each check is one invariant, and names what to do where it fails."""

from __future__ import annotations

import os
import platform
import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import func, or_, select, text

from ingest.ocr import engines
from ingest.parser import landlock
from rag.errors import FootnoteError
from workspaces import invariants, repository, runs
from workspaces.database import Database
from workspaces.files import Files
from workspaces.identifiers import now
from workspaces.jobs import Jobs, workflow_id
from workspaces.lexical import Fts5Index
from workspaces.models import FINAL_STATES, Check
from workspaces.purging import Purging
from workspaces.tables import chunks, documents, embeddings, originals, versions, workspaces
from workspaces.vectors import VectorIndex

_STALLED = timedelta(minutes=10)
_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700
_PURGE_SECONDS = 60.0
_SAFE_SQLITE = (3, 51, 3)
"""The first without the WAL-reset bug: before it, two connections that write at once can damage a database."""

Findings = list[str]


@dataclass(frozen=True, slots=True)
class _Invariant:
    id: str
    title: str
    look: Callable[[], Findings]
    mend: Callable[[], None] | None = None


class Doctor:
    """`check` runs every invariant over the whole data directory; with `repair` it mends what can be derived."""

    def __init__(
        self,
        data_dir: Path,
        database: Database,
        files: Files,
        jobs: Jobs,
        *,
        lexical: Fts5Index,
        vectors: VectorIndex,
        purging: Purging,
    ) -> None:
        self._data_dir = data_dir
        self._database = database
        self._files = files
        self._jobs = jobs
        self._lexical = lexical
        self._vectors = vectors
        self._purging = purging

    def check(self, *, repair: bool = False) -> list[Check]:
        """One line an invariant. A repaired one was wrong before and holds now."""
        self._jobs.wait_purged(timeout=_PURGE_SECONDS)  # what is being deleted is neither there nor gone
        plan = (
            _Invariant("I1", "Every original is stored, unchanged", self._originals),
            _Invariant("I2", "Every ready document is fully searchable", self._searchable, self._reindex),
            _Invariant("I3", "The indexes hold nothing else", self._index_foreign, self._reindex),
            _Invariant("I4", "No document is stored twice", self._duplicates),
            _Invariant("I5", "Nothing unfinished is forgotten or stuck", self._unfinished, self._jobs.sweep),
            _Invariant("I6", "Nothing deleted is left", self._unpurged, self._purge),
            _Invariant("I7", "The databases are intact", self._integrity),
            _Invariant("I8", "Every failure says why", self._unexplained),
            _Invariant("I9", "No question of a conversation is missing", self._disordered),
            _Invariant("I10", "The vector index finds what an exact search finds", self._exactness, self._reindex),
            _Invariant("I11", "Only you can read the data directory", self._modes, self._close_modes),
            _Invariant("I12", "No unfinished file is left", self._leftovers, self._remove_leftovers),
            _Invariant("I13", "No original is left over", self._orphans, self._remove_orphans),
        )
        return [_checked(invariant, repair=repair) for invariant in plan]

    def notes(self) -> list[str]:
        """What is not wrong, but worth knowing when something is: versions, and what this machine lacks."""
        packages = ", ".join(f"{name} {version(name)}" for name in ("chromadb", "dbos", "pypdfium2", "onnxruntime"))
        found = [
            f"Footnote {version('footnote')}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
            f"{packages}, {platform.system()} {platform.machine()}."
        ]
        if sqlite3.sqlite_version_info < _SAFE_SQLITE:
            found.append(
                f"SQLite {sqlite3.sqlite_version} can damage a database that several connections write at once; "
                "Footnote writes through one connection only, and other programs should not write to its files."
            )
        found.append(self.recognition())
        if landlock.version() == 0:
            found.append(
                "The process that reads documents has limits on memory, time and output, but this system cannot keep "
                "it from reading other files (no Landlock): be careful with files from people you do not trust."
            )
        return found

    def recognition(self) -> str:
        """What scans and pictures are read with."""
        return engines.summary()

    def _originals(self) -> Findings:
        with self._database.read() as connection:
            digests = connection.execute(select(originals.c.sha256)).scalars().all()
            named = connection.execute(
                select(func.count())
                .select_from(versions)
                .where(versions.c.sha256.is_(None), versions.c.state.not_in(("received", "failed", "superseded")))
            ).scalar_one()
        damaged = [
            f"original {digest[:12]} is missing or changed" for digest in digests if not self._files.verify(digest)
        ]
        return damaged + ([f"{named} documents have no original"] if named else [])

    def _searchable(self) -> Findings:
        return [finding for workspace_id in self._workspaces() for finding in self._incomplete(workspace_id)]

    def _incomplete(self, workspace_id: str) -> Iterator[str]:
        with self._database.read() as connection:
            ready = (
                select(
                    documents.c.title,
                    versions.c.id,
                    versions.c.chunk_count,
                    func.count(chunks.c.rowid).label("found"),
                    func.count(embeddings.c.hash).label("embedded"),
                )
                .select_from(documents)
                .join(versions, versions.c.id == documents.c.version_id)
                .join(workspaces, workspaces.c.id == documents.c.workspace_id)
                .outerjoin(chunks, chunks.c.version_id == versions.c.id)
                .outerjoin(
                    embeddings,
                    (embeddings.c.hash == chunks.c.embedding_hash) & (embeddings.c.embedder == workspaces.c.embedder),
                )
                .where(
                    documents.c.workspace_id == workspace_id,
                    documents.c.deleted_at.is_(None),
                    versions.c.state == "ready",
                )
                .group_by(versions.c.id)
            )
            for row in connection.execute(ready):
                if not row.chunk_count == row.found == row.embedded:
                    yield f"“{row.title}”: {row.chunk_count} passages, {row.found} stored, {row.embedded} with a vector"
            missing = self._lexical.missing(connection, workspace_id)  # in the same state of the database
        if missing:
            yield f"{missing} passages are not in the word index"
        missing_vectors, _ = self._vectors.differences(workspace_id)
        if missing_vectors:
            yield f"{missing_vectors} passages are not in the vector index"

    def _index_foreign(self) -> Findings:
        found = []
        for workspace_id in self._workspaces():
            _, foreign = self._vectors.differences(workspace_id)
            if foreign:
                found.append(f"{foreign} vectors without a passage")
            with self._database.read() as connection:
                words = self._lexical.foreign(connection, workspace_id)
            if words:
                found.append(f"{words} entries of the word index without a passage")
        return found + [f"collection {name[:12]} belongs to no workspace" for name in self._vectors.strays()]

    def _reindex(self) -> None:
        for workspace_id in self._workspaces():
            with self._database.write() as connection:
                if self._lexical.missing(connection, workspace_id) or self._lexical.foreign(connection, workspace_id):
                    self._lexical.rebuild(connection, workspace_id)
        self._vectors.rebuild()

    def _duplicates(self) -> Findings:
        twins = (
            select(func.count())
            .select_from(documents)
            .join(versions, versions.c.id == documents.c.version_id)
            .where(documents.c.deleted_at.is_(None), versions.c.sha256.is_not(None))
            .group_by(documents.c.workspace_id, versions.c.sha256)
            .having(func.count() > 1)
        )
        with self._database.read() as connection:
            count = len(connection.execute(twins).all())
            crossed = connection.execute(
                select(func.count())
                .select_from(documents)
                .join(versions, versions.c.document_id == documents.c.id)
                .where(
                    documents.c.deleted_at.is_(None),
                    or_(
                        (versions.c.state == "ready") & (versions.c.id != documents.c.version_id),
                        (versions.c.state == "superseded") & (versions.c.id == documents.c.version_id),
                    ),
                )
            ).scalar_one()
        found = [f"{count} originals belong to more than one document of a workspace"] if count else []
        return found + ([f"{crossed} versions are found, or not, that should not be so"] if crossed else [])

    def _unfinished(self) -> Findings:
        live = self._jobs.live()
        with self._database.read() as connection:
            unfinished = runs.unfinished(connection)
            forgotten = [run for run in unfinished if workflow_id(run) not in live]
            stalled = connection.execute(
                select(func.count())
                .select_from(versions)
                .join(documents, documents.c.id == versions.c.document_id)
                .where(
                    documents.c.deleted_at.is_(None),
                    versions.c.state.not_in(("received", "stored", *FINAL_STATES)),  # those may wait for their turn
                    versions.c.updated_at < now() - _STALLED,
                )
            ).scalar_one()
        found = [f"{len(forgotten)} unfinished documents are not in work"] if forgotten else []
        return found + ([f"{stalled} documents made no progress for 10 minutes"] if stalled else [])

    def _integrity(self) -> Findings:
        with self._database.read() as connection:
            answers = connection.execute(text("PRAGMA integrity_check(5)")).scalars().all()
            broken = connection.execute(text("PRAGMA foreign_key_check")).all()
        found = [answer for answer in answers if answer != "ok"]
        if broken:
            found.append(f"{len(broken)} rows refer to something that is gone")
        return found + ([] if self._jobs.is_whole() else ["the list of jobs is damaged; the next start makes it anew"])

    def _exactness(self) -> Findings:
        return [finding for workspace_id in self._workspaces() for finding in self._vectors.verify(workspace_id)]

    def _modes(self) -> Findings:
        if os.name == "nt":
            return []  # Windows has access lists instead; the user's profile folder is private there
        open_ = [path for path in self._paths() if stat.S_IMODE(path.lstat().st_mode) & 0o077]
        return [f"{len(open_)} files or folders can be read by others"] if open_ else []

    def _close_modes(self) -> None:
        for path in self._paths():
            if not path.is_symlink():
                path.chmod(_PRIVATE_FOLDER if path.is_dir() else _PRIVATE_FILE)

    def _orphans(self) -> Findings:
        with self._files.guard, self._database.read() as connection:
            known = set(connection.execute(select(originals.c.sha256)).scalars())
            left = [digest for digest in self._files.stored() if digest not in known]
        return [f"{len(left)} originals belong to no document"] if left else []

    def _remove_orphans(self) -> None:
        self._purging.remove_orphans()

    def _unpurged(self) -> Findings:
        left = [item for kind, item in self._purging.pending() if kind != "version"]
        return [f"{len(left)} deleted documents or workspaces are still on the disk"] if left else []

    def _purge(self) -> None:
        self._jobs.sweep()
        self._jobs.wait_purged(timeout=_PURGE_SECONDS)

    def _unexplained(self) -> Findings:
        with self._database.read() as connection:
            return invariants.unexplained(connection)

    def _disordered(self) -> Findings:
        with self._database.read() as connection:
            return invariants.disordered(connection)

    def _leftovers(self) -> Findings:
        left = invariants.leftovers(self._data_dir / "originals")
        return [f"{len(left)} files were never finished"] if left else []

    def _remove_leftovers(self) -> None:
        for path in invariants.leftovers(self._data_dir / "originals"):
            path.unlink(missing_ok=True)

    def _workspaces(self) -> list[str]:
        with self._database.read() as connection:
            return [workspace.id for workspace in repository.list_workspaces(connection)]

    def _paths(self) -> list[Path]:
        return [self._data_dir, *self._data_dir.rglob("*")]


def _checked(invariant: _Invariant, *, repair: bool) -> Check:
    found = _found(invariant)
    if found and repair and invariant.mend is not None:
        invariant.mend()
        after = _found(invariant)
        return Check(invariant.id, invariant.title, not after, _summary(after or found), repaired=not after)
    return Check(invariant.id, invariant.title, not found, _summary(found))


def _found(invariant: _Invariant) -> Findings:
    try:
        return invariant.look()
    except FootnoteError as error:  # a damaged database stops one check, not the others
        return [error.message]


def _summary(found: Findings) -> str:
    more = f" (and {len(found) - 5} more)" if len(found) > 5 else ""
    return "; ".join(found[:5]) + more
