from __future__ import annotations

from collections.abc import Iterator

import pytest

from rag.chat_models.ollama import OllamaChatModel, OllamaServer, OllamaStatus
from rag.chat_models.ollama_server import is_loopback
from rag.errors import InvalidInput, ModelUnavailable
from rag.types import Finished, Message
from tests.ollama_standin import OllamaStandin, StandinModel, unused_url

QUESTION = [Message("system", "Answer."), Message("user", "How long?"), Message("assistant", "2"), Message("user", "?")]


@pytest.fixture
def standin() -> Iterator[OllamaStandin]:
    with OllamaStandin() as running:
        yield running


def ask(standin: OllamaStandin, *, num_ctx: int = 4096, max_tokens: int = 50) -> dict[str, object]:
    model = OllamaChatModel("llama3.2:3b", base_url=standin.url, num_ctx=num_ctx)
    *_, last = model.stream(QUESTION, max_tokens=max_tokens, stop=lambda: False)
    assert isinstance(last, Finished)
    return standin.chats()[-1]


def test_every_request_states_its_window_its_length_and_that_nothing_may_be_cut(standin: OllamaStandin) -> None:
    sent = ask(standin, num_ctx=4096, max_tokens=77)
    options = sent["options"]
    assert isinstance(options, dict)
    assert (options["num_ctx"], options["num_predict"]) == (4096, 77)
    assert (sent["truncate"], sent["shift"], sent["stream"]) == (False, False, True)
    assert sent["keep_alive"]


def test_messages_arrive_with_their_roles_in_their_order(standin: OllamaStandin) -> None:
    sent = ask(standin)
    assert sent["messages"] == [{"role": message.role, "content": message.content} for message in QUESTION]


def test_the_window_is_never_larger_than_the_model_was_trained_for(standin: OllamaStandin) -> None:
    standin.models = (StandinModel("llama3.2:3b", context_length=2048),)
    model = OllamaChatModel("llama3.2:3b", base_url=standin.url, num_ctx=8192)
    assert model.context_window == 2048
    assert OllamaChatModel("llama3.2:3b", base_url=unused_url(), num_ctx=8192).context_window == 8192


def test_the_parameters_told_are_those_sent(standin: OllamaStandin) -> None:
    standin.models = (StandinModel("llama3.2:3b", capabilities=("completion", "thinking")),)
    sent = ask(standin, num_ctx=4096, max_tokens=77)
    told = OllamaChatModel("llama3.2:3b", base_url=standin.url, num_ctx=4096).parameters(77)
    assert told == {**sent["options"], **{name: sent[name] for name in ("truncate", "shift", "think", "keep_alive")}}  # type: ignore[dict-item]


def test_a_model_is_known_by_the_digest_that_the_server_lists(standin: OllamaStandin) -> None:
    standin.models = (StandinModel("other:7b"), StandinModel("qwen3:latest"))
    assert OllamaChatModel("qwen3", base_url=standin.url).identity() == "sha256:" + "ab" * 32
    assert OllamaChatModel("gone", base_url=standin.url).identity() == ""
    assert OllamaChatModel("qwen3", base_url=unused_url()).identity() == ""


def test_thinking_is_switched_off_where_the_model_can_think_and_not_mentioned_elsewhere(standin: OllamaStandin) -> None:
    assert "think" not in ask(standin)
    standin.models = (StandinModel("llama3.2:3b", capabilities=("completion", "thinking")),)
    assert ask(standin)["think"] is False


def test_embedding_models_and_models_of_other_machines_are_not_offered(standin: OllamaStandin) -> None:
    standin.models = (
        StandinModel("nomic-embed-text:latest", capabilities=("embedding",)),
        StandinModel("gpt-oss:120b-cloud", remote_host="https://ollama.example"),
        StandinModel("qwen3:4b"),
    )
    assert [model.name for model in OllamaServer(standin.url).models()] == ["qwen3:4b"]


def test_models_in_memory_come_first_then_the_newest(standin: OllamaStandin) -> None:
    standin.models = (
        StandinModel("old", modified_at="2025-01-01T00:00:00Z"),
        StandinModel("new", modified_at="2026-01-01T00:00:00Z"),
        StandinModel("loaded", modified_at="2024-01-01T00:00:00Z"),
    )
    standin.loaded.add("loaded")
    models = OllamaServer(standin.url).models()
    assert [(model.name, model.loaded) for model in models] == [("loaded", True), ("new", False), ("old", False)]
    assert models[0].parameters == "3.2B"
    assert models[0].window == 131_072


def test_status_tells_the_version_and_whether_a_known_hole_is_open(standin: OllamaStandin) -> None:
    assert OllamaServer(standin.url).status() == OllamaStatus(running=True, version="0.34.0")
    assert not OllamaServer(standin.url).status().outdated
    standin.version = "0.17.0"
    assert OllamaServer(standin.url).status().outdated


def test_listing_models_of_a_server_that_is_down_says_so() -> None:
    with pytest.raises(ModelUnavailable, match="not running"):
        OllamaServer(unused_url()).models()
    assert not OllamaServer(unused_url()).status().running


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:11434", True),
        ("http://127.8.9.1", True),
        ("http://[::1]:11434", True),
        ("http://localhost:11434", True),
        ("http://192.168.1.5:11434", False),
        ("http://ollama:11434", False),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://0.0.0.0:11434", False),
    ],
)
def test_it_is_known_whether_questions_stay_on_this_machine(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback
    assert OllamaServer(url).local is loopback


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:11434", "file:///etc/passwd", "http://", "http://a:b@host", "http://[::1", "http://host:99999"],
)
def test_addresses_that_are_none_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        OllamaServer(url)
