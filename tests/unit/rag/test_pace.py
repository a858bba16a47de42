from __future__ import annotations

from rag.answering import Answering
from rag.pace import ReadingPace
from rag.prompts import FEWEST_SOURCES, Budget, build_messages
from rag.testing import HashEmbedder, ScriptedChatModel
from rag.types import Answered
from tests.support.answers import LEASE, passage

MODEL = ScriptedChatModel("x")
LONG = " ".join(f"Clause {number} of the lease names its own amount." for number in range(200))


def prompt_tokens(budget: Budget) -> int:
    prompt = build_messages(
        "Rent?", passages=[passage(LONG)], history=(), count_tokens=MODEL.count_tokens, budget=budget
    )
    return prompt.tokens


def test_a_model_that_reads_slowly_gets_a_prompt_that_it_reads_in_time() -> None:
    pace = ReadingPace(seconds=10, known={"slow": [50.0], "fast": [900.0]})
    assert pace.prompt_tokens("slow") == 500
    assert 400 < prompt_tokens(Budget(8192, prompt=pace.prompt_tokens("slow"))) <= 520
    assert prompt_tokens(Budget(8192, prompt=pace.prompt_tokens("fast"))) == prompt_tokens(Budget(8192))


def test_some_source_is_sent_however_slow_it_is() -> None:
    assert prompt_tokens(Budget(8192, prompt=1)) >= FEWEST_SOURCES - 50
    assert prompt_tokens(Budget(256, prompt=1)) <= 256  # but never more than the window holds


def test_the_median_counts_and_not_the_answer_that_waited_for_the_weights() -> None:
    kept: list[dict[str, list[float]]] = []
    pace = ReadingPace(seconds=10, keep=kept.append)
    assert pace.speed("new") is None
    for seconds in (30.0, 10.0, 10.0, 9.0, 11.0, 10.0, 10.0):
        pace.note("new", tokens=500, seconds=seconds)
    assert pace.speed("new") == 50.0
    assert len(kept[-1]["new"]) == 5
    assert ReadingPace(known=kept[-1]).speed("new") == 50.0


def test_a_short_prompt_says_nothing_about_reading() -> None:
    pace = ReadingPace()
    pace.note("new", tokens=20, seconds=0.01)
    assert pace.speed("new") is None


def test_answers_teach_the_pace_and_follow_it() -> None:
    waited = iter([0.0] * 3)
    pace = ReadingPace(seconds=10, known={"scripted": [10.0]})
    model = ScriptedChatModel("The monthly rent is 1,250 euros.", before_token=lambda: next(waited, None) and None)
    answering = Answering(_Found(), HashEmbedder(), pace=pace)
    last = list(answering.answer("w", "How high is the monthly rent?", model=model))[-1]
    assert isinstance(last, Answered)
    assert last.receipt is not None
    assert last.receipt.sent is not None
    assert last.receipt.sent.in_time == 100
    assert last.receipt.sent.counted < 500
    assert (pace.speed("scripted") or 0) > 10.0


class _Found:
    def retrieve(self, workspace_id: str, question: str, *, limit: int) -> object:
        from rag.types import Retrieval

        return Retrieval(question, (passage(f"{LEASE} {LONG}"),), 0.9, True)
