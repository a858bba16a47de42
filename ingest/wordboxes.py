"""Word boxes as they are stored: one compressed BLOB a page, so that the boxes of any span are a look-up."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np

from rag.errors import StorageError
from rag.types import Span, WordBox

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in PDF points, origin bottom left."""

_RECORD = np.dtype([(name, "<u4") for name in ("start", "end")] + [(name, "<f4") for name in ("x0", "y0", "x1", "y1")])
_MAX_BYTES = 256 * 2**20
"""Of one page after decompression: eleven million words. A real page has a few thousand."""
_LINE_OVERLAP = 0.5
"""Two boxes stand on one line when they share at least this part of the lower one's height."""
_COLUMN_GAP = 3.0
"""A gap wider than this many line heights is a gutter between columns, not a space."""


class PackedWords(Sequence[WordBox]):
    """The words of a page as `pack` stores them, unpacked only while they are looked at.

    About 10 bytes a word in memory instead of 230: a book of a million words passes through the application so.

    Raises:
        StorageError: the bytes are not what `pack` wrote.
    """

    __slots__ = ("_length", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._length = len(_raw(data)) // _RECORD.itemsize

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[WordBox]:
        return iter(unpack(self.data))

    @overload
    def __getitem__(self, index: int) -> WordBox: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[WordBox]: ...
    def __getitem__(self, index: int | slice) -> WordBox | Sequence[WordBox]:
        return unpack(self.data)[index]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PackedWords):
            return self.data == other.data
        return tuple(self) == tuple(other) if isinstance(other, Sequence) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.data)


def pack(words: Sequence[WordBox]) -> bytes:
    """zlib over little-endian records (uint32 start, end; float32 x0, y0, x1, y1); empty for no words."""
    if isinstance(words, PackedWords):
        return words.data
    if not words:
        return b""
    records = np.array([(w.start, w.end, w.x0, w.y0, w.x1, w.y1) for w in words], dtype=_RECORD)
    return _packed(records.tobytes())


def unpack(data: bytes) -> tuple[WordBox, ...]:
    """The inverse of `pack` (coordinates rounded to float32).

    Raises:
        StorageError: the bytes are not what `pack` wrote.
    """
    return tuple(WordBox(*record) for record in np.frombuffer(_raw(data), dtype=_RECORD).tolist())


def moved(words: Sequence[WordBox], by: int) -> PackedWords:
    """The words of a page whose text stands so many characters further on. Raises StorageError."""
    data = pack(words)
    if not by or not data:
        return PackedWords(data)
    records = np.frombuffer(_raw(data), dtype=_RECORD).copy()
    for edge in ("start", "end"):
        records[edge] = records[edge].astype(np.int64) + by
    return PackedWords(_packed(records.tobytes()))


def boxes_of(words: Sequence[WordBox], span: Span) -> list[Box]:
    """Boxes of the words that `span` touches, merged per line, top to bottom as they are read.

    Args:
        words: of one page, ordered by start.
    """
    index = max(0, bisect_right(words, span.start, key=lambda word: word.start) - 1)
    lines: list[Box] = []
    for word in words[index:]:
        if word.start >= span.end:
            break
        if word.end <= span.start:
            continue
        box = (word.x0, word.y0, word.x1, word.y1)
        if lines and _same_line(lines[-1], box):
            last = lines[-1]
            lines[-1] = (min(last[0], box[0]), min(last[1], box[1]), max(last[2], box[2]), max(last[3], box[3]))
        else:
            lines.append(box)
    return lines


def _packed(records: bytes) -> bytes:
    return zlib.compress(records, 6)


def _raw(data: bytes) -> bytes:
    if not data:
        return b""
    decompressor = zlib.decompressobj()
    try:
        raw = decompressor.decompress(data, _MAX_BYTES)
    except zlib.error as error:
        raise _damaged() from error
    if not decompressor.eof or len(raw) % _RECORD.itemsize:
        raise _damaged()
    return raw


def _same_line(left: Box, right: Box) -> bool:
    height = min(left[3] - left[1], right[3] - right[1])
    shared = min(left[3], right[3]) - max(left[1], right[1])
    gap = max(left[0], right[0]) - min(left[2], right[2])
    return shared >= _LINE_OVERLAP * height and gap <= _COLUMN_GAP * max(height, 1.0)


def _damaged() -> StorageError:
    return StorageError("The stored word positions of a page are damaged.", hint="Add the document again.")
