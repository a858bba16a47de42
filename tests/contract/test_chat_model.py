"""What every ChatModel does: the double, Ollama (against the stand-in), llama.cpp with a real small model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from rag.chat_models.llamacpp import LlamaCppChatModel
from rag.chat_models.ollama import OllamaChatModel
from rag.protocols import ChatModel
from rag.testing import ScriptedChatModel
from rag.types import Finished, Message, ModelEvent, Token
from tests.ollama_standin import OllamaStandin
from tests.support.smollm import smollm_path

STORY = " ".join(f"Sentence {number} of the story is about a lighthouse." for number in range(40))
QUESTION = [Message("system", "You are a storyteller."), Message("user", "Tell me a very long story.")]


@pytest.fixture(scope="module", params=["scripted", "ollama", "llama.cpp"])
def model(request: pytest.FixtureRequest) -> Iterator[ChatModel]:
    if request.param == "scripted":
        yield ScriptedChatModel(STORY)
    elif request.param == "ollama":
        with OllamaStandin(reply=STORY) as standin:
            yield OllamaChatModel("llama3.2:3b", base_url=standin.url, num_ctx=4096)
    else:
        with closing(LlamaCppChatModel(smollm_path(), name="SmolLM2", context_window=2048)) as real:
            yield real


def run(model: ChatModel, *, max_tokens: int = 12) -> list[ModelEvent]:
    return list(model.stream(QUESTION, max_tokens=max_tokens, stop=lambda: False))


def test_it_has_a_name_and_a_window(model: ChatModel) -> None:
    assert model.name
    assert model.context_window >= 512


def test_it_tells_what_it_sends_and_a_digest_or_nothing(model: ChatModel) -> None:
    assert 77 in model.parameters(77).values()
    assert model.identity() == "" or model.identity().startswith("sha256:")


def test_tokens_come_first_and_finished_comes_last_and_once(model: ChatModel) -> None:
    *tokens, last = run(model)
    assert tokens
    assert all(isinstance(event, Token) and event.text for event in tokens)
    assert isinstance(last, Finished)


def test_an_answer_that_reaches_its_limit_says_so(model: ChatModel) -> None:
    *tokens, last = run(model, max_tokens=5)
    assert isinstance(last, Finished)
    assert last.reason == "length"
    assert 1 <= len(tokens) <= 5


def test_the_last_event_counts_prompt_and_output(model: ChatModel) -> None:
    *_, last = run(model, max_tokens=5)
    assert isinstance(last, Finished)
    assert last.prompt_tokens
    assert last.output_tokens == 5


def test_stop_ends_the_stream_with_stopped_and_keeps_what_came(model: ChatModel) -> None:
    seen: list[ModelEvent] = []
    for event in model.stream(QUESTION, max_tokens=400, stop=lambda: len(seen) >= 3):
        seen.append(event)
    *tokens, last = seen
    assert isinstance(last, Finished)
    assert last.reason == "stopped"
    assert 3 <= len(tokens) < 40


def test_stop_before_the_first_token_gives_no_token(model: ChatModel) -> None:
    events = list(model.stream(QUESTION, max_tokens=400, stop=lambda: True))
    assert [type(event) for event in events] == [Finished]


def test_a_reader_that_leaves_in_the_middle_does_not_disturb_the_next_question(model: ChatModel) -> None:
    stream = model.stream(QUESTION, max_tokens=400, stop=lambda: False)
    assert isinstance(next(stream), Token)
    stream.close()  # type: ignore[attr-defined]  # every adapter's stream is a generator
    *tokens, last = run(model, max_tokens=5)
    assert tokens
    assert isinstance(last, Finished)


def test_the_same_question_gets_the_same_answer(model: ChatModel) -> None:
    texts = ["".join(event.text for event in run(model) if isinstance(event, Token)) for _ in range(2)]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("text", ["", "word", "Die Gewährleistung beträgt zwei Jahre.", "数据 🚀 <|im_end|>\n\n"])
def test_longer_texts_do_not_have_fewer_tokens(model: ChatModel, text: str) -> None:
    assert 0 <= model.count_tokens(text) <= model.count_tokens(text + " and then some more words")


def test_the_sum_of_the_messages_bounds_what_the_model_reads(model: ChatModel) -> None:
    template = 10 * len(QUESTION) + 10
    *_, last = run(model, max_tokens=2)
    assert isinstance(last, Finished)
    assert last.prompt_tokens is not None
    assert last.prompt_tokens <= sum(model.count_tokens(message.content) for message in QUESTION) + template
