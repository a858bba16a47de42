"""Use cases of chatting: conversations, questions, answers. An answer is written by a thread and saved as it grows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from rag.errors import FootnoteError, InvalidInput, NotFound
from rag.protocols import ChatModel
from rag.scope import EVERYTHING, Scope
from rag.types import AnswerEvent, Exchange
from workspaces import repository, scoping, transcript
from workspaces.asking import CLOSED, Asking, UnavailableModel
from workspaces.database import Database
from workspaces.identifiers import new_id, now
from workspaces.models import Conversation, Rating, Turn
from workspaces.problems import problem_values
from workspaces.scopes import scope_values
from workspaces.scoping import Asked
from workspaces.tables import conversations, receipts, turn_passages, turns, workspaces
from workspaces.turns import before, conversation_of, exchanges, turns_of
from workspaces.typed import clean_question, clean_title, title_of

AT_ONCE = 2
"""Answers written at the same time; on one machine more would only be slower. The others wait their turn."""

HISTORY = 4
"""Earlier turns offered to the prompt."""

_CLOSE_SECONDS = 5.0


class Answerer(Protocol):
    """What conversations need of workspaces.searching.Searching."""

    def answer(
        self,
        workspace_id: str,
        question: str,
        *,
        history: Sequence[Exchange] = (),
        model: ChatModel | None,
        stop: Callable[[], bool] = lambda: False,
        as_typed: bool = False,
        scope: Scope = EVERYTHING,
    ) -> Iterator[AnswerEvent]:
        """As `rag.answering.Answering.answer`, in a workspace."""


class Conversations:
    """Asks questions and keeps what was answered. Thread-safe."""

    def __init__(
        self,
        database: Database,
        *,
        answering: Answerer,
        open_model: Callable[[str | None], ChatModel | None],
    ) -> None:
        """Both are used by the thread that answers; `open_model(None)` is the chosen model, None if there is none."""
        self._database = database
        self._answering = answering
        self._open_model = open_model
        self._running: dict[str, Asking] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._places = threading.Condition()
        self._busy = 0

    # --- conversations ---------------------------------------------------------------------------

    def list(self, workspace_id: str) -> list[Conversation]:
        """The conversations of a workspace, the latest first, without their turns."""
        query = (
            select(conversations)
            .where(conversations.c.workspace_id == workspace_id, _workspace_lives())
            .order_by(conversations.c.updated_at.desc(), conversations.c.id)
        )
        with self._database.read() as connection:
            return [conversation_of(row) for row in connection.execute(query)]

    def create(self, workspace_id: str, title: str = "") -> Conversation:
        """Begin a conversation; without a title the first question becomes it.

        Raises:
            NotFound: no such workspace.
            InvalidInput: the title is too long.
        """
        values = {"id": new_id(), "title": clean_title(title), "created_at": now(), "updated_at": now()}
        with self._database.write() as connection:
            workspace_id = repository.workspace_id_of(connection, workspace_id)
            connection.execute(insert(conversations).values(workspace_id=workspace_id, **values))
            return conversation_of(_row(connection, str(values["id"])))

    def rename(self, conversation_id: str, title: str) -> Conversation:
        """Give a conversation another title.

        Raises:
            NotFound, InvalidInput: no such conversation; the title is empty or too long.
        """
        clean = clean_title(title)
        if not clean:
            raise InvalidInput("A chat needs a title.", hint="Type at least one character.")
        with self._database.write() as connection:
            _row(connection, conversation_id)
            connection.execute(update(conversations).where(conversations.c.id == conversation_id).values(title=clean))
            return conversation_of(_row(connection, conversation_id))

    def get(self, conversation_id: str) -> Conversation:
        """A conversation with its turns. Raises NotFound."""
        with self._database.read() as connection:
            row = _row(connection, conversation_id)
            return conversation_of(row, told=turns_of(connection, turns.c.conversation_id == conversation_id))

    def delete(self, conversation_id: str) -> None:
        """Delete a conversation with everything said in it; a running answer stops. Raises NotFound."""
        mine = turns.c.conversation_id == conversation_id
        with self._database.write() as connection:
            _row(connection, conversation_id)
            asked = connection.execute(select(turns.c.id).where(mine)).scalars().all()
            for turn_id in asked:
                self.stop(turn_id)
            of_mine = turn_passages.c.turn_id.in_(select(turns.c.id).where(mine))
            connection.execute(delete(turn_passages).where(of_mine))
            connection.execute(delete(receipts).where(receipts.c.turn_id.in_(asked)))
            connection.execute(delete(turns).where(mine))
            connection.execute(delete(conversations).where(conversations.c.id == conversation_id))

    # --- questions -------------------------------------------------------------------------------

    def ask(
        self, conversation_id: str, question: str, *, model_key: str | None = None, scope: Scope = EVERYTHING
    ) -> Turn:
        """Save a question and start answering it; returns at once. `turn` shows how it goes.

        Args:
            conversation_id: where it is asked.
            question: 1 to 10,000 characters; `@name` in it stands for documents (workspaces/mentions.py).
            model_key: a model other than the chosen one.
            scope: where to look, in other workspaces too.

        Raises:
            NotFound: no such conversation, or no such other workspace.
            InvalidInput: an empty or endless question, a name that means nothing or several things, or an answer is
                still being written here.
        """
        with self._database.read() as connection:
            home = _row(connection, conversation_id).workspace_id
            asked = scoping.read(connection, home, question, scope)
        return self._begin(conversation_id, clean_question(question), asked, model_key=model_key)

    def repeat(
        self, turn_id: str, *, as_typed: bool = False, everywhere: bool = False, model_key: str | None = None
    ) -> Turn:
        """Ask a turn's question again, as a new turn, with the history that it had and the model chosen now.

        It is searched as that turn was: in the same scope, with the topic that it leans on, or only for what was typed.
        `as_typed` leaves the topic away, `everywhere` what filters the documents.

        Raises:
            NotFound: no such turn.
            InvalidInput: an answer is still being written here.
        """
        origin = self.turn(turn_id)
        as_typed = as_typed or origin.searched is None
        scope = Scope(also=origin.scope.also) if everywhere else origin.scope
        return self._begin(
            origin.conversation_id,
            origin.question,
            Asked(origin.asked, scope),
            origin=origin,
            as_typed=as_typed,
            model_key=model_key,
        )

    def _begin(
        self,
        conversation_id: str,
        question: str,
        asked: Asked,
        *,
        origin: Turn | None = None,
        as_typed: bool = False,
        model_key: str | None,
    ) -> Turn:
        """`question` as it was typed, `asked` as it is answered."""
        with self._database.write() as connection:
            row = _row(connection, conversation_id)
            told = turns_of(connection, turns.c.conversation_id == conversation_id)
            if any(turn.state == "running" for turn in told):
                raise InvalidInput(
                    "The last question of this chat is still being answered.", hint="Wait for it, or stop it first."
                )
            repeats = origin.id if origin is not None else None
            ordinal = told[-1].ordinal + 1 if told else 1
            values = {"ordinal": ordinal, "repeats": repeats, "scope": scope_values(asked.scope)}
            if asked.question != question:
                values["without_names"] = asked.question
            turn_id = _insert_turn(connection, row, question, values)
        history = exchanges(before(told, origin), limit=HISTORY)

        def events(stop: Callable[[], bool]) -> Iterator[AnswerEvent]:
            return self._answering.answer(
                row.workspace_id,
                asked.question,
                history=history,
                model=self._model(model_key),
                stop=stop,
                as_typed=as_typed,
                scope=asked.scope,
            )

        self._start(turn_id, Asking(self._database, turn_id, question=asked.question, events=events))
        return self.turn(turn_id)

    def turn(self, turn_id: str) -> Turn:
        """A turn as it stands: evidence as soon as it is there, then text and checked sentences. Raises NotFound."""
        with self._database.read() as connection:
            found = turns_of(connection, turns.c.id == turn_id)
        if not found:
            raise NotFound("This question does not exist any more.", hint="Reload the chat.")
        with self._places:
            asking = self._running.get(turn_id)
        return replace(found[0], progress=asking.progress) if asking is not None else found[0]

    def rate(self, turn_id: str, rating: Rating | None) -> None:
        """Keep a person's thumb on a finished answer; None takes it back. Raises NotFound."""
        with self._database.write() as connection:
            mine = (turns.c.id == turn_id) & (turns.c.state != "running")
            if not connection.execute(update(turns).where(mine).values(rating=rating)).rowcount:
                raise NotFound("This answer does not exist any more.", hint="Reload the chat.")

    def stop(self, turn_id: str) -> None:
        """Stop an answer; what was written is kept. Nothing happens to one that is finished."""
        with self._places:
            asking = self._running.get(turn_id)
            if asking is not None:
                asking.stop()
                self._places.notify_all()

    def wait(self, turn_id: str, *, timeout: float | None = None) -> Turn:
        """The turn when its answer is final, or as it stands after `timeout` seconds."""
        with self._places:
            thread = self._threads.get(turn_id)
        if thread is not None:
            thread.join(timeout)
        return self.turn(turn_id)

    def answer(
        self, workspace_id: str, question: str, *, model: ChatModel | None, scope: Scope = EVERYTHING
    ) -> Iterator[AnswerEvent]:
        """Answer one question, as it is, without saving anything.

        Raises:
            NotFound, InvalidInput: no such workspace; an empty or endless question.
        """
        question = clean_question(question)
        with self._database.read() as connection:
            workspace_id = repository.workspace_id_of(connection, workspace_id)
        return self._answering.answer(workspace_id, question, model=model, scope=scope)

    def as_markdown(self, turn: Turn) -> str:
        """The answer with its footnotes, to copy."""
        return transcript.as_markdown(turn)

    def running(self) -> frozenset[str]:
        """Ids of the turns that are being answered in this process."""
        with self._places:
            return frozenset(self._running)

    def recover(self) -> int:
        """At start: mark the turns that a former process left running; return how many."""
        with self._places:
            mine = list(self._running)
        left = (turns.c.state == "running") & turns.c.id.not_in(mine)
        with self._database.write() as connection:
            values = {"state": "interrupted", **problem_values(CLOSED)}
            return connection.execute(update(turns).where(left).values(**values)).rowcount

    def close(self) -> None:
        """Stop every answer, keep what was written, and wait a moment for the threads."""
        with self._places:
            for asking in self._running.values():
                asking.stop(closing=True)
            self._places.notify_all()
            threads = list(self._threads.values())
        for thread in threads:
            thread.join(_CLOSE_SECONDS)

    # --- threads ---------------------------------------------------------------------------------

    def _start(self, turn_id: str, asking: Asking) -> None:
        thread = threading.Thread(target=self._work, args=(turn_id, asking), name=f"answer-{turn_id[:8]}", daemon=True)
        with self._places:
            self._running[turn_id] = asking
            self._threads[turn_id] = thread
            thread.start()

    def _work(self, turn_id: str, asking: Asking) -> None:
        """Wait for a free place, answer, make place."""
        with self._places:
            self._places.wait_for(lambda: asking.stopping or self._busy < AT_ONCE)
            self._busy += 1
        try:
            asking.run()
        finally:
            with self._places:
                self._busy -= 1
                self._running.pop(turn_id, None)
                self._threads.pop(turn_id, None)
                self._places.notify_all()

    def _model(self, key: str | None) -> ChatModel | None:
        try:
            return self._open_model(key)
        except FootnoteError as error:
            return UnavailableModel(error)


def _row(connection: Connection, conversation_id: str) -> Row[Any]:
    query = select(conversations).where(conversations.c.id == conversation_id, _workspace_lives())
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("This chat does not exist any more.", hint="Reload the list of chats.")
    return row


def _workspace_lives() -> ColumnElement[bool]:
    return conversations.c.workspace_id.in_(select(workspaces.c.id).where(workspaces.c.deleted_at.is_(None)))


def _insert_turn(connection: Connection, conversation: Row[Any], question: str, values: Mapping[str, object]) -> str:
    turn_id, moment = new_id(), now()
    connection.execute(
        insert(turns).values(
            id=turn_id,
            conversation_id=conversation.id,
            question=question,
            state="running",
            created_at=moment,
            **values,
        )
    )
    title = conversation.title or title_of(question)
    changed = update(conversations).where(conversations.c.id == conversation.id)
    connection.execute(changed.values(title=title, updated_at=moment))
    return turn_id
