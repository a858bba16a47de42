"""Conversations in memory: answers are scripted, and written by a thread as the real ones are."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any

from rag.errors import InvalidInput, NotFound
from rag.scope import EVERYTHING, Scope
from rag.types import Answer, Citation, Passage, Sentence, Span, Timings, Verdict
from tests.ui.fake_library import FakeLibrary, new_id, now, sentence_spans
from tests.ui.fake_scoping import FakeScoping
from workspaces.models import Conversation, Problem, Rating, Turn
from workspaces.scoping import Asked


@dataclass
class Script:
    """How a question is answered: sentences with verdicts and the sentence of the text that each rests on."""

    sentences: list[tuple[str, Verdict, tuple[int, ...]]] = field(default_factory=list)
    refused: bool = False
    problem: Problem | None = None
    model: str | None = "qwen3:4b"
    left_out: str | None = None
    searched: str | None = None
    warning: str | None = None
    pace: float = 0.0
    """Seconds between words."""
    title: str | None = None
    passage: str | None = None


DEFAULT = Script(
    [
        ("The rent is due in advance, by the third working day of the month at the latest.", "supported", (0,)),
        ("A bank transfer counts if the money has arrived by then.", "supported", (1,)),
        ("The deposit of three months' rent can be paid in four parts.", "partly", (2,)),
        ("Most landlords also ask for a bank reference.", "not_found", ()),
    ]
)


class FakeConversations:
    def __init__(self, library: FakeLibrary) -> None:
        self.library = library
        self.scoping = FakeScoping(library)
        self.chats: dict[str, Conversation] = {}
        self.scripts: dict[str, Script] = {}
        self.stopped: set[str] = set()
        self._lock = threading.RLock()
        library.chats_of = lambda workspace_id: len(self.list(workspace_id))

    def list(self, workspace_id: str) -> list[Conversation]:
        mine = [replace(chat, turns=()) for chat in self.chats.values() if chat.workspace_id == workspace_id]
        return sorted(mine, key=lambda chat: chat.updated_at, reverse=True)

    def create(self, workspace_id: str, title: str = "") -> Conversation:
        chat = Conversation(new_id("c"), workspace_id, title, now(), now())
        self.chats[chat.id] = chat
        return chat

    def rename(self, conversation_id: str, title: str) -> Conversation:
        if not title.strip():
            raise InvalidInput("A chat needs a title.", hint="Type at least one character.")
        return self._change(conversation_id, title=title.strip())

    def get(self, conversation_id: str) -> Conversation:
        with self._lock:
            if conversation_id not in self.chats:
                raise NotFound("This chat does not exist any more.", hint="Reload the list of chats.")
            return self.chats[conversation_id]

    def delete(self, conversation_id: str) -> None:
        del self.chats[conversation_id]

    def ask(
        self, conversation_id: str, question: str, *, model_key: str | None = None, scope: Scope = EVERYTHING
    ) -> Turn:
        asked = self.scoping.read(self.get(conversation_id).workspace_id, question, scope)
        return self._begin(conversation_id, question, asked)

    def repeat(
        self, turn_id: str, *, as_typed: bool = False, everywhere: bool = False, model_key: str | None = None
    ) -> Turn:
        origin = self.turn(turn_id)
        asked = Asked(origin.asked, Scope(also=origin.scope.also) if everywhere else origin.scope)
        return self._begin(origin.conversation_id, origin.question, asked, repeats=origin.id, as_typed=as_typed)

    def _begin(
        self, conversation_id: str, question: str, asked: Asked, *, repeats: str | None = None, as_typed: bool = False
    ) -> Turn:
        chat = self.get(conversation_id)
        turn = Turn(
            new_id("t"), chat.id, len(chat.turns) + 1, question, "running", now(), repeats=repeats, scope=asked.scope,
            limited_to=tuple(label for label, _ in self.scoping.parts(chat.workspace_id, asked.scope)),
            without_names=asked.question if asked.question != question else None,
        )  # fmt: skip
        self._change(chat.id, turns=(*chat.turns, turn), title=chat.title or question[:60], updated_at=now())
        script = self.scripts.get(question, DEFAULT)
        if not as_typed:
            self._update(turn.id, searched=script.searched)
        threading.Thread(target=self._write, args=(turn, script), daemon=True).start()
        return turn

    def turn(self, turn_id: str) -> Turn:
        with self._lock:
            for chat in self.chats.values():
                for turn in chat.turns:
                    if turn.id == turn_id:
                        return turn
        raise NotFound("This question does not exist any more.", hint="Reload the chat.")

    def rate(self, turn_id: str, rating: Rating | None) -> None:
        self._update(turn_id, rating=rating)

    def stop(self, turn_id: str) -> None:
        self.stopped.add(turn_id)

    def as_markdown(self, turn: Turn) -> str:
        text = turn.answer.text if turn.answer else ""
        return text + "".join(f"\n[^{note.number}]: {note.title}: “{note.quote}”" for note in turn.citations)

    def _write(self, turn: Turn, script: Script) -> None:
        chat = self.get(turn.conversation_id)
        passages = self._passages(chat.workspace_id, script, turn.scope)
        if script.refused or not passages:
            nearest = tuple(self._citation(passages[0], index, index + 1) for index in range(2 if passages else 0))
            self._update(turn.id, state="refused", evidence=passages, citations=nearest)
            return
        time.sleep(script.pace * 4)
        self._update(turn.id, evidence=passages)
        time.sleep(script.pace * 8)
        self._tell(turn, script, passages)

    def _tell(self, turn: Turn, script: Script, passages: tuple[Passage, ...]) -> None:
        written, done, notes = "", list[Sentence](), list[Citation]()
        for text, verdict, rests_on in script.sentences:
            for word in text.split(" "):
                if turn.id in self.stopped:
                    break
                written += ("" if not written or written.endswith("\n") else " ") + word
                self._update(
                    turn.id, written=written, answer=self._answer(script, written, done, notes) if done else None
                )
                time.sleep(script.pace)
            if turn.id in self.stopped:
                break
            numbers = []
            for index in rests_on:
                notes.append(self._citation(passages[0], index, len(notes) + 1))
                numbers.append(notes[-1].number)
            done.append(Sentence(text, Span(len(written) - len(text), len(written)), verdict, tuple(numbers)))
        answer = self._answer(script, written, done, notes)
        stopped = turn.id in self.stopped
        state = "interrupted" if script.problem or stopped else "answered"
        self._update(
            turn.id,
            state=state,
            written="",
            answer=answer,
            citations=tuple(notes),
            problem=script.problem,
            model=script.model,
            warning=script.warning,
        )

    def _answer(self, script: Script, text: str, done: list[Sentence], notes: list[Citation]) -> Answer:
        timings = Timings(0.2, 1.4, 6.3)
        return Answer(text, tuple(done), tuple(notes), script.model, timings, left_out=script.left_out)

    def _passages(self, workspace_id: str, script: Script, scope: Scope) -> tuple[Passage, ...]:
        ready = self.scoping.fitting(workspace_id, scope)
        passages = []
        for index, record in enumerate(ready[:5]):
            text = script.passage or self.library.texts[record.version_id]
            if script.passage:
                self.library.texts[record.version_id] = text
            spans = sentence_spans(text) or [Span(0, len(text))]
            passages.append(
                Passage(
                    chunk_id=new_id("k"),
                    document_id=record.id,
                    version_id=record.version_id,
                    title=script.title or record.title or record.source,
                    ordinal=0,
                    span=Span(0, len(text)),
                    text=text,
                    language="en",
                    page=3 if record.pages else None,
                    heading_path=("Rent and deposit",),
                    best_sentence=spans[min(index, len(spans) - 1)],
                )
            )
        return tuple(passages)

    def _citation(self, passage: Passage, index: int, number: int) -> Citation:
        spans = sentence_spans(passage.text)
        span = spans[index % len(spans)]
        quote = passage.text[span.start : span.end]
        return Citation(
            number, passage.chunk_id, passage.document_id, passage.version_id, passage.title, span, quote, passage.page
        )

    def _change(self, conversation_id: str, **values: Any) -> Conversation:
        with self._lock:
            self.chats[conversation_id] = replace(self.get(conversation_id), **values)
            return self.chats[conversation_id]

    def _update(self, turn_id: str, **values: Any) -> None:
        with self._lock:
            turn = self.turn(turn_id)
            chat = self.chats[turn.conversation_id]
            turns = tuple(replace(known, **values) if known.id == turn_id else known for known in chat.turns)
            self._change(chat.id, turns=turns)
