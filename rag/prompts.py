"""What a chat model is given: a short instruction, earlier turns, the sources as delimited data, the question.

What it says is in rag/instructions.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Literal

from rag.instructions import instructions, language_name
from rag.languages import detect
from rag.modes import Mode
from rag.places import part_of
from rag.types import Exchange, Language, Message, Passage, Role, Span

SOURCE_TOKENS = 1200
"""Most of the sources; a model that reads slowly gets fewer (rag/pace.py)."""

FEWEST_SOURCES = 300
"""Tokens of sources that are sent however slowly a model reads: one passage."""

MESSAGE_TOKENS = 10
"""Upper bound of what a chat template adds around one message."""

HISTORY_SHARE = 0.25
"""Most of the prompt that earlier turns may take."""

SMALLEST_CUT = 40
"""A passage is cut to fit only if at least this many tokens of it remain."""

_SPECIAL = re.compile(
    r"<(?=\||/?(?:source|notes|s|think|start_of_turn|end_of_turn|bos|eos)\b)|\[(?=/?(?:INST|SYS)\b)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Offer:
    """What of the evidence a chat model is given: so many passages at most, and so many tokens of them."""

    passages: int = 10
    """All that are shown as evidence (rag.answering.PASSAGES)."""
    source_tokens: int = SOURCE_TOKENS


@dataclass(frozen=True, slots=True)
class Budget:
    """Tokens of one request; `window` is the model's whole context, `sources` the most that passages may take."""

    window: int
    answer: int = 500
    sources: int = SOURCE_TOKENS
    prompt: int | None = None
    """Most of the whole prompt, for a model that reads slowly (rag/pace.py); a few sources are sent all the same."""

    @property
    def reply(self) -> int:
        """Tokens kept free for the answer; at most a third of a small window."""
        return max(1, min(self.answer, self.window // 3))

    def free(self, fixed: int) -> int:
        """What is left for earlier turns and sources beside `fixed` tokens."""
        held = self.window - self.reply - fixed
        read = held if self.prompt is None else max(self.prompt - fixed, FEWEST_SOURCES)
        return max(0, min(held, read))


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of the messages, and its tokens as counted here."""

    kind: Literal["instruction", "history", "source", "notes", "question"]
    message: int
    """Place of the message it stands in, from 0."""
    role: Role
    text: str
    tokens: int
    number: int = 0
    """Of the source, or of the earlier turn, from 1."""
    refers: str = ""
    """The passage's chunk id, or the earlier turn's id."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The messages in their parts, the passages that are in them (as far as they are in them), and what is not."""

    parts: tuple[Part, ...]
    passages: tuple[Passage, ...]
    max_tokens: int
    room: int
    """Tokens that the sources may take."""
    left_out: str | None
    """In plain words; None when everything is in the prompt."""
    in_time: int | None = None
    """As `Budget.prompt`."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """What is sent."""
        return messages_of(self.parts)

    @property
    def last_message_tokens(self) -> int:
        """Of the message that no answer before had: the sources and the question."""
        last = self.parts[-1].message
        return sum(part.tokens for part in self.parts if part.message == last)

    @property
    def tokens(self) -> int:
        """Upper bound of the whole prompt."""
        return sum(part.tokens for part in self.parts) + MESSAGE_TOKENS * (self.parts[-1].message + 1)


def build_messages(
    question: str,
    *,
    passages: Sequence[Passage],
    history: Sequence[Exchange],
    count_tokens: Callable[[str], int],
    budget: Budget,
    mode: Mode = "strict",
    ask: str | None = None,
    language: Language | None = None,
) -> Prompt:
    """Fill the model's window: the question always, then the last turns, then passages, best first.

    Passages stop at the first that does not fit; of that one what stands around its best sentence is used when it is
    long enough to say something. A passage that was cut comes back with the shorter span, so that nothing the model did
    not read is ever cited for it. The sum over the pieces is an upper bound of the whole, up to merges at the joints.
    `ask` is what is asked instead of the usual, with places for {question} and {language}; `language` is the
    question's, where it is known.
    """
    count_tokens = cache(count_tokens)  # each piece is weighed, and counted again for the receipt
    language = detect(question) if language is None else language
    told = instructions(language)
    asked = (ask or told.question).format(question=inert(question), language=language_name(language))
    system = told.open if mode == "open" else told.strict
    fixed = sum(count_tokens(part) + MESSAGE_TOKENS for part in (system, asked))
    free = budget.free(fixed)
    turns, spent = _last_turns(history, count_tokens=count_tokens, limit=int(free * HISTORY_SHARE))
    room = min(budget.sources, free - spent)
    included, cut = _fit(passages, count_tokens=count_tokens, limit=room)
    return Prompt(
        parts=_parts(turns, included, system=system, asked=asked, count_tokens=count_tokens),
        passages=tuple(included),
        max_tokens=budget.reply,
        room=room,
        left_out=_left_out(len(passages), len(included), cut=cut, turns=len(history) - len(turns)),
        in_time=budget.prompt,
    )


def messages_of(parts: Iterable[Part]) -> tuple[Message, ...]:
    """The messages that parts make, in their order."""
    messages = []
    for _, held in groupby(parts, key=lambda part: part.message):
        text = ""
        for part in held:
            between = "\n\n" if part.kind == "question" else "\n"
            text += (between if text else "") + part.text
        messages.append(Message(part.role, text))
    return tuple(messages)


def _parts(
    turns: Sequence[Exchange],
    passages: Sequence[Passage],
    *,
    system: str,
    asked: str,
    count_tokens: Callable[[str], int],
) -> tuple[Part, ...]:
    parts = [Part("instruction", 0, "system", system, count_tokens(system))]
    for number, turn in enumerate(turns, 1):
        exchange: tuple[tuple[Role, str], ...] = (("user", inert(turn.question)), ("assistant", inert(turn.answer)))
        for role, said in exchange:
            message = parts[-1].message + 1
            parts.append(Part("history", message, role, said, count_tokens(said), number, turn.turn_id))
    last = parts[-1].message + 1
    for number, passage in enumerate(passages, 1):
        block = source_block(number, passage)
        parts.append(Part("source", last, "user", block, count_tokens(block), number, passage.chunk_id))
    parts.append(Part("question", last, "user", asked, count_tokens(asked)))
    return tuple(parts)


def source_block(number: int, passage: Passage) -> str:
    """One passage as delimited data, with its title and headings; a table's header stands above its rows."""
    title = " > ".join(part for part in (passage.title, *passage.heading_path) if part)
    label = inert(" ".join(title.replace('"', "'").split()))
    text = "\n".join(part for part in (passage.header, passage.text.strip()) if part)
    return f'<source number="{number}" title="{label}">\n{inert(text)}\n</source>'


def inert(text: str) -> str:
    """Text that can neither close its <source> nor pass for a control token of a chat template.

    llama.cpp reads "<|im_start|>" inside a message as the token itself; a space after the bracket makes it words.
    """
    return _SPECIAL.sub(lambda match: match.group() + " ", text)


def _last_turns(
    history: Sequence[Exchange], *, count_tokens: Callable[[str], int], limit: int
) -> tuple[list[Exchange], int]:
    """The newest turns that fit, in their order, and the tokens they take."""
    kept: list[Exchange] = []
    spent = 0
    for turn in reversed(history):
        cost = sum(count_tokens(inert(part)) + MESSAGE_TOKENS for part in (turn.question, turn.answer))
        if spent + cost > limit:
            break
        kept.insert(0, turn)
        spent += cost
    return kept, spent


def _fit(passages: Sequence[Passage], *, count_tokens: Callable[[str], int], limit: int) -> tuple[list[Passage], bool]:
    """The best passages that fit, and whether the last of them was cut."""
    included: list[Passage] = []
    for passage in passages:
        cost = count_tokens(source_block(len(included) + 1, passage)) + 1
        if cost > limit:
            shorter = _cut(passage, count_tokens=count_tokens, limit=limit)
            return ([*included, shorter], True) if shorter else (included, False)
        included.append(passage)
        limit -= cost
    return included, False


def _cut(passage: Passage, *, count_tokens: Callable[[str], int], limit: int) -> Passage | None:
    """What fits of a passage around the sentence that answers best, from white space to white space; None when too
    little would be left."""
    if limit < SMALLEST_CUT:
        return None

    def fits(piece: Passage) -> bool:
        return count_tokens(source_block(1, piece)) + 1 <= limit

    best = passage.best_sentence or Span(passage.span.start, passage.span.start)
    low, high = -len(best), len(passage.text)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(_around(passage, best, middle)):
            low = middle
        else:
            high = middle - 1
    shorter = _around(passage, best, low)
    return shorter if fits(shorter) and count_tokens(shorter.text) >= SMALLEST_CUT else None


def _around(passage: Passage, best: Span, more: int) -> Passage:
    """A sentence of a passage with up to `more` characters on either side; without its end where that is negative."""
    text, start = passage.text, passage.span.start
    begin = max(0, best.start - start - max(0, more))
    end = max(begin, min(len(text), best.end - start + more))
    if begin:
        begin = next((at for at in range(begin, best.start - start) if text[at].isspace()), best.start - start)
    if end < len(text):
        end = next((at for at in range(end, begin, -1) if text[at].isspace()), end)
    return part_of(passage, Span(start + begin, start + end))


def _left_out(given: int, included: int, *, cut: bool, turns: int) -> str | None:
    """What the model was not given, in plain words."""
    notes = []
    if included < given:
        notes.append(f"The model read the best {included} of {given} passages.")
    if cut:
        notes.append("The last of them was shortened to fit.")
    if turns:
        notes.append(f"{turns} earlier {'turn' if turns == 1 else 'turns'} did not fit.")
    return " ".join(notes) or None
