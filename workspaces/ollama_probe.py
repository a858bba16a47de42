"""Which chat models a running Ollama has, asked in the background and remembered for some seconds."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rag.errors import FootnoteError, InvalidInput, ModelError

if TYPE_CHECKING:
    from rag.chat_models.ollama import OllamaModel

CONNECT_SECONDS = 0.5
"""A server on this machine accepts at once; one that does not is not there."""

FRESH_SECONDS = 5.0
"""How long an answer is used."""

FIRST_SECONDS = 1.0
"""How long a caller waits for the very first answer."""

_STATUS_SECONDS = 2.0
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: the chat models, those in memory first; and why there are none."""

    running: bool = False
    local: bool = True
    version: str = ""
    outdated: bool = False
    models: tuple[OllamaModel, ...] = ()
    problem: FootnoteError | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the models."""
        return tuple(model.name for model in self.models)


class OllamaProbe:
    """Looks for the server at `url`. Thread-safe; nothing happens before the first call."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._found = Found()
        self._at: float | None = None
        self._probing: threading.Thread | None = None

    def latest(self, *, fresh: bool = False) -> Found:
        """What is known. The first call waits a moment for an answer; later ones return at once and ask again in the
        background. `fresh` waits until an answer is not older than some seconds (a server that hangs costs some)."""
        with self._lock:
            known = self._at is not None
            if self._at is not None and time.monotonic() - self._at < FRESH_SECONDS:
                return self._found
            if self._probing is None:
                self._probing = threading.Thread(target=self._probe, name="ollama-probe", daemon=True)
                self._probing.start()
            probing = self._probing
        if fresh or not known:
            probing.join(None if fresh else FIRST_SECONDS)
        with self._lock:
            return self._found

    def _probe(self) -> None:
        found = Found(problem=ModelError("Ollama could not be asked."))
        try:
            found = look(self._url)
        finally:
            with self._lock:
                self._found, self._at, self._probing = found, time.monotonic(), None


def look(url: str) -> Found:
    """Ask the server at `url` now. Never raises for what a server can do."""
    if not _accepts(url):
        problem = ModelError(f"Ollama is not running at {url}.", hint="Start Ollama to use its models.")
        return Found(problem=problem)
    from rag.chat_models.ollama import OllamaServer, Timeouts  # costs 0.3 s: only where something listens

    try:
        server = OllamaServer(url, timeouts=Timeouts(connect=CONNECT_SECONDS, status=_STATUS_SECONDS))
    except InvalidInput as error:
        return Found(problem=error)
    status = server.status()
    if not status.running:
        return Found(local=server.local, problem=status.problem)
    try:
        models = tuple(server.models())
    except ModelError as error:
        return Found(running=True, local=server.local, version=status.version, problem=error)
    return Found(True, server.local, status.version, status.outdated, models)


def _accepts(url: str) -> bool:
    """Whether anything accepts a connection there."""
    try:
        parts = urlsplit(url)
        address = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 80)
        with socket.create_connection(address, timeout=CONNECT_SECONDS):
            return True
    except (OSError, ValueError):  # ValueError: no address at all
        return False
