from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rag.answering import Answering
from rag.errors import ModelOutOfMemory
from rag.prompts import MESSAGE_TOKENS
from rag.receipt_words import reason
from rag.receipts import CANDIDATES, Receipt
from rag.testing import HashEmbedder, Reply, ScriptedChatModel
from rag.types import Answered, Exchange, Finished, Interrupted, Message, ModelEvent, Refused, Retrieval, Token
from tests.support.answers import ENGINE, LEASE, FixedRetriever, passage

QUESTION = "What is the monthly rent?"
RENT = "The monthly rent is 1,250.50 euros."
PASSAGES = [passage(LEASE), passage(ENGINE, name="b", title="Turbine")]
HISTORY = [Exchange("Who signed the lease of the harbour office?", "Maria Weber.", "turn-1")]


class Reporting(ScriptedChatModel):
    """Says what it is told about the tokens it read."""

    def __init__(self, reported: int | None, *, window: int = 8192) -> None:
        super().__init__(RENT, context_window=window)
        self._reported = reported

    def identity(self) -> str:
        return "sha256:abc"

    def stream(self, messages: Sequence[Message], **_: object) -> Iterator[ModelEvent]:  # type: ignore[override]
        self.requests.append(tuple(messages))
        yield Token(RENT)
        yield Finished("stop", self._reported, 9)


class Reading(FixedRetriever):
    """Reads more than it shows."""

    def __init__(self, *others: object) -> None:
        super().__init__(PASSAGES)
        self.others = tuple(passage("Nothing of it.", name=f"other-{number}") for number in range(len(others) or 3))

    def retrieve(self, workspace_id: str, question: str, *, limit: int) -> Retrieval:
        return replace(super().retrieve(workspace_id, question, limit=limit), others=self.others)


def receipt(
    model: ScriptedChatModel | None,
    *,
    retriever: FixedRetriever | None = None,
    question: str = QUESTION,
    history: Sequence[Exchange] = (),
    as_typed: bool = False,
    source_tokens: int = 1200,
) -> Receipt:
    answering = Answering(retriever or Reading(), HashEmbedder(), source_tokens=source_tokens)
    last = list(answering.answer("w", question, history=history, model=model, as_typed=as_typed))[-1]
    assert isinstance(last, Answered | Refused | Interrupted)
    assert last.receipt is not None
    return last.receipt


def test_the_parts_put_together_are_the_messages_that_were_sent() -> None:
    model = Reporting(300)
    sent = receipt(model, history=HISTORY).sent
    assert sent is not None
    assert sent.messages == model.requests[0]
    assert sent.whole
    assert [part.kind for part in sent.parts] == ["instruction", "history", "history", "source", "source", "question"]
    assert [part.refers for part in sent.parts] == ["", "turn-1", "turn-1", "a", "b", ""]
    assert sent.counted == sum(part.tokens for part in sent.parts) + MESSAGE_TOKENS * len(sent.messages)


def test_each_candidate_says_what_became_of_it() -> None:
    retriever = Reading()
    retriever.passages = (PASSAGES[0], passage(ENGINE * 6, name="b"))
    tight = receipt(Reporting(300), retriever=retriever, source_tokens=200)
    assert [(entry.rank, entry.fate, entry.source) for entry in tight.candidates] == [
        (1, "source", 1),
        (2, "shortened", 2),
        (3, "below", None),
        (4, "below", None),
        (5, "below", None),
    ]
    cut = tight.candidates[1]
    assert cut.read is not None
    assert 0 < len(cut.read) < len(cut.span)
    tighter = receipt(Reporting(300), retriever=retriever, source_tokens=80)
    assert [entry.fate for entry in tighter.candidates[:2]] == ["source", "no_room"]


def test_a_passage_far_behind_the_best_is_not_sent_and_says_so() -> None:
    retriever = Reading()
    scored = zip("abc", (9.0, 8.0, 0.5), strict=True)
    retriever.passages = tuple(replace(passage(LEASE, name=name), score=score) for name, score in scored)
    told = receipt(Reporting(300), retriever=retriever)
    assert [entry.fate for entry in told.candidates[:3]] == ["source", "source", "far"]
    assert reason(told.candidates[2], told) == "Evidence only: it came too far behind the best"
    assert told.sent is not None
    assert told.sent.left_out == "", "nothing is missing that was worth reading"


def test_without_a_model_the_passages_are_evidence_and_nothing_was_sent() -> None:
    alone = receipt(None)
    assert alone.sent is None
    assert [entry.fate for entry in alone.candidates[:2]] == ["evidence", "evidence"]


def test_a_refusal_has_a_receipt_with_the_estimate_and_its_threshold() -> None:
    refused = receipt(Reporting(300), retriever=FixedRetriever(PASSAGES, sufficient=False))
    assert refused.sent is None
    assert not refused.sufficient
    assert refused.evidence == 0.1
    assert 0 < refused.threshold < 1


def test_a_model_that_reports_fewer_tokens_than_its_prompt_must_have_raises_the_alarm() -> None:
    cut = receipt(Reporting(60))
    assert cut.sent is not None
    assert cut.sent.at_least > 60
    assert cut.warning is not None
    assert f"read only 60 of at least {cut.sent.at_least} tokens" in cut.warning
    assert "Do not rely on this answer" in cut.warning


def test_a_model_that_read_all_of_it_or_says_nothing_raises_no_alarm() -> None:
    fitting = receipt(Reporting(300))
    assert fitting.sent is not None
    assert (fitting.sent.reported, fitting.warning) == (300, None)
    assert receipt(Reporting(None)).warning is None


def test_what_is_sent_with_the_prompt_and_what_sent_it_is_noted() -> None:
    sent = receipt(Reporting(300, window=2048)).sent
    assert sent is not None
    assert (sent.model, sent.identity, sent.window) == ("scripted", "sha256:abc", 2048)
    assert dict(sent.parameters) == {"max_tokens": sent.reserve}
    assert sent.output == 9


def test_a_model_that_failed_is_not_asked_who_it_is() -> None:
    class Failing(ScriptedChatModel):
        def identity(self) -> str:
            raise AssertionError("asked")

    failed = receipt(Failing(Reply("The monthly", error=ModelOutOfMemory("No room.", hint="Close programs."))))
    assert failed.sent is not None
    assert (failed.sent.identity, failed.sent.reported) == ("", None)


def test_the_searched_question_is_the_typed_one_where_that_is_wanted() -> None:
    question = "And when?"
    assert receipt(None, question=question, history=HISTORY).searched != question
    typed = receipt(None, question=question, history=HISTORY, as_typed=True)
    assert (typed.asked, typed.searched) == (question, question)


def test_the_list_of_candidates_has_an_end_and_says_how_many_are_beyond_it() -> None:
    many = receipt(None, retriever=Reading(*range(70)))
    assert len(many.candidates) == CANDIDATES
    assert many.more == 72 - CANDIDATES


def test_times_are_those_of_the_answer() -> None:
    timings = receipt(Reporting(300)).timings
    assert timings.evidence is not None
    assert timings.first_token is not None
    assert timings.total is not None
    assert timings.evidence <= timings.first_token <= timings.total
