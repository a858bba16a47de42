from __future__ import annotations

from ingest.headings import FontProfile, find_titles
from ingest.layout import Heading, Line


def line(text: str, *, y: float, height: float = 12, bold: bool = False) -> Line:
    return Line([(word, 60, y, 90, y + height) for word in text.split()], bold=bold)


PAGE = [
    line("Chapter 1", y=750),
    line("Getting started", y=730),
    line("1.2 The shell prompt (Shell-", y=700),
    line("Prompt)", y=686),
    line("As told in Getting started above we go on", y=660),
]


def test_titles_are_found_after_their_number_and_across_lines() -> None:
    found = find_titles(PAGE, [("Getting started", 1), ("The shell prompt (Shell-Prompt)", 2)])
    assert found == [Heading(1, 1, 1), Heading(2, 3, 2)]


def test_a_title_inside_a_sentence_is_no_heading() -> None:
    assert find_titles(PAGE[4:], [("Getting started", 1)]) == []


def test_the_same_title_twice_finds_two_places() -> None:
    twice = [line("Notes", y=700), line("text in between that is longer", y=686), line("Notes", y=600)]
    assert find_titles(twice, [("Notes", 2), ("Notes", 3)]) == [Heading(0, 0, 2), Heading(2, 2, 3)]


def test_empty_and_foreign_titles_are_left_out() -> None:
    assert find_titles(PAGE, [("", 1), ("--", 1), ("Elsewhere", 1)]) == []


def body(start: float, count: int = 6) -> list[Line]:
    return [line("plain words of the running text that go on and on", y=start - 14 * n) for n in range(count)]


def test_larger_lines_are_headings_with_levels_by_size() -> None:
    pages = [
        [line("Great part", y=760, height=24), *body(720), line("Small part", y=600, height=18), *body(580)]
        for _ in range(2)
    ]
    profile = FontProfile.of(pages)
    assert profile.body == 12
    assert profile.headings(pages[0]) == [Heading(0, 0, 1), Heading(7, 7, 2)]


def test_a_bold_line_below_a_gap_is_a_heading_and_one_within_the_text_is_not() -> None:
    lines = [
        *body(760),
        line("Liability", y=650, bold=True),
        *body(636),
        line("Bold words", y=552, bold=True),
        *body(538),
    ]
    assert FontProfile.of([lines]).headings(lines) == [Heading(6, 6, 1)]


def test_sizes_of_one_page_only_are_a_cover_and_add_no_levels() -> None:
    cover = [line("Annual report", y=700, height=40), line("of the company", y=600, height=30)]
    section = [*body(760), line("Results", y=640, bold=True), *body(626)]
    profile = FontProfile.of([cover, section, section])
    assert profile.headings(section) == [Heading(6, 6, 1)]


def test_sentences_numbers_and_long_runs_of_bold_are_no_headings() -> None:
    sentence = line("Total of all things.", y=640, bold=True)
    figures = line("12,345 99 1,200", y=600, bold=True)
    paragraph = [line(f"Bold words number {n}", y=500 - 14 * n, bold=True) for n in range(5)]
    lines = [*body(760), sentence, figures, *paragraph]
    assert all(heading.first >= 11 for heading in FontProfile.of([lines]).headings(lines))
