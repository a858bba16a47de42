from __future__ import annotations

import pytest

from rag.notes import Notes
from rag.types import Answer, Sentence, Span, Timings

TIMES = Timings(None, None, 0.0)


def kept(*texts: str, listed: bool = False) -> str:
    """What is kept of notes that are all in the documents."""
    notes = Notes(listed=listed)
    sentences = tuple(Sentence(text, Span(0, len(text)), "supported", ()) for text in texts)
    written = Answer(" ".join(texts), sentences, (), model="m", timings=TIMES)
    list(notes.add("The mill", (), written, comparable=True, cut_short=False))
    return notes.answer("m", TIMES, None).text


@pytest.mark.parametrize(
    "again", ["Ulm sold the old mill.", "ULM sold the mill", "The old mill: Ulm sold it to Bonn. "]
)
def test_a_note_that_says_no_more_than_an_earlier_one_is_left_out(again: str) -> None:
    first = "Ulm sold the old mill to Bonn." if again.startswith(("Ulm", "ULM")) else "The old mill Ulm sold to Bonn."
    assert kept(first, again) == first


@pytest.mark.parametrize(
    "other", ["Bonn sold the old mill to Ulm.", "Ulm sold no old mill to Bonn.", "Ulm sold it in 1900."]
)
def test_another_order_a_negation_and_what_is_new_stay(other: str) -> None:
    assert kept("Ulm sold the old mill to Bonn.", other) == f"Ulm sold the old mill to Bonn. {other}"
    assert kept("Ulm sold no old mill to Bonn.", "Ulm sold the old mill.").endswith("Ulm sold the old mill.")


def test_each_thing_of_a_list_has_its_line_once() -> None:
    assert kept("FAT and ext4 are read.", "FAT is read.", "FAT is read.", listed=True) == (
        "- FAT and ext4 are read.\n- FAT is read."
    )
