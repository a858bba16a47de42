from __future__ import annotations

from collections.abc import Sequence

from ingest.layout import Line
from ingest.running_lines import PlacedPage, outer_lines, running_lines, without


def line(text: str, y: float) -> Line:
    words = [(word, 60.0 + 40 * index, y, 90.0 + 40 * index, y + 10) for index, word in enumerate(text.split())]
    return Line(words)


def page(number: int, *placed: tuple[str, float], label: str = "") -> PlacedPage[tuple[int, list[Line]]]:
    lines = [line(text, y) for text, y in placed]
    return PlacedPage(number, label, outer_lines(lines, 842), (number, lines))


def kept(pages: Sequence[PlacedPage[tuple[int, list[Line]]]]) -> list[list[str]]:
    return [[line.text for line in without(lines, dropped)] for (_, lines), dropped in running_lines(pages)]


def body(number: int) -> tuple[str, float]:
    return f"what page {number * 7} says and", 700


def test_a_header_stays_on_its_first_page_only() -> None:
    pages = [page(number, ("The Garden Lease", 800), body(number)) for number in range(1, 7)]
    assert kept(pages) == [["The Garden Lease", body(1)[0]], *([body(number)[0]] for number in range(2, 7))]
    assert sum(len(dropped) for _, dropped in running_lines(pages)) == 5


def test_page_numbers_are_running_lines_whatever_stands_around_them() -> None:
    for pattern in ("{}", "Page {} of 90", "Lease | 2024 | {}", "- {} -"):
        pages = [page(n, body(n), (pattern.format(n + 11), 40)) for n in range(1, 6)]
        assert [len(lines) for lines in kept(pages)] == [2, 1, 1, 1, 1]


def test_printed_numbers_that_are_no_digits_are_known_by_their_labels() -> None:
    numbers = ["i", "ii", "iii", "iv", "v"]
    pages = [page(n, body(n), (label, 40), label=label) for n, label in enumerate(numbers, 1)]
    assert [len(lines) for lines in kept(pages)] == [2, 1, 1, 1, 1]


def test_left_and_right_pages_and_chapters_have_headers_of_their_own() -> None:
    titles = ["Lease", "Notice", "Lease", "Notice", "Lease", "Notice", "Lease", "Notice"]
    pages = [page(n, (title, 800), body(n)) for n, title in enumerate(titles, 1)]
    assert [len(lines) for lines in kept(pages)] == [2, 2, 1, 1, 1, 1, 1, 1]
    chapters = [page(n, ("First" if n < 6 else "Second", 800), body(n)) for n in range(1, 11)]
    assert [len(lines) for lines in kept(chapters)] == [2, 1, 1, 1, 1, 2, 1, 1, 1, 1]


def test_what_comes_back_on_three_pages_only_stays() -> None:
    pages = [page(n, ("The Garden Lease", 800), body(n)) for n in range(1, 4)]
    assert [len(lines) for lines in kept(pages)] == [2, 2, 2]


def test_lines_at_other_heights_or_in_the_middle_of_the_page_stay() -> None:
    moving = [page(n, ("The Garden Lease", 800 - 5 * n), body(n)) for n in range(1, 7)]
    assert all(len(lines) == 2 for lines in kept(moving))
    inside = [page(n, ("The Garden Lease", 600), body(n)) for n in range(1, 7)]
    assert all(len(lines) == 2 for lines in kept(inside))


def test_rows_below_a_line_of_the_page_itself_stay() -> None:
    pages = [page(n, (f"Heading number {n * 3}", 800), ("Name Price", 786), body(n)) for n in range(1, 7)]
    assert all(len(lines) == 3 for lines in kept(pages))


def test_numbers_that_do_not_count_with_the_pages_stay() -> None:
    pages = [page(n, (f"Total {n * n}", 800), body(n)) for n in range(1, 7)]
    assert all(len(lines) == 2 for lines in kept(pages))


def test_pages_come_out_in_order_and_none_is_lost() -> None:
    pages = [page(n, ("The Garden Lease", 800)) for n in range(1, 30)]
    assert [number for (number, _), _ in running_lines(iter(pages))] == list(range(1, 30))
    assert list(running_lines([])) == []
