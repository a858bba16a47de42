"""Reads what a GGUF file says of itself before the weights: enough to know its window and its memory.

Layout (version 2 and 3): magic, version, number of tensors, number of keys; then each key with its type and value.
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rag.errors import WeightsError

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_LONGEST_KEY = 65_535
_MOST_KEYS = 10_000
_HEAD_DIMENSION = 128  # what most models have where the file does not say

Value = int | float | str | None


@dataclass(frozen=True, slots=True)
class Header:
    """Facts of a model file. `window` is the context it was trained for (0 where the file does not say);
    `cache_bytes` what one token of context takes in memory, at two bytes a number."""

    architecture: str
    window: int
    cache_bytes: int


def read_header(path: Path) -> Header:
    """The facts at the head of a GGUF file.

    Raises:
        WeightsError: the file is missing, or is no GGUF file.
    """
    try:
        with path.open("rb") as file:
            values = _read_values(file)
    except FileNotFoundError as error:
        raise WeightsError("The model's file is not there.", hint="Fetch the model again.") from error
    except (OSError, struct.error, UnicodeDecodeError, ValueError) as error:
        raise WeightsError("The model's file is damaged.", hint="Delete it and fetch it again.") from error
    architecture = str(values.get("general.architecture", ""))
    heads = _number(values, f"{architecture}.attention.head_count", 1)
    width = _number(values, f"{architecture}.embedding_length", heads * _HEAD_DIMENSION) // heads
    keys = _number(values, f"{architecture}.attention.key_length", width)
    shared = _number(values, f"{architecture}.attention.head_count_kv", heads)
    layers = _number(values, f"{architecture}.block_count", 1)
    window = _number(values, f"{architecture}.context_length", 0)
    return Header(architecture, window, cache_bytes=2 * 2 * layers * shared * keys)


def _number(values: dict[str, Value], key: str, default: int) -> int:
    value = values.get(key)
    return int(value) if isinstance(value, int) and value > 0 else default


def _read_values(file: BinaryIO) -> dict[str, Value]:
    """All keys with a single value, up to the tokenizer's (they come last, and are long)."""
    magic, version, _tensors, count = struct.unpack("<4sIQQ", file.read(24))
    if magic != b"GGUF" or version not in (2, 3) or count > _MOST_KEYS:
        raise ValueError("not a GGUF file")
    values: dict[str, Value] = {}
    for _ in range(count):
        key = _read_string(file, longest=_LONGEST_KEY)
        if key.startswith("tokenizer."):
            break
        (kind,) = struct.unpack("<I", file.read(4))
        values[key] = _read_value(file, kind)
    return values


def _read_value(file: BinaryIO, kind: int) -> Value:
    if kind == _STRING:
        return _read_string(file, longest=1 << 24)
    if kind == _ARRAY:
        item, length = struct.unpack("<IQ", file.read(12))
        if length > 1 << 24 or item == _ARRAY:
            raise ValueError("an array longer or deeper than any model needs")
        for _ in range(length):
            _read_value(file, item)
        return None
    form = "<" + _SCALARS.get(kind, "")
    if form == "<":
        raise ValueError("unknown type of value")
    value: Value = struct.unpack(form, file.read(struct.calcsize(form)))[0]
    return value


def _read_string(file: BinaryIO, *, longest: int) -> str:
    (length,) = struct.unpack("<Q", file.read(8))
    if length > longest:
        raise ValueError("a string longer than any model needs")
    data = file.read(length)
    if len(data) < length:
        raise ValueError("the file ends early")
    return data.decode("utf-8")
