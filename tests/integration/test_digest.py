"""Summaries, lists and comparisons over real SQLite and a real parser: kept, cancelled, deleted, scoped."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from entrypoints import commands
from entrypoints.cli import build_parser
from rag.errors import ModelOutOfMemory
from rag.scope import Scope
from rag.testing import Reply, Scripted, ScriptedChatModel
from rag.types import Answered, Message
from tests.support.services import add, opened, settled, wait_until
from workspaces.bootstrap import Services
from workspaces.models import Turn

WAIT = 60.0
COLOURS = ["red", "green", "blue", "amber", "violet", "white", "black", "brown", "ochre", "teal"]
RULES = " ".join(f"Rule {number} of this hall is about lamps, doors and looms." for number in range(25))
MILL = "\n\n".join(
    f"# The {colour} hall\n\nThe {colour} hall was built in {1900 + number}. {RULES}"
    for number, colour in enumerate(COLOURS)
)
BARN = "# The barn\n\nThe barn was built in 1700. It holds hay for forty horses of the village."
SCHEUNE = "# Die Scheune\n\nDie Scheune wurde im Jahr 1700 gebaut. Sie fasst das Heu für vierzig Pferde des Dorfes."


def noting(messages: Sequence[Message]) -> str:
    """A model that notes when each thing was built, and copies the notes into the answer."""
    lines = messages[-1].content.splitlines()
    if any(line.startswith("<notes") for line in lines):
        return " ".join(line[2:] for line in lines if line.startswith("- "))
    told = [line.split(". ")[0] + "." for line in lines if " was built in " in line or " gebaut" in line]
    return " ".join(told)


class Bench:
    def __init__(self, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
        self.services = services
        self.model = ScriptedChatModel(noting)
        self.home = services.library.create_workspace("House").id
        monkeypatch.setattr(services.conversations, "_open_model", lambda _: self.model)

    def holds(self, **texts: str) -> dict[str, str]:
        ids = {name: add(self.services, self.home, text, f"{name}.md") for name, text in texts.items()}
        assert {record.state for record in settled(self.services, *ids.values())} == {"ready"}
        return ids

    def ask(self, question: str, *replies: Scripted, scope: Scope | None = None, chat: str | None = None) -> Turn:
        if replies:
            self.model = ScriptedChatModel(*replies)
        chat = chat or self.services.conversations.create(self.home).id
        turn = self.services.conversations.ask(chat, question, **({"scope": scope} if scope else {}))
        return self.services.conversations.wait(turn.id, timeout=WAIT)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with opened(tmp_path / "data") as services:
        yield Bench(services, monkeypatch)


def test_a_summary_is_kept_with_its_footnotes_and_its_receipt(bench: Bench) -> None:
    bench.holds(mill=MILL)
    turn = bench.ask("Summarise this document")
    assert turn.state == "answered"
    assert turn.answer is not None
    assert len(bench.model.requests) > 3
    assert len({citation.chunk_id for citation in turn.citations}) >= 5
    assert all(one.verdict == "supported" and one.citations for one in turn.answer.sentences)
    receipt = bench.services.receipts.get(turn.id)
    assert receipt.sent is not None
    assert receipt.sent.whole, "the prompt of the notes can be put together again"
    assert len(receipt.readings) == len(bench.model.requests) - 1
    assert sum(len(reading.read) for reading in receipt.readings) == len(turn.evidence)
    again = bench.services.conversations.wait(bench.services.conversations.repeat(turn.id).id, timeout=WAIT)
    assert again.answer is not None
    assert again.answer.text == turn.answer.text


def test_a_document_that_is_deleted_leaves_no_text_in_the_receipt(bench: Bench) -> None:
    ids = bench.holds(mill=MILL)
    turn = bench.ask("Summarise this document")
    bench.services.library.delete(ids["mill"])
    receipt = bench.services.receipts.get(turn.id)
    assert receipt.candidates
    assert all(entry.deleted for entry in receipt.candidates)
    kept = bench.services.conversations.turn(turn.id)
    assert not any(citation.quote for citation in kept.citations)
    assert "Rule 3" not in str(receipt)


def test_a_name_in_the_question_says_which_document(bench: Bench) -> None:
    bench.holds(mill=MILL, barn=BARN)
    turn = bench.ask("Summarise @barn")
    assert turn.answer is not None
    assert turn.answer.text == "The barn was built in 1700."
    assert {citation.title for citation in turn.citations} == {"The barn"}


def test_two_names_are_compared_side_by_side(bench: Bench) -> None:
    bench.holds(mill=MILL, barn=BARN)
    turn = bench.ask("Compare @barn and @mill")
    assert turn.answer is not None
    assert len({citation.document_id for citation in turn.citations}) == 2
    assert "1700" in turn.answer.text
    assert "on The barn" in (turn.answer.left_out or "")


def test_several_documents_share_what_is_read(bench: Bench) -> None:
    bench.holds(mill=MILL, barn=BARN)
    turn = bench.ask("What are these documents about?")
    assert len({passage.document_id for passage in turn.evidence}) == 2


def test_german(bench: Bench) -> None:
    bench.holds(scheune=SCHEUNE)
    turn = bench.ask("Worum geht es in diesem Dokument?")
    assert turn.answer is not None
    assert turn.answer.text == "Die Scheune wurde im Jahr 1700 gebaut."
    assert "auf Deutsch" in bench.model.requests[0][-1].content


def test_an_empty_workspace_is_refused(bench: Bench) -> None:
    turn = bench.ask("Summarise this document")
    assert turn.state == "refused"
    assert bench.model.requests == []


def test_how_far_reading_is_can_be_seen_and_stop_keeps_the_notes(bench: Bench) -> None:
    bench.holds(mill=MILL)
    second, go_on = threading.Event(), threading.Event()

    def waiting(messages: Sequence[Message]) -> str:
        second.set()
        assert go_on.wait(WAIT)
        return noting(messages)

    bench.model = ScriptedChatModel(noting, waiting)
    conversations = bench.services.conversations
    turn = conversations.ask(conversations.create(bench.home).id, "Summarise this document")
    assert second.wait(WAIT)
    shown = conversations.turn(turn.id).progress
    assert shown is not None
    assert shown.note.startswith("Reading part 2 of ")
    conversations.stop(turn.id)
    go_on.set()
    wait_until(lambda: conversations.turn(turn.id).state == "interrupted")
    ended = conversations.turn(turn.id)
    assert ended.problem is None
    assert ended.progress is None
    assert ended.answer is not None
    assert "The red hall was built in 1900." in ended.answer.text
    assert ended.citations
    receipt = bench.services.receipts.get(turn.id)
    assert "unread" in {entry.fate for entry in receipt.candidates}


def test_a_document_that_is_deleted_meanwhile_is_read_no_further(bench: Bench) -> None:
    ids = bench.holds(mill=MILL, barn=BARN)

    def deleting(messages: Sequence[Message]) -> str:
        bench.services.library.delete(ids["mill"])
        return noting(messages)

    turn = bench.ask("Summarise all documents", noting, deleting, noting)
    assert turn.answer is not None
    assert len(bench.model.requests) < 5
    assert not [citation for citation in turn.citations if citation.document_id == ids["mill"] and citation.quote]


def test_a_model_that_fails_in_the_middle_keeps_the_notes(bench: Bench) -> None:
    bench.holds(mill=MILL)
    turn = bench.ask(
        "Summarise this document", noting, Reply("The", error=ModelOutOfMemory("No memory.", hint="Less."))
    )
    assert turn.state == "interrupted"
    assert turn.problem is not None
    assert turn.problem.message == "No memory."
    assert turn.answer is not None
    assert "The red hall was built in 1900." in turn.answer.text


def test_within_a_filter_and_in_several_workspaces(bench: Bench) -> None:
    bench.holds(mill=MILL, scheune=SCHEUNE)
    other = bench.services.library.create_workspace("Other").id
    barn = add(bench.services, other, BARN, "barn.md")
    settled(bench.services, barn)
    turn = bench.ask("Summarise the documents", scope=Scope(languages=("de",)))
    assert {passage.language for passage in turn.evidence} == {"de"}
    both = bench.ask("Summarise the documents", scope=Scope(also=(other,)))
    assert barn in {passage.document_id for passage in both.evidence}
    assert len({passage.document_id for passage in both.evidence}) == 3


def test_the_command_tells_how_far_it_is_and_what_was_read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.holds(mill=MILL)
    monkeypatch.setattr(bench.services.chat_models, "ensure", lambda _: None)
    monkeypatch.setattr(bench.services.chat_models, "open", lambda: bench.model)
    lines: list[str] = []
    notes: list[str] = []

    class Out:
        line = staticmethod(lines.append)
        note = staticmethod(notes.append)

    options = build_parser().parse_args(["ask", "-w", "House", "--receipt", "List all halls that were built"])
    assert commands.ask(bench.services, options, Out()) == 0
    assert notes[0].startswith("Reading part 1 of ")
    assert any("passages that match were read by the model" in line for line in lines)
    assert any("part 1" in line and "notes kept" in line for line in lines)


def test_in_the_same_chat_it_after_another_question_is_not_the_document(bench: Bench) -> None:
    bench.holds(mill=MILL, barn=BARN)
    chat = bench.services.conversations.create(bench.home).id
    bench.ask("When was the barn built?", "The barn was built in 1700.", chat=chat)
    turn = bench.ask("Summarise it", "The barn was built in 1700.", chat=chat)
    assert len(bench.model.requests) == 1
    assert turn.searched is not None
    assert isinstance(turn.evidence, tuple)


def test_without_saving_the_events_are_the_same(bench: Bench) -> None:
    bench.holds(barn=BARN)
    events = list(bench.services.conversations.answer(bench.home, "Summarise", model=None))
    assert isinstance(events[-1], Answered)
    assert events[-1].answer.model is None
    assert events[-1].answer.text == "The barn was built in 1700."
