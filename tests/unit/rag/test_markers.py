from __future__ import annotations

import random

import pytest

from rag.markers import MarkerFilter


def cleaned(text: str, *, offered: int = 4, seed: int | None = None) -> tuple[str, list[tuple[int, tuple[int, ...]]]]:
    """The text after the filter, fed whole or in random pieces, and the marks."""
    found, shown, place = MarkerFilter(offered), "", 0
    pieces = random.Random(seed)
    while place < len(text):
        step = len(text) if seed is None else pieces.randint(1, 1 + seed)
        shown += found.feed(text[place : place + step])
        place += step
    return shown + found.flush(), [(mark.position, mark.numbers) for mark in found.marks]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Paris is large [1]. Rome too [2, 3].", "Paris is large. Rome too."),
        ("In 1985[1]. Then", "In 1985. Then"),
        ("See (Source 2) and (Quelle 1 und 3).", "See and."),
        ("Large 【1†source】. Small [^2].", "Large. Small."),
        ("End [1][2].", "End."),
        ("Nowhere [7]. Next", "Nowhere. Next"),
        ("- one [1]\n- two [3]\n", "- one\n- two\n"),
    ],
)
def test_footnote_marks_are_removed_with_their_space(written: str, shown: str) -> None:
    assert cleaned(written)[0] == shown


@pytest.mark.parametrize(
    "text",
    [
        "array[0] = 1 and items[1] = x",
        "as in [2019] the court held",
        "`a[1]` and ```\nx [1]\n```",
        "first (1), second (2)",
        "a [link](https://example.org) and [1](https://example.org)",
        "an open [1",
        "a [note] here",
    ],
)
def test_other_brackets_are_kept(text: str) -> None:
    assert cleaned(text)[0] == text


def test_marks_name_offered_sources_only() -> None:
    assert cleaned("A [2]. B [7]. C [1-3].")[1] == [(1, (2,)), (4, ()), (7, (1, 2, 3))]


@pytest.mark.parametrize("seed", range(12))
def test_how_the_stream_is_cut_changes_nothing(seed: int) -> None:
    text = "Large [1]. See (Source 2), [2019] and `a[1]`.\n- one [3]\n\n[1] two 【4】 items[1] = x [12]. End"
    assert cleaned(text, seed=seed) == cleaned(text)
