from __future__ import annotations

from dataclasses import replace

from rag.prompts import Budget, build_messages
from rag.receipt_words import DELETED, NOT_KNOWN, compare, facts, part_name, place, reason
from rag.receipts import Receipt, Request, receipt_of
from rag.testing import ScriptedChatModel
from rag.types import Exchange, Finished, Passage, Retrieval, Timings
from tests.support.answers import ENGINE, LEASE, passage

PASSAGES = (passage(LEASE), replace(passage(ENGINE * 6, name="b", title="Turbine"), page=7, page_label="vii"))
MODEL = ScriptedChatModel("x", name="qwen3:4b")


def receipt(
    *, passages: tuple[Passage, ...] = PASSAGES, sources: int = 200, asked: bool = True, reported: int | None = 300
) -> Receipt:
    history = [Exchange("Who signed?", "Maria Weber.")]
    prompt = build_messages(
        "Rent?", passages=passages, history=history, count_tokens=MODEL.count_tokens, budget=Budget(8192, 500, sources)
    )
    retrieval = Retrieval("Rent?", passages, 0.82, True, others=(passage("No.", name="c", title="Minutes"),))
    request = Request(prompt, MODEL, 8192, {"temperature": 0, "shift": False}) if asked else None
    finished = Finished("stop", reported, 12) if asked else None
    return receipt_of("Rent?", retrieval, timings=Timings(0.2, None, 6.3), request=request, finished=finished)


def test_facts_tell_the_way_of_the_answer_and_what_is_not_known() -> None:
    told = facts(receipt(reported=None))
    assert told["Searched for"] == "Rent?"
    assert told["Evidence"].startswith("0.82; below 0.34")
    assert told["Passages"] == "3 read, 2 shown"
    assert (told["Model"], told["Weights"]) == ("qwen3:4b", NOT_KNOWN)
    assert told["Parameters"] == "temperature 0, shift false"
    assert told["Prompt"].endswith("the model reported none")
    assert told["Not in the prompt"] == "The last of them was shortened to fit."
    assert told["Times"] == "evidence after 0.20 s, whole after 6.30 s"


def test_where_no_model_was_asked_it_says_why() -> None:
    alone = receipt(asked=False)
    assert facts(alone)["Model"] == "none was asked"
    weak = facts(replace(alone, sufficient=False))
    assert weak["Model"] == "none was asked: the evidence is too weak"
    assert "Prompt" not in weak


def test_each_fate_has_its_reason() -> None:
    tight = receipt()
    kept, cut, below = tight.candidates
    assert reason(kept, tight) == "In the prompt as source 1"
    assert reason(cut, tight).startswith("In the prompt as source 2, shortened to ")
    assert reason(cut, tight).endswith(f" of its {len(ENGINE) * 6:,} characters")
    assert reason(below, tight) == "Left out: below the first 2"
    tighter = receipt(sources=80)
    assert reason(tighter.candidates[1], tighter) == "Evidence only: did not fit the 80 tokens for sources"
    alone = receipt(asked=False)
    assert reason(alone.candidates[0], alone) == "Evidence only: no model was asked"
    twin = replace(below, fate="shown_with", shown_with=kept.chunk_id)
    assert reason(twin, tight) == "Left out: says the same as passage 1"
    part = replace(twin, version_id=kept.version_id, span=kept.span)
    assert reason(part, tight) == "Part of passage 1"


def test_a_candidate_is_named_with_its_page_as_printed_or_as_deleted() -> None:
    entry = receipt().candidates[1]
    assert place(entry) == "Turbine, page vii"
    assert place(replace(entry, deleted=True)) == "Turbine, page vii (deleted)"
    assert place(replace(entry, deleted=True, title="")) == DELETED


def test_parts_of_the_prompt_have_names() -> None:
    sent = receipt().sent
    assert sent is not None
    names = [part_name(part) for part in sent.parts]
    assert names == ["Instruction", "Earlier question 1", "Earlier answer 1", "Source 1", "Source 2", "Question"]


def test_a_receipt_does_not_differ_from_itself() -> None:
    same = compare(receipt(), receipt())
    assert not any(item.differs for item in same.facts)
    assert same.candidates == ()


def test_a_comparison_names_what_came_in_what_went_and_whose_score_changed() -> None:
    now = (replace(PASSAGES[0], score=2.5), passage("New.", name="d", title="Annex"))
    found = compare(receipt(), receipt(passages=now, sources=1200, reported=310))
    assert {item.label for item in found.facts if item.differs} == {"Prompt", "Not in the prompt"}
    moved = {item.label: (item.before, item.after) for item in found.candidates}
    assert moved == {
        "Lease": ("source 1, rank 1, score 0.00", "source 1, rank 1, score 2.50"),
        "Annex": ("not among those read", "source 2, rank 2, score 0.00"),
        "Turbine, page vii": ("source 2 (shortened), rank 2, score 0.00", "not among those read"),
    }


def test_what_was_deleted_is_not_compared() -> None:
    before = receipt()
    gone = tuple(replace(entry, deleted=True, score=0.0) for entry in before.candidates)
    other = tuple(replace(entry, score=9.0) for entry in gone)
    assert compare(replace(before, candidates=gone), replace(before, candidates=other)).candidates == ()
