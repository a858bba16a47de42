"""Which chat model answers: what there is, what a person chose, and the built-in one's way onto this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from rag.errors import InvalidInput, ModelNotInstalled, NotFound
from rag.protocols import ChatModel
from rag.weights.catalogue import weights_entry
from rag.weights.location import models_dir
from workspaces.model_download import Fetch, ModelDownload, raise_problem
from workspaces.models import Download, ModelChoice
from workspaces.ollama_probe import Found, OllamaProbe
from workspaces.settings import Settings

if TYPE_CHECKING:
    from rag.chat_models.llamacpp import LlamaCppChatModel
    from rag.chat_models.ollama import OllamaModel

BUILTIN = "builtin"
NONE = "none"
OLLAMA = "ollama:"
"""Keys of the choices; the last is followed by the model's name."""

PREFERENCE = "chat_model"
"""Key of the stored choice."""

_SHOW_SECONDS = 1.0


class PreferenceStore(Protocol):
    """Where the choice is kept."""

    def get(self, key: str) -> Any:
        """The value, or None."""

    def set(self, key: str, value: Any) -> None:
        """Keep a value."""


class ChatModels:
    """The chat models of this machine. Thread-safe; nothing is opened, asked or fetched before it is needed."""

    def __init__(self, settings: Settings, *, preferences: PreferenceStore, fetch: Fetch | None = None) -> None:
        """`fetch` replaces rag.weights.fetch.

        Raises:
            NotFound: the catalogue has no such built-in model.
        """
        self._settings = settings
        self._preferences = preferences
        self._probe = OllamaProbe(settings.ollama_url)
        folder = settings.models_dir or models_dir()
        self._download = ModelDownload(weights_entry(settings.builtin_entry), folder, fetch=fetch)
        self._lock = threading.Lock()
        self._opened: dict[str, ChatModel] = {}
        self._builtin: LlamaCppChatModel | None = None
        self._deciding = threading.Event()

    # --- choosing --------------------------------------------------------------------------------

    def choices(self) -> list[ModelChoice]:
        """Everything that can be chosen, and what could be if it were there."""
        found = self._probe.latest()
        listed = [self._ollama_choice(model, found) for model in found.models] or [self._no_ollama(found)]
        stored = self._stored()
        if stored.startswith(OLLAMA) and stored not in {choice.key for choice in listed}:
            detail = "not in Ollama any more" if found.running else "Ollama is not running"
            listed.append(ModelChoice(stored, stored.removeprefix(OLLAMA), available=False, detail=detail))
        return [*listed, self._builtin_choice(), ModelChoice(NONE, "No model", True, "answers quote your documents")]

    def chosen(self) -> str:
        """Key of the model that answers now: the stored choice if it can, else a model of a running Ollama (one in
        memory, or the newest), else the built-in one if it is here, else none."""
        return self._decide(self._probe.latest())

    def choose(self, key: str) -> None:
        """Remember a choice. Choosing the built-in model fetches it where it is missing.

        Raises:
            NotFound: no such model.
            InvalidInput: the built-in model is switched off.
        """
        if key not in {choice.key for choice in self.choices()} or key == OLLAMA:
            raise NotFound(f"There is no chat model {key.removeprefix(OLLAMA)}.", hint="Choose one of the list.")
        if key == BUILTIN and not self._download.present:
            self.start_download()
        self._preferences.set(PREFERENCE, key)

    def open(self, key: str | None = None) -> ChatModel | None:
        """The model of this key, or the chosen one; None for an answer without a model.

        Raises:
            NotFound: no such key.
            ModelNotInstalled: the built-in model is asked for by name and is not here yet.
        """
        key = key or self.chosen()
        if key == NONE:
            return None
        if key == BUILTIN:
            return self._open_builtin()
        if not key.startswith(OLLAMA) or key == OLLAMA:
            raise NotFound(f"There is no chat model {key}.", hint="Choose one of the list.")
        with self._lock:
            if key not in self._opened:
                from rag.chat_models.ollama import OllamaChatModel

                name, url = key.removeprefix(OLLAMA), self._settings.ollama_url
                self._opened[key] = OllamaChatModel(name, base_url=url, num_ctx=self._settings.num_ctx)
            return self._opened[key]

    # --- the built-in model's download -----------------------------------------------------------

    def start(self) -> None:
        """Look for Ollama in the background and, where it has no chat model, fetch the built-in one unasked (mode
        "auto"; not when a person chose to have none). Returns at once."""
        if self._settings.builtin_model != "auto" or self._download.present or self._deciding.is_set():
            return
        self._deciding.set()
        threading.Thread(target=self._fetch_if_needed, name="model-choice", daemon=True).start()

    def download(self) -> Download:
        """How far the built-in model is; "running" also while Ollama is being looked for."""
        state = self._download.state()
        if state.state != "absent":
            return state
        if self._deciding.is_set():
            return Download("running", total=state.total)
        match self._settings.builtin_model:
            case "ask":
                return Download("asking", total=state.total)
            case "off":
                return Download("off", total=state.total)
            case _:
                return state

    def start_download(self) -> None:
        """Fetch the built-in model, or go on after a failure.

        Raises:
            InvalidInput: it is switched off.
        """
        if self._settings.builtin_model == "off":
            raise InvalidInput(
                "The built-in model is switched off.", hint="Set FOOTNOTE_BUILTIN_MODEL to auto or ask to fetch it."
            )
        self._download.start()

    def cancel_download(self) -> None:
        """Stop fetching; what is there stays for the next time."""
        self._download.cancel()

    def ensure(self, progress: Callable[[Download], None], *, builtin: bool = False) -> None:
        """Return when a model can answer; fetch the built-in one first if there is no other (mode "auto"). `progress`
        is told every second. With `builtin`, that model is fetched whatever else there is.

        Without a model, and with nothing to be fetched unasked, it returns: answers then quote the documents.

        Raises:
            WeightsError: it cannot be fetched.
            Cancelled: a person stopped it.
            InvalidInput: `builtin`, and it is switched off.
        """
        if self._download.present:
            return
        if not builtin and (self._settings.builtin_model != "auto" or self._someone_answers()):
            return
        self.start_download()
        try:
            while (download := self._download.state()).state in ("running", "verifying"):
                progress(download)
                self._download.wait(_SHOW_SECONDS)
        except KeyboardInterrupt:
            self._download.close()
            raise
        raise_problem(download)
        progress(download)

    def close(self) -> None:
        """Stop fetching and end the built-in model's process."""
        self._download.close()
        with self._lock:
            builtin, self._builtin = self._builtin, None
        if builtin is not None:
            builtin.close()

    # --- how it is decided -----------------------------------------------------------------------

    def _stored(self) -> str:
        stored = self._preferences.get(PREFERENCE)
        return stored if isinstance(stored, str) else ""

    def _decide(self, found: Found) -> str:
        stored = self._stored()
        usable = [*(OLLAMA + name for name in found.names), *([BUILTIN] if self._download.present else []), NONE]
        return stored if stored in usable else usable[0]

    def _someone_answers(self) -> bool:
        """Whether nothing needs to be fetched: a model can answer, or a person wants none."""
        return self._stored() == NONE or self._decide(self._probe.latest(fresh=True)) != NONE

    def _fetch_if_needed(self) -> None:
        try:
            if not self._someone_answers():
                self._download.start()
        finally:
            self._deciding.clear()

    def _open_builtin(self) -> LlamaCppChatModel:
        if not self._download.present:
            raise ModelNotInstalled("The built-in model is not on this machine yet.", hint="Fetch it in the settings.")
        with self._lock:
            if self._builtin is None:
                from rag.chat_models.llamacpp import LlamaCppChatModel

                self._builtin = LlamaCppChatModel(
                    self._download.path,
                    name=self._download.entry.title,
                    context_window=self._settings.num_ctx,
                    threads=self._settings.threads,
                    identity=f"sha256:{self._download.entry.files[0].sha256}",
                )
            return self._builtin

    # --- how it is shown -------------------------------------------------------------------------

    def _ollama_choice(self, model: OllamaModel, found: Found) -> ModelChoice:
        facts = ["Ollama", model.parameters, _gigabytes(model.size) if model.size else ""]
        if not found.local:
            facts.append(f"on {urlsplit(self._settings.ollama_url).hostname}, not on this machine")
        if found.outdated:
            facts.append(f"Ollama {found.version} has a known security hole: update it")
        return ModelChoice(OLLAMA + model.name, model.name, True, ", ".join(fact for fact in facts if fact))

    def _no_ollama(self, found: Found) -> ModelChoice:
        if found.running and found.problem is None:
            return ModelChoice(OLLAMA, "Ollama", False, "runs, but has no chat model; run: ollama pull llama3.2")
        problem = found.problem
        return ModelChoice(OLLAMA, "Ollama", False, problem.message.rstrip(".") if problem else "being looked for")

    def _builtin_choice(self) -> ModelChoice:
        title, size = self._download.entry.title, _gigabytes(self._download.entry.size)
        if self._download.present:
            return ModelChoice(BUILTIN, "Built-in model", True, f"{title}, on this machine")
        missing = {"running": "being fetched", "verifying": "being checked", "off": "switched off"}
        state = missing.get(self.download().state, "not fetched yet")
        return ModelChoice(BUILTIN, "Built-in model", False, f"{title}, {size}, {state}")


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
