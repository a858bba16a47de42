"""Watched folders: use cases, and the thread that looks into them again and again.

A look compares the rows of a folder with the disk, so that one that was cut short is finished by the next: the row of a
file that is new is written before its document is made, without naming it, and names it afterwards.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from rag.errors import FootnoteError, InvalidInput, NotFound
from workspaces import folder_rows, repository
from workspaces.database import Database
from workspaces.folders import Known, Plan, Stamp, compare, moved_from, scan
from workspaces.library import Library
from workspaces.models import Folder, Look
from workspaces.names import file_label
from workspaces.tables import folders

_EVERY_SECONDS = 15.0
_CLOSE_SECONDS = 10.0
_BLOCK = 1 << 20
UNREACHABLE = "The folder cannot be reached; its documents stay."
_log = logging.getLogger("footnote")


class Folders:
    """Watched folders. Every method is safe to call from any thread."""

    def __init__(self, database: Database, library: Callable[[], Library], *, data_dir: Path) -> None:
        self._database = database
        self._library = library
        self._data_dir = data_dir
        self._looking = threading.Lock()
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look into all folders now and every 15 seconds, in a thread of its own; doing it again does nothing."""
        if self._thread is None and not self._closing.is_set():
            self._thread = threading.Thread(target=self._run, name="folders", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End the thread; a look stops between two files."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)

    def add(self, workspace_id: str, path: str, patterns: Sequence[str] = ()) -> Folder:
        """Watch a folder with all that lies in it; the thread, where it runs, looks into it at once.

        Args:
            workspace_id: name or id; its documents go there.
            path: of an existing folder of this machine.
            patterns: names, or relative paths with a slash, that are left out; `*` stands for anything.

        Raises:
            InvalidInput: no folder, the data directory or one around or inside it, or a folder that is watched already.
            NotFound: no such workspace.
        """
        root = _folder_at(path)
        data = self._data_dir.resolve()
        if root == data or root in data.parents or data in root.parents:
            raise InvalidInput(
                "Footnote keeps its own data there; it cannot watch that folder.", hint="Choose a folder apart from it."
            )
        kept = [pattern.strip() for pattern in patterns if pattern.strip("/ ")]
        with self._database.write() as connection:
            found = repository.workspace_id_of(connection, workspace_id)
            mine = (folders.c.workspace_id == found, folders.c.path == str(root))
            if folder_rows.list_folders(connection, *mine):
                raise InvalidInput("This folder is watched already.", hint="Stop watching it first to change it.")
            folder_id = folder_rows.add(connection, found, str(root), kept)
            folder = folder_rows.get(connection, folder_id)
        self._wake.set()
        return folder

    def list(self, workspace_id: str) -> list[Folder]:
        """The watched folders of a workspace, by path. Raises NotFound."""
        with self._database.read() as connection:
            found = repository.workspace_id_of(connection, workspace_id)
            return folder_rows.list_folders(connection, folders.c.workspace_id == found)

    def remove(self, folder_id: str, *, delete_documents: bool = False) -> None:
        """Stop watching a folder. Raises NotFound.

        Args:
            folder_id: of the folder.
            delete_documents: delete those that it brought and that no other watched file is.
        """
        with self._looking:
            with self._database.read() as connection:
                folder_rows.get(connection, folder_id)
                files = folder_rows.known(connection, folder_id).values()
                mine = Counter(file.document_id for file in files if file.document_id is not None and file.brought)
                doomed = [id_ for id_, count in mine.items() if len(folder_rows.names(connection, id_)) == count]
            for document_id in doomed if delete_documents else []:
                with suppress(NotFound):  # a person was faster
                    self._library().delete(document_id)
            with self._database.write() as connection:
                folder_rows.remove(connection, folder_id)

    def look(self, folder_id: str, *, full: bool = True) -> Look:
        """Bring the documents of a folder up to date with its files. What goes wrong with a file is the problem of the
        folder; the others are not held up.

        Args:
            folder_id: of the folder.
            full: read every file, also those whose size and time have not changed.

        Raises:
            NotFound: it is not watched any more.
            StorageError: the disk is full or cannot be written.
        """
        with self._looking:
            with self._database.read() as connection:
                folder = folder_rows.get(connection, folder_id)
                known = folder_rows.known(connection, folder_id)
            found = _Looking(self._database, self._library(), folder, known, self._closing).run(full=full)
            for document_id in found.left:
                self._delete_unnamed(document_id)
            with self._database.write() as connection:
                folder_rows.looked(connection, folder_id, found.told.problem)
            return found.told

    def _delete_unnamed(self, document_id: str) -> None:
        """Delete a document that no watched file is any more."""
        with self._database.read() as connection:
            if folder_rows.names(connection, document_id):
                return
        with suppress(NotFound):  # a person was faster
            self._library().delete(document_id)

    def _run(self) -> None:
        full = True
        while not self._closing.is_set():
            self._wake.clear()
            with self._database.read() as connection:
                watched = folder_rows.list_folders(connection)
            for folder in watched:
                try:
                    self.look(folder.id, full=full)
                except NotFound:  # removed meanwhile
                    continue
                except FootnoteError as error:
                    _log.warning("%s", error.told)
                except Exception:  # noqa: BLE001  # one folder's trouble must not end the watching of all
                    _log.exception("a look into a watched folder failed")
            full = False
            self._wake.wait(_EVERY_SECONDS)


class _Looking:
    """One look at one folder."""

    def __init__(
        self, database: Database, library: Library, folder: Folder, known: dict[str, Known], closing: threading.Event
    ) -> None:
        self._database = database
        self._library = library
        self._folder = folder
        self._known = known
        self._closing = closing
        self.told = Look()
        self.left: list[str] = []
        """Documents that may have lost their last file."""

    def run(self, *, full: bool) -> _Looking:
        """Do it."""
        root = Path(self._folder.path)
        try:
            found = scan(root, self._folder.patterns) if not root.is_symlink() else None
        except OSError:
            found = None
        if found is None or (self._known and not found.files):
            self.told = Look(problem=UNREACHABLE)
            return self
        plan = compare(self._known, found, moment_ns=time.time_ns(), full=full)
        problem = f"“{found.unread[0]}” cannot be read; its documents stay." if found.unread else ""
        self.told = Look(waiting=len(plan.waiting), problem=problem)
        for path in plan.to_read:
            if self._closing.is_set():
                return self
            self._take(path, plan)
        for path in plan.missing:
            if not os.path.lexists(root / path) and root.is_dir():
                self._gone(path)
        return self

    def _take(self, path: str, plan: Plan) -> None:
        try:
            with _opened(Path(self._folder.path), path) as (stream, stamp):
                digest = _digest(stream, self._closing)
                if digest is not None:
                    self._decide(path, plan, Known(stamp, digest, None, False), stream)
        except FileNotFoundError:
            return
        except (OSError, InvalidInput):
            self.told = replace(self.told, problem=self.told.problem or f"“{path}” cannot be read.")

    def _decide(self, path: str, plan: Plan, file: Known, stream: BinaryIO) -> None:
        before = self._known.get(path)
        if before is not None and before.sha256 == file.sha256 and before.document_id is not None:
            if before.stamp != file.stamp:
                self._put(path, replace(before, stamp=file.stamp))
        elif before is not None and before.sha256 != file.sha256 and before.document_id is not None:
            self._changed(path, before, file, stream)
        elif before is None and (old := moved_from(file.sha256, plan.missing, self._known)) is not None:
            plan.missing.remove(old)
            with self._database.write() as connection:
                folder_rows.move(connection, self._folder.id, old, path)
            self._put(path, replace(self._known[old], stamp=file.stamp))
            self.told = replace(self.told, moved=self.told.moved + 1)
        else:
            self._add(path, file, stream)
            self.told = replace(self.told, added=self.told.added + 1)

    def _changed(self, path: str, before: Known, file: Known, stream: BinaryIO) -> None:
        """A newer version; a document of its own where another file has the former bytes, or nobody has them."""
        assert before.document_id is not None  # noqa: S101  # for the type checker: the caller looked
        self.told = replace(self.told, changed=self.told.changed + 1)
        with self._database.read() as connection:
            is_shared = len(folder_rows.names(connection, before.document_id)) > 1
        with suppress(NotFound):  # a person deleted it: then the file is new
            if not is_shared:
                record = self._library.add_version(before.document_id, stream)
                if record.id == before.document_id:
                    self._put(path, replace(file, document_id=record.id, brought=before.brought))
                    self._note(record.id)
                    return
        stream.seek(0)
        self._add(path, file, stream)
        if before.brought:
            self.left.append(before.document_id)

    def _add(self, path: str, file: Known, stream: BinaryIO) -> None:
        """A document of its own, or the one that has these bytes already."""
        cut_short = self._known.get(path)
        with self._database.read() as connection:
            twins = repository.find_by_bytes(connection, self._folder.workspace_id, file.sha256)
            brought = not twins or any(any(folder_rows.names(connection, twin.id)) for twin in twins)
        if cut_short is not None and cut_short.document_id is None and cut_short.sha256 == file.sha256:
            brought = cut_short.brought
        intent = replace(file, brought=brought)
        self._put(path, intent)
        record = self._library.add_file(
            self._folder.workspace_id, file_label(path), stream, keep_both=True, batch=self._folder.id
        )
        self._put(path, replace(intent, document_id=record.id))
        self._note(record.id)

    def _gone(self, path: str) -> None:
        """The document goes before the row: a look that is cut short in between is finished by the next."""
        file = self._known[path]
        with self._database.read() as connection:
            is_last = file.document_id is not None and len(folder_rows.names(connection, file.document_id)) == 1
        if is_last and file.brought and file.document_id is not None:
            with suppress(NotFound):  # a person was faster
                self._library.delete(file.document_id)
        with self._database.write() as connection:
            folder_rows.forget(connection, self._folder.id, path)
        self.told = replace(self.told, gone=self.told.gone + 1)

    def _put(self, path: str, file: Known) -> None:
        with self._database.write() as connection:
            folder_rows.put(connection, self._folder.id, path, file)

    def _note(self, document_id: str) -> None:
        self.told = replace(self.told, document_ids=(*self.told.document_ids, document_id))


def _folder_at(path: str) -> Path:
    try:
        root = Path(path.strip()).expanduser().resolve()
        str(root).encode()
        if path.strip() and root.is_dir():
            return root
    except (OSError, RuntimeError, ValueError):  # no such home, a loop of links, a name that is no text
        pass
    raise InvalidInput("This is not a folder on this machine.", hint="Give the path of a folder that is there.")


@contextmanager
def _opened(root: Path, path: str) -> Iterator[tuple[BinaryIO, Stamp]]:
    """A file of a folder with its size and time; a link, also on the way, is not followed.

    Raises:
        OSError: it cannot be read, or is no regular file of the folder.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(root / path, flags), "rb") as stream:
        status = os.fstat(stream.fileno())
        real = Path(os.path.realpath(root / path))
        if not stat.S_ISREG(status.st_mode) or real != root / path:
            raise OSError("not a file of the folder")
        yield stream, Stamp(status.st_size, status.st_mtime_ns)


def _digest(stream: BinaryIO, closing: threading.Event) -> str | None:
    """The SHA-256, and the stream at its beginning again; None where the application ends."""
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK):
        if closing.is_set():
            return None
        digest.update(block)
    stream.seek(0)
    return digest.hexdigest()
