from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag.chat_models.llamacpp import LlamaCppChatModel
from rag.chat_models.ollama import OllamaChatModel
from rag.errors import InvalidInput, ModelNotInstalled, NotFound, WeightsError
from rag.weights.catalogue import WeightsEntry, weights_entry
from tests.ollama_standin import OllamaStandin, StandinModel, unused_url
from workspaces import chat_models, ollama_probe
from workspaces.chat_models import ChatModels
from workspaces.models import Download, ModelChoice
from workspaces.settings import Settings

SMALL = weights_entry("smollm2-135m")
ENTRY = replace(SMALL, files=(replace(SMALL.files[0], size=100),))


class Machine:
    """One machine: its settings, its Ollama, its preferences and what is fetched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = unused_url()
        self.mode = "auto"
        self.stored: dict[str, Any] = {}
        self.fetched = 0
        self.error: WeightsError | None = None
        self.made: list[ChatModels] = []

    def get(self, key: str) -> Any:
        return self.stored.get(key)

    def set(self, key: str, value: Any) -> None:
        self.stored[key] = value

    def fetch(
        self, entry: WeightsEntry, folder: Path, *, progress: Callable[[int, int], None], cancelled: Callable[[], bool]
    ) -> Path:
        self.fetched += 1
        if self.error is not None:
            raise self.error
        progress(entry.size, entry.size)
        return self.install()

    def install(self) -> Path:
        path = ENTRY.path(self.folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * ENTRY.size)
        return path

    def models(self) -> ChatModels:
        settings = Settings(
            builtin_model=self.mode,  # type: ignore[arg-type]  # one of the three
            builtin_entry="smollm2-135m",
            models_dir=self.folder,
            ollama_url=self.url,
            num_ctx=2048,
        )
        self.made.append(ChatModels(settings, preferences=self, fetch=self.fetch))
        return self.made[-1]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setattr(chat_models, "weights_entry", lambda _: ENTRY)
    made = Machine(tmp_path / "models")
    yield made
    for models in made.made:
        models.close()


@pytest.fixture
def ollama(machine: Machine) -> Iterator[OllamaStandin]:
    with OllamaStandin() as standin:
        machine.url = standin.url
        yield standin


def keys(models: ChatModels) -> dict[str, ModelChoice]:
    return {choice.key: choice for choice in models.choices()}


def settle(models: ChatModels) -> Download:
    """Wait until nothing is looked for or fetched any more."""
    names = {"model-choice", "model-download", "ollama-probe"}
    while working := [thread for thread in threading.enumerate() if thread.name in names]:
        working[0].join(10)
    return models.download()


# --- the default -----------------------------------------------------------------------------------


def test_nothing_is_asked_or_fetched_by_making_it(machine: Machine, ollama: OllamaStandin) -> None:
    machine.models()
    assert ollama.requests == []
    assert machine.fetched == 0


def test_without_anything_answers_quote_the_documents(machine: Machine) -> None:
    models = machine.models()
    assert models.chosen() == "none"
    assert models.open() is None


def test_a_running_ollama_with_a_chat_model_comes_before_the_built_in_model(
    machine: Machine, ollama: OllamaStandin
) -> None:
    machine.install()
    models = machine.models()
    assert models.chosen() == "ollama:llama3.2:3b"
    opened = models.open()
    assert isinstance(opened, OllamaChatModel)
    assert opened.name == "llama3.2:3b"
    assert models.open() is opened


def test_the_built_in_model_answers_where_ollama_has_no_chat_model(machine: Machine, ollama: OllamaStandin) -> None:
    ollama.models = (StandinModel("nomic-embed-text:latest", capabilities=("embedding",)),)
    machine.install()
    models = machine.models()
    assert models.chosen() == "builtin"
    assert isinstance(models.open(), LlamaCppChatModel)


def test_the_stored_choice_comes_first_while_it_can_be_used(machine: Machine, ollama: OllamaStandin) -> None:
    machine.install()
    machine.stored["chat_model"] = "builtin"
    assert machine.models().chosen() == "builtin"
    machine.stored["chat_model"] = "none"
    assert machine.models().chosen() == "none"
    machine.stored["chat_model"] = "ollama:gone:7b"
    models = machine.models()
    assert models.chosen() == "ollama:llama3.2:3b"
    assert not keys(models)["ollama:gone:7b"].available


@pytest.mark.parametrize("stored", [7, None, "", "nonsense", ["builtin"]])
def test_a_stored_value_that_is_none_is_ignored(machine: Machine, stored: object) -> None:
    machine.stored["chat_model"] = stored
    assert machine.models().chosen() == "none"


# --- choosing --------------------------------------------------------------------------------------


def test_a_choice_is_remembered(machine: Machine, ollama: OllamaStandin) -> None:
    ollama.models = (StandinModel("a:1b", modified_at="2026-02-01"), StandinModel("b:1b", modified_at="2026-01-01"))
    machine.models().choose("ollama:b:1b")
    assert machine.stored == {"chat_model": "ollama:b:1b"}
    assert machine.models().chosen() == "ollama:b:1b"


@pytest.mark.parametrize("key", ["ollama:", "ollama:unknown", "gpt", ""])
def test_what_is_not_in_the_list_cannot_be_chosen(machine: Machine, key: str) -> None:
    with pytest.raises(NotFound):
        machine.models().choose(key)
    assert machine.stored == {}


def test_choosing_the_built_in_model_fetches_it(machine: Machine) -> None:
    machine.mode = "ask"
    models = machine.models()
    models.choose("builtin")
    assert settle(models).state == "present"
    assert models.chosen() == "builtin"


def test_every_choice_says_where_it_runs(machine: Machine, ollama: OllamaStandin) -> None:
    found = keys(machine.models())
    assert list(found) == ["ollama:llama3.2:3b", "builtin", "none"]
    assert found["ollama:llama3.2:3b"] == ModelChoice("ollama:llama3.2:3b", "llama3.2:3b", True, "Ollama, 3.2B, 2.0 GB")
    assert not found["builtin"].available
    assert "not fetched yet" in found["builtin"].detail
    assert found["none"].available


def test_an_outdated_ollama_and_one_of_another_machine_are_shown_as_such(
    machine: Machine, ollama: OllamaStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    ollama.version = "0.16.2"
    monkeypatch.setattr("rag.chat_models.ollama_server.is_loopback", lambda _: False)
    detail = keys(machine.models())["ollama:llama3.2:3b"].detail
    assert "Ollama 0.16.2 has a known security hole" in detail
    assert "on 127.0.0.1, not on this machine" in detail


def test_an_ollama_without_models_says_what_to_run(machine: Machine, ollama: OllamaStandin) -> None:
    ollama.models = ()
    choice = keys(machine.models())["ollama:"]
    assert not choice.available
    assert "ollama pull" in choice.detail


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1", "http://127.0.0.1:99999"])
def test_an_address_that_is_none_does_not_break_the_list(machine: Machine, url: str) -> None:
    machine.url = url
    models = machine.models()
    assert not keys(models)["ollama:"].available
    assert models.chosen() == "none"


@pytest.mark.parametrize("key", ["gpt", "ollama:"])
def test_opening_an_unknown_key_is_refused(machine: Machine, key: str) -> None:
    with pytest.raises(NotFound):
        machine.models().open(key)


def test_opening_the_built_in_model_before_it_is_here_says_so(machine: Machine) -> None:
    with pytest.raises(ModelNotInstalled):
        machine.models().open("builtin")


# --- the download ----------------------------------------------------------------------------------


def test_auto_fetches_where_there_is_no_ollama(machine: Machine) -> None:
    models = machine.models()
    models.start()
    assert models.download().state in ("running", "verifying", "present")
    assert settle(models).state == "present"
    assert models.chosen() == "builtin"


def test_auto_fetches_nothing_with_an_ollama_that_can_chat(machine: Machine, ollama: OllamaStandin) -> None:
    models = machine.models()
    models.start()
    assert settle(models).state == "absent"
    assert machine.fetched == 0


def test_auto_fetches_nothing_for_a_person_who_wants_no_model(machine: Machine) -> None:
    machine.stored["chat_model"] = "none"
    models = machine.models()
    models.start()
    assert settle(models).state == "absent"
    assert machine.fetched == 0


@pytest.mark.parametrize(("mode", "state"), [("ask", "asking"), ("off", "off")])
def test_ask_and_off_fetch_nothing_unasked(machine: Machine, mode: str, state: str) -> None:
    machine.mode = mode
    models = machine.models()
    models.start()
    assert settle(models).state == state
    models.ensure(lambda _: None)
    assert machine.fetched == 0


def test_ask_fetches_when_asked_and_off_never(machine: Machine) -> None:
    machine.mode = "off"
    with pytest.raises(InvalidInput, match="switched off"):
        machine.models().start_download()
    with pytest.raises(InvalidInput):
        machine.models().ensure(lambda _: None, builtin=True)
    machine.mode = "ask"
    models = machine.models()
    models.start_download()
    assert settle(models).state == "present"


def test_a_model_that_is_present_answers_even_when_fetching_is_off(machine: Machine) -> None:
    machine.install()
    machine.mode = "off"
    models = machine.models()
    assert models.download().state == "present"
    assert models.chosen() == "builtin"


# --- the command line ------------------------------------------------------------------------------


def test_ensure_fetches_and_tells_how_far_it_is(machine: Machine) -> None:
    told: list[Download] = []
    models = machine.models()
    models.ensure(told.append)
    assert told[-1].state == "present"
    assert models.chosen() == "builtin"


def test_ensure_fetches_nothing_where_ollama_can_answer_unless_told_to(machine: Machine, ollama: OllamaStandin) -> None:
    machine.models().ensure(lambda _: None)
    assert machine.fetched == 0
    machine.models().ensure(lambda _: None, builtin=True)
    assert machine.fetched == 1


def test_ensure_raises_what_went_wrong(machine: Machine) -> None:
    machine.error = WeightsError("No index is reachable.", hint="Connect.")
    with pytest.raises(WeightsError, match="No index is reachable"):
        machine.models().ensure(lambda _: None)


# --- looking for Ollama ----------------------------------------------------------------------------


def test_ollama_is_asked_once_in_some_seconds(machine: Machine, ollama: OllamaStandin) -> None:
    models = machine.models()
    for _ in range(5):
        models.choices()
        models.chosen()
    assert [path for path, _ in ollama.requests].count("/api/tags") == 1


def test_a_model_that_was_pulled_meanwhile_appears(
    machine: Machine, ollama: OllamaStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ollama_probe, "FRESH_SECONDS", 0.0)
    models = machine.models()
    assert "ollama:new:1b" not in keys(models)
    ollama.models = (*ollama.models, StandinModel("new:1b"))
    models.choices()
    settle(models)
    models.choices()
    settle(models)
    assert "ollama:new:1b" in keys(models)
