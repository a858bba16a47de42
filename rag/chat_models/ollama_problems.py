"""What Ollama says when something is wrong, in a person's words and with what to do next.

Ollama's own texts (server/routes.go, server/sched.go, llm/server.go of github.com/ollama/ollama) are recognised by
their stable parts. They are quoted only where they hold nothing that looks like a path or a link.
"""

from __future__ import annotations

import json
import re

from rag.errors import (
    ModelError,
    ModelInterrupted,
    ModelNotInstalled,
    ModelOutOfMemory,
    ModelUnavailable,
)

_MEMORY = re.compile(
    r"requires more system memory|out of memory|unable to allocate|failed to allocate|cudaMalloc failed"
    r"|insufficient memory|signal: killed|not enough memory",
    re.IGNORECASE,
)
_MEMORY_FIGURES = re.compile(r"memory \(([\d.]+ \w+)\) than is available \(([\d.]+ \w+)\)")
_MISSING = re.compile(r"\bmodel\b.*\bnot found\b|try pulling it first", re.IGNORECASE)
_TOO_LONG = re.compile(r"context length|context size|context window|exceeds the available context", re.IGNORECASE)
_NO_CHAT = re.compile(r"does not support (chat|completion|generate)", re.IGNORECASE)
_BUSY = re.compile(r"server busy|maximum pending requests", re.IGNORECASE)
_UNSPEAKABLE = re.compile(r"[/\\<>\[\]`{}]|\n")
_LONGEST_QUOTE = 160


def not_running(address: str) -> ModelUnavailable:
    """Nothing listens there."""
    return ModelUnavailable(
        f"Ollama is not running at {address}.",
        hint="Start Ollama (the app, or `ollama serve`) and ask again, or choose another model.",
    )


def not_ollama(address: str) -> ModelUnavailable:
    """Something answers there, but not in Ollama's protocol."""
    return ModelUnavailable(
        f"The program at {address} does not answer like Ollama.",
        hint="Check FOOTNOTE_OLLAMA_URL: another program may be using that port.",
    )


def not_installed(model: str) -> ModelNotInstalled:
    """The model is not on that machine."""
    return ModelNotInstalled(f"Ollama does not have the model {model}.", hint=f"Run: ollama pull {model}")


def silent(model: str, seconds: float, *, started: bool) -> ModelInterrupted:
    """No piece of text within the time allowed."""
    if started:
        return ModelInterrupted(
            f"{model} stopped writing: nothing came for {seconds:.0f} s.", hint="What it wrote is kept. Ask again."
        )
    return ModelInterrupted(
        f"{model} wrote nothing within {seconds:.0f} s.",
        hint="A large model may still be loading: ask again in a moment, or choose a smaller model.",
    )


def broken_off(model: str) -> ModelInterrupted:
    """The connection ended before the model said that it was done."""
    return ModelInterrupted(
        f"The connection to Ollama ended before {model} was done.",
        hint="What it wrote is kept. Ask again; if it happens every time, restart Ollama.",
    )


def unreadable(model: str) -> ModelInterrupted:
    """A line of the stream that is no JSON object."""
    return ModelInterrupted(
        f"Ollama sent something that is not an answer of {model}.", hint="Ask again, or restart Ollama."
    )


def error_of(said: str, *, status: int, model: str, address: str, started: bool = False) -> ModelError:
    """The error behind an HTTP status, or behind an error object in the stream (status 200); `said` is its text."""
    if 300 <= status < 400:
        return ModelUnavailable(
            f"{address} sends Footnote on to another address, which it does not follow.",
            hint="Set FOOTNOTE_OLLAMA_URL to Ollama's own address.",
        )
    if _MEMORY.search(said):
        return _out_of_memory(said, model)
    if _MISSING.search(said):
        return not_installed(model)
    if _TOO_LONG.search(said):
        return ModelError(
            f"The question and its sources are longer than {model} can hold.",
            hint="Ask a shorter question, start a new conversation, or choose a model with a longer context.",
        )
    if _NO_CHAT.search(said):
        return ModelError(f"{model} cannot chat: it is made for something else.", hint="Choose another model.")
    if status == 503 or _BUSY.search(said):
        return ModelUnavailable("Ollama is busy with other requests.", hint="Ask again in a moment.")
    if status in (404, 405) or (status != 200 and not said):
        return not_ollama(address)
    return _other(said, status=status, model=model, started=started)


def _other(said: str, *, status: int, model: str, started: bool) -> ModelError:
    quote = "" if _UNSPEAKABLE.search(said) or len(said) > _LONGEST_QUOTE else f": {said.rstrip('.')}"
    if status in (401, 403):
        return ModelUnavailable(
            f"Ollama refused the request (HTTP {status}){quote}.", hint="Check who may use that Ollama server."
        )
    if started:
        return ModelInterrupted(
            f"{model} failed while it was writing{quote}.", hint="What it wrote is kept. Ask again, or restart Ollama."
        )
    return ModelError(
        f"Ollama could not run {model}{quote}.", hint="Ask again, restart Ollama or choose another model."
    )


def _out_of_memory(said: str, model: str) -> ModelOutOfMemory:
    figures = _MEMORY_FIGURES.search(said)
    detail = f": it needs {figures[1]}, and {figures[2]} are free" if figures else ""
    return ModelOutOfMemory(
        f"There is not enough memory for {model}{detail}.",
        hint="Close other programs, choose a smaller model, or lower FOOTNOTE_NUM_CTX.",
    )


def said_in(body: str) -> str:
    """The text of the error object in a body, or "" where it holds none (a web page, say)."""
    try:
        return said(json.loads(body))
    except ValueError:
        return ""


def said(item: object) -> str:
    """The text of an error object: {"error": "..."}, or llama.cpp's {"error": {"message": "..."}}."""
    error = item.get("error") if isinstance(item, dict) else None
    if isinstance(error, dict):
        error = error.get("message")
    return error.strip() if isinstance(error, str) else ""
