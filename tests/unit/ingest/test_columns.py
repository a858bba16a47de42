from __future__ import annotations

import pytest

from ingest.columns import in_reading_order
from ingest.layout import Line

SENTENCE = [
    "the",
    "tenant",
    "gives",
    "notice",
    "in",
    "writing",
    "and",
    "leaves",
    "the",
    "garden",
    "in",
    "good",
    "order",
    "so",
    "that",
    "another",
    "may",
    "move",
    "in",
]


def line(text: str, x: float, y: float) -> Line:
    words = []
    for word in text.split():
        words.append((word, x, y, x + 5 * len(word), y + 10))
        x += 5 * len(word) + 4
    return Line(words)


def column(name: str, x: float, *, rows: int = 12, width: int = 5) -> list[Line]:
    """Lines whose first words are name0, name1, ..."""
    texts = [
        " ".join([f"{name}{row}", *(SENTENCE[(row + word) % len(SENTENCE)] for word in range(width))])
        for row in range(rows)
    ]
    return [line(text, x, 700 - 14 * row) for row, text in enumerate(texts)]


def joined(*columns: list[Line]) -> list[Line]:
    """Each line runs on into the next column, as files give it that are written line by line."""
    return [Line([word for line in row for word in line.words]) for row in zip(*columns, strict=True)]


def names(lines: list[Line]) -> list[str]:
    return [line.words[0][0] for line in lines]


@pytest.mark.parametrize("starts", [(60, 330), (40, 250, 460)])
def test_columns_written_line_by_line_are_read_one_after_the_other(starts: tuple[float, ...]) -> None:
    columns = [column("abc"[index], x) for index, x in enumerate(starts)]
    wanted = [f"{'abc'[index]}{row}" for index in range(len(starts)) for row in range(12)]
    assert names(joined(*columns)) != wanted
    assert names(in_reading_order(joined(*columns))) == wanted
    apart = [line for row in zip(*columns, strict=True) for line in row]
    assert names(in_reading_order(apart)) == wanted


def test_a_line_across_the_columns_stays_above_them() -> None:
    title = line("title that runs over both of the columns from one side of the page to the other side", 60, 730)
    found = in_reading_order([title, *joined(column("a", 60), column("b", 330))])
    assert names(found)[:2] == ["title", "a0"]
    assert names(found).index("b0") == 13


def test_no_word_is_lost() -> None:
    lines = joined(column("a", 60), column("b", 330))
    assert sorted(w for line in in_reading_order(lines) for w in line.words) == sorted(
        word for line in lines for word in line.words
    )


def test_a_word_cut_at_a_columns_edge_is_whole_again_below() -> None:
    left, right = column("a", 60), column("b", 330)
    word, *box = left[3].words[-1]
    left[3].words[-1] = (f"{word}instal-", *box)  # type: ignore[assignment]
    found = in_reading_order(joined(left, right))
    assert (found[3].hyphenated, found[3].words[-1][0]) == (True, f"{word}instal")


def test_columns_in_order_and_plain_pages_are_left_as_they_are() -> None:
    for lines in (column("a", 60) + column("b", 330), column("a", 60, width=12), []):
        assert in_reading_order(lines) is lines


def test_rows_of_short_cells_are_no_columns() -> None:
    rows = [
        Line(line(f"item{n}", 60, 700 - 14 * n).words + line(f"{n} EUR", 330, 700 - 14 * n).words) for n in range(20)
    ]
    assert in_reading_order(rows) is rows
