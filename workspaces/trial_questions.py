"""Use cases on the questions of a workspace's test: typed, taken from answers, made from the documents."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import Connection, delete, select, update

from rag.errors import InvalidInput, NotFound
from rag.followups import standalone
from rag.protocols import ChatModel
from workspaces import repository, trial_pasted, trial_rows
from workspaces.background import Background, told
from workspaces.conversations import HISTORY
from workspaces.database import Database
from workspaces.models import Problem
from workspaces.tables import conversations, documents, trial_questions, turns
from workspaces.trial_making import MOST, Made, Maker
from workspaces.trial_values import Making, Place, TrialQuestion
from workspaces.turns import exchanges, turns_of
from workspaces.typed import clean_question

_NOTHING = Problem(
    "nothing",
    "No further questions could be made from these documents.",
    "They hold too few sentences with names, numbers or definitions. Type questions of your own.",
)


class TrialQuestions:
    """The questions of all workspaces' tests. Thread-safe."""

    def __init__(
        self,
        database: Database,
        background: Background,
        *,
        maker: Maker,
        open_model: Callable[[str | None], ChatModel | None],
    ) -> None:
        """`open_model(None)` is the chosen model, None if there is none; the thread that works calls it."""
        self._database = database
        self._background = background
        self._maker = maker
        self._open_model = open_model
        self._making: Making | None = None

    def list(self, workspace_id: str) -> list[TrialQuestion]:
        """The questions of a workspace's test, in the order they came."""
        with self._database.read() as connection:
            return trial_rows.questions_of(connection, trial_questions.c.workspace_id == workspace_id)

    def add(self, workspace_id: str, pasted: str) -> int:
        """Add typed questions (see `workspaces.trial_pasted.read`); returns how many.

        Raises:
            NotFound: no such workspace.
            InvalidInput: no question, an endless one, or a document that is not there. Then none is added.
        """
        with self._database.write() as connection:
            workspace_id = repository.workspace_id_of(connection, workspace_id)
            lines = trial_pasted.read(pasted, repository.list_documents(connection, workspace_id))
            for line in lines:
                trial_rows.insert_question(
                    connection,
                    workspace_id,
                    clean_question(line.text),
                    answerable=line.answerable,
                    origin="pasted",
                    place=line.place,
                )
        return len(lines)

    def take(self, turn_id: str) -> None:
        """Take the question of a turn into its workspace's test; doing it again does nothing. A question that only
        its chat makes clear is made stand-alone. What the documents say to it is for a person to add.

        Raises:
            NotFound: no such turn.
        """
        with self._database.write() as connection:
            row = connection.execute(
                select(turns, conversations.c.workspace_id)
                .join(conversations, conversations.c.id == turns.c.conversation_id)
                .where(turns.c.id == turn_id)
            ).one_or_none()
            if row is None:
                raise NotFound("This answer does not exist any more.", hint="Reload the chat.")
            if _taken(connection, [turn_id]):
                return
            earlier = (turns.c.conversation_id == row.conversation_id) & (turns.c.ordinal < row.ordinal)
            history = exchanges(turns_of(connection, earlier), limit=HISTORY)
            text = row.searched or standalone(row.question, history)
            trial_rows.insert_question(
                connection, row.workspace_id, text, answerable=True, origin="rated", turn_id=turn_id
            )

    def taken(self, turn_ids: Collection[str]) -> frozenset[str]:
        """Those of these turns whose questions stand in a test."""
        with self._database.read() as connection:
            return _taken(connection, [*turn_ids])

    def edit(
        self, question_id: str, *, text: str, answerable: bool, document_id: str | None, page: int | None
    ) -> TrialQuestion:
        """Change a question and what is expected of it. Runs keep what they have asked.

        Raises:
            NotFound: no such question.
            InvalidInput: no text, or no such place in its workspace.
        """
        clean = clean_question(text)
        with self._database.write() as connection:
            before = trial_rows.question_of(connection, question_id)
            place = _edited(connection, before, document_id if answerable else None, page)
            values = {"question": clean, "answerable": answerable, **trial_rows.place_values(place)}
            mine = trial_questions.c.id == question_id
            connection.execute(update(trial_questions).where(mine).values(**values))
            return trial_rows.question_of(connection, question_id)

    def remove(self, question_ids: Collection[str]) -> None:
        """Take questions out of the test; the figures of former runs stay."""
        with self._database.write() as connection:
            connection.execute(delete(trial_questions).where(trial_questions.c.id.in_(question_ids)))

    def make(self, workspace_id: str, count: int, *, phrase: bool = False) -> None:
        """Begin to make questions from the documents; returns at once, and `making` says how it goes.

        Args:
            workspace_id: whose documents.
            count: 1 to 500; three quarters of them can be answered.
            phrase: whether the chosen chat model may word them, where it is quick enough.

        Raises:
            NotFound: no such workspace.
            InvalidInput: something else is being done, or the number is out of range.
        """
        if not 1 <= count <= MOST:
            raise InvalidInput(f"{count} questions cannot be made at once.", hint=f"Choose 1 to {MOST}.")
        with self._database.read() as connection:
            workspace_id = repository.workspace_id_of(connection, workspace_id)

        def prepare() -> None:
            self._making = Making(workspace_id, 0, count, running=True)

        self._background.begin(
            f"making-{workspace_id}", prepare=prepare, work=lambda: self._make(workspace_id, count, phrase=phrase)
        )

    def making(self, workspace_id: str) -> Making | None:
        """How far the making of questions is, or how the last one has ended; None where there was none."""
        making = self._making
        return making if making is not None and making.workspace_id == workspace_id else None

    def _make(self, workspace_id: str, count: int, *, phrase: bool) -> None:
        problem: Problem | None = None
        done, stop = 0, self._background.stopping
        try:
            known = [question.text for question in self.list(workspace_id)]
            model = self._open_model(None) if phrase else None
            for made in self._maker.make(workspace_id, count, known=known, model=model, stop=stop):
                done += self._keep(workspace_id, made)
                self._making = Making(workspace_id, done, count, running=True)
            if not done and not stop():
                problem = _NOTHING
        except Exception as error:  # noqa: BLE001 - a thread's last resort: the page must not wait for ever
            problem = told(error)
        self._making = Making(workspace_id, done, count, running=False, problem=problem)

    def _keep(self, workspace_id: str, made: Made) -> bool:
        """Save a question unless its document was deleted meanwhile."""
        with self._database.write() as connection:
            live = select(documents.c.id).where(documents.c.id == made.source_id, documents.c.deleted_at.is_(None))
            if connection.execute(live).scalar() is None:
                return False
            trial_rows.insert_question(
                connection,
                workspace_id,
                made.text,
                answerable=made.answerable,
                origin="generated",
                place=made.place,
                source_id=made.source_id,
            )
        return True


def _taken(connection: Connection, turn_ids: Sequence[str]) -> frozenset[str]:
    query = select(trial_questions.c.turn_id).where(trial_questions.c.turn_id.in_(turn_ids))
    return frozenset(connection.execute(query).scalars())


def _edited(connection: Connection, before: TrialQuestion, document_id: str | None, page: int | None) -> Place | None:
    """The place that is expected now: the passage that was, unless document or page have changed."""
    if document_id is None:
        return None
    record = repository.get_document(connection, document_id)
    if record.workspace_id != before.workspace_id:
        raise InvalidInput("This document is in another workspace.", hint="Choose one of this workspace.")
    if page is not None and not 1 <= page <= record.pages:
        raise InvalidInput(f"There is no page {page} in this document.", hint=f"It has {record.pages:,} pages.")
    was = before.place
    if was is not None and (was.document_id, was.page) == (document_id, page):
        return was
    return Place(document_id, page=page)
