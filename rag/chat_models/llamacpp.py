"""The built-in chat model: llama.cpp in a child process."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.chat_models.gguf import Header, read_header
from rag.chat_models.llama_process import Event, LlamaProcess
from rag.chat_models.llamad import SAMPLING
from rag.errors import ModelError, ModelInterrupted, ModelNotInstalled, ModelOutOfMemory, ModelUnavailable, WeightsError
from rag.machine import available_memory, physical_cores
from rag.types import Finished, Message, ModelEvent, Parameter, Token

WEIGHTS_SHARE = 1.5
"""Memory for weights as a share of the file: llama.cpp keeps a part of them a second time, arranged for this processor
(2.1 GB in all for the 1.1 GB model at a window of 8,192)."""

WORKING_BYTES = 300_000_000
"""Memory beside weights and context: the interpreter, llama.cpp's buffers, prompts kept for other conversations."""

_POLL_SECONDS = 0.05
_FIRST_WORDS = 20
_STOPPED: Event = {"finished": "stopped", "prompt_tokens": None, "output_tokens": None}
_SMALLEST_WINDOW = 512


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: to load the model, to count a text's tokens, and between two signs of life (a token, or a batch of the
    prompt read)."""

    load: float = 300.0
    count: float = 30.0
    gap: float = 180.0


class _DiedUnheard(ModelInterrupted):
    """It died before its first sign of life: most likely before it was asked, so it is asked once more."""


class LlamaCppChatModel:
    """ChatModel over a GGUF file. Thread-safe; answers one question at a time.

    The child starts with the first use and again after it died. An identical beginning of a prompt is not read twice.
    """

    def __init__(
        self,
        path: Path,
        *,
        name: str,
        context_window: int = 8192,
        threads: int = 0,
        identity: str = "",
        limits: Limits | None = None,
    ) -> None:
        """`threads` 0 means one per physical core; `identity` is the digest of the file, if somebody has checked it.
        Nothing is opened yet."""
        self._path = path
        self._name = name
        self._asked_window = context_window
        self._threads = threads or physical_cores()
        self._identity = identity
        self._limits = limits or Limits()
        self._starting = threading.Lock()
        self._turn = threading.Lock()
        self._process: LlamaProcess | None = None

    @property
    def name(self) -> str:
        """As it is shown."""
        return self._name

    @property
    def context_window(self) -> int:
        """What was asked for, or what the model was trained for where that is less. Never raises."""
        try:
            return self._window(read_header(self._path))
        except WeightsError:  # the first use says so
            return self._asked_window

    @property
    def pid(self) -> int | None:
        """The child's process id while it runs."""
        return self._process.pid if self._process is not None else None

    def count_tokens(self, text: str) -> int:
        """By the model's own tokenizer, "<|im_end|>" and its like read as plain text (the larger count).

        Raises:
            ModelNotInstalled, ModelOutOfMemory, ModelUnavailable: the model cannot be loaded.
            ModelInterrupted: its process died.
        """
        try:
            return self._count(text)
        except _DiedUnheard:
            return self._count(text)

    def identity(self) -> str:
        """As it was told."""
        return self._identity

    def parameters(self, max_tokens: int) -> Mapping[str, Parameter]:
        """The options of a chat completion, and those that the model was loaded with."""
        return {**SAMPLING, "max_tokens": max_tokens, "n_ctx": self.context_window, "threads": self._threads}

    def stream(self, messages: Sequence[Message], *, max_tokens: int, stop: Callable[[], bool]) -> Iterator[ModelEvent]:
        """Tokens, then Finished. Stopping ends the stream at once; the child drops the answer after at most one
        batch of the prompt.

        Raises:
            ModelNotInstalled: the file is missing or damaged.
            ModelOutOfMemory: it does not fit the free memory; the message has the figures.
            ModelUnavailable: llama.cpp cannot load it.
            ModelInterrupted: its process died or hung.
            ModelError: the prompt is longer than the window, or the model cannot take it.
        """
        if not self._take_turn(stop):
            yield Finished("stopped")
            return
        try:
            for event in self._told_again(messages, {"max_tokens": max_tokens}, stop=stop):
                if "token" in event:
                    yield Token(event["token"])
                elif "finished" in event:
                    yield Finished(event["finished"], event["prompt_tokens"], event["output_tokens"])
        finally:
            self._turn.release()

    def first_words(self, messages: Sequence[Message], *, stop: Callable[[], bool]) -> Mapping[str, float]:
        """See `rag.protocols.FirstWords`."""
        found: dict[str, float] = {}
        if self._take_turn(stop):
            try:
                for event in self._told_again(messages, {"first": _FIRST_WORDS}, stop=stop):
                    for word, logarithm in event.get("first", {}).items():
                        kept = word.strip().lower()
                        found[kept] = found.get(kept, 0.0) + math.exp(logarithm)
            finally:
                self._turn.release()
        return found

    def close(self) -> None:
        """End the child. The next use starts it again."""
        with self._starting:
            if self._process is not None:
                self._process.close()
                self._process = None

    def _count(self, text: str) -> int:
        process = self._ready_process(lambda: False)
        if process is None:
            return 0
        with process.request({"count": text}) as request:
            try:
                event = request.next(seconds=self._limits.count)
            except queue.Empty:
                raise self._hung(process) from None
        if event is None:
            raise self._died(process, _DiedUnheard)
        if "count" not in event:
            raise ModelError(f"{self._name} could not read the text.", hint="Ask again.")
        return int(event["count"])

    def _told_again(self, messages: Sequence[Message], asked: Event, *, stop: Callable[[], bool]) -> Iterator[Event]:
        """As `_told`, once more where the child died before its first sign of life."""
        try:
            yield from self._told(messages, asked, stop=stop)
        except _DiedUnheard:
            yield from self._told(messages, asked, stop=stop)

    def _told(self, messages: Sequence[Message], asked: Event, *, stop: Callable[[], bool]) -> Iterator[Event]:
        """What the child says on a chat, up to its last event."""
        process = self._ready_process(stop)
        if process is None:
            yield _STOPPED
            return
        chat = [{"role": message.role, "content": message.content} for message in messages]
        silent, heard = True, time.monotonic()
        with process.request({"chat": chat, **asked}) as request:
            while True:
                if stop():
                    yield _STOPPED
                    return
                try:
                    event = request.next(seconds=_POLL_SECONDS)
                except queue.Empty:
                    if time.monotonic() - heard > self._limits.gap:
                        raise self._hung(process) from None
                    continue
                if event is None:
                    raise self._died(process, _DiedUnheard if silent else ModelInterrupted)
                if "error" in event:
                    raise self._refused(event)
                yield event
                if "finished" in event:
                    return
                silent, heard = False, time.monotonic()

    def _take_turn(self, stop: Callable[[], bool]) -> bool:
        """Wait until no other answer is being written. Returns False when stopped before."""
        while not stop():
            if self._turn.acquire(timeout=_POLL_SECONDS):
                return True
        return False

    def _ready_process(self, stop: Callable[[], bool]) -> LlamaProcess | None:
        """The running child with its model loaded; None when stopped before."""
        process = self._running()
        deadline = time.monotonic() + self._limits.load
        while not process.ready.wait(_POLL_SECONDS):
            if stop():
                return None
            if time.monotonic() > deadline:
                raise self._hung(process)
        if process.failed:
            raise ModelUnavailable(
                f"llama.cpp cannot load {self._name}.", hint="Delete the model's file and fetch it again."
            )
        if process.gone:
            raise self._died(process)
        return process

    def _running(self) -> LlamaProcess:
        with self._starting:
            if self._process is None or self._process.gone:
                header = self._header()
                window = self._window(header)
                self._check_memory(window * header.cache_bytes)
                self._process = LlamaProcess(self._path, window=window, threads=self._threads)
            return self._process

    def _header(self) -> Header:
        try:
            return read_header(self._path)
        except WeightsError as error:
            raise ModelNotInstalled(f"{self._name}: {error.message}", hint=error.hint) from error

    def _window(self, header: Header) -> int:
        return max(_SMALLEST_WINDOW, min(self._asked_window, header.window or self._asked_window))

    def _check_memory(self, context_bytes: int) -> None:
        """A model that does not fit is killed by the kernel, or makes the whole machine crawl."""
        needed = int(self._path.stat().st_size * WEIGHTS_SHARE) + context_bytes + WORKING_BYTES
        free = available_memory()
        if free < needed:
            raise ModelOutOfMemory(
                f"{self._name} needs {_gigabytes(needed)} of memory, and {_gigabytes(free)} are free.",
                hint="Close other programs, or lower FOOTNOTE_NUM_CTX.",
            )

    def _died(self, process: LlamaProcess, kind: type[ModelInterrupted] = ModelInterrupted) -> ModelInterrupted:
        if process.killed:
            return kind(
                f"{self._name} was ended by the system, probably because memory ran out.",
                hint="What it wrote is kept. Close other programs and ask again: it starts anew.",
            )
        return kind(f"{self._name} ended unexpectedly.", hint="What it wrote is kept. Ask again: it starts anew.")

    def _hung(self, process: LlamaProcess) -> ModelInterrupted:
        process.kill()
        return ModelInterrupted(
            f"{self._name} gave no sign of life for a long time and was ended.",
            hint="Ask again: it starts anew. If it happens often, this machine may be too slow for it.",
        )

    def _refused(self, event: Event) -> ModelError:
        if event["error"] == "too_long":
            return ModelError(
                f"The question and its sources are longer than {self._name} can hold.",
                hint="Ask a shorter question or start a new conversation.",
            )
        return ModelError(f"{self._name} could not answer.", hint="Ask again, or choose another model.")


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
