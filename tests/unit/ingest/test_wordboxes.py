from __future__ import annotations

import zlib

import pytest

from ingest.wordboxes import PackedWords, boxes_of, pack, unpack
from rag.errors import StorageError
from rag.types import Span, WordBox

LINE = (WordBox(0, 3, 10, 700, 30, 712), WordBox(4, 9, 33, 700, 70, 712))
NEXT_LINE = WordBox(10, 14, 10, 685, 40, 697)


def test_packing_and_unpacking_gives_the_same_words() -> None:
    assert unpack(pack((*LINE, NEXT_LINE))) == (*LINE, NEXT_LINE)


def test_a_page_without_words_takes_no_bytes() -> None:
    assert pack(()) == b""
    assert unpack(b"") == ()


@pytest.mark.parametrize("data", [b"rubbish", zlib.compress(b"x" * 25), pack(LINE)[:-6]])
def test_bytes_that_were_never_packed_are_refused(data: bytes) -> None:
    with pytest.raises(StorageError):
        unpack(data)


def test_words_of_one_line_give_one_box_and_each_line_its_own() -> None:
    assert boxes_of((*LINE, NEXT_LINE), Span(0, 14)) == [(10, 700, 70, 712), (10, 685, 40, 697)]


def test_only_words_that_the_span_touches_are_marked() -> None:
    assert boxes_of((*LINE, NEXT_LINE), Span(5, 8)) == [(33, 700, 70, 712)]
    assert boxes_of((*LINE, NEXT_LINE), Span(3, 4)) == []
    assert boxes_of((), Span(0, 5)) == []


def test_words_of_two_columns_on_one_height_stay_apart() -> None:
    columns = (WordBox(0, 3, 10, 700, 200, 712), WordBox(4, 9, 300, 700, 500, 712))
    assert boxes_of(columns, Span(0, 9)) == [(10, 700, 200, 712), (300, 700, 500, 712)]


def test_a_span_that_starts_inside_a_word_marks_the_word() -> None:
    assert boxes_of(LINE, Span(1, 2)) == [(10, 700, 30, 712)]


def test_packed_words_are_the_words_without_their_weight():
    words = tuple(WordBox(n * 5, n * 5 + 4, float(n), 1.0, n + 0.5, 2.0) for n in range(1000))
    packed = PackedWords(pack(words))
    assert tuple(packed) == words
    assert (len(packed), packed[3], packed[-1], tuple(packed[2:4])) == (1000, words[3], words[-1], words[2:4])
    assert packed == words
    assert packed == PackedWords(pack(words))
    assert pack(packed) is packed.data
    assert boxes_of(packed, Span(10, 14)) == boxes_of(words, Span(10, 14))
    assert len(packed.data) < 20 * len(words)


def test_no_words_pack_to_nothing():
    assert (len(PackedWords(b"")), tuple(PackedWords(b"")), pack(())) == (0, (), b"")


def test_damaged_packed_words_are_refused_when_they_arrive():
    with pytest.raises(StorageError):
        PackedWords(b"not packed")
