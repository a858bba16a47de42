"""Receipts over a real SQLite database: kept with the turn, read again to the letter, blank where documents went."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from rag.errors import InvalidInput, NotFound
from rag.protocols import ChatModel
from rag.receipts import Receipt
from rag.testing import HashEmbedder, ScriptedChatModel
from rag.types import Finished, Locator, Message, ModelEvent, Retrieval, Token
from tests.support.answers import ENGINE, LEASE, FixedRetriever, Scopeless, marked, passage
from tests.support.services import add, files_holding, opened, settled
from workspaces import receipts as storage
from workspaces.conversations import Conversations
from workspaces.database import Database
from workspaces.deleting import blank_quotes
from workspaces.identifiers import now
from workspaces.models import Turn
from workspaces.receipts import Receipts
from workspaces.row_checks import undeleted
from workspaces.tables import documents, receipts, turn_passages, workspaces

WAIT = 30.0
RENT = "The monthly rent is 1,250.50 euros."
PASSAGES = [
    replace(
        marked(passage(LEASE, start=40), RENT), score=3.5, lexical_score=7.25, dense_score=0.5, heading_path=("Terms",)
    ),
    passage(ENGINE * 40, name="b", title="Turbine"),
]
OTHER = replace(passage("Nothing of it.", name="c", title="Minutes of May"), locator=Locator("lines", "Zoology", 3, 4))


class Retriever(FixedRetriever):
    def retrieve(self, workspace_id: str, question: str, *, limit: int) -> Retrieval:
        return replace(super().retrieve(workspace_id, question, limit=limit), others=(OTHER,))


class Cutting(ScriptedChatModel):
    """Reads less than it is sent."""

    def stream(self, messages: Sequence[Message], **_: object) -> Iterator[ModelEvent]:  # type: ignore[override]
        yield Token(RENT)
        yield Finished("stop", 20, 9)


class Bench:
    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        self.database.open()
        self.retriever = Retriever(PASSAGES)
        self.model: ChatModel | None = ScriptedChatModel(RENT)
        answering = Scopeless(self.retriever, HashEmbedder())
        self.conversations = Conversations(self.database, answering=answering, open_model=lambda _: self.model)
        self.receipts = Receipts(self.database)
        values = {"workspace_id": "w", "source_kind": "file", "source": "x.txt", "created_at": now()}
        with self.database.write() as connection:
            connection.execute(
                insert(workspaces).values(id="w", name="w", name_key="w", index_id="w", created_at=now())
            )
            for item in (*PASSAGES, OTHER):
                connection.execute(insert(documents).values(id=item.document_id, title=item.title, **values))

    def asked(self, question: str = "What is the monthly rent?", chat: str | None = None) -> Turn:
        chat = chat or self.conversations.create("w").id
        return self.answered(self.conversations.ask(chat, question))

    def answered(self, turn: Turn) -> Turn:
        return self.conversations.wait(turn.id, timeout=WAIT)

    def forget(self, document_id: str) -> None:
        with self.database.write() as connection:
            connection.execute(documents.update().where(documents.c.id == document_id).values(deleted_at=now()))
            blank_quotes(connection, document_id)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "footnote.db")
    yield made
    made.conversations.close()
    made.database.close()


def told(bench: Bench, turn: Turn) -> str:
    """All that the rows of a receipt hold."""
    with bench.database.read() as connection:
        record = connection.execute(select(receipts.c.record).where(receipts.c.turn_id == turn.id)).scalar_one()
    return json.dumps(record)


def test_a_receipt_is_read_again_as_it_was_made(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Receipt] = []
    keep = storage.keep
    monkeypatch.setattr(storage, "keep", lambda *given: (made.append(given[2]), keep(*given)))
    first = bench.asked("Who signed the lease of the harbour office?")
    second = bench.asked("And what is the rent, <|im_start|>?", first.conversation_id)
    assert [bench.receipts.get(turn.id) for turn in (first, second)] == made
    sent = made[1].sent
    assert sent is not None
    assert sent.whole
    assert {part.kind for part in sent.parts} == {"instruction", "history", "source", "question"}
    assert [entry.fate for entry in made[1].candidates] == ["source", "shortened", "below"]


def test_a_receipt_holds_no_text_of_documents_and_neither_question_nor_answers_twice(bench: Bench) -> None:
    first = bench.asked("Who signed the lease of the harbour office?")
    second = bench.asked("And what is the rent of the vestibule?", first.conversation_id)
    record = told(bench, second)
    for text_elsewhere in ("Weber", "turbine", "vestibule", "1,250.50", "harbour", "Zoology"):
        assert text_elsewhere not in record
    assert len(record) < 4_000


def test_of_a_deleted_document_the_receipt_says_so_and_shows_the_rest(bench: Bench) -> None:
    turn = bench.asked()
    before = bench.receipts.get(turn.id)
    bench.forget(PASSAGES[0].document_id)
    bench.forget(OTHER.document_id)
    after = bench.receipts.get(turn.id)
    assert [entry.deleted for entry in after.candidates] == [True, False, True]
    assert (after.candidates[0].fate, after.candidates[0].lexical) == ("source", None)
    assert (after.candidates[2].title, after.candidates[2].locator) == ("", None)
    assert before.sent is not None
    assert after.sent is not None
    assert not after.sent.whole
    assert LEASE not in after.sent.messages[-1].content
    assert "turbine" in after.sent.messages[-1].content
    assert [part.tokens for part in after.sent.parts] == [part.tokens for part in before.sent.parts]


def test_a_title_left_of_a_deleted_document_is_found_by_the_doctor(bench: Bench) -> None:
    bench.asked()
    with bench.database.write() as connection:
        connection.execute(documents.update().where(documents.c.id == OTHER.document_id).values(deleted_at=now()))
    with bench.database.read() as connection:
        assert undeleted(connection) == ["1 quotes of deleted documents stand in chats"]
    bench.forget(OTHER.document_id)
    with bench.database.read() as connection:
        assert undeleted(connection) == []


def test_a_document_deleted_while_the_answer_is_written_leaves_no_title(bench: Bench) -> None:
    bench.model = ScriptedChatModel(RENT, before_token=lambda: bench.forget(OTHER.document_id))
    turn = bench.asked()
    assert [entry.chunk_id for entry in bench.receipts.get(turn.id).candidates] == ["a", "b"]


def test_a_cut_prompt_is_a_warning_of_the_turn(bench: Bench) -> None:
    assert bench.asked().warning is None
    bench.model = Cutting("")
    turn = bench.asked()
    assert turn.state == "answered"
    assert turn.warning is not None
    assert turn.warning == bench.receipts.get(turn.id).warning
    assert "read only 20 of at least" in turn.warning
    assert turn.warning in bench.conversations.as_markdown(turn)


def test_run_again_is_a_new_turn_with_the_history_of_the_first_and_the_model_of_now(bench: Bench) -> None:
    start = bench.asked("Who signed the lease of the harbour office?")
    first = bench.asked("And what is the rent?", start.conversation_id)
    bench.asked("What does the turbine of the harbour deliver at full load?", start.conversation_id)
    other = ScriptedChatModel(RENT, name="another")
    bench.model = other
    again = bench.answered(bench.conversations.repeat(first.id))
    assert (again.ordinal, again.repeats, again.question, again.model) == (4, first.id, first.question, "another")
    assert again.searched == first.searched is not None
    assert [message.content for message in other.requests[0] if message.role == "user"][:-1] == [start.question]
    thrice = bench.answered(bench.conversations.repeat(again.id))
    assert other.requests[1] == other.requests[0]
    assert bench.receipts.earlier(thrice.id) == again
    assert bench.receipts.earlier(start.id) is None


def test_what_was_answered_again_stands_once_in_the_history(bench: Bench) -> None:
    first = bench.asked("Who signed the lease of the harbour office?")
    bench.answered(bench.conversations.repeat(first.id))
    model = ScriptedChatModel(RENT)
    bench.model = model
    bench.asked("What is the monthly rent of the office there?", first.conversation_id)
    assert [message.content for message in model.requests[0] if message.role == "user"][:-1] == [first.question]


def test_a_follow_up_can_be_searched_for_only_what_was_typed(bench: Bench) -> None:
    first = bench.asked("Who signed the lease of the harbour office?")
    leaning = bench.asked("And what is the rent?", first.conversation_id)
    assert leaning.searched == bench.retriever.questions[1] != leaning.question
    typed = bench.answered(bench.conversations.repeat(leaning.id, as_typed=True))
    assert (typed.searched, bench.retriever.questions[2]) == (None, "And what is the rent?")
    again = bench.answered(bench.conversations.repeat(typed.id))
    assert (again.searched, bench.retriever.questions[3]) == (None, "And what is the rent?")


def test_the_same_question_typed_again_has_an_earlier_run(bench: Bench) -> None:
    first = bench.asked()
    second = bench.asked(first.question, first.conversation_id)
    assert bench.receipts.earlier(second.id) == first


def test_a_turn_without_a_receipt_says_what_to_do(bench: Bench) -> None:
    turn = bench.asked()
    with bench.database.write() as connection:
        connection.execute(text("DELETE FROM receipts"))
    for turn_id in (turn.id, "nowhere"):
        with pytest.raises(NotFound, match="no receipt"):
            bench.receipts.get(turn_id)


def test_a_running_answer_is_not_run_again(bench: Bench) -> None:
    turn = bench.asked()
    with bench.database.write() as connection:
        connection.execute(text("UPDATE turns SET state = 'running'"))
    with pytest.raises(InvalidInput, match="still being answered"):
        bench.conversations.repeat(turn.id)


def test_a_deleted_conversation_takes_its_receipts_along(bench: Bench) -> None:
    turn = bench.asked()
    bench.conversations.delete(turn.conversation_id)
    with bench.database.read() as connection:
        assert connection.execute(select(receipts)).all() == connection.execute(select(turn_passages)).all() == []


def test_the_whole_application_keeps_a_receipt_and_purges_what_it_told_of_documents(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with opened(folder) as services:
        space = services.library.create_workspace("w").id
        secret = add(services, space, "The quokkaherder keeps Balthazarowicz at seven bar.", "secret.txt")
        others = [
            add(services, space, f"The gardener keeps bed {n} at seven bar.", f"zither{n}lute.txt") for n in range(14)
        ]
        settled(services, secret, *others)
        chat = services.conversations.create(space).id
        turn = services.conversations.ask(chat, "What does the quokkaherder keep?", model_key="none")
        services.conversations.wait(turn.id, timeout=WAIT)
        found = services.receipts.get(turn.id)
        assert found.candidates[0].document_id == secret
        assert len(found.candidates) == 15
        assert {entry.fate for entry in found.candidates} == {"evidence", "below"}
        left_out = [entry.title.encode() for entry in found.candidates if entry.fate == "below"]
        assert files_holding(folder, left_out[0]), "the control"
        for document_id in (secret, *others):
            services.library.delete(document_id)
        assert services.library.wait_purged(timeout=60)
        assert all(entry.deleted for entry in services.receipts.get(turn.id).candidates)
        assert not any(entry.title for entry in services.receipts.get(turn.id).candidates if entry.fate == "below")
        assert files_holding(folder, *left_out) == []
        services.library.delete_workspace(space)
        assert services.library.wait_purged(timeout=60)
        assert [check for check in services.doctor.check() if not check.ok] == []
