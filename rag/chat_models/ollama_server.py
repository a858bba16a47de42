"""What an Ollama server is and has: its version, and the chat models on its machine."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from rag.chat_models import ollama_problems as problems
from rag.chat_models.ollama_wire import JSON, BadStatusError, Connection, Timeouts
from rag.errors import InvalidInput, ModelError

SAFE_VERSION = (0, 17, 1)
"""Older servers leak memory to whoever reaches them (CVE-2026-7482)."""


def checked_address(url: str) -> str:
    """`url` without a trailing slash.

    Raises:
        InvalidInput: it is no plain http or https address.
    """
    try:
        parts = urlsplit(url.strip())
        plain = not (parts.username or parts.password or parts.query or parts.fragment)
        usable = plain and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is no number
        usable = False
    if not usable:
        raise InvalidInput(
            "The address of Ollama cannot be used.", hint="Set FOOTNOTE_OLLAMA_URL like http://127.0.0.1:11434."
        )
    return url.strip().rstrip("/")


def is_loopback(address: str) -> bool:
    """Whether requests to `address` stay on this machine."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


@dataclass(frozen=True, slots=True)
class OllamaModel:
    """A chat model that an Ollama server has. `size` is in bytes, `window` in tokens (0: not told)."""

    name: str
    size: int
    parameters: str
    window: int
    thinks: bool
    loaded: bool


@dataclass(frozen=True, slots=True)
class OllamaStatus:
    """Whether a server answers, and its version ("" where it does not say)."""

    running: bool
    version: str = ""
    problem: ModelError | None = None

    @property
    def outdated(self) -> bool:
        """Whether a known hole is open in it."""
        version = version_of(self.version)
        return self.running and (0, 0, 0) < version < SAFE_VERSION


class OllamaServer:
    """One Ollama server. Every call opens and closes its own connection, so it may be used from any thread."""

    def __init__(self, base_url: str, *, timeouts: Timeouts | None = None) -> None:
        self.address = checked_address(base_url)
        self._timeouts = timeouts or Timeouts()

    @property
    def local(self) -> bool:
        """Whether it runs on this machine."""
        return is_loopback(self.address)

    def status(self) -> OllamaStatus:
        """Whether it answers. Never raises."""
        try:
            body = self._ask(lambda connection: connection.get("/api/version"))
        except ModelError as error:
            return OllamaStatus(running=False, problem=error)
        return OllamaStatus(running=True, version=str(body.get("version", "")))

    def models(self) -> list[OllamaModel]:
        """The chat models on that machine: those in memory first, then the newest. Embedding models, and models that
        Ollama would run on somebody else's computers, are left out.

        Raises:
            ModelUnavailable: it is not running, or is not Ollama.
        """
        loaded = {text_of(item, "model") for item in _objects(self._ask(lambda c: c.get("/api/ps")), "models")}
        listed = _objects(self._ask(lambda c: c.get("/api/tags")), "models")
        own = [item for item in listed if not item.get("remote_host") and not item.get("remote_model")]
        own.sort(key=lambda item: text_of(item, "modified_at"), reverse=True)
        found = [self._model(item, loaded) for item in own]
        return sorted((model for model in found if model), key=lambda model: not model.loaded)

    def digest(self, name: str) -> str:
        """Digest of a model's manifest as 64 hexadecimal digits; "" where the server lists none under that name.

        Raises:
            ModelUnavailable: it is not running, or is not Ollama.
        """
        for item in _objects(self._ask(lambda c: c.get("/api/tags")), "models"):
            if (text_of(item, "model") or text_of(item, "name")) in (name, f"{name}:latest"):
                return text_of(item, "digest").removeprefix("sha256:")
        return ""

    def show(self, name: str) -> JSON:
        """What the server knows of one model.

        Raises:
            ModelUnavailable, ModelNotInstalled: see rag.errors.
        """
        return self._ask(lambda connection: connection.post("/api/show", {"model": name}), model=name)

    def _model(self, item: JSON, loaded: set[str]) -> OllamaModel | None:
        name = text_of(item, "model") or text_of(item, "name")
        try:
            shown = self.show(name)
        except ModelError:  # one broken model must not hide the others
            return None
        if "completion" not in capabilities(shown):
            return None
        details = item.get("details")
        size = item.get("size")
        return OllamaModel(
            name=name,
            size=size if isinstance(size, int) else 0,
            parameters=text_of(details, "parameter_size") if isinstance(details, dict) else "",
            window=trained_window(shown),
            thinks="thinking" in capabilities(shown),
            loaded=name in loaded,
        )

    def _ask(self, request: Callable[[Connection], object], *, model: str = "the model") -> JSON:
        limits = self._timeouts
        try:
            with closing(Connection(self.address, connect=limits.connect, read=limits.status)) as connection:
                body = request(connection)
        except BadStatusError as error:
            said = problems.said_in(error.text)
            raise problems.error_of(said, status=error.status, model=model, address=self.address) from error
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise problems.not_running(self.address) from error
        except (httpx.HTTPError, ValueError) as error:
            raise problems.not_ollama(self.address) from error
        if not isinstance(body, dict):
            raise problems.not_ollama(self.address)
        return body


def text_of(item: object, key: str) -> str:
    """The string at `key` of an object, or "" where there is none."""
    value = item.get(key) if isinstance(item, dict) else None
    return value if isinstance(value, str) else ""


def _objects(body: JSON, key: str) -> list[JSON]:
    items = body.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def capabilities(shown: JSON) -> list[str]:
    """What the model can do. Servers before 0.6.4 do not say: then it is taken for a chat model, unless its
    architecture is one of those that only embed."""
    told = shown.get("capabilities")
    if isinstance(told, list):
        return [item for item in told if isinstance(item, str)]
    info = shown.get("model_info")
    return [] if "bert" in text_of(info, "general.architecture") else ["completion"]


def trained_window(shown: JSON) -> int:
    """Tokens of context the model was trained for; 0 where the server does not say."""
    info = shown.get("model_info")
    if not isinstance(info, dict):
        return 0
    value = info.get(f"{text_of(info, 'general.architecture')}.context_length")
    return value if isinstance(value, int) and value > 0 else 0


def version_of(text: str) -> tuple[int, int, int]:
    """A version as numbers; zeros where it is none."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0)


def counts_whole_prompt(version: str) -> bool:
    """Whether prompt_eval_count includes tokens from the prompt cache: not before 0.4, nor in 0.30
    (github.com/ollama/ollama/pull/16428)."""
    number = version_of(version)
    return number == (0, 0, 0) or (number >= (0, 4, 0) and number[:2] != (0, 30))
