from __future__ import annotations

import time
from dataclasses import replace

import pytest

from rag.answering import Answering
from rag.errors import ModelInterrupted
from rag.instructions import ENGLISH, GERMAN
from rag.rephrasing import rephrased, retrieve_follow_up
from rag.testing import HashEmbedder, Reply, Scripted, ScriptedChatModel
from rag.types import Evidence, Exchange, Retrieval
from tests.support.answers import LEASE, FixedRetriever, passage

HISTORY = [Exchange("Who founded the works?", "Werner von Siemens founded them in Berlin in 1847.")]
BORN = "When was he born?"
COMPLETE = "When was Werner von Siemens born?"


class Knowing(FixedRetriever):
    """Has evidence for questions that hold a name only."""

    def __init__(self, name: str, *, else_: float = 0.1) -> None:
        super().__init__([passage(LEASE)])
        self._name = name
        self._else = else_

    def retrieve(self, workspace_id: str, question: str, *, limit: int) -> Retrieval:
        found = super().retrieve(workspace_id, question, limit=limit)
        known = self._name in question
        return replace(found, evidence=0.9 if known else self._else, sufficient=known)


def found(retriever: FixedRetriever, model: ScriptedChatModel | None, question: str = BORN) -> Retrieval:
    return retrieve_follow_up(retriever, "w", question, HISTORY, limit=5, model=model, stop=lambda: False)


def test_a_name_that_only_the_answer_has_is_put_in_by_the_model() -> None:
    retriever, model = Knowing("Siemens"), ScriptedChatModel(COMPLETE)
    assert found(retriever, model).question == COMPLETE
    assert retriever.questions == ["founded the works: When was he born?", COMPLETE]
    *earlier, last = model.requests[0]
    assert [message.content for message in earlier[1:]] == [HISTORY[0].question, HISTORY[0].answer]
    assert last.content == ENGLISH.complete.format(question=BORN)


def test_in_german_it_is_asked_in_german() -> None:
    history = [Exchange("Wer gründete das Werk?", "Werner von Siemens gründete es 1847 in Berlin.")]
    model = ScriptedChatModel("Wann wurde Werner von Siemens geboren?")
    assert rephrased("Wann wurde er geboren?", history, model=model, stop=lambda: False) is not None
    assert model.requests[0][-1].content == GERMAN.complete.format(question="Wann wurde er geboren?")


@pytest.mark.parametrize(
    ("question", "evident"),
    [
        (BORN, "founded the works"),  # the rules found enough
        ("What is the monthly rent of the harbour office?", "nowhere"),  # it stands alone
    ],
)
def test_the_model_is_not_asked_without_need(question: str, evident: str) -> None:
    model = ScriptedChatModel(COMPLETE)
    found(Knowing(evident), model, question)
    assert model.requests == []


@pytest.mark.parametrize("question", ["When was he last seen in the old works by the harbour?", BORN])
def test_a_question_that_names_much_and_still_leans_is_completed_too(question: str) -> None:
    model = ScriptedChatModel(question.replace("he", "Siemens", 1))
    found(Knowing("nowhere"), model, question)
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    "written",
    [
        "When was Carl Siemens born?",  # another name
        "When was Werner von Siemens born in 1816?",  # a figure
        "Who founded the works?",  # the question before
        "Where was Werner von Siemens born?",
        BORN,
        "He was a founder.",
        "",
        "When was Werner von Siemens born? " * 40,  # cut off
    ],
)
def test_nothing_is_searched_that_was_not_asked_in_the_conversation(written: str) -> None:
    retriever = Knowing("nowhere")
    assert found(retriever, ScriptedChatModel(written)).question == retriever.questions[0]
    assert len(retriever.questions) == 1


def test_what_brings_less_evidence_is_not_kept() -> None:
    retriever = Knowing("nowhere", else_=0.1)
    assert found(retriever, ScriptedChatModel(COMPLETE)).question == "founded the works: When was he born?"
    assert len(retriever.questions) == 2


@pytest.mark.parametrize(
    ("written", "taken"),
    [(f"“{COMPLETE}”", COMPLETE), (f"\n{COMPLETE}\nHe was born in 1816.", COMPLETE), ("When was Siemens born?", None)],
)
def test_the_first_line_is_taken_without_quotation_marks(written: str, taken: str | None) -> None:
    expected = taken or written
    assert rephrased(BORN, HISTORY, model=ScriptedChatModel(written), stop=lambda: False) == expected


def test_a_model_that_is_late_fails_or_is_stopped_leaves_the_rules_question() -> None:
    slow = ScriptedChatModel(COMPLETE, before_token=lambda: time.sleep(0.05))
    assert rephrased(BORN, HISTORY, model=slow, stop=lambda: False, seconds=0.01) is None
    assert rephrased(BORN, HISTORY, model=ScriptedChatModel(COMPLETE), stop=lambda: True) is None
    failing: Scripted = Reply("When was", ModelInterrupted("The model's process ended."))
    assert rephrased(BORN, HISTORY, model=ScriptedChatModel(failing), stop=lambda: False) is None


def test_answering_shows_what_was_searched_unless_it_is_to_search_what_was_typed() -> None:
    for as_typed, searched in ((False, COMPLETE), (True, BORN)):
        answering = Answering(Knowing("Siemens"), HashEmbedder())
        first = next(answering.answer("w", BORN, history=HISTORY, model=ScriptedChatModel(COMPLETE), as_typed=as_typed))
        assert isinstance(first, Evidence)
        assert first.retrieval.question == searched
