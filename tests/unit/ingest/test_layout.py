from __future__ import annotations

import pytest

from ingest.layout import Composed, Heading, Line, compose, hyphen, hyphenated_words, text_blocks
from rag.types import Span


def line(text: str, *, y: float, x: float = 60, height: float = 12, cut: bool = False) -> Line:
    """A line whose words are as wide as a typewriter's."""
    words = []
    for word in text.split():
        words.append((word, x, y, x + 6 * len(word), y + height))
        x += 6 * (len(word) + 1)
    return Line(words, hyphenated=cut)


def composed(*lines: Line, headings: tuple[Heading, ...] = (), offset: int = 0) -> Composed:
    return compose(lines, headings, offset=offset, vocabulary=())


def test_lines_at_the_usual_step_are_one_paragraph_and_a_gap_starts_another() -> None:
    page = composed(line("one two", y=700), line("three", y=686), line("four", y=672), line("five", y=644))
    assert page.text == "one two\nthree\nfour\n\nfive"
    assert [(block.kind, page.text[block.span.start : block.span.end]) for block in page.blocks] == [
        ("paragraph", "one two\nthree\nfour"),
        ("paragraph", "five"),
    ]


def test_spans_of_words_are_absolute_and_name_the_words() -> None:
    page = composed(line("alpha beta", y=700), line("gamma", y=686), offset=100)
    assert [page.text[word.start - 100 : word.end - 100] for word in page.words] == ["alpha", "beta", "gamma"]
    assert page.words[2].y0 == 686


def test_a_word_cut_at_a_line_end_is_joined_and_keeps_both_boxes() -> None:
    page = composed(line("the instal", y=700, cut=True), line("lation ends", y=686))
    assert page.text == "the installation ends"
    halves = [(page.text[w.start : w.end], w.y0) for w in page.words[1:3]]
    assert halves == [("instal", 700), ("lation", 686)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("instal", "lation", ""),
        ("Windows", "Taste", "-"),
        ("Vor", "und", "- "),
        ("ISO", "27001", "-"),
        ("well", "known", "-"),
    ],
)
def test_a_hyphen_stays_where_it_belongs_to_the_word(before: str, after: str, expected: str) -> None:
    assert hyphen(before, after, {"well-known"}) == expected


def test_hyphenated_words_are_collected_without_punctuation() -> None:
    assert hyphenated_words([line("a (well-known, fact)", y=1)]) == {"well-known"}


def test_a_cut_word_at_the_end_of_a_page_keeps_its_hyphen() -> None:
    assert composed(line("the instal", y=700, cut=True)).text == "the instal-"


def test_a_larger_line_does_not_join_the_paragraph_below() -> None:
    page = composed(line("Title", y=716, height=20), line("body one", y=700), line("body two", y=686))
    assert page.text.startswith("Title\n\nbody one\n")


def test_a_first_line_set_in_starts_a_paragraph() -> None:
    page = composed(
        line("one ends.", y=700), line("Two begins", y=686, x=75), line("and goes on", y=672), line("to here", y=658)
    )
    assert page.text == "one ends.\n\nTwo begins\nand goes on\nto here"


def test_items_are_a_list_even_without_a_gap_above() -> None:
    page = composed(line("we need:", y=700), line("• salt", y=686), line("• pepper", y=672))
    assert [block.kind for block in page.blocks] == ["paragraph", "list"]


def test_headings_are_blocks_of_their_own() -> None:
    page = composed(line("1 Start", y=700), line("text here", y=686), headings=(Heading(0, 0, 2),))
    assert [(block.kind, block.level) for block in page.blocks] == [("heading", 2), ("paragraph", 0)]
    assert page.text == "1 Start\n\ntext here"


def test_a_page_without_lines_is_empty() -> None:
    assert composed() == Composed("", (), ())


def test_blocks_of_plain_text_end_at_blank_lines_and_cover_all_words() -> None:
    text = "\n one\ntwo \n \n- a\n- b\n\n\nlast"
    blocks = text_blocks(text, offset=0)
    assert [block.kind for block in blocks] == ["paragraph", "list", "paragraph"]
    covered = "".join(text[b.span.start : b.span.end] for b in blocks)
    assert "".join(covered.split()) == "".join(text.split())
    assert text_blocks("word", offset=7)[0].span == Span(7, 11)
