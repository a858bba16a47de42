"""Every way Ollama fails has its own message; what was written is kept, the next question works, nothing is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from rag.answering import Answering
from rag.chat_models.ollama import OllamaChatModel, OllamaServer, Timeouts
from rag.errors import (
    ModelError,
    ModelInterrupted,
    ModelNotInstalled,
    ModelOutOfMemory,
    ModelUnavailable,
)
from rag.testing import HashEmbedder
from rag.types import Answered, Finished, Message, Refused, Token
from tests.ollama_standin import Fault, OllamaStandin, StandinModel, unused_url
from tests.support.answers import LEASE, FixedRetriever, passage

SHORT = Timeouts(connect=1.0, first=0.4, gap=0.4, status=0.4)
QUESTION = [Message("system", "Answer."), Message("user", "How long is the warranty?")]


@pytest.fixture
def standin() -> Iterator[OllamaStandin]:
    with OllamaStandin(reply="The warranty lasts two years from the day of purchase.") as running:
        yield running


def model_of(standin: OllamaStandin, *, name: str = "llama3.2:3b", timeouts: Timeouts = SHORT) -> OllamaChatModel:
    return OllamaChatModel(name, base_url=standin.url, num_ctx=4096, timeouts=timeouts)


def ask(model: OllamaChatModel, *, max_tokens: int = 50) -> tuple[str, ModelError | Finished | None]:
    """What was written, and how it ended."""
    text, last = "", None
    try:
        for event in model.stream(QUESTION, max_tokens=max_tokens, stop=lambda: False):
            if isinstance(event, Token):
                text += event.text
            else:
                last = event
    except ModelError as error:
        return text, error
    return text, last


def settle(standin: OllamaStandin) -> None:
    """Wait until the stand-in has noticed that its clients are gone."""
    until = time.monotonic() + 10
    while standin.working and time.monotonic() < until:
        time.sleep(0.02)


def leftovers() -> tuple[list[str], int]:
    """Threads of streams, and sockets to a stand-in, that this process still has."""
    threads = [thread.name for thread in threading.enumerate() if thread.name == "ollama-stream"]
    connected = [item for item in psutil.Process().net_connections("tcp") if item.status == "ESTABLISHED"]
    return threads, len(connected)


BEFORE_WRITING: list[tuple[Fault, type[ModelError], str]] = [
    ("memory", ModelOutOfMemory, "5.6 GiB"),
    ("killed", ModelOutOfMemory, "not enough memory"),
    ("broken", ModelError, "could not run"),
    ("html", ModelUnavailable, "does not answer like Ollama"),
    ("busy", ModelUnavailable, "busy"),
    ("redirect", ModelUnavailable, "another address"),
    ("forbidden", ModelUnavailable, "refused"),
    ("slow", ModelInterrupted, "wrote nothing within"),
]
WHILE_WRITING: list[tuple[Fault, type[ModelError], str]] = [
    ("stall", ModelInterrupted, "stopped writing"),
    ("reset", ModelInterrupted, "connection to Ollama ended"),
    ("cut", ModelInterrupted, "connection to Ollama ended"),
    ("torn", ModelInterrupted, "connection to Ollama ended"),
    ("error", ModelInterrupted, "failed while it was writing"),
    ("error_memory", ModelOutOfMemory, "not enough memory"),
    ("garbage", ModelInterrupted, "is not an answer"),
    ("list", ModelInterrupted, "is not an answer"),
    ("odd", ModelInterrupted, "is not an answer"),
]


@pytest.mark.parametrize("rounds", [3, pytest.param(20, marks=pytest.mark.full)])
@pytest.mark.parametrize(("fault", "kind", "words"), BEFORE_WRITING + WHILE_WRITING)
def test_a_fault_has_its_own_message_and_the_next_question_works(
    standin: OllamaStandin, fault: Fault, kind: type[ModelError], words: str, rounds: int
) -> None:
    model = model_of(standin)
    for _ in range(rounds):
        standin.fault = fault
        text, error = ask(model)
        assert type(error) is kind, error
        assert words in error.message
        assert error.hint
        assert text == ("The warranty" if (fault, kind, words) in WHILE_WRITING else "")
        assert "/root" not in error.message + error.hint
        standin.fault = None
        text, finished = ask(model)
        assert text == standin.reply
        assert isinstance(finished, Finished)
        assert finished.reason == "stop"
    settle(standin)
    assert leftovers() == ([], 0)


def test_the_faults_are_those_of_the_standin_and_not_of_its_clients(standin: OllamaStandin) -> None:
    """The control: without a fault the same question is answered in full."""
    text, finished = ask(model_of(standin))
    assert text == standin.reply
    assert isinstance(finished, Finished)
    assert (finished.reason, finished.output_tokens) == ("stop", 10)


def test_not_running_says_how_to_start_it() -> None:
    model = OllamaChatModel("llama3.2:3b", base_url=unused_url(), timeouts=SHORT)
    assert model.context_window == 8192
    text, error = ask(model)
    assert text == ""
    assert type(error) is ModelUnavailable
    assert "not running" in error.message
    assert "ollama serve" in error.hint


def test_a_missing_model_comes_with_the_command_that_fetches_it(standin: OllamaStandin) -> None:
    _, error = ask(model_of(standin, name="mistral:7b"))
    assert type(error) is ModelNotInstalled
    assert error.hint == "Run: ollama pull mistral:7b"


def test_an_embedding_model_is_refused_in_plain_words(standin: OllamaStandin) -> None:
    standin.models = (StandinModel("nomic-embed-text:latest", capabilities=("embedding",)),)
    _, error = ask(model_of(standin, name="nomic-embed-text"))
    assert type(error) is ModelError
    assert "cannot chat" in error.message


def test_an_answer_that_is_cut_by_its_length_says_so(standin: OllamaStandin) -> None:
    text, finished = ask(model_of(standin), max_tokens=3)
    assert text == "The warranty lasts"
    assert isinstance(finished, Finished)
    assert finished.reason == "length"


def test_a_server_that_ignores_the_limit_is_cut_off(standin: OllamaStandin) -> None:
    standin.fault = "endless"
    _, finished = ask(model_of(standin), max_tokens=20)
    assert finished == Finished("length")
    settle(standin)
    assert leftovers() == ([], 0)


LONG = [Message("system", "Answer."), Message("user", "word " * 3000)]


def test_a_prompt_that_does_not_fit_is_refused_and_not_cut(standin: OllamaStandin) -> None:
    standin.models = (StandinModel("llama3.2:3b", context_length=2048),)
    with pytest.raises(ModelError, match="longer than"):
        list(model_of(standin).stream(LONG, max_tokens=10, stop=lambda: False))


def test_a_server_that_cuts_the_prompt_in_silence_is_found_out(standin: OllamaStandin) -> None:
    standin.version = "0.12.0"  # knows no `shift`
    standin.models = (StandinModel("llama3.2:3b", context_length=2048),)
    answering = Answering(FixedRetriever([passage(LEASE)]), HashEmbedder())
    last = list(answering.answer("w", "rent " * 2500, model=model_of(standin)))[-1]
    assert isinstance(last, Answered | Refused)
    assert last.receipt is not None
    assert last.receipt.warning is not None
    assert "read only 1,026 of at least 2,5" in last.receipt.warning
    assert "Do not rely on this answer" in last.receipt.warning


def test_a_server_whose_figures_leave_out_cached_tokens_is_believed(standin: OllamaStandin) -> None:
    standin.version = "0.3.9"
    standin.models = (StandinModel("llama3.2:3b", context_length=2048),)
    *_, last = model_of(standin).stream(LONG, max_tokens=50, stop=lambda: False)
    assert isinstance(last, Finished)
    assert last.prompt_tokens is None, "a figure that is not the whole prompt's would raise a false alarm"


@pytest.mark.parametrize("fault", ["slow", "stall"])
def test_stop_ends_a_silent_stream_at_once_and_the_server_notices(standin: OllamaStandin, fault: Fault) -> None:
    standin.fault = fault
    patient = Timeouts(first=600.0, gap=600.0)
    pressed = threading.Event()
    threading.Timer(0.3, pressed.set).start()
    *tokens, last = model_of(standin, timeouts=patient).stream(QUESTION, max_tokens=50, stop=pressed.is_set)
    assert last == Finished("stopped")
    assert len(tokens) == (2 if fault == "stall" else 0)
    assert standin.gone.wait(10)
    settle(standin)
    assert leftovers() == ([], 0)


def test_a_reader_that_leaves_ends_the_request(standin: OllamaStandin) -> None:
    standin.fault = "stall"
    stream = model_of(standin, timeouts=Timeouts(gap=600.0)).stream(QUESTION, max_tokens=50, stop=lambda: False)
    assert isinstance(next(stream), Token)
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    assert standin.gone.wait(10)
    settle(standin)
    assert leftovers() == ([], 0)


def test_proxies_of_the_environment_are_not_used(standin: OllamaStandin, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, unused_url())
    text, _ = ask(model_of(standin))
    assert text == standin.reply


@pytest.mark.parametrize("fault", ["html", "redirect"])
def test_a_server_that_is_not_ollama_is_not_taken_for_one(standin: OllamaStandin, fault: Fault) -> None:
    standin.fault = fault
    status = OllamaServer(standin.url, timeouts=SHORT).status()
    assert not status.running
    assert status.problem is not None
    assert status.problem.hint
