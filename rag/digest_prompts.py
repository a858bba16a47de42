"""What a chat model is asked where it reads in parts: notes of each part, then one answer from the notes.

As short as the others (rag/instructions.py), for the same small models: sentences that each state one fact can be
checked one by one. What other wordings do: docs/decisions.md, "Whole documents".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from rag.instructions import instructions, language_name
from rag.prompts import MESSAGE_TOKENS, Budget, Part, Prompt, inert
from rag.tasks import Task, TaskKind

_ENGLISH_NOTES: dict[TaskKind, str] = {
    "summary": (
        "Task: {question}\nThe sources are one part of it. Write in {language} the five most important facts that the "
        "sources state, one short full sentence a line, each with its exact figures and names."
    ),
    "list": (
        "Task: {question}\nThe sources are a part of what there is. Write in {language} one short full sentence a line "
        "for each thing that they name on it, with what they say of it."
    ),
    "comparison": (
        "Task: {question}\nThe sources are for one side of it: {side}. Say in {language} what they say of {side}, in "
        "two to four short sentences, each with its exact figures and names."
    ),
}
_GERMAN_NOTES: dict[TaskKind, str] = {
    "summary": (
        "Aufgabe: {question}\nDie Quellen sind ein Teil davon. Schreibe auf Deutsch die fünf wichtigsten Tatsachen, "
        "die in den Quellen stehen, jede in einer Zeile als kurzer ganzer Satz, mit den genauen Zahlen und Namen."
    ),
    "list": (
        "Aufgabe: {question}\nDie Quellen sind ein Teil von allem. Schreibe auf Deutsch für jedes, was sie dazu "
        "nennen, eine Zeile mit einem kurzen ganzen Satz, was sie davon sagen."
    ),
    "comparison": (
        "Aufgabe: {question}\nDie Quellen gehören zu einer Seite davon: {side}. Sage auf Deutsch, was sie über {side} "
        "sagen, in zwei bis vier kurzen Sätzen, jeder mit den genauen Zahlen und Namen."
    ),
}
_ENGLISH_ANSWER: dict[TaskKind, str] = {
    "summary": (
        "Task: {question}\nThe notes were taken of the parts, in their order. Write the summary in {language} from the "
        "notes alone, in four to eight short sentences, with their exact figures and names."
    ),
    "list": "Task: {question}\nAnswer in {language} from the notes alone, one short sentence for each thing.",
    "comparison": (
        "Task: {question}\nThe notes were taken for each side. Say in {language}, from the notes alone, first what "
        "differs and then what is alike, in four to eight short sentences, each with its exact figures and names."
    ),
}
_GERMAN_ANSWER: dict[TaskKind, str] = {
    "summary": (
        "Aufgabe: {question}\nDie Notizen wurden zu den Teilen gemacht, in deren Reihenfolge. Schreibe auf Deutsch die "
        "Zusammenfassung, nur aus den Notizen, in vier bis acht kurzen Sätzen, mit den genauen Zahlen und Namen."
    ),
    "list": "Aufgabe: {question}\nAntworte auf Deutsch, nur aus den Notizen, mit einem kurzen Satz für jedes.",
    "comparison": (
        "Aufgabe: {question}\nDie Notizen wurden zu beiden Seiten gemacht. Sage auf Deutsch, nur aus den Notizen, "
        "zuerst, was verschieden ist, und dann, was gleich ist, in vier bis acht kurzen Sätzen, jeder mit den genauen "
        "Zahlen und Namen."
    ),
}
_SAID_AGAIN = 1.25
"""Tokens of notes for each that the answer may have: a small model leaves little of them out, and stops in the middle
where it has more to say."""

_NOTES = {"de": _GERMAN_NOTES}
_ANSWERS = {"de": _GERMAN_ANSWER}


@dataclass(frozen=True, slots=True)
class Noted:
    """The notes of one part that stand: what it is about, and its sentences."""

    about: str
    sentences: tuple[str, ...]


def notes_ask(task: Task, about: str) -> str:
    """What is asked of one part, with a place for {question}."""
    side = inert(" ".join(about.split())).replace("{", "{{").replace("}", "}}")
    notes = _NOTES.get(task.language, _ENGLISH_NOTES)
    return notes[task.kind].replace("{language}", language_name(task.language)).replace("{side}", side)


def build_reduction(
    question: str, *, task: Task, notes: Sequence[Noted], count_tokens: Callable[[str], int], budget: Budget
) -> Prompt:
    """The prompt that asks for one answer from the notes. Where they are more than it can hold, of each part the first
    are sent."""
    count_tokens = cache(count_tokens)
    answer = _ANSWERS.get(task.language, _ENGLISH_ANSWER)
    asked = answer[task.kind].format(question=inert(question), language=language_name(task.language))
    system = instructions(task.language).strict
    fixed = sum(count_tokens(text) + MESSAGE_TOKENS for text in (system, asked))
    room = min(int(_SAID_AGAIN * budget.reply), max(0, budget.window - budget.reply - fixed))
    longest = max((len(one.sentences) for one in notes), default=0)
    blocks: list[str] = []
    most = longest
    for most in range(longest, 0, -1):
        blocks = [_block(one, most) for one in notes]
        if sum(count_tokens(block) + 1 for block in blocks) <= room:
            break
    parts = [Part("instruction", 0, "system", system, count_tokens(system))]
    parts += [Part("notes", 1, "user", block, count_tokens(block), number) for number, block in enumerate(blocks, 1)]
    parts.append(Part("question", 1, "user", asked, count_tokens(asked)))
    return Prompt(
        tuple(parts),
        passages=(),
        max_tokens=budget.reply,
        room=room,
        left_out=_left_out([len(one.sentences) for one in notes], most),
        in_time=budget.prompt,
    )


def _left_out(there: Sequence[int], most: int) -> str | None:
    """What is said below the answer where not all notes were sent."""
    sent = sum(min(most, count) for count in there)
    return None if sent == sum(there) else f"Of {sum(there)} notes the first of each part, {sent}, were put together."


def _block(noted: Noted, most: int) -> str:
    """Notes as delimited data: what a document says may stand in them."""
    label = inert(" ".join(noted.about.replace('"', "'").split()))
    lines = "\n".join(f"- {inert(sentence)}" for sentence in noted.sentences[:most])
    return f'<notes about="{label}">\n{lines}\n</notes>'
