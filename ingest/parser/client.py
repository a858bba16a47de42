"""The application's side of reading hostile files: limits, time, memory, cancelling, one retry."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

from ingest import media
from ingest.loaders import assemble
from ingest.ocr import MOST_PAGES
from ingest.parser.frames import Frame, decode_event
from ingest.parser.kept import FormerPages
from ingest.parser.limits import ParserLimits
from ingest.parser.process import HelperProcess, HelperStopped
from ingest.parser.watch import TICK_SECONDS, Watch
from ingest.protocols import Embedded, Former, LoadEvent, PageKept, PageLoaded, Readings, RecognisedPicture
from ingest.wordboxes import Box
from rag import errors
from rag.errors import Cancelled, DamagedSource, FootnoteError, ReaderStopped, SourceError
from rag.languages import detect
from rag.priority import rest
from rag.types import Document

_SIGKILL, _SIGXCPU = 9, 24
"""As numbers: Windows knows neither name."""
_NEARLY = 0.5
"""A crash with this part of the allowed memory in use is taken for running out of it: allocations double."""
_LONGEST_MESSAGE = 300
_RAISED_BY_LOADERS: Mapping[str, type[FootnoteError]] = {
    kind.code: kind
    for kind in (
        errors.EmptySource,
        errors.UnsupportedType,
        errors.DamagedSource,
        errors.PasswordNeeded,
        errors.NoText,
        errors.TooLarge,
        errors.InvalidInput,
    )
}

Result = TypeVar("Result")


class ParserClient:
    """Reads and draws files in a helper process, started on first use and again when it has died.

    Thread-safe; one request at a time, others wait (and can be cancelled while they do).
    """

    def __init__(self, limits: ParserLimits | None = None) -> None:
        self._limits = limits or ParserLimits()
        self._busy = threading.Lock()
        self._helper: HelperProcess | None = None
        self._worker: int | None = None
        self._pending = False
        """A request was sent and its end has not come: what comes next from this helper belongs to it."""
        self._closed = False
        self.gives_way = False
        """Whether its helper gives way to what a person waits for; takes effect with the next one that is started."""

    @property
    def pid(self) -> int | None:
        """The helper's process id, None when none is running."""
        helper = self._helper
        return helper.pid if helper else None

    @property
    def worker_pid(self) -> int | None:
        """Process id of what reads the present file, None between files."""
        return self._worker

    def parse(
        self,
        path: Path,
        media_type: str,
        *,
        title: str | None,
        cancelled: Callable[[], bool],
        progress: Callable[[int, int], None],
        embedded: Callable[[Embedded], None] = lambda _: None,
        password: str | None = None,
        readings: Readings | None = None,
        former: Former | None = None,
    ) -> Document:
        """The document in a file, with its language detected.

        Args:
            media_type: as `ingest.media.detect` says.
            title: goes before any title in the file; the document's title is "" where neither exists.
            cancelled: polled ten times a second.
            progress: called with (pages read, pages in all), at most ten times a second and once at the end.
            embedded: called with every file inside the file as it is met; one may come twice (a second try).
            password: of a protected PDF. It goes to the helper through a pipe, and nowhere else.
            readings: what is known of its pictures, and where it is kept what they say; else all are recognised.
            former: the version whose pages are taken over where they are the same; else all are read.

        Raises:
            SourceError: the kind says why the file cannot be read.
            Cancelled: `cancelled` said so, or the client was closed.
        """
        request = {"op": "parse", "path": str(path.resolve()), "media_type": media_type, "title": title}
        request["password"] = password
        before = FormerPages(former)

        def told() -> Iterator[LoadEvent]:
            known = readings.known() if readings else {}
            asked = {**request, "known": list(known)}
            for event in before.taken_over(self._events(asked, (before.memory, *known.values()), cancelled, progress)):
                if isinstance(event, Embedded):
                    embedded(event)
                elif isinstance(event, RecognisedPicture) and readings:
                    readings.take(event)
                yield event

        document = self._twice(lambda: assemble(told()), cancelled)
        return replace(document, language=detect(document.text) or document.language)

    def render(
        self,
        path: Path,
        media_type: str,
        page: int,
        *,
        dpi: int,
        boxes: Sequence[Box] = (),
        password: str | None = None,
    ) -> bytes:
        """PNG of a page (from 1) of a PDF or a picture, with `boxes` (points of the page as shown) marked in yellow.

        Raises:
            InvalidInput: no such page, a resolution out of range, or a format without pages.
            SourceError: it cannot be opened or drawn.
            Cancelled: the client was closed.
        """
        request = {"op": "render", "path": str(path.resolve()), "media_type": media_type, "page": page, "dpi": dpi}
        request |= {"boxes": [list(box) for box in boxes], "password": password}
        return self._bytes(request)

    def unlock(self, path: Path, password: str) -> bytes:
        """A protected PDF without its protection.

        Raises:
            PasswordNeeded: that is not its password.
            SourceError: it cannot be opened or written.
            Cancelled: the client was closed.
        """
        return self._bytes({"op": "unlock", "path": str(path.resolve()), "media_type": media.PDF, "password": password})

    def close(self) -> None:
        """End the helper; a request under way in another thread raises Cancelled."""
        self._closed = True
        helper = self._helper
        if helper is None:
            return
        if self._busy.acquire(blocking=False):
            try:
                helper.close()
                self._helper = None
            finally:
                self._busy.release()
        else:
            helper.kill()

    def _bytes(self, request: Mapping[str, Any]) -> bytes:
        return self._twice(
            lambda: b"".join(part for frame in self._frames(request, (), _never) for part in frame.parts), _never
        )

    def _events(
        self,
        request: Mapping[str, Any],
        parts: Sequence[bytes],
        cancelled: Callable[[], bool],
        progress: Callable[[int, int], None],
    ) -> Iterator[LoadEvent]:
        done, total, pictures, told = 0, 0, 0, 0.0
        for frame in self._frames(request, parts, cancelled):
            try:
                event = decode_event(frame)
            except (ValueError, KeyError, TypeError, errors.StorageError) as error:
                raise _unreadable() from error  # something else than our own loader is speaking
            if isinstance(event, PageLoaded | PageKept):
                done, total = done + 1, event.total
            elif isinstance(event, RecognisedPicture):
                pictures += 1
                if pictures > MOST_PAGES:  # nor does our own loader tell of so many
                    raise _unreadable()
            if time.monotonic() - told >= TICK_SECONDS:
                progress(done, total)
                told = time.monotonic()
            yield event
        progress(done, total)

    def _twice(self, attempt: Callable[[], Result], cancelled: Callable[[], bool]) -> Result:
        while not self._busy.acquire(timeout=TICK_SECONDS):
            if cancelled() or self._closed:
                raise _cancelled()
        try:
            for _ in range(2):
                if self._closed:
                    raise _cancelled()
                try:
                    return attempt()
                except HelperStopped:
                    self._drop()
            raise (
                _cancelled()
                if self._closed
                else ReaderStopped(
                    "The process that reads files stopped twice on this one.",
                    hint="Try again; if it happens again, save the document anew and add that.",
                )
            )
        finally:
            if self._pending:  # cancelled, past a limit, or the caller raised: the worker may still be at it
                self._drop()
            self._worker = None
            self._busy.release()

    def _frames(
        self, request: Mapping[str, Any], parts: Sequence[bytes], cancelled: Callable[[], bool]
    ) -> Iterator[Frame]:
        """Frames of one request up to "done".

        Raises:
            FootnoteError: what the loader raised, a limit, or a crash of the worker.
            HelperStopped: the helper, or the worker, was ended from outside.
        """
        helper = self._started()
        self._pending = True
        helper.send({**request, "limits": asdict(self._limits)}, *parts)
        watch = Watch(self._limits)
        outcome: Frame | None = None
        while True:
            if self.gives_way:  # its worker stops too once the pipe is full
                watch.rested(rest(TICK_SECONDS))
            frame = helper.receive(TICK_SECONDS)
            if watch.due():
                if cancelled():
                    raise _cancelled()
                watch.check()
            if frame is None:
                continue
            match frame.header.get("event"):
                case "started":
                    self._worker = watch.pid = int(frame.header["pid"])
                case "drawing":
                    watch.drawn += 1
                case "recognising":
                    watch.recognised += 1
                case "recognised":
                    yield frame
                case "done" | "error":
                    outcome = frame
                case "ended":
                    self._pending = False
                    self._judge(outcome, frame)
                    return
                case _:
                    watch.pages += 1
                    yield frame

    def _judge(self, outcome: Frame | None, ended: Frame) -> None:
        """Turn the end of a request into its error, if it has one."""
        if outcome is not None and outcome.header["event"] == "done":
            return
        if outcome is not None:
            raise _loader_error(outcome.header)
        killed_by, peak = int(ended.header["signal"]), int(ended.header["peak"])
        if killed_by == _SIGXCPU:
            raise self._limits.too_slow(0)
        if peak >= _NEARLY * self._limits.memory_bytes:
            raise self._limits.too_much_memory()
        if killed_by == _SIGKILL:
            raise HelperStopped
        raise _unreadable()

    def _started(self) -> HelperProcess:
        if self._helper is None:
            self._helper = HelperProcess(gives_way=self.gives_way)
        if self._closed:  # while it came up
            self._drop()
            raise _cancelled()
        return self._helper

    def _drop(self) -> None:
        helper, self._helper = self._helper, None
        self._worker, self._pending = None, False
        if helper:
            helper.kill()


def _never() -> bool:
    return False


def _loader_error(header: Mapping[str, Any]) -> FootnoteError:
    kind = _RAISED_BY_LOADERS.get(str(header.get("code")), SourceError)
    message, hint = (str(header.get(key, ""))[:_LONGEST_MESSAGE] for key in ("message", "hint"))
    return kind(message, hint=hint)


def _unreadable() -> DamagedSource:
    return DamagedSource(
        "It is damaged: the process that reads files crashed on it.", hint="Save the document anew and add that."
    )


def _cancelled() -> Cancelled:
    return Cancelled("Stopped.", hint="Add it again to start over.")
