from __future__ import annotations

from dataclasses import replace

from rag import wording as module
from rag.wording import wording
from tests.support.retrieval import chunk

PASSAGE = chunk("Warranty\n\nIt lasts two years. *** Call us.", name="a", headings=("Warranty",))


def test_every_word_stands_behind_its_mark_and_sentences_together_hold_them_all() -> None:
    read = wording(PASSAGE)
    assert read.body.spelled == "_warranty_it_lasts_two_years_call_us"
    assert read.body.stems == [stem for sentence in read.sentences for stem in sentence.words.stems]


def test_a_heading_lends_its_words_to_the_sentence_below() -> None:
    first = wording(PASSAGE).sentences[0]
    assert first.heading is not None
    assert PASSAGE.text[first.heading.start : first.heading.end] == "Warranty"
    assert PASSAGE.text[first.span.start : first.span.end].startswith("It lasts")


def test_what_is_remembered_is_asked_for_by_content() -> None:
    known = wording(PASSAGE)
    assert wording(replace(PASSAGE, chunk_id="b", ordinal=7)) is known
    for change in ({"text": "It lasts three years."}, {"language": "de"}, {"title": "Other"}, {"header": "Part"}):
        assert wording(replace(PASSAGE, **change)) != known
    assert wording(replace(PASSAGE, heading_path=())).sentences[0].heading is None


def test_no_more_than_a_small_workspace_is_remembered() -> None:
    for number in range(3_000):
        wording(replace(PASSAGE, text=f"Number {number}."))
    assert module._wording.cache_info().currsize <= 2_000


def test_neighbours_reach_across_sentences_without_words() -> None:
    assert " year call " in wording(PASSAGE).body.stemmed
