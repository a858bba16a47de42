"""One question being answered: the answer's events are followed and saved, so that it outlives any page."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from sqlalchemy import Connection

from rag.errors import FootnoteError, ModelError, ModelUnavailable
from rag.receipts import Receipt
from rag.types import (
    Answered,
    AnswerEvent,
    Citation,
    Evidence,
    Message,
    ModelEvent,
    Parameter,
    Progress,
    Refused,
    Sentence,
    SentenceChecked,
    Token,
)
from workspaces import receipts
from workspaces.database import Database
from workspaces.models import Problem, TurnState
from workspaces.problems import problem_values
from workspaces.turns import (
    answer_values,
    insert_citations,
    insert_evidence,
    replace_citations,
    sentence_values,
    timing_values,
    update_turn,
)

Events = Callable[[Callable[[], bool]], Iterator[AnswerEvent]]

SAVE_SECONDS = 0.2
"""Between two saves of a growing answer: what a crash can cost, and how often a polling page sees something new."""

CLOSED = Problem("interrupted", "Footnote was closed while this answer was being written.", "Ask the question again.")
FAILED = Problem("internal", "Something went wrong inside Footnote while answering.", "Ask the question again.")

_log = logging.getLogger(__name__)


class Asking:
    """Saves the events of one turn as they come. `run` returns when it is final; `stop` may come from any thread."""

    def __init__(self, database: Database, turn_id: str, *, question: str, events: Events) -> None:
        """`events` is called with the stop flag and gives the answer's events."""
        self._database = database
        self._turn_id = turn_id
        self._question = question
        self._events = events
        self._stopped = threading.Event()
        self._closed = threading.Event()
        self._sentences: list[Sentence] = []
        self._citations: list[Citation] = []
        self._text = ""
        self._saved_at = 0.0
        self.progress: Progress | None = None
        """How far reading is; nothing that would have to outlive the process."""

    @property
    def stopping(self) -> bool:
        """Whether a person, or the end of the program, has stopped it."""
        return self._stopped.is_set()

    def stop(self, *, closing: bool = False) -> None:
        """Ask it to end; what was written is kept."""
        if closing:
            self._closed.set()
        self._stopped.set()

    def run(self) -> None:
        """Follow the events to their end and save each; every way out leaves the turn in a final state."""
        try:
            if self.stopping:
                self._end("interrupted", (), {}, problem=self._closing())
                return
            for event in self._events(lambda: self.stopping):
                self._save(event)
        except FootnoteError as error:
            self._fail(Problem(error.code, error.message, error.hint))
        except Exception:  # noqa: BLE001 - a thread's last resort: an unknown error must not leave the turn running
            _log.exception("answering failed")
            self._fail(FAILED)

    def _save(self, event: AnswerEvent) -> None:
        if isinstance(event, Token):
            self._text += event.text
            self._save_growth()
        elif isinstance(event, SentenceChecked):
            self._sentences.append(event.sentence)
            self._citations.extend(event.citations)
            self._save_growth()
        elif isinstance(event, Progress):
            self.progress = event
        elif isinstance(event, Evidence):
            with self._database.write() as connection:
                found = event.retrieval
                searched = found.question if found.question != self._question else None
                if self._alive(connection, timings={"evidence": found.seconds}, searched=searched):
                    insert_evidence(connection, self._turn_id, found.passages)
        elif isinstance(event, Answered):
            self._end("answered", event.answer.citations, answer_values(event.answer), receipt=event.receipt)
        elif isinstance(event, Refused):
            refused = {"answer": "", "sentences": [], "timings": timing_values(event.timings)}
            self._end("refused", event.citations, refused, receipt=event.receipt)
        else:
            problem = Problem("model", event.error, event.hint or "") if event.error else self._closing()
            values = answer_values(event.answer)
            self._end("interrupted", event.answer.citations, values, receipt=event.receipt, problem=problem)

    def _save_growth(self) -> None:
        """Save text, sentences and footnotes so far, unless that was done a moment ago."""
        if time.monotonic() - self._saved_at < SAVE_SECONDS:
            return
        with self._database.write() as connection:
            if self._alive(connection, answer=self._text, sentences=sentence_values(self._sentences)):
                insert_citations(connection, self._turn_id, self._citations)
        self._citations = []
        self._saved_at = time.monotonic()

    def _alive(self, connection: Connection, **values: object) -> bool:
        """Update the turn; when its conversation was deleted meanwhile, stop."""
        alive = update_turn(connection, self._turn_id, **values)
        if not alive:
            self._stopped.set()
        return alive

    def _end(
        self,
        state: TurnState,
        citations: Sequence[Citation],
        values: Mapping[str, object],
        *,
        receipt: Receipt | None = None,
        problem: Problem | None = None,
    ) -> None:
        """Write the final state, its footnotes in place of those so far, and the receipt."""
        reason = problem_values(problem) if problem is not None else {}
        warning = receipt.warning if receipt is not None else None
        with self._database.write() as connection:
            if update_turn(connection, self._turn_id, state=state, warning=warning, **values, **reason):
                replace_citations(connection, self._turn_id, citations)
                if receipt is not None:
                    receipts.keep(connection, self._turn_id, receipt)

    def _fail(self, problem: Problem) -> None:
        try:
            with self._database.write() as connection:
                values = {"answer": self._text, "sentences": sentence_values(self._sentences)}
                if update_turn(connection, self._turn_id, state="interrupted", **values, **problem_values(problem)):
                    insert_citations(connection, self._turn_id, self._citations)
        except FootnoteError as error:  # the database itself fails; the next start marks the turn
            _log.warning("an answer could not be saved: %s", error.message)

    def _closing(self) -> Problem | None:
        return CLOSED if self._closed.is_set() else None


class UnavailableModel:
    """Stands for a model that could not be opened: the evidence is shown all the same, then the reason."""

    name = ""
    context_window = 1

    def __init__(self, error: FootnoteError) -> None:
        known = isinstance(error, ModelError)
        self._error = error if known else ModelUnavailable(error.message, hint=error.hint)

    def count_tokens(self, text: str) -> int:
        """Raises the reason."""
        raise self._error

    def identity(self) -> str:
        """Not known."""
        return ""

    def parameters(self, max_tokens: int) -> Mapping[str, Parameter]:
        """None: nothing is ever sent."""
        return {}

    def stream(self, messages: Sequence[Message], *, max_tokens: int, stop: Callable[[], bool]) -> Iterator[ModelEvent]:
        """Raises the reason."""
        raise self._error
