"""Checks that what Footnote holds is whole; each check is one invariant, and names what to do where it fails."""

from __future__ import annotations

import platform
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil
from sqlalchemy import delete, func, select, text

from ingest.ocr import engines
from ingest.parser import landlock
from rag.errors import FootnoteError
from workspaces import disk_checks, row_checks, trial_result_rows
from workspaces.conversations import Conversations
from workspaces.database import Database
from workspaces.deleting import blank
from workspaces.files import Files
from workspaces.index_checks import IndexChecks
from workspaces.jobs import Jobs
from workspaces.lexical import Fts5Index
from workspaces.models import Check
from workspaces.purging import Purging
from workspaces.reindexing import Reindexing
from workspaces.tables import embeddings, originals, versions
from workspaces.vectors import VectorIndex

_PURGE_SECONDS = 60.0
_SAFE_SQLITE = (3, 51, 3)
"""The first without the WAL-reset bug: before it, two connections that write at once can damage a database."""

_END_SECONDS = 5.0

_ABOUT = {
    "I1": "The files you added are kept byte for byte; a changed or missing one can only come from a backup.",
    "I2": "Each passage of a ready document stands in the word index and in the vector index.",
    "I3": "No index holds words or vectors that belong to no passage.",
    "I4": "The same file is one document of a workspace, and of each document one version is found.",
    "I5": "Every document that is being read, and every index that is being built, is in somebody's hands.",
    "I6": "Deleted documents leave no text, words, vectors or quotes behind.",
    "I7": "The database files are not damaged, and no row refers to something that is gone.",
    "I8": "Each reason is told in words for people, with the next step.",
    "I9": "Chats have no gaps, and no answer is left half written without saying so.",
    "I10": "Searches by the index give what comparing with every passage gives.",
    "I11": "Other users of this machine cannot open what Footnote stores.",
    "I12": "No half-written file and no helper process of an earlier run is left.",
    "I13": "Each stored file belongs to a document.",
    "I14": "The data directory is at most twice as large as what it holds.",
    "I15": "Each search index was made by one embedder and one splitter, and says which.",
}

Findings = list[str]


@dataclass(frozen=True, slots=True)
class _Invariant:
    id: str
    title: str
    about: str
    look: Callable[[], Findings]
    mend: Callable[[], object] | None = None


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
        reindexing: Reindexing,
        conversations: Conversations,
    ) -> None:
        self._data_dir = data_dir
        self._database = database
        self._files = files
        self._jobs = jobs
        self._vectors = vectors
        self._purging = purging
        self._conversations = conversations
        self._indexes = IndexChecks(database, jobs, lexical=lexical, vectors=vectors, reindexing=reindexing)

    def check(self, *, repair: bool = False) -> list[Check]:
        """One line an invariant. A repaired one was wrong before and holds now."""
        self._jobs.wait_purged(timeout=_PURGE_SECONDS)  # what is being deleted is neither there nor gone
        return [_checked(invariant, repair=repair) for invariant in self._plan()]

    def _plan(self) -> tuple[_Invariant, ...]:
        """All invariants. Where a repair is missing, what is wrong cannot be derived from anything else."""
        folder, checks = self._data_dir, self._indexes
        return (
            _Invariant("I1", "Every original is stored, unchanged", _ABOUT["I1"], self._originals),
            _Invariant("I2", "Every ready document is fully searchable", _ABOUT["I2"], checks.incomplete, checks.mend),
            _Invariant("I3", "The indexes hold nothing else", _ABOUT["I3"], checks.foreign, checks.mend),
            _Invariant("I4", "No document is stored twice", _ABOUT["I4"], self._duplicates),
            _Invariant(
                "I5", "Nothing unfinished is forgotten or stuck", _ABOUT["I5"], self._unfinished, self._jobs.sweep
            ),
            _Invariant("I6", "Nothing deleted is left", _ABOUT["I6"], self._undeleted, self._delete_rest),
            _Invariant("I7", "The databases are intact", _ABOUT["I7"], self._integrity),
            _Invariant("I8", "Every failure says why", _ABOUT["I8"], self._unexplained),
            _Invariant("I9", "No question of a conversation is missing", _ABOUT["I9"], self._chats, self._recover),
            _Invariant(
                "I10", "The vector index finds what an exact search finds", _ABOUT["I10"], checks.inexact, checks.mend
            ),
            _Invariant(
                "I11",
                "Only you can read the data directory",
                _ABOUT["I11"],
                lambda: disk_checks.open_paths(folder),
                lambda: disk_checks.close_paths(folder),
            ),
            _Invariant(
                "I12",
                "No unfinished file is left",
                _ABOUT["I12"],
                lambda: disk_checks.leftovers(folder),
                self._clear_away,
            ),
            _Invariant("I13", "No original is left over", _ABOUT["I13"], self._orphans, self._remove_orphans),
            _Invariant(
                "I14",
                "The disk holds little else",
                _ABOUT["I14"],
                lambda: disk_checks.oversize(folder, self._database),
                self._compact,
            ),
            _Invariant("I15", "Every search index is of one make", _ABOUT["I15"], checks.mixed, checks.build_anew),
        )

    def _recover(self) -> None:
        self._conversations.recover()

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

    def _duplicates(self) -> Findings:
        with self._database.read() as connection:
            return row_checks.duplicates(connection)

    def _unfinished(self) -> Findings:
        return row_checks.unfinished(self._database, self._jobs)

    def _undeleted(self) -> Findings:
        with self._database.read() as connection:
            found = row_checks.undeleted(connection)
        waiting = [item for kind, item in self._purging.pending() if kind in ("document", "workspace")]
        if waiting:
            return [*found, f"{len(waiting)} deleted documents or workspaces are still on the disk"]
        return found + (["bytes of deleted vectors are still on the disk"] if self._vectors.has_removed() else [])

    def _delete_rest(self) -> None:
        with self._database.write() as connection:
            blank(connection, row_checks.unowned_quotes())
            for document_id in trial_result_rows.left_behind(connection):
                trial_result_rows.forget_document(connection, document_id)
            for row in connection.execute(row_checks.unused_vectors()).all():
                same = (embeddings.c.hash == row.hash) & (embeddings.c.embedder == row.embedder)
                connection.execute(delete(embeddings).where(same))
        self._jobs.sweep()
        self._jobs.wait_purged(timeout=_PURGE_SECONDS)
        self._purging.must_compact = True
        self._purging.compact()

    def _unexplained(self) -> Findings:
        with self._database.read() as connection:
            return row_checks.unexplained(connection, self._data_dir)

    def _chats(self) -> Findings:
        running = self._conversations.running()
        with self._database.read() as connection:
            return row_checks.broken_chats(connection, running=running)

    def _integrity(self) -> Findings:
        with self._database.read() as connection:
            answers = connection.execute(text("PRAGMA integrity_check(5)")).scalars().all()
            broken = connection.execute(text("PRAGMA foreign_key_check")).all()
        found = [answer for answer in answers if answer != "ok"]
        if broken:
            found.append(f"{len(broken)} rows refer to something that is gone")
        return found + ([] if self._jobs.is_whole() else ["the list of jobs is damaged; the next start makes it anew"])

    def _clear_away(self) -> None:
        for path in disk_checks.temporary(self._data_dir):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        left = disk_checks.strangers(self._data_dir)
        for process in left:
            with suppress(psutil.Error):
                process.terminate()
        psutil.wait_procs(left, timeout=_END_SECONDS)

    def _orphans(self) -> Findings:
        with self._files.guard, self._database.read() as connection:
            known = set(connection.execute(select(originals.c.sha256)).scalars())
            left = [digest for digest in self._files.stored() if digest not in known]
        return [f"{len(left)} originals belong to no document"] if left else []

    def _remove_orphans(self) -> None:
        self._purging.remove_orphans()

    def _compact(self) -> None:
        self._purging.must_compact = True
        self._purging.compact()
        self._vectors.rebuild()


def _checked(invariant: _Invariant, *, repair: bool) -> Check:
    found = _found(invariant)
    if found and repair and invariant.mend is not None:
        with suppress(FootnoteError):  # what cannot be mended is found again
            invariant.mend()
        after = _found(invariant)
        return Check(
            invariant.id,
            invariant.title,
            not after,
            _summary(after or found),
            repaired=not after,
            about=invariant.about,
        )
    return Check(invariant.id, invariant.title, not found, _summary(found), about=invariant.about)


def _found(invariant: _Invariant) -> Findings:
    try:
        return invariant.look()
    except FootnoteError as error:  # a damaged database stops one check, not the others
        return [error.message]


def _summary(found: Findings) -> str:
    more = f" (and {len(found) - 5} more)" if len(found) > 5 else ""
    return "; ".join(found[:5]) + more
