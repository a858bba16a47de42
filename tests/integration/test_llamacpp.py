"""The built-in model's process with a real small model: death, memory, orphans, no open port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import rag.chat_models.llamacpp as llamacpp
from rag.chat_models.llamacpp import Limits, LlamaCppChatModel
from rag.errors import ModelError, ModelInterrupted, ModelNotInstalled, ModelOutOfMemory, ModelUnavailable
from rag.types import Finished, Message, Token
from tests.support.smollm import smollm_path

ROOT = Path(__file__).resolve().parents[2]
QUESTION = [Message("system", "You are a storyteller."), Message("user", "Tell me a very long story.")]
LONG = [Message("user", "word " * 800)]


@pytest.fixture
def model() -> Iterator[LlamaCppChatModel]:
    real = LlamaCppChatModel(smollm_path(), name="SmolLM2", context_window=2048)
    yield real
    real.close()


def write(model: LlamaCppChatModel, *, max_tokens: int = 4) -> str:
    events = model.stream(QUESTION, max_tokens=max_tokens, stop=lambda: False)
    return "".join(event.text for event in events if isinstance(event, Token))


def gone(pid: int) -> bool:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_death_in_the_middle_of_an_answer_is_told_and_the_next_question_works(
    model: LlamaCppChatModel, number: signal.Signals
) -> None:
    stream = model.stream(QUESTION, max_tokens=400, stop=lambda: False)
    assert isinstance(next(stream), Token)
    assert model.pid is not None
    os.kill(model.pid, number)
    with pytest.raises(ModelInterrupted) as caught:
        list(stream)
    assert "ask again" in caught.value.hint.lower()
    assert ("memory" in caught.value.message) == (number == signal.SIGKILL)
    assert write(model)


def test_a_death_between_two_questions_is_not_noticed(model: LlamaCppChatModel) -> None:
    before, pid = write(model), model.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    assert write(model) == before
    assert model.pid != pid


def test_how_it_would_begin_is_how_it_begins(model: LlamaCppChatModel) -> None:
    words = model.first_words(QUESTION, stop=lambda: False)
    assert all(0 < share <= 1 for share in words.values())
    assert sum(words.values()) <= 1.001
    begun = write(model, max_tokens=1).strip().lower()
    assert begun == max(words, key=lambda word: words[word])
    assert model.first_words(QUESTION, stop=lambda: False) == pytest.approx(words, abs=0.01)
    assert model.first_words(QUESTION, stop=lambda: True) == {}


def test_asking_how_it_would_begin_survives_a_death(model: LlamaCppChatModel) -> None:
    words = model.first_words(QUESTION, stop=lambda: False)
    assert model.pid is not None
    os.kill(model.pid, signal.SIGKILL)
    assert gone(model.pid)
    assert set(model.first_words(QUESTION, stop=lambda: False)) == set(words)


def test_it_listens_on_no_port_and_leaves_no_folder(model: LlamaCppChatModel) -> None:
    write(model)
    pid = model.pid
    assert pid is not None
    sockets = [
        item for item in psutil.Process(pid).net_connections("unix") if item.status != psutil.CONN_NONE or item.laddr
    ]
    folders = {Path(str(item.laddr)).parent for item in sockets if str(item.laddr).startswith(tempfile.gettempdir())}
    assert psutil.Process(pid).net_connections("inet") == []
    assert len(folders) == 1  # the control: its one socket is a file, for this user alone
    folder = folders.pop()
    assert folder.stat().st_mode & 0o077 == 0
    model.close()
    assert gone(pid)
    assert not folder.exists()


def test_tokens_are_counted_while_an_answer_is_being_written(model: LlamaCppChatModel) -> None:
    stream = model.stream(QUESTION, max_tokens=400, stop=lambda: False)
    assert isinstance(next(stream), Token)
    assert model.count_tokens("Hello world") == 2
    assert isinstance(next(stream), Token)


def test_control_tokens_in_a_text_are_counted_as_text(model: LlamaCppChatModel) -> None:
    assert model.count_tokens("<|im_end|>") > 1


def test_stop_while_the_prompt_is_read_ends_the_stream_before_the_reading_would(model: LlamaCppChatModel) -> None:
    write(model)  # loaded
    begun = time.monotonic()
    events = list(model.stream(LONG, max_tokens=4, stop=lambda: time.monotonic() - begun > 0.3))
    stopped_after = time.monotonic() - begun
    assert events == [Finished("stopped")]
    begun = time.monotonic()
    *_, last = model.stream(LONG, max_tokens=4, stop=lambda: False)
    assert isinstance(last, Finished)
    assert stopped_after < time.monotonic() - begun


def test_the_same_prompt_is_not_read_twice(model: LlamaCppChatModel) -> None:
    seconds = []
    for _ in range(2):
        begun = time.monotonic()
        next(model.stream(LONG, max_tokens=4, stop=lambda: False))
        seconds.append(time.monotonic() - begun)
    assert seconds[1] < seconds[0] / 2


def test_a_second_question_waits_and_can_be_stopped_while_it_waits(model: LlamaCppChatModel) -> None:
    first = model.stream(QUESTION, max_tokens=400, stop=lambda: False)
    assert isinstance(next(first), Token)
    begun = time.monotonic()
    assert list(model.stream(QUESTION, max_tokens=4, stop=lambda: time.monotonic() - begun > 0.2)) == [
        Finished("stopped")
    ]
    assert isinstance(next(first), Token)


def test_a_prompt_longer_than_the_window_is_refused(model: LlamaCppChatModel) -> None:
    with pytest.raises(ModelError, match="longer than"):
        list(model.stream([Message("user", "word " * 4000)], max_tokens=4, stop=lambda: False))
    assert write(model)


def test_the_window_is_never_larger_than_the_model_was_trained_for() -> None:
    assert LlamaCppChatModel(smollm_path(), name="SmolLM2", context_window=100_000).context_window == 8192


def test_too_little_memory_is_told_with_figures_before_anything_starts(
    model: LlamaCppChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llamacpp, "available_memory", lambda: 100_000_000)
    with pytest.raises(ModelOutOfMemory, match=r"needs 0\.\d GB of memory, and 0\.1 GB are free"):
        write(model)
    assert model.pid is None


@pytest.mark.parametrize("content", [None, b"", b"not a model at all", b"GGUF\x03\x00\x00\x00" + b"\x00" * 6])
def test_a_missing_or_damaged_file_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.gguf"
    if content is not None:
        path.write_bytes(content)
    broken = LlamaCppChatModel(path, name="Broken", context_window=1024)
    assert broken.context_window == 1024
    with pytest.raises(ModelNotInstalled) as caught:
        write(broken)
    assert str(tmp_path) not in caught.value.message + caught.value.hint


def test_a_file_whose_weights_are_cut_off_is_told(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    with smollm_path().open("rb") as whole:
        path.write_bytes(whole.read(5_000_000))
    broken = LlamaCppChatModel(path, name="Broken", context_window=1024)
    with pytest.raises(ModelUnavailable, match="cannot load"):
        write(broken)
    broken.close()


def test_a_process_that_hangs_is_ended_and_told() -> None:
    hanging = LlamaCppChatModel(smollm_path(), name="SmolLM2", context_window=2048, limits=Limits(gap=0.5))
    write(hanging, max_tokens=2)
    pid = hanging.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ModelInterrupted, match="no sign of life"):
        write(hanging)
    assert gone(pid)
    hanging.close()


PARENT = """
import sys, threading, time
from pathlib import Path
from rag.chat_models.llamacpp import LlamaCppChatModel
model = LlamaCppChatModel(Path(sys.argv[1]), name="SmolLM2", context_window=1024)
thread = threading.Thread(target=model.count_tokens, args=("x",))  # as the application does: from a thread that ends
thread.start()
thread.join()
time.sleep(0.3)
print(model.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_orphan_is_left_when_the_application_dies(number: signal.Signals) -> None:
    command = [sys.executable, "-c", PARENT, str(smollm_path())]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)  # the control: it outlives the thread that started it
        parent.send_signal(number)
        parent.wait(20)
    assert gone(pid)
