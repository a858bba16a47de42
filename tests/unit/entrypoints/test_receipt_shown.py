from __future__ import annotations

from dataclasses import replace

from entrypoints.receipt_shown import lines, receipt_json
from entrypoints.shown import answer_json, answer_lines
from rag.types import Answer, Answered, Refused, Timings
from tests.unit.rag.test_receipt_words import receipt


def test_an_answer_of_a_cut_prompt_begins_with_its_warning() -> None:
    cut = receipt(reported=12)
    event = Answered(Answer("It is 5.", (), (), "qwen3:4b"), cut)
    first = next(iter(answer_lines(event)))
    assert first.startswith("Warning: qwen3:4b read only 12 of at least ")
    assert answer_json(event, model="qwen3:4b")["warning"] == cut.warning
    assert answer_json(replace(event, receipt=receipt()), model="qwen3:4b")["warning"] is None


def test_a_refusal_of_a_cut_prompt_warns_too() -> None:
    assert next(iter(answer_lines(Refused((), Timings(), receipt(reported=12))))).startswith("Warning: ")


def test_lines_hold_the_passages_the_tokens_and_the_prompt() -> None:
    printed = "\n".join(lines(receipt()))
    assert "In the prompt as source 1" in printed
    assert "Left out: below the first 2" in printed
    assert '--- user ---\n<source number="1" title="Lease">' in printed


def test_json_says_null_for_what_is_not_known() -> None:
    told = receipt_json(receipt(reported=None))["sent"]
    assert (told["identity"], told["prompt_tokens_reported"]) == (None, None)
    assert told["parameters"] == {"temperature": 0, "shift": False}
    assert [part["kind"] for part in told["parts"]][-1] == "question"
