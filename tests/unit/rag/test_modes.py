from __future__ import annotations

import pytest

from rag.modes import settled
from rag.types import Answer, Sentence, Span, Verdict


def answer(*parts: tuple[str, str, Verdict], note: str | None = None) -> Answer:
    """From (what stands before it, sentence, verdict)."""
    text, told = "", []
    for between, said, verdict in parts:
        start = len(text) + len(between)
        text += between + said
        told.append(Sentence(said, Span(start, len(text)), verdict, () if verdict == "not_found" else (1,)))
    return Answer(text, tuple(told), (), "model", left_out=note)


def strict(*parts: tuple[str, str, Verdict], note: str | None = None) -> Answer:
    found = settled(answer(*parts, note=note), "strict", comparable=True)
    assert all(found.text[one.span.start : one.span.end] == one.text for one in found.sentences)
    return found


def test_strict_takes_out_what_the_documents_do_not_say_and_tells_it() -> None:
    found = strict(("", "A.", "supported"), (" ", "B.", "not_found"), (" ", "C.", "partly"), note="The last was cut.")
    assert found.text == "A. C."
    assert [one.verdict for one in found.sentences] == ["supported", "partly"]
    assert found.removed == ("B.",)
    assert found.left_out == "The last was cut. One sentence of the model was left out: your documents do not say it."


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([("", "A.", "not_found"), (" ", "B.", "supported")], "B."),
        ([("", "A.", "supported"), ("\n\n", "B.", "not_found"), (" ", "C.", "supported")], "A.\n\nC."),
        ([("- ", "A.", "supported"), ("\n- ", "B.", "not_found"), ("\n- ", "C.", "supported")], "- A.\n- C."),
        ([("- ", "A.", "supported"), ("\n- ", "B.", "not_found"), (" ", "C.", "supported")], "- A.\n- C."),
        ([("- ", "A.", "not_found"), ("\n- ", "B.", "supported")], "- B."),
        ([("", "A.", "supported"), (" ", "B.", "not_found"), ("\n", "C.", "not_found")], "A."),
    ],
)
def test_paragraphs_and_bullets_stay_whole(parts: list[tuple[str, str, Verdict]], text: str) -> None:
    assert strict(*parts).text == text


def test_nothing_to_take_out_leaves_the_answer_as_it_is() -> None:
    whole = answer(("", "A.", "supported"), ("\n", "B.", "partly"))
    assert settled(whole, "strict", comparable=True) is whole


def test_what_nobody_could_compare_is_not_taken_out() -> None:
    foreign = answer(("", "A.", "not_found"), (" ", "B.", "partly"))
    assert settled(foreign, "strict", comparable=False) is foreign


def test_open_keeps_it_marked_as_general_knowledge() -> None:
    mixed = settled(answer(("", "A.", "supported"), (" ", "B.", "not_found")), "open", comparable=True)
    assert [one.verdict for one in mixed.sentences] == ["supported", "general"]
    assert (mixed.text, mixed.removed, mixed.left_out) == ("A. B.", (), None)


def test_an_open_answer_with_nothing_from_the_documents_says_so() -> None:
    alone = settled(answer(("", "B.", "not_found")), "open", comparable=True)
    assert alone.left_out is not None
    assert "all of it is general knowledge" in alone.left_out
