from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rag.types import Answer, Citation, Locator, Passage, Progress, Sentence, Span, Timings
from ui import figures, views
from workspaces.models import Problem, Turn, Workspace

TEXT = "Rent is due on the third. Pets need consent.\n- One more."
PASSAGE = Passage(
    "k", "d", "v", "Lease", 0, Span(100, 160), "x" * 20 + " Rent is due on the third. " + "y" * 13, "en", 3, None
)
NOTE = Citation(1, "k", "d", "v", "Lease", Span(121, 146), "Rent is due on the third.", 3, "iii")
SENTENCES = (
    Sentence(TEXT[:25], Span(0, 25), "supported", (1,)),
    Sentence(TEXT[26:44], Span(26, 44), "not_found"),
    Sentence(TEXT[47:], Span(47, 56), "partly", (1, 7)),
)
ANSWER = Answer(TEXT, SENTENCES, (NOTE,), "qwen3:4b", Timings(0.2, 1.0, 6.0))


def turn(**values: object) -> Turn:
    base = Turn("t", "c", 1, "When?", "answered", datetime(2026, 1, 1, tzinfo=UTC), answer=ANSWER, citations=(NOTE,))
    return replace(base, **values)  # type: ignore[arg-type]  # fields of Turn


def test_pieces_put_together_are_the_answer() -> None:
    pieces = views.turn_view(turn())["answer"]["pieces"]
    assert "".join(piece["text"] for piece in pieces) == TEXT
    assert [piece["verdict"] for piece in pieces if "verdict" in piece] == ["supported", "not_found", "partly"]


def test_footnotes_that_point_nowhere_are_not_drawn() -> None:
    pieces = [piece for piece in views.turn_view(turn())["answer"]["pieces"] if "verdict" in piece]
    assert [[note["number"] for note in piece["notes"]] for piece in pieces] == [[1], [], [1]]


def test_what_is_not_supported_is_said() -> None:
    view = views.turn_view(turn())
    remarks = [piece["remark"] for piece in view["answer"]["pieces"] if "verdict" in piece]
    assert remarks[0] == ""
    assert "on its own" in remarks[1]
    assert "partly" in remarks[2]
    assert [item["kind"] for item in view["notices"]] == ["legend"]


def test_a_running_answer_shows_what_is_checked_and_what_is_drafted_without_typed_numbers() -> None:
    running = turn(state="running", written=TEXT + " Next [1, 2] one", answer=replace(ANSWER, sentences=SENTENCES[:1]))
    view = views.turn_view(running)
    assert view["answer"]["draft"] == TEXT[25:] + " Next one"
    assert view["answer"]["writing"]
    assert view["status"]
    assert view["sources"] == []


@pytest.mark.parametrize(
    ("evidence", "written", "status"),
    [((), "", "Searching"), ((PASSAGE,), "", "Reading"), ((PASSAGE,), "Rent", "Writing")],
)
def test_a_running_turn_says_what_it_does(evidence: tuple[Passage, ...], written: str, status: str) -> None:
    view = views.turn_view(turn(state="running", evidence=evidence, written=written, answer=None, citations=()))
    assert view["status"].startswith(status)


def test_a_running_turn_says_which_part_is_read() -> None:
    running = turn(
        state="running", written="", answer=None, citations=(), progress=Progress(2, 7, "Reading part 3 of 7")
    )
    assert views.turn_view(running)["status"] == "Reading part 3 of 7…"


def test_a_card_marks_the_answering_sentence() -> None:
    view = views.turn_view(turn(evidence=(replace(PASSAGE, best_sentence=Span(121, 146)),)))
    card = view["evidence"][0]
    assert card["mark"] == "Rent is due on the third."
    assert card["before"] + card["mark"] + card["after"] == PASSAGE.text
    assert card["where"] == "page 3"


def test_a_long_passage_is_cut_around_the_mark() -> None:
    text = "before " * 100 + "The mark." + " after" * 100
    start = text.index("The mark.")
    passage = replace(PASSAGE, text=text, span=Span(0, len(text)), best_sentence=Span(start, start + 9))
    card = views.turn_view(turn(evidence=(passage,)))["evidence"][0]
    assert card["mark"] == "The mark."
    assert card["before"].startswith("…before")
    assert card["after"].endswith("…")
    assert len(card["before"]) < 80


def test_a_refusal_shows_the_nearest_passages_and_no_answer() -> None:
    view = views.turn_view(turn(state="refused", answer=None, evidence=(PASSAGE,)))
    assert view["answer"] is None
    assert view["evidence"] == []
    assert view["refusal"]["title"] == "Your documents do not seem to answer this."
    assert view["refusal"]["nearest"][0]["where"] == "page iii"


def test_a_refusal_in_an_empty_workspace_asks_for_documents() -> None:
    view = views.turn_view(turn(state="refused", answer=None, citations=()), has_documents=False)
    assert "Add documents" in view["refusal"]["hint"]


def test_an_interruption_says_why_and_keeps_the_text() -> None:
    stopped = views.turn_view(turn(state="interrupted"))
    broken = views.turn_view(turn(state="interrupted", problem=Problem("model", "It broke.", "Ask again.")))
    assert stopped["notices"][0] == {"kind": "stopped", "text": "Stopped. What was written is kept."}
    assert broken["notices"][0] == {"kind": "problem", "text": "It broke. Ask again."}
    assert "".join(piece["text"] for piece in broken["answer"]["pieces"]) == TEXT


def test_quotes_of_deleted_documents_are_gone_and_not_to_be_opened() -> None:
    gone = replace(NOTE, quote="")
    source = views.turn_view(turn(citations=(gone,)))["sources"][0]
    assert source["gone"]
    assert source["quote"] == "This document was deleted."


def test_an_answer_without_a_model_says_so() -> None:
    view = views.turn_view(turn(answer=replace(ANSWER, model=None, left_out="2 passages did not fit.")))
    texts = [item["text"] for item in view["notices"]]
    assert any("without a chat model" in text for text in texts)
    assert "2 passages did not fit." in texts


def test_figures_in_words() -> None:
    space = Workspace("w", "x", datetime.now(UTC), documents=12, conversations=3)
    assert figures.holdings(space) == "12 documents, 3 chats"
    assert figures.holdings(replace(space, documents=1, conversations=1)) == "1 document, 1 chat"
    assert [figures.size(number) for number in (12, 4200, 1_500_000, 1_117_320_768)] == [
        "12 bytes",
        "4 kB",
        "1.5 MB",
        "1.12 GB",
    ]
    assert [figures.duration(number) for number in (20, 61, 600, 7200)] == [
        "less than a minute",
        "about 1 minute",
        "about 10 minutes",
        "about 2 hours",
    ]
    assert figures.day(datetime.now(UTC)) == "today"
    assert figures.day(datetime(2020, 5, 3, 12, tzinfo=UTC)) == "3 May 2020"


def test_a_card_of_rows_shows_the_header_of_their_table() -> None:
    view = views.turn_view(turn(evidence=(replace(PASSAGE, header="Name | Price"), PASSAGE)))
    assert [card["header"] for card in view["evidence"]] == ["Name | Price", ""]


def test_a_place_names_a_sheet_once_and_a_chapter_under_its_headings() -> None:
    row = replace(PASSAGE, locator=Locator("rows", "Pumps", 13, 13), heading_path=("Pumps",))
    assert views.place(row) == "Pumps, row 13"
    assert views.place(replace(row, heading_path=("Prices", "2026"))) == "Pumps, row 13 · Prices › 2026"
    assert views.place(replace(row, locator=None)) == "Pumps"
    assert views.place(replace(row, locator=None, heading_path=())) == ""


def test_a_sentence_that_another_source_contradicts_says_so() -> None:
    other = replace(NOTE, number=2, title="Letter")
    answer = replace(
        ANSWER, sentences=(replace(SENTENCES[0], conflicts=(2, 9)), *SENTENCES[1:]), citations=(NOTE, other)
    )
    pieces = views.turn_view(turn(answer=answer, citations=(NOTE, other)))["answer"]["pieces"]
    told = [[note["number"] for note in piece["otherwise"]] for piece in pieces if "verdict" in piece]
    assert told == [[2], [], []]
