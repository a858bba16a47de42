from __future__ import annotations

import struct
from pathlib import Path

import pytest

from rag.chat_models.gguf import read_header
from rag.errors import WeightsError


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def number(key: str, value: int) -> bytes:
    return string(key) + struct.pack("<II", 4, value)


def text(key: str, value: str) -> bytes:
    return string(key) + struct.pack("<I", 8) + string(value)


def strings(key: str, values: list[str]) -> bytes:
    return string(key) + struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(string, values))


QWEN = [
    text("general.architecture", "qwen2"),
    strings("general.tags", ["code", "chat"]),
    number("qwen2.block_count", 28),
    number("qwen2.context_length", 32768),
    number("qwen2.embedding_length", 1536),
    number("qwen2.attention.head_count", 12),
    number("qwen2.attention.head_count_kv", 2),
    strings("tokenizer.ggml.tokens", ["a"] * 3),
]


def file(path: Path, pairs: list[bytes], *, magic: bytes = b"GGUF", version: int = 3) -> Path:
    path.write_bytes(struct.pack("<4sIQQ", magic, version, 0, len(pairs)) + b"".join(pairs))
    return path


def test_window_and_memory_of_a_token_are_read(tmp_path: Path) -> None:
    header = read_header(file(tmp_path / "m.gguf", QWEN))
    assert (header.architecture, header.window) == ("qwen2", 32768)
    assert header.cache_bytes == 2 * 2 * 28 * 2 * 128


def test_a_file_that_says_nothing_has_no_window(tmp_path: Path) -> None:
    assert read_header(file(tmp_path / "m.gguf", [])).window == 0


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="not there"):
        read_header(tmp_path / "none.gguf")


@pytest.mark.parametrize("length", [0, 3, 23, 24, 40, 100, 150])
def test_a_file_cut_anywhere_is_damaged(tmp_path: Path, length: int) -> None:
    whole = file(tmp_path / "m.gguf", QWEN).read_bytes()
    (tmp_path / "m.gguf").write_bytes(whole[:length])
    with pytest.raises(WeightsError, match="damaged"):
        read_header(tmp_path / "m.gguf")


@pytest.mark.parametrize(
    "pairs",
    [
        [string("a") + struct.pack("<I", 99)],
        [string("a") + struct.pack("<IQ", 8, 1 << 60)],
        [string("a") + struct.pack("<IIQ", 9, 4, 1 << 60)],
        [struct.pack("<Q", 1 << 60)],
        [string("a") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 5000],
    ],
)
def test_lying_lengths_and_unknown_types_are_refused_without_reading_them(tmp_path: Path, pairs: list[bytes]) -> None:
    with pytest.raises(WeightsError, match="damaged"):
        read_header(file(tmp_path / "m.gguf", pairs))


@pytest.mark.parametrize(("magic", "version"), [(b"GGML", 3), (b"GGUF", 1), (b"GGUF", 9)])
def test_other_formats_are_refused(tmp_path: Path, magic: bytes, version: int) -> None:
    with pytest.raises(WeightsError, match="damaged"):
        read_header(file(tmp_path / "m.gguf", QWEN, magic=magic, version=version))
