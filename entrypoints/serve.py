"""`footnote serve` and `footnote open`: start the server on this machine's loopback, or say where it runs."""

from __future__ import annotations

import contextlib
import errno
import os
import runpy
import socket
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from entrypoints.tokens import ensure_key, link
from rag.errors import DataDirectoryInUse, InvalidInput, NotFound
from workspaces.owner import Owner, Ownership
from workspaces.settings import Settings, load_settings

if TYPE_CHECKING:
    from workspaces.bootstrap import Services

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = ("127.0.0.1", "localhost")
CONTAINER = "FOOTNOTE_CONTAINER"
"""Set to 1 in the image: there 0.0.0.0 is permitted, because the container's own network is what the host publishes."""

_REPORT_SECONDS = 5.0


def serve(host: str = "127.0.0.1", port: int = 8501) -> int:
    """Run the server until it is stopped; where one runs already on this data directory, print its link.

    Raises:
        InvalidInput: the host is not this machine's loopback, or the port is in use.
        DataDirectoryInUse: a command, not a server, owns the data directory.
    """
    _check_host(host)
    settings = load_settings()
    owner = Ownership(settings.data_dir).current()
    if owner is not None:
        say(f"Footnote is already running:\n\n  {_running_link(settings, owner)}\n")
        return 0
    _check_port(host, port)
    ensure_key(settings.data_dir)
    _run(settings, host, port)
    return 0


def open_running() -> int:
    """Print the link of the running server, and open it where there is a browser.

    Raises:
        NotFound: no server runs on this data directory.
        DataDirectoryInUse: a command, not a server, owns it.
    """
    settings = load_settings()
    owner = Ownership(settings.data_dir).current()
    if owner is None:
        raise NotFound("Footnote is not running.", hint="Start it with `make run` or `footnote serve`.")
    say(_running_link(settings, owner))
    if owner.port is not None and _has_screen():
        with contextlib.suppress(webbrowser.Error):
            webbrowser.open(link(settings.data_dir, owner.port, purpose="once"))
    return 0


def say(text: str) -> None:
    """One message on the terminal, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _run(settings: Settings, host: str, port: int) -> None:
    # asgi.py stands beside the packages, so it is loaded by its place, not by a module name
    launcher = runpy.run_path(str(ROOT / "asgi.py"))
    config = launcher["CONFIG"] | {
        "server.address": host,
        "server.port": port,
        "server.maxUploadSize": settings.max_upload_mb,
    }
    launcher["app"].run(config=config)


def announce(data_dir: Path, port: int) -> None:
    """Say that pages are served, and where. Raises StorageError."""
    say(f"Footnote is running. Open this link in a browser:\n\n  {link(data_dir, port)}\n\nCtrl+C stops it.")


def report_download(services: Services) -> None:
    """Say on the terminal how far the built-in model is, while it is being fetched."""
    from workspaces.model_download import progress_lines

    if services.chat_models.download().state in ("running", "verifying"):
        say(
            "The built-in chat model is part of the set-up and is being fetched. "
            "Until then answers quote your documents."
        )
        for line in progress_lines(services.chat_models.download, every=_REPORT_SECONDS):
            say(line)


def _running_link(settings: Settings, owner: Owner) -> str:
    if owner.port is None:
        raise DataDirectoryInUse(
            "A footnote command is at work on this data directory.", hint="Wait until it is done, then try again."
        )
    return link(settings.data_dir, owner.port)


def _check_host(host: str) -> None:
    if host in LOOPBACK or (host == "0.0.0.0" and os.environ.get(CONTAINER) == "1"):  # noqa: S104 -- only in the image
        return
    raise InvalidInput(
        f"Footnote does not listen on {host}: it has no accounts, so others on your network could read your documents.",
        hint="Leave --host out. To use it from another computer, forward the port over SSH.",
    )


def _check_port(host: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise InvalidInput(f"{port} is not a port.", hint="Choose a number from 1024 to 65535.")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name != "nt":  # there it would let two servers share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM):
                raise InvalidInput(f"This user may not use port {port}.", hint=_OTHER_PORT) from error
            raise InvalidInput(f"Port {port} is in use by another program.", hint=_OTHER_PORT) from error


_OTHER_PORT = "Choose another one: `make run PORT=8502` or `footnote serve --port 8502`."


def _has_screen() -> bool:
    return (
        os.name == "nt"
        or sys.platform == "darwin"
        or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    )
