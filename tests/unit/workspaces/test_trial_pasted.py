"""Questions as a person types them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rag.errors import InvalidInput
from workspaces.models import DocumentRecord
from workspaces.trial_pasted import MOST, Line, read
from workspaces.trial_values import Place


def document(id_: str, title: str, source: str, *, pages: int = 0) -> DocumentRecord:
    return DocumentRecord(
        id_, "w", f"v-{id_}", title, "file", source, "text/plain", 1, "ready", datetime.now(UTC), pages=pages
    )


KNOWN = [
    document("a", "Lease agreement", "lease-2024.pdf", pages=14),
    document("b", "Turbine manual", "turbine.txt"),
    document("c", "Turbine manual, annex", "annex.txt"),
]


def test_each_line_is_a_question_and_empty_lines_are_none() -> None:
    assert read("When is the rent due?\n\n  Who signed?  \n", KNOWN) == [
        Line("When is the rent due?"),
        Line("Who signed?"),
    ]


@pytest.mark.parametrize("arrow", ["\t", " → ", "→", " -> "])
def test_behind_the_arrow_stands_the_document(arrow: str) -> None:
    assert read(f"When is the rent due?{arrow}LEASE-2024.pdf", KNOWN) == [
        Line("When is the rent due?", place=Place("a"))
    ]


def test_a_page_may_follow() -> None:
    [line] = read("When is the rent due? → lease agreement, p. 3", KNOWN)
    assert line.place == Place("a", page=3)
    [german] = read("Wann ist die Miete fällig? → lease-2024.pdf, Seite 14", KNOWN)
    assert german.place == Place("a", page=14)


def test_a_part_of_a_name_is_enough_if_only_one_document_has_it() -> None:
    [line] = read("What is in it? → annex", KNOWN)
    assert line.place == Place("c")
    [exact] = read("What is in it? → turbine manual", KNOWN)
    assert exact.place == Place("b")


@pytest.mark.parametrize("none", ["–", "-", "no answer"])
def test_a_dash_says_that_there_is_no_answer(none: str) -> None:
    assert read(f"Who won? → {none}", KNOWN) == [Line("Who won?", answerable=False)]


@pytest.mark.parametrize("target", ["turbine", "nothing.pdf", "lease-2024.pdf, p. 15", "turbine.txt, p. 1"])
def test_a_name_that_fits_no_place_or_several_is_told(target: str) -> None:
    with pytest.raises(InvalidInput, match=target):
        read(f"Good? → lease-2024.pdf\nBad? → {target}", KNOWN)


@pytest.mark.parametrize("text", ["", "  \n ", "why?\n" * (MOST + 1)])
def test_nothing_and_too_much_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read(text, KNOWN)
