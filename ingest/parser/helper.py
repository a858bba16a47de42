"""The helper process that reads hostile files: `python -m ingest.parser.helper`, requests on stdin, frames on stdout.

It has one thread, imports the parsers once and forks for every request. The fork gets resource limits, on Linux it
reaches its own file only (ingest/parser/landlock.py), and it dies with the helper; the helper dies when stdin ends.
Whatever a file does, it does it to a process that is thrown away.
Where there is no fork (Windows), the request runs in the helper itself and the application kills it past a limit:
written for, untested.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from ingest import media
from ingest.loaders import PICTURED, loader_for
from ingest.ocr import engines
from ingest.parser import landlock
from ingest.parser.apart import apart, end_with
from ingest.parser.frames import Frame, FrameBuffer, encode, encode_event
from ingest.parser.limits import ParserLimits
from ingest.protocols import Drawing, PageKept, PageLoaded, Recognising
from rag.errors import DamagedSource, FootnoteError, InvalidInput, UnsupportedType

_READ_BYTES = 2**16
_OPEN_FILES = 64
_FINGERPRINT_SECONDS = 15.0
"""Wall time. 276 pages take 0.2; a file that takes longer is read as a whole."""


def main() -> None:
    """Serve requests until stdin ends."""
    requests, replies = os.dup(0), os.dup(1)
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (requests, replies):
            msvcrt.setmode(descriptor, os.O_BINARY)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # what a parser prints must not end up between frames
        os.dup2(null, stream)
    logging.disable(logging.CRITICAL)
    _import_for(media.PDF)
    _write(replies, encode({"event": "ready"}))
    buffer = FrameBuffer()
    while data := os.read(requests, _READ_BYTES):
        for frame in buffer.feed(data):
            if hasattr(os, "fork"):
                _serve_in_fork(frame, requests, replies)
            else:
                _write(replies, encode({"event": "started", "pid": os.getpid()}))
                _serve(frame, replies)
                _write(replies, encode({"event": "ended", "signal": 0, "peak": 0}))


def _import_for(media_type: str) -> None:
    """Import a format's parser before the fork, so that the next file finds it there."""
    with suppress(UnsupportedType):  # the request itself says so
        loader_for(media_type)
    if media_type == media.PDF:
        import_module("ingest.loaders.pdf_render")
    if media_type in media.IMAGES:
        import_module("ingest.loaders.image_render")
        engines.prepare()


def _serve_in_fork(frame: Frame, requests: int, replies: int) -> None:
    request = frame.header
    _import_for(request["media_type"])
    programs = _programs_for(request["media_type"])
    incoming, outgoing = os.pipe()
    helper = os.getpid()
    child = os.fork()
    if child == 0:
        try:
            for descriptor in (incoming, requests, replies):
                os.close(descriptor)
            _restrict(helper, ParserLimits(**request["limits"]))
            landlock.confine(Path(request["path"]), programs=programs)
            _serve(frame, outgoing)
        finally:
            os._exit(0)  # no clean-up of what the helper opened
    os.close(outgoing)
    _write(replies, encode({"event": "started", "pid": child}))
    recognised = _relay(child, incoming, requests, replies)
    _, status, usage = os.wait4(child, 0)
    killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    _write(replies, encode({"event": "ended", "signal": killed_by, "peak": usage.ru_maxrss * 1024}))
    if recognised:  # where there is one scan there are more: the next fork finds the engine imported
        engines.prepare()


def _programs_for(media_type: str) -> list[Path]:
    """What the fork may start."""
    if media_type not in PICTURED:
        return []
    engines.recipe()  # remembered, for the fork cannot ask
    tesseract = engines.installed().tesseract
    return [tesseract] if tesseract else []


def _relay(child: int, incoming: int, requests: int, replies: int) -> bool:
    """Pass on whole frames only: a child that dies in the middle of one must not garble the stream.

    Returns whether text was recognised in a picture.
    """
    buffer = FrameBuffer()
    recognised = False
    try:
        while True:
            readable, _, _ = select.select([incoming, requests], [], [])
            if requests in readable:  # one request at a time: this can only be the end of the application
                os.kill(child, signal.SIGKILL)
                os._exit(0)
            data = os.read(incoming, _READ_BYTES)
            if not data:
                return recognised
            for frame in buffer.feed(data):
                recognised = recognised or frame.header.get("event") == "recognising"
                _write(replies, encode(frame.header, *frame.parts))
    except ValueError:  # not frames: something took the child over
        os.kill(child, signal.SIGKILL)
        return False
    finally:
        os.close(incoming)


def _restrict(helper: int, limits: ParserLimits) -> None:
    """Bound what this process can use, and tie its life to the helper's."""
    import resource  # not at the top: Windows has none

    if sys.platform == "linux":
        end_with(parent=helper)
        own_pages = int(Path("/proc/self/statm").read_text().split()[0])
        room = own_pages * resource.getpagesize() + limits.memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    _allow_seconds(limits.seconds_after(0))


def _allow_seconds(allowed: float) -> None:
    """CPU time, a second wall behind the application's clock: the soft limit moves on with the pages."""
    import resource

    seconds = int(allowed) + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds if hard == resource.RLIM_INFINITY else min(seconds, hard), hard))


def _serve(frame: Frame, replies: int) -> None:
    """Do one request; its last frame is "done" or "error"."""
    limits = ParserLimits(**frame.header["limits"])
    try:
        for reply in _replies(frame, limits):
            _write(replies, reply)
        last = encode({"event": "done"})
    except FootnoteError as error:
        last = _error(error)
    except MemoryError:
        last = _error(limits.too_much_memory())
    except BrokenPipeError:  # nobody listens any more
        return
    except Exception:  # noqa: BLE001 - hostile bytes make parsers raise anything; it always means: cannot be read
        last = _error(DamagedSource("It is damaged or unusual and cannot be read.", hint="Save it anew and add that."))
    _write(replies, last)


def _replies(frame: Frame, limits: ParserLimits) -> Iterator[bytes]:
    request = frame.header
    match request["op"]:
        case "parse":
            memory, *readings = frame.parts
            return _parse(request, limits, known=dict(zip(request["known"], readings, strict=True)), memory=memory)
        case "render":
            return _render(request)
        case _:
            return _unlock(request)


def _parse(
    request: Mapping[str, Any], limits: ParserLimits, *, known: Mapping[str, bytes], memory: bytes
) -> Iterator[bytes]:
    characters = pages = recognised = drawn = 0
    password, media_type = request["password"], request["media_type"]
    loader = loader_for(media_type, password=password, known=known, memory=memory, fingerprints=_fingerprints)
    for event in loader.load(Path(request["path"]), title=request["title"]):
        if isinstance(event, PageLoaded | PageKept):
            pages += 1
            characters += len(event.text) if isinstance(event, PageLoaded) else len(event.page.span)
            if event.total > limits.pages:
                raise limits.too_many_pages(event.total)
            if characters > limits.text_characters:
                raise limits.too_much_text()
        recognised += isinstance(event, Recognising)
        drawn += isinstance(event, Drawing)
        if hasattr(os, "fork") and isinstance(event, PageLoaded | PageKept | Recognising | Drawing):
            _allow_seconds(limits.seconds_after(pages, recognised, drawn))
        yield encode_event(event)


def _fingerprints(path: Path) -> Sequence[bytes]:
    from ingest.loaders.pdf_fingerprints import SIZE, fingerprints

    if not hasattr(os, "fork"):
        return fingerprints(path)
    found = apart(lambda: b"".join(fingerprints(path)), seconds=_FINGERPRINT_SECONDS)
    return [found[start : start + SIZE] for start in range(0, len(found), SIZE)]


def _render(request: Mapping[str, Any]) -> Iterator[bytes]:
    match request["media_type"]:
        case media.PDF:
            from ingest.loaders.pdf_render import render_page as draw
        case image if image in media.IMAGES:
            from ingest.loaders.image_render import render_picture as draw
        case _:
            raise InvalidInput("Files of this kind have no page images.", hint="Read its text instead.")
    boxes = [(x0, y0, x1, y1) for x0, y0, x1, y1 in request["boxes"]]
    image = draw(Path(request["path"]), request["page"], dpi=request["dpi"], boxes=boxes, password=request["password"])
    yield encode({"event": "image"}, image)


def _unlock(request: Mapping[str, Any]) -> Iterator[bytes]:
    from ingest.loaders.pdf_open import unlocked

    yield encode({"event": "unlocked"}, unlocked(Path(request["path"]), request["password"]))


def _error(error: FootnoteError) -> bytes:
    return encode({"event": "error", "code": error.code, "message": error.message, "hint": error.hint})


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


if __name__ == "__main__":
    main()
