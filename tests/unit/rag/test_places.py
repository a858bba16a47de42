from __future__ import annotations

import pytest

from rag.places import Clipper, describe, locate
from rag.types import Locator, Passage, Place, Span


def passage(text: str, *places: Place, start: int = 0, headings: tuple[str, ...] = ()) -> Passage:
    return Passage(
        "c", "d", "v", "T", 0, Span(start, start + len(text)), text, "en", heading_path=headings, places=places
    )


def test_a_place_is_cut_to_the_chunk_and_counts_on_from_where_the_chunk_begins() -> None:
    text = "a,1\nb,2\nc,3\nd,4"
    [place] = Clipper([Place("rows", Span(0, len(text)), "Prices", 5)], text).clip(Span(8, 15))
    assert place == Place("rows", Span(8, 15), "Prices", 7)


def test_places_outside_the_chunk_are_left_out() -> None:
    places = [Place("slide", Span(start, start + 4), "", 1 + start // 4) for start in (0, 4, 8)]
    assert Clipper(places, "x" * 12).clip(Span(4, 8)) == (places[1],)
    assert Clipper(places, "x" * 12).clip(Span(6, 12)) == (Place("slide", Span(6, 8), "", 2), places[2])


@pytest.mark.parametrize(
    ("kind", "text", "quote", "first", "last"),
    [
        ("rows", "a,1\nb,2\nc,3", "b,2\nc,3", 2, 3),
        ("lines", "one\n\nthree\nfour", "three", 3, 3),
        ("paragraphs", "one\nstill one\n\ntwo\n\n\nthree", "two\n\n\nthree", 2, 3),
        ("slide", "Title\n\nText", "Text", 1, 1),
    ],
)
def test_a_quote_is_counted_from_where_its_place_begins(kind, text, quote, first, last) -> None:
    start = 100 + text.index(quote)
    found = locate(passage(text, Place(kind, Span(100, 100 + len(text))), start=100), Span(start, start + len(quote)))
    assert found is not None
    assert (found.kind, found.first, found.last) == (kind, first, last)


def test_a_quote_across_two_places_is_found_where_it_begins_unless_they_count_on() -> None:
    text = "one\ntwo"
    sheets = passage(text, Place("rows", Span(0, 3), "A", 9), Place("rows", Span(4, 7), "B", 1))
    assert locate(sheets, Span(0, 7)) == Locator("rows", "A", 9, 9)
    slides = passage(text, Place("slide", Span(0, 3), "", 4), Place("slide", Span(4, 7), "", 5))
    assert locate(slides, Span(0, 7)) == Locator("slide", "", 4, 5)


def test_a_paragraph_is_named_with_its_heading() -> None:
    found = locate(passage("text", Place("paragraphs", Span(0, 4), "", 3), headings=("Lease", "Rent")), Span(0, 4))
    assert describe(found) == "Rent, paragraph 3"


@pytest.mark.parametrize(
    ("locator", "words"),
    [
        (None, ""),
        (Locator("rows", "Prices", 12, 14), "Prices, rows 12–14"),
        (Locator("rows", "", 1200, 1200), "row 1,200"),
        (Locator("slide", "Outlook", 3, 3), "slide 3, Outlook"),
        (Locator("lines", "", 4, 9), "lines 4–9"),
        (Locator("chapter", "The Sea", 2, 2), "The Sea"),
        (Locator("chapter", "", 2, 2), "chapter 2"),
        (Locator("message", "Offer, from Anna", 1, 1), "Offer, from Anna"),
    ],
)
def test_a_locator_is_told_in_the_words_of_a_person(locator, words) -> None:
    assert describe(locator) == words
