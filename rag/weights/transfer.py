"""Gets bytes from the web into a file: resumable, patient with a bad line, cancelled between two blocks."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx

from rag.errors import Cancelled, WeightsError
from rag.weights.connection import BrokenLineError, Connection, TransferError, host_of, require_success

BLOCK = 1 << 18
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a transfer that gains nothing is tried again, and the pauses in seconds; each one doubles."""

    retries: int = 4
    first_pause: float = 0.5
    longest_pause: float = 8.0


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of an address: from `first` on, `length` of them or, with None, to the end. More than `most` is refused."""

    url: str
    most: int
    first: int = 0
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who follows a transfer: `advanced` is told (bytes held, bytes expected or None), `cancelled` is asked, both each
    time bytes arrive."""

    advanced: Callable[[int, int | None], None]
    cancelled: Callable[[], bool]

    def check(self) -> None:
        """Raise Cancelled if a person stopped it."""
        if self.cancelled():
            raise Cancelled("The download was stopped.", hint="It goes on from here when it is started again.")


def download(connection: Connection, part: Part, target: Path, *, watcher: Watcher, patience: Patience) -> None:
    """Write `part` to `target`, going on after the bytes it already holds. On failure `target` stays for the next call.

    Raises:
        TransferError: this source does not give the part.
        Cancelled: a person stopped it.
        WeightsError: `target` cannot be written.
    """
    furthest, tries = -1, 0
    while True:
        try:
            if _attempt(connection, part, target, watcher):
                return
            reason = f"{host_of(part.url)} keeps breaking off."
        except BrokenLineError as error:
            reason = str(error)
        # Only what goes past all earlier attempts is progress: a server without ranges that always breaks off at the
        # same place must not be asked for ever.
        have = _size(target)
        tries = 0 if have > furthest else tries + 1
        furthest = max(furthest, have)
        if tries > patience.retries:
            raise TransferError(reason)
        _pause(min(patience.first_pause * 2**tries, patience.longest_pause), watcher)


def _attempt(connection: Connection, part: Part, target: Path, watcher: Watcher) -> bool:
    """One request; True when `target` is complete, False when it broke off."""
    have = _size(target)
    if part.length is not None and have >= part.length:
        if have == part.length:
            return True
        have = _discard(target)
    headers = {"Accept-Encoding": "identity"}
    if part.first + have or part.length is not None:
        last = "" if part.length is None else part.first + part.length - 1
        headers["Range"] = f"bytes={part.first + have}-{last}"
    with connection.stream(part.url, headers) as response:
        if response.status_code in _TRANSIENT:
            raise BrokenLineError(f"{host_of(part.url)} answered with status {response.status_code}.")
        if response.status_code == 416 and have:  # nothing follows what is here: it is too long, so begin again
            _discard(target)
            return False
        require_success(response)
        keep, expected = _position(response, part, have)
        return _receive(response, target, _Extent(keep, expected, part.most), watcher)


@dataclass(frozen=True, slots=True)
class _Extent:
    """Bytes of the target to keep, bytes expected in the end, bytes allowed."""

    keep: int
    expected: int | None
    most: int


def _position(response: httpx.Response, part: Part, have: int) -> tuple[int, int | None]:
    """(bytes to keep, bytes expected in the end) by what the server says it sends."""
    if response.status_code == 206:
        said = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", ""))
        if said is None or int(said[1]) != part.first + have:
            raise TransferError(f"{host_of(part.url)} sends another part than was asked for.")
        return have, int(said[2]) + 1 - part.first if part.length is None else part.length
    if part.first:
        raise TransferError(f"{host_of(part.url)} does not serve parts of a file.")
    if part.length is not None:
        return 0, part.length
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _receive(response: httpx.Response, target: Path, extent: _Extent, watcher: Watcher) -> bool:
    """Append the body to the bytes to keep; True when all expected bytes are there."""
    have, expected = extent.keep, extent.expected
    with _appending(target, keep=have) as file:
        for block in response.iter_raw():
            watcher.check()
            wanted = block if expected is None else block[: expected - have]
            file.write(wanted)
            have += len(wanted)
            if have > extent.most:
                raise TransferError(f"{host_of(str(response.url))} sends more than was expected.")
            watcher.advanced(have, expected)
            if have == expected:
                return True
    return expected is None or have == expected


@contextmanager
def _appending(target: Path, *, keep: int) -> Iterator[IO[bytes]]:
    """`target` open behind its first `keep` bytes."""
    with disk_errors(), target.open("r+b" if target.exists() else "w+b") as file:
        file.truncate(keep)
        file.seek(keep)
        yield file


@contextmanager
def disk_errors() -> Iterator[None]:
    """A failure of the disk as a WeightsError that says so in plain words."""
    try:
        yield
    except OSError as error:
        raise WeightsError(
            f"Weights could not be written to or read from the disk: {error.strerror or 'it failed'}.",
            hint="Free some space, or choose another folder with FOOTNOTE_MODELS_DIR, and try again.",
        ) from error


def _size(target: Path) -> int:
    return target.stat().st_size if target.exists() else 0


def _discard(target: Path) -> int:
    with disk_errors():
        target.unlink()
    return 0


def _pause(seconds: float, watcher: Watcher) -> None:
    """Wait, but not longer than a tenth of a second after a person stops it."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        watcher.check()
        time.sleep(min(left, 0.1))
