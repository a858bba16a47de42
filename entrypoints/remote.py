"""One process owns a data directory. While the server does, the command line hands its arguments to one private,
token-guarded endpoint of it, and the server runs the very same command: arguments in, NDJSON and the exit code out."""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from entrypoints.cli import READ_ONLY, build_parser, command_name, run_command
from entrypoints.output import Output, as_json
from rag.errors import FootnoteError, StorageError

PATH = "/_footnote/command"
SERVED = READ_ONLY | {
    "workspace delete",
    "add",
    "pause",
    "resume",
    "refresh",
    "unlock",
    "watch",
    "delete",
    "doctor",
    "reindex",
    "reread",
    "models pull",
}
_CONNECT_SECONDS = 5.0
_CONNECT_RETRIES = 4
"""Over 3.5 seconds: a server that is just starting owns the data directory a moment before it listens."""

_LINES = 1000
"""Lines that wait for a slow reader; then the command waits."""

_PATIENCE_SECONDS = 0.5
_log = logging.getLogger("footnote")


def run_remotely(data_dir: Path, port: int, arguments: list[str], out: Output, *, secret: str | None = None) -> int:
    """Have the server on `port` run a command, and show what it writes; a `secret` is apart from the arguments.

    Raises:
        StorageError: the server does not answer, or does not accept this user's token.
    """
    import httpx

    from entrypoints.tokens import read_token

    headers = {"Authorization": f"Bearer {read_token(data_dir)}"}
    timeout = httpx.Timeout(None, connect=_CONNECT_SECONDS)
    transport = httpx.HTTPTransport(retries=_CONNECT_RETRIES)
    try:
        with (
            httpx.Client(transport=transport, trust_env=False, timeout=timeout) as client,
            client.stream(
                "POST",
                f"http://127.0.0.1:{port}{PATH}",
                json={"arguments": arguments, "secret": secret},
                headers=headers,
            ) as response,
        ):
            if response.status_code != 200:
                raise _unreachable()
            return _show(response.iter_lines(), out)
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:  # nobody is there, or it is not Footnote
        raise _unreachable() from error


def command_lines(
    services: Callable[[], Any], arguments: list[str], *, stopping: threading.Event, secret: str | None = None
) -> Iterator[str]:
    """Run a command on the server's services in a thread of its own; yields NDJSON lines, the exit code last.

    Whoever stops listening does not stop the command: what it began is finished. When the server is `stopping` the
    lines end without an exit code; the server would wait for them for ever.
    """
    out = _QueueOutput()
    threading.Thread(target=_work, args=(services, arguments, secret, out), name="command", daemon=True).start()
    try:
        while not stopping.is_set():
            try:
                line = out.lines.get(timeout=_PATIENCE_SECONDS)
            except queue.Empty:
                continue
            if line is None:
                return
            yield line + "\n"
    finally:
        out.hang_up()


def _work(services: Callable[[], Any], arguments: list[str], secret: str | None, out: _QueueOutput) -> None:
    code = 2
    try:
        options = build_parser().parse_args(arguments)
        options.secret = secret
        if command_name(options) not in SERVED:
            out.note("This command does not run inside the server.")
        else:
            opened = services()
            if command_name(options) not in READ_ONLY:
                opened.start()  # nobody may have opened a page yet
            code = run_command(command_name(options), options, out, opened)
    except FootnoteError as error:
        out.note(error.told)
    except SystemExit:
        out.note("The server did not understand the command; is it of the same version?")
    except Exception:  # noqa: BLE001  # the other end waits for an exit code, whatever happens here
        _log.exception("a command failed")
        out.note("Footnote met an internal fault; the terminal of the server says more.")
    finally:
        out.end(code)


class _QueueOutput:
    """An Output at whose other end somebody listens, or not any more."""

    def __init__(self) -> None:
        self.lines: queue.Queue[str | None] = queue.Queue(maxsize=_LINES)
        self._hung_up = threading.Event()

    def line(self, text: str) -> None:
        """One line of the result."""
        self._put(as_json({"out": text}))

    def note(self, text: str) -> None:
        """One line for the person waiting."""
        self._put(as_json({"note": text}))

    def end(self, code: int) -> None:
        """The exit code, after which nothing comes."""
        self._put(as_json({"exit": code}))
        self._put(None)

    def hang_up(self) -> None:
        """Nobody listens any more."""
        self._hung_up.set()

    def _put(self, line: str | None) -> None:
        while not self._hung_up.is_set():
            try:
                self.lines.put(line, timeout=_PATIENCE_SECONDS)
            except queue.Full:
                continue
            return


def _show(lines: Iterator[str], out: Output) -> int:
    for line in lines:
        event = json.loads(line)
        if "out" in event:
            out.line(event["out"])
        elif "note" in event:
            out.note(event["note"])
        elif "exit" in event:
            return int(event["exit"])
    raise StorageError("The server stopped before the command was done.", hint="Start it again and repeat the command.")


def _unreachable() -> StorageError:
    return StorageError(
        "Footnote is running on this data directory but does not answer.", hint="Stop it, or wait until it has started."
    )
