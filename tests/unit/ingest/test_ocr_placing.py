"""Recognised words become lines in reading order."""

from __future__ import annotations

from ingest.layout import compose
from ingest.ocr import Recognised, RecognisedWord
from ingest.ocr.placing import placed_lines

HEIGHT = 20.0


def line(
    text: str, left: float, top: float, *, height: float = HEIGHT, confidence: float = 0.9
) -> list[RecognisedWord]:
    """Words of ten pixels a letter."""
    words, x = [], left
    for word in text.split():
        words.append(RecognisedWord(word, (x, top, x + 10.0 * len(word), top + height), confidence))
        x += 10.0 * (len(word) + 1)
    return words


def texts(*lines: list[RecognisedWord]) -> list[str]:
    return [placed.text for placed in placed_lines(recognised(*lines), scale=1.0, height=1000.0)]


def recognised(*lines: list[RecognisedWord]) -> Recognised:
    return Recognised(tuple(map(tuple, lines)), "test")


def column(name: str, left: float, *, top: float = 100) -> list[list[RecognisedWord]]:
    return [line(f"{name} line {number} of a running text", left, top + 30 * number) for number in range(5)]


def test_columns_of_text_are_read_one_after_the_other_and_titles_part_them() -> None:
    title = line("A title that stands over both columns of the page, so it does", 100, 50)
    foot = line("And a line below both of them that closes the page, so it does", 100, 300)
    left, right = column("left", 50), column("right", 420)
    mixed = [foot, *[row for pair in zip(right, left, strict=True) for row in pair], title]
    found = texts(*mixed)
    assert [text.split()[0] for text in found] == ["A", *["left"] * 5, *["right"] * 5, "And"]


def test_three_columns() -> None:
    rows = [*column("middle", 420), *column("right", 790), *column("left", 50)]
    assert [text.split()[0] for text in texts(*rows)] == ["left"] * 5 + ["middle"] * 5 + ["right"] * 5


def test_a_table_is_read_row_by_row() -> None:
    rows = [
        line(text, left, 100 + 30 * number)
        for left, name in ((50, "Item"), (300, "Price"), (500, "Tax"))
        for number, text in enumerate([name, *(f"{name}{number}" for number in range(1, 6))])
    ]
    assert texts(*rows)[:2] == ["Item Price Tax", "Item1 Price1 Tax1"]


def test_lines_that_a_slanted_scan_makes_overlap_stay_apart() -> None:
    assert texts(line("second of two long lines", 50, 112), line("first of two long lines", 50, 100)) == [
        "first of two long lines",
        "second of two long lines",
    ]


def test_boxes_become_points_from_the_bottom() -> None:
    (placed,) = placed_lines(recognised(line("word", 100, 200)), scale=0.5, height=400.0)
    assert placed.words == [("word", 50.0, 290.0, 70.0, 300.0)]


def test_letters_without_ups_and_downs_do_not_make_a_line_look_smaller() -> None:
    page = [line("Äpfel gehören", 50, 100), line("aus", 50, 133, height=14), line("Überschrift", 50, 10, height=40)]
    heights = [placed.height for placed in placed_lines(recognised(*page), scale=1.0, height=1000.0)]
    assert heights == [40, 20, 20]


def test_a_word_cut_at_the_end_of_a_line_is_whole_again() -> None:
    lines = placed_lines(recognised(line("die Kündi-", 50, 100), line("gungsfrist", 50, 130)), scale=1.0, height=1000.0)
    assert compose(lines, [], offset=0, vocabulary=()).text == "die Kündigungsfrist"


def test_specks_that_the_engine_doubts_are_no_text() -> None:
    assert texts(line("~ '", 10, 10, confidence=0.2), line("text", 50, 100)) == ["text"]
    assert texts() == []
