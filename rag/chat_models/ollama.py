"""A chat model that Ollama runs."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing

import httpx

from rag.chat_models import ollama_problems as problems
from rag.chat_models.ollama_server import (
    OllamaModel,
    OllamaServer,
    OllamaStatus,
    capabilities,
    counts_whole_prompt,
    text_of,
    trained_window,
)
from rag.chat_models.ollama_wire import JSON, BadStatusError, Connection, Stream, Timeouts
from rag.chat_models.tokens import upper_bound
from rag.errors import ModelError
from rag.types import Finished, Message, ModelEvent, Parameter, Token

__all__ = ["OllamaChatModel", "OllamaModel", "OllamaServer", "OllamaStatus", "Timeouts"]

KEEP_ALIVE = "10m"
"""How long Ollama keeps a model in memory after an answer: the next question then starts at once."""

_POLL_SECONDS = 0.05
_ASK_AGAIN_SECONDS = 10.0


class OllamaChatModel:
    """ChatModel over Ollama's /api/chat. Thread-safe: each answer has its own connection."""

    def __init__(self, name: str, *, base_url: str, num_ctx: int = 8192, timeouts: Timeouts | None = None) -> None:
        self._name = name
        self._server = OllamaServer(base_url, timeouts=timeouts)
        self._num_ctx = num_ctx
        self._timeouts = timeouts or Timeouts()
        self._shown: JSON = {}
        self._ask_again = 0.0
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """As Ollama lists it."""
        return self._name

    @property
    def context_window(self) -> int:
        """What is asked for, or what the model was trained for where that is less. Never raises: where the server
        cannot be asked, the answer to the question itself says why."""
        return self._window(self._details())

    def count_tokens(self, text: str) -> int:
        """An upper bound (rag.chat_models.tokens): Ollama has no tokenizer to ask."""
        return upper_bound(text)

    def identity(self) -> str:
        """The digest that Ollama lists for the model at this moment."""
        try:
            digest = self._server.digest(self._name)
        except ModelError:
            return ""
        return f"sha256:{digest}" if digest else ""

    def parameters(self, max_tokens: int) -> Mapping[str, Parameter]:
        """The options of /api/chat, and what stands beside them."""
        payload = self._payload((), max_tokens)
        beside = {name: payload[name] for name in ("truncate", "shift", "think", "keep_alive") if name in payload}
        return {**payload["options"], **beside}

    def stream(self, messages: Sequence[Message], *, max_tokens: int, stop: Callable[[], bool]) -> Iterator[ModelEvent]:
        """Tokens, then Finished. Stopping ends the request at once, also while the model reads or thinks.

        Raises:
            ModelUnavailable: Ollama is not running, busy, or something else answers.
            ModelNotInstalled: it does not have the model.
            ModelOutOfMemory: it has no room for it.
            ModelInterrupted: the answer broke off, or nothing came in time.
            ModelError: any other failure.
        """
        pieces = 0
        with closing(self._start(messages, max_tokens)) as stream:
            for item in self._items(stream, stop):
                if item is None:
                    yield Finished("stopped")
                    return
                if text := _written(item):
                    pieces += 1
                    yield Token(text)
                if item.get("done") is True:
                    yield self._finished(item)
                    return
                if pieces > max_tokens:  # one piece holds at least one token: the server ignores the limit
                    yield Finished("length")
                    return
        raise problems.broken_off(self._name)

    def _items(self, stream: Stream, stop: Callable[[], bool]) -> Iterator[JSON | None]:
        """The objects of the answer, checked for errors; None when `stop` turned true. Ends where the stream ends."""
        limits, started = self._timeouts, False
        waited_since = time.monotonic()
        while True:
            if stop():
                yield None
                return
            allowed = limits.gap if started else limits.first
            try:
                item = stream.next(seconds=_POLL_SECONDS)
            except queue.Empty:
                if time.monotonic() - waited_since > allowed:
                    raise problems.silent(self._name, allowed, started=started) from None
                continue
            except (BadStatusError, httpx.HTTPError, ValueError, OSError) as error:
                raise self._problem(error, started=started) from error
            if item is None:
                return
            if "error" in item:
                said, address = problems.said(item), self._server.address
                raise problems.error_of(said, status=200, model=self._name, address=address, started=started)
            if not isinstance(item.get("message"), dict):
                raise problems.unreadable(self._name)
            started = True
            yield item
            waited_since = time.monotonic()

    def _problem(self, error: Exception, *, started: bool) -> ModelError:
        address = self._server.address
        match error:
            case BadStatusError():
                said = problems.said_in(error.text)
                return problems.error_of(said, status=error.status, model=self._name, address=address)
            case httpx.ConnectError() | httpx.ConnectTimeout():
                return problems.not_running(address)
            case httpx.HTTPError() | OSError():
                return problems.broken_off(self._name)
            case _:
                return problems.unreadable(self._name) if started else problems.not_ollama(address)

    def _start(self, messages: Sequence[Message], max_tokens: int) -> Stream:
        limits = self._timeouts
        payload = self._payload(messages, max_tokens)
        connection = Connection(self._server.address, connect=limits.connect, read=max(limits.first, limits.gap) + 5)
        return Stream(connection, "/api/chat", payload)

    def _payload(self, messages: Sequence[Message], max_tokens: int) -> JSON:
        shown = self._details()
        payload: JSON = {
            "model": self._name,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "stream": True,
            "keep_alive": KEEP_ALIVE,
            "options": {"num_ctx": self._window(shown), "num_predict": max_tokens, "temperature": 0, "seed": 0},
            # since 0.12.6: answer with an error where the prompt does not fit, instead of cutting it in silence
            "truncate": False,
            "shift": False,
        }
        if "thinking" in capabilities(shown):
            payload["think"] = False  # the reader waits for the answer, and its checks are the application's
        return payload

    def _finished(self, last: JSON) -> Finished:
        """The last word. Where the server leaves cached tokens out of its figure, it says nothing of the prompt."""
        prompt, output = last.get("prompt_eval_count"), last.get("eval_count")
        known = isinstance(prompt, int) and counts_whole_prompt(self._server.status().version)
        return Finished(
            "length" if last.get("done_reason") == "length" else "stop",
            prompt_tokens=prompt if known else None,
            output_tokens=output if isinstance(output, int) else None,
        )

    def _window(self, shown: JSON) -> int:
        trained = trained_window(shown)
        return min(self._num_ctx, trained) if trained else self._num_ctx

    def _details(self) -> JSON:
        """What Ollama knows of the model; empty while it cannot be asked. Both are remembered, the latter shortly."""
        with self._lock:
            if not self._shown and time.monotonic() >= self._ask_again:
                try:
                    self._shown = self._server.show(self._name)
                except ModelError:  # the chat request will meet it too, and say what is wrong
                    self._ask_again = time.monotonic() + _ASK_AGAIN_SECONDS
            return self._shown


def _written(item: JSON) -> str:
    return text_of(item["message"], "content")
