"""The doubles in rag/testing.py keep what tests rely on, beyond the contracts they share with the real ones."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from rag.errors import ModelInterrupted
from rag.testing import HashEmbedder, Reply, ScriptedChatModel
from rag.types import Finished, Message, ModelEvent, Token


def stream(model: ScriptedChatModel, text: str = "hello", **options: object) -> list[ModelEvent]:
    arguments = {"max_tokens": 100, "stop": lambda: False} | options
    return list(model.stream([Message("user", text)], **arguments))  # type: ignore[arg-type]  # a mapping


def test_texts_that_share_words_are_nearer_and_inflections_count_as_shared() -> None:
    embedder = HashEmbedder()
    question = embedder.embed_query("warranty period")
    rows = embedder.embed_documents(["Warranties last for a period of two years.", "Bees dance on the comb."])
    assert rows[0] @ question > 0.3 > rows[1] @ question


def test_the_hash_embedder_gives_the_same_vectors_in_every_process() -> None:
    code = "from rag.testing import HashEmbedder; print(HashEmbedder().embed_query('same in all processes').tolist())"
    outputs = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)}
    assert len(outputs) == 1
    assert np.allclose(eval(outputs.pop()), HashEmbedder().embed_query("same in all processes"))


def test_the_scripted_model_says_its_replies_in_order_and_repeats_the_last() -> None:
    model = ScriptedChatModel("One two.", lambda messages: messages[-1].content.upper())
    assert stream(model) == [Token("One"), Token(" two."), Finished("stop", 2, 2)]
    assert stream(model, "loud") == [Token("LOUD"), Finished("stop", 1, 1)]
    assert stream(model, "again")[0] == Token("AGAIN")
    assert [request[0].content for request in model.requests] == ["hello", "loud", "again"]


@pytest.mark.parametrize("text", ["a b", "  a\n\nb  ", "a\n", " \n", ""])
def test_its_tokens_joined_are_exactly_the_text(text: str) -> None:
    tokens = [event.text for event in stream(ScriptedChatModel(text)) if isinstance(event, Token)]
    assert "".join(tokens) == text


def test_it_stops_when_asked_and_at_the_limit() -> None:
    asked = iter([False, True])
    assert stream(ScriptedChatModel("a b c"), stop=lambda: next(asked, True)) == [Token("a"), Finished("stopped", 2, 1)]
    assert stream(ScriptedChatModel("a b c"), max_tokens=2)[-1] == Finished("length", 2, 2)
    assert stream(ScriptedChatModel("a b"), max_tokens=2)[-1] == Finished("stop", 2, 2)


def test_it_can_break_off_after_some_words() -> None:
    model = ScriptedChatModel(Reply("half an", ModelInterrupted("cut", hint="again")), "whole")
    events: list[ModelEvent] = []
    with pytest.raises(ModelInterrupted):
        events.extend(model.stream([], max_tokens=9, stop=lambda: False))
    assert stream(model)[0] == Token("whole")
