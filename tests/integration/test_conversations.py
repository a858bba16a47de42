"""Conversations over a real SQLite database, with a scripted model."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update

from rag.errors import InvalidInput, ModelNotInstalled, ModelOutOfMemory, NotFound
from rag.protocols import ChatModel
from rag.scope import EVERYTHING, Scope
from rag.testing import HashEmbedder, Reply, ScriptedChatModel
from rag.types import Answered, Evidence
from tests.support.answers import ENGINE, LEASE, FixedRetriever, Scopeless, marked, passage, quotes_stand
from workspaces.conversations import Conversations
from workspaces.database import Database
from workspaces.identifiers import now
from workspaces.models import Turn
from workspaces.receipts import Receipts
from workspaces.tables import conversations as conversation_rows
from workspaces.tables import documents, turn_passages, turns, versions, workspaces
from workspaces.typed import LONGEST_QUESTION

PASSAGES = [
    marked(passage(LEASE, start=40), "The monthly rent is 1,250.50 euros."),
    passage(ENGINE, name="b", title="Turbine"),
]
GOOD = "The monthly rent is 1,250.50 euros [1]. Maria Weber signed it for the city."
WAIT = 30.0


class Bench:
    """Conversations with everything around them in the test's hands."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        self.database.open()
        self.retriever = FixedRetriever(PASSAGES)
        self.model: ChatModel | None = ScriptedChatModel(GOOD)
        self.open_model: Callable[[str | None], ChatModel | None] = lambda key: self.model
        self.conversations = self.another()
        with self.database.write() as connection:
            for name in ("w", "other"):
                connection.execute(
                    insert(workspaces).values(id=name, name=name, name_key=name, index_id=name, created_at=now())
                )
            for item in PASSAGES:
                connection.execute(
                    insert(documents).values(
                        id=item.document_id,
                        workspace_id="w",
                        title=item.title,
                        source_kind="file",
                        source="x.txt",
                        created_at=now(),
                    )
                )

    def another(self) -> Conversations:
        """A second application object over the same database, as after a restart."""
        self.answering = Scopeless(self.retriever, HashEmbedder())
        return Conversations(self.database, answering=self.answering, open_model=lambda key: self.open_model(key))

    def asked(self, question: str = "What is the rent?") -> Turn:
        """A question in a new conversation, answered."""
        talk = self.conversations.create("w")
        return self.conversations.wait(self.conversations.ask(talk.id, question).id, timeout=WAIT)

    def count(self) -> tuple[int, ...]:
        """Rows of conversations, turns, passages of turns."""
        with self.database.read() as connection:
            tables = (conversation_rows, turns, turn_passages)
            return tuple(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)


class Gate:
    """A model that waits before every token until it may go on."""

    def __init__(self, text: str = GOOD) -> None:
        self._open = threading.Event()
        self._tokens = threading.Semaphore(0)
        self.waiting = threading.Event()
        self.model = ScriptedChatModel(text, before_token=self._wait)

    def release(self, tokens: int) -> None:
        """Let so many tokens through."""
        for _ in range(tokens):
            self._tokens.release()

    def open(self) -> None:
        """Let all of them through."""
        self._open.set()
        self._tokens.release()

    def _wait(self) -> None:
        self.waiting.set()
        if not self._open.is_set():
            self._tokens.acquire(timeout=WAIT)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "footnote.db")
    yield made
    made.conversations.close()
    made.database.close()


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it becomes true within the wait; polls as a page would."""
    pause = threading.Event()
    return any(condition() or pause.wait(0.02) for _ in range(int(WAIT / 0.02)))


def test_a_question_is_answered_and_saved_with_verdicts_citations_and_figures(bench: Bench) -> None:
    turn = bench.asked()
    again = bench.another().turn(turn.id)
    assert again == turn
    assert turn.state == "answered"
    assert turn.answer is not None
    assert turn.answer.text == "The monthly rent is 1,250.50 euros. Maria Weber signed it for the city."
    assert [item.verdict for item in turn.answer.sentences] == ["supported", "supported"]
    assert [item.text for item in turn.answer.sentences][1] == "Maria Weber signed it for the city."
    assert quotes_stand(turn.citations, PASSAGES)
    assert turn.answer.citations == turn.citations
    assert turn.evidence == tuple(PASSAGES)
    assert turn.model == "scripted"
    assert turn.answer.prompt_tokens
    assert turn.answer.output_tokens
    assert turn.answer.timings.total is not None
    assert turn.written == ""


def test_ask_returns_at_once_and_the_turn_grows_until_it_is_final(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workspaces.asking.SAVE_SECONDS", 0.0)
    gate = Gate()
    bench.model = gate.model
    talk = bench.conversations.create("w")
    turn = bench.conversations.ask(talk.id, "What is the rent?")
    assert turn.state == "running"
    assert eventually(lambda: bool(bench.conversations.turn(turn.id).evidence))
    assert bench.conversations.turn(turn.id).written == ""
    gate.release(9)
    assert eventually(lambda: "monthly" in bench.conversations.turn(turn.id).written)
    gate.open()
    final = bench.conversations.wait(turn.id, timeout=WAIT)
    assert final.state == "answered"


def test_the_sentences_checked_so_far_are_there_while_it_runs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workspaces.asking.SAVE_SECONDS", 0.0)
    gate = Gate()
    bench.model = gate.model
    talk = bench.conversations.create("w")
    turn = bench.conversations.ask(talk.id, "What is the rent?")
    gate.release(9)
    assert eventually(lambda: bench.conversations.turn(turn.id).answer is not None)
    seen = bench.conversations.turn(turn.id)
    assert seen.state == "running"
    assert seen.answer is not None
    assert seen.answer.sentences[0].verdict == "supported"
    assert seen.citations
    gate.open()
    assert bench.conversations.wait(turn.id, timeout=WAIT).state == "answered"


def test_stop_keeps_what_was_written(bench: Bench) -> None:
    gate = Gate()
    bench.model = gate.model
    talk = bench.conversations.create("w")
    turn = bench.conversations.ask(talk.id, "What is the rent?")
    gate.release(3)
    assert eventually(lambda: bool(bench.conversations.turn(turn.id).written))
    bench.conversations.stop(turn.id)
    gate.open()
    final = bench.conversations.wait(turn.id, timeout=WAIT)
    assert final.state == "interrupted"
    assert final.problem is None
    assert final.answer is not None
    assert final.answer.text.startswith("The monthly")
    bench.conversations.stop(turn.id)
    assert bench.conversations.turn(turn.id) == final


def test_weak_evidence_is_saved_as_a_refusal_with_the_nearest_passages(bench: Bench) -> None:
    bench.retriever.sufficient = False
    turn = bench.asked("Who won the cup?")
    assert turn.state == "refused"
    assert turn.answer is None
    assert turn.citations[0].quote == "The monthly rent is 1,250.50 euros."
    assert "Nearest passages" in bench.conversations.as_markdown(turn)


def test_a_draft_that_nothing_supports_leaves_no_text_behind(bench: Bench) -> None:
    bench.model = ScriptedChatModel("Bananas grow in tropical countries.")
    turn = bench.asked()
    assert turn.state == "refused"
    assert turn.answer is None
    with bench.database.read() as connection:
        assert connection.execute(select(turns.c.answer)).scalar_one() == ""


def test_a_failing_model_is_told_and_the_next_question_works(bench: Bench) -> None:
    error = ModelOutOfMemory("Not enough memory for the model.", hint="Choose a smaller one.")
    bench.model = ScriptedChatModel(Reply("The monthly rent is 1,250.50 euros. It", error=error), GOOD)
    turn = bench.asked()
    assert turn.state == "interrupted"
    assert turn.problem is not None
    assert (turn.problem.message, turn.problem.hint) == (error.message, error.hint)
    assert turn.answer is not None
    assert turn.answer.text.endswith("It")
    following = bench.conversations.ask(turn.conversation_id, "What is the monthly rent of the office?")
    assert bench.conversations.wait(following.id, timeout=WAIT).state == "answered"


def test_a_model_that_cannot_be_opened_still_leaves_the_evidence(bench: Bench) -> None:
    def refuse(key: str | None) -> ChatModel | None:
        raise ModelNotInstalled("The model is not there.", hint="Pull it first.")

    bench.open_model = refuse
    turn = bench.asked()
    assert turn.state == "interrupted"
    assert turn.evidence == tuple(PASSAGES)
    assert turn.problem is not None
    assert turn.problem.hint == "Pull it first."


def test_an_unknown_error_ends_the_turn_without_a_trace_of_it(bench: Bench) -> None:
    def broken(key: str | None) -> ChatModel | None:
        raise KeyError("/secret/path")

    bench.open_model = broken
    turn = bench.asked()
    assert turn.state == "interrupted"
    assert turn.problem is not None
    assert "secret" not in turn.problem.message + turn.problem.hint


@pytest.mark.parametrize("question", ["", "   \n", "x" * (LONGEST_QUESTION + 1)])
def test_an_unusable_question_is_refused_and_not_saved(bench: Bench, question: str) -> None:
    talk = bench.conversations.create("w")
    with pytest.raises(InvalidInput) as caught:
        bench.conversations.ask(talk.id, question)
    assert caught.value.hint
    assert bench.count()[1] == 0


def test_one_question_at_a_time_in_a_conversation(bench: Bench) -> None:
    gate = Gate()
    bench.model = gate.model
    talk = bench.conversations.create("w")
    turn = bench.conversations.ask(talk.id, "What is the rent?")
    with pytest.raises(InvalidInput) as caught:
        bench.conversations.ask(talk.id, "And who signed it?")
    assert "stop" in caught.value.hint
    gate.open()
    bench.conversations.wait(turn.id, timeout=WAIT)
    assert bench.conversations.ask(talk.id, "And who signed it?").ordinal == 2


def test_a_third_answer_waits_for_a_place_and_can_be_stopped_while_it_waits(bench: Bench) -> None:
    gates = [Gate(), Gate(), Gate()]
    models = iter(gates)
    bench.open_model = lambda key: next(models).model
    asked = [bench.conversations.ask(bench.conversations.create("w").id, "What is the rent?") for _ in range(2)]
    assert all(gate.waiting.wait(WAIT) for gate in gates[:2])
    third = bench.conversations.ask(bench.conversations.create("w").id, "What is the rent?")
    assert not bench.conversations.turn(third.id).evidence
    bench.conversations.stop(third.id)
    assert bench.conversations.wait(third.id, timeout=WAIT).state == "interrupted"
    assert not gates[2].waiting.is_set()
    for gate in gates:
        gate.open()
    assert {bench.conversations.wait(turn.id, timeout=WAIT).state for turn in asked} == {"answered"}


def test_history_reaches_the_prompt_without_unfounded_sentences_and_the_retriever(bench: Bench) -> None:
    bench.model = model = ScriptedChatModel(f"{GOOD} Bananas grow in tropical countries.", GOOD)
    first = bench.asked("What is the monthly rent of the harbour office?")
    second = bench.conversations.ask(first.conversation_id, "And who signed it?")
    bench.conversations.wait(second.id, timeout=WAIT)
    told = [message.content for message in model.requests[1]]
    assert "What is the monthly rent of the harbour office?" in told
    assert any("Maria Weber" in content and "Bananas" not in content for content in told[1:-1])
    assert bench.retriever.questions[1] == "monthly rent of the harbour office: And who signed it?"


def test_the_first_question_becomes_the_title_and_the_latest_conversation_comes_first(bench: Bench) -> None:
    named = bench.conversations.create("w", "Lease matters")
    turn = bench.asked("What is the rent " + "of the harbour office in the old town " * 4 + "?")
    listed = bench.conversations.list("w")
    assert [item.id for item in listed] == [turn.conversation_id, named.id]
    assert listed[0].title.startswith("What is the rent of the harbour office")
    assert len(listed[0].title) <= 60
    assert listed[0].title.endswith("…")
    assert bench.conversations.rename(named.id, " New  name ").title == "New name"
    with pytest.raises(InvalidInput):
        bench.conversations.rename(named.id, " ")


def test_nothing_of_one_workspace_shows_in_another(bench: Bench) -> None:
    turn = bench.asked()
    assert bench.conversations.list("other") == []
    assert [item.id for item in bench.conversations.list("w")] == [turn.conversation_id]


def test_deleting_a_conversation_stops_it_and_leaves_no_row(bench: Bench) -> None:
    gate = Gate()
    bench.model = gate.model
    talk = bench.conversations.create("w")
    turn = bench.conversations.ask(talk.id, "What is the rent?")
    assert gate.waiting.wait(WAIT)
    assert bench.count()[:2] == (1, 1)
    bench.conversations.delete(talk.id)
    gate.open()
    bench.conversations.close()
    assert bench.count() == (0, 0, 0)
    for call in (bench.conversations.get, bench.conversations.delete):
        with pytest.raises(NotFound):
            call(talk.id)
    with pytest.raises(NotFound):
        bench.conversations.turn(turn.id)


def test_a_deleted_document_leaves_the_answer_readable(bench: Bench) -> None:
    turn = bench.asked()
    with bench.database.write() as connection:
        mine = turn_passages.c.document_id == PASSAGES[0].document_id
        connection.execute(update(turn_passages).where(mine).values(quote="", detail={}))
    after = bench.conversations.turn(turn.id)
    assert after.answer is not None
    assert turn.answer is not None
    assert after.answer.text == turn.answer.text
    assert [item.quote for item in after.citations] == [""] * len(after.citations)
    assert [item.document_id for item in after.evidence] == [PASSAGES[1].document_id]
    assert "Lease (document deleted)" in bench.conversations.as_markdown(after)


def test_a_document_deleted_while_the_answer_is_written_brings_no_quote_back(bench: Bench) -> None:
    gate = Gate()
    bench.model = gate.model
    talk = bench.conversations.create("w")
    turn = bench.conversations.ask(talk.id, "What is the rent?")
    assert gate.waiting.wait(WAIT)
    with bench.database.write() as connection:
        connection.execute(update(documents).where(documents.c.id == PASSAGES[0].document_id).values(deleted_at=now()))
        connection.execute(update(turn_passages).values(quote="", detail={}))
    gate.open()
    final = bench.conversations.wait(turn.id, timeout=WAIT)
    assert final.citations
    assert all(not item.quote for item in final.citations if item.document_id == PASSAGES[0].document_id)


def test_closing_marks_what_was_being_written(bench: Bench) -> None:
    gate = Gate()
    bench.model = gate.model
    turn = bench.conversations.ask(bench.conversations.create("w").id, "What is the rent?")
    gate.release(3)
    assert eventually(lambda: bool(bench.conversations.turn(turn.id).written))
    threading.Timer(0.1, gate.open).start()
    bench.conversations.close()
    final = bench.another().turn(turn.id)
    assert final.state == "interrupted"
    assert final.problem is not None
    assert final.answer is not None
    assert final.answer.text


def test_recovery_marks_what_a_dead_process_left_running(bench: Bench) -> None:
    talk = bench.conversations.create("w")
    with bench.database.write() as connection:
        connection.execute(
            insert(turns).values(
                id="left",
                conversation_id=talk.id,
                ordinal=1,
                question="What is the rent?",
                state="running",
                answer="The rent is",
                created_at=now(),
            )
        )
    restarted = bench.another()
    assert restarted.recover() == 1
    assert restarted.recover() == 0
    turn = restarted.turn("left")
    assert turn.state == "interrupted"
    assert turn.answer is not None
    assert turn.answer.text == "The rent is"
    assert turn.problem is not None
    assert restarted.ask(talk.id, "What is the rent?").ordinal == 2
    restarted.close()


def test_recovery_leaves_this_process_own_answers_alone(bench: Bench) -> None:
    gate = Gate()
    bench.model = gate.model
    turn = bench.conversations.ask(bench.conversations.create("w").id, "What is the rent?")
    assert bench.conversations.recover() == 0
    gate.open()
    assert bench.conversations.wait(turn.id, timeout=WAIT).state == "answered"


def test_a_single_answer_saves_nothing(bench: Bench) -> None:
    seen = list(bench.conversations.answer("w", "What is the rent?", model=None))
    assert isinstance(seen[0], Evidence)
    assert isinstance(seen[-1], Answered)
    assert bench.count() == (0, 0, 0)
    with pytest.raises(NotFound):
        bench.conversations.answer("nowhere", "What is the rent?", model=None)


def test_the_copied_answer_carries_its_footnotes_and_their_quotes(bench: Bench) -> None:
    bench.model = ScriptedChatModel(f"{GOOD} The rent is 99 euros. Bananas grow in tropical countries.")
    text = bench.conversations.as_markdown(bench.asked())
    assert "The monthly rent is 1,250.50 euros. [1] Maria Weber signed it for the city. [2]" in text
    assert "The rent is 99 euros. [1] [partly]" in text
    assert "Bananas" not in text, "strict answers leave out what the documents do not say"
    assert "[1] Lease: “The monthly rent is 1,250.50 euros.”" in text


def test_where_was_looked_is_kept_with_the_turn_and_asked_again(bench: Bench) -> None:
    talk = bench.conversations.create("w")
    scope = Scope(documents=(PASSAGES[0].document_id,), languages=("en",))
    turn = bench.conversations.ask(talk.id, "What is the rent?", scope=scope)
    turn = bench.conversations.wait(turn.id, timeout=WAIT)
    assert bench.another().turn(turn.id) == turn
    assert (turn.scope, turn.limited_to) == (scope, ("Lease", "in English"))
    again = bench.conversations.wait(bench.conversations.repeat(turn.id).id, timeout=WAIT)
    assert (again.scope, again.repeats) == (scope, turn.id)
    everywhere = bench.conversations.repeat(turn.id, everywhere=True)
    everywhere = bench.conversations.wait(everywhere.id, timeout=WAIT)
    assert (everywhere.scope, everywhere.limited_to) == (EVERYTHING, ())
    assert bench.asked().scope == EVERYTHING


def test_a_name_is_taken_out_before_the_search_and_out_of_the_history(bench: Bench) -> None:
    with bench.database.write() as connection:
        for item in PASSAGES:
            version = {"id": item.version_id, "document_id": item.document_id, "number": 1, "state": "ready"}
            connection.execute(insert(versions).values(**version, created_at=now(), updated_at=now()))
            mine = documents.c.id == item.document_id
            connection.execute(update(documents).where(mine).values(version_id=item.version_id))
    talk = bench.conversations.create("w")
    turn = bench.conversations.wait(bench.conversations.ask(talk.id, "@lease What is the rent?").id, timeout=WAIT)
    assert (turn.question, turn.asked, turn.searched) == ("@lease What is the rent?", "What is the rent?", None)
    assert bench.retriever.questions == ["What is the rent?"]
    assert turn.limited_to == ("Lease",)
    receipt = Receipts(bench.database).get(turn.id)
    assert (receipt.asked, receipt.limited_to) == ("What is the rent?", ("Lease",))
    assert receipt.sent is not None
    assert receipt.sent.whole, "the prompt put together again is what was sent"
    follow = bench.conversations.wait(bench.conversations.ask(talk.id, "And who signed it?").id, timeout=WAIT)
    assert follow.searched is not None
    assert "@" not in follow.searched
    assert follow.scope == EVERYTHING, "a name holds for its question"
    assert isinstance(bench.model, ScriptedChatModel)
    assert not any("@lease" in message.content for request in bench.model.requests for message in request)
    with pytest.raises(InvalidInput, match="is called"):
        bench.conversations.ask(talk.id, "@turbnie What is it?")
    assert len(bench.conversations.get(talk.id).turns) == 2


def test_a_source_that_says_otherwise_is_saved_with_the_sentence_and_copied(bench: Bench) -> None:
    (lease, *_) = PASSAGES
    letter = replace(lease, chunk_id="letter", version_id="letter", text=lease.text.replace("1,250.50", "1,350.50"))
    bench.retriever = FixedRetriever([*PASSAGES, letter])
    bench.conversations = bench.another()
    bench.model = ScriptedChatModel("The monthly rent is 1,250.50 euros.")
    turn = bench.asked("How much does the office cost?")
    assert bench.another().turn(turn.id) == turn
    assert turn.answer is not None
    (sentence,) = turn.answer.sentences
    assert (sentence.verdict, sentence.citations, sentence.conflicts) == ("supported", (1,), (2,))
    assert [citation.chunk_id for citation in turn.citations] == [lease.chunk_id, "letter"]
    text = bench.conversations.as_markdown(turn)
    assert "1,250.50 euros. [1] (another source says otherwise: [2])" in text
