"""A question names documents by what stands at their heads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.naming import named
from rag.types import Passage, Span
from tests.support.retrieval import WORKSPACE, chunk, read, retriever

FILINGS = {
    "apple-q1": "Apple Inc. Quarterly report for the quarter ended December 31",
    "apple-q2": "Apple Inc. Quarterly report for the quarter ended March 31",
    "nvidia-q1": "NVIDIA Corporation. Quarterly report for the quarter ended March 31",
}
SAID = "We bought back shares for several million dollars in the quarter."


def filing(name: str) -> list[Passage]:
    """A document of two passages: its head, and what every filing says alike."""
    head, said = chunk(FILINGS[name], name=f"{name}-0"), chunk(SAID, name=f"{name}-1", start=500)
    return [replace(one, document_id=name, version_id=name, ordinal=at) for at, one in enumerate((head, said))]


COLLECTION = [passage for name in FILINGS for passage in filing(name)]


def shares(question: str, openings: dict[str, str] | None = None) -> dict[str, float]:
    passages = [passage for passage in COLLECTION if passage.ordinal]
    found = named(read(question, *COLLECTION), passages, FILINGS if openings is None else openings)
    return {passage.version_id: share for passage, share in zip(passages, found, strict=True)}


def test_the_documents_whose_head_holds_the_name_are_named() -> None:
    assert shares("Did Apple buy back shares?") == {"apple-q1": 1.0, "apple-q2": 1.0, "nvidia-q1": 0.0}


def test_the_name_and_the_month_name_one_of_them() -> None:
    found = shares("Did Apple buy back shares in the quarter ended in March?")
    assert found["apple-q2"] == 1.0
    assert 0.0 < found["apple-q1"] < 1.0
    assert 0.0 < found["nvidia-q1"] < 1.0


@pytest.mark.parametrize("question", ["What does the quarterly report say?", "Did anybody buy back shares?", "", "?"])
def test_what_all_heads_say_or_none_names_no_document(question: str) -> None:
    assert set(shares(question).values()) == {0.0}


def test_documents_of_one_passage_are_not_named() -> None:
    assert set(shares("Did Apple buy back shares?", openings={}).values()) == {0.0}
    assert set(shares("Did Apple buy back shares?", openings={"apple-q1": FILINGS["apple-q1"]}).values()) == {0.0}


def test_of_look_alikes_those_that_the_question_names_come_first() -> None:
    found = retriever(*COLLECTION).retrieve(WORKSPACE, "Did NVIDIA buy back shares?")
    assert next(passage.version_id for passage in found.passages if SAID in passage.text) == "nvidia-q1"


def test_of_documents_named_alike_each_is_shown_early(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = [
        chunk(f"We bought back shares in the quarter. Note {at}.", name=f"n{at}", start=1000 * at) for at in range(6)
    ]
    first = [
        replace(one, document_id="apple-q1", version_id="apple-q1", ordinal=at + 2) for at, one in enumerate(notes)
    ]
    second = replace(
        filing("apple-q2")[1], text="In the quarter we also bought back a few shares.", span=Span(500, 548)
    )
    passages = [*filing("apple-q1"), *first, filing("apple-q2")[0], second, *filing("nvidia-q1")]

    def place() -> int:
        question = "Did Apple say that we bought back shares in the quarter?"
        found = retriever(*passages).retrieve(WORKSPACE, question, limit=len(passages)).passages
        return [passage.chunk_id for passage in found].index(second.chunk_id)

    monkeypatch.setattr("rag.selection._JOINED", 0)
    spread = place()
    monkeypatch.setattr("rag.selection._REPEATED", 0.0)
    assert spread < place()
