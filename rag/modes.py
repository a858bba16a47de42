"""What becomes of sentences that the documents do not support: in strict mode they are taken out of the answer, in open
mode they stay, marked as the model's general knowledge.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from rag.types import Answer, Sentence, Span

Mode = Literal["strict", "open"]
"""Answers from the documents alone, or with general knowledge beside them."""
MODES: tuple[Mode, ...] = ("strict", "open")


_GENERAL = "Your documents do not say this: all of it is general knowledge of the model, checked by nobody."


def settled(answer: Answer, mode: Mode, *, comparable: bool) -> Answer:
    """A finished answer as its mode wants it. `comparable`: whether the sentences could be compared with the sources at
    all; those of a language that nobody can compare stay, marked as before."""
    if mode == "open":
        return _with_general_knowledge(answer)
    return _without_unsupported(answer) if comparable else answer


def _with_general_knowledge(answer: Answer) -> Answer:
    """Where no sentence is from the documents, that is said."""
    told = tuple(replace(one, verdict="general") if one.verdict == "not_found" else one for one in answer.sentences)
    founded = any(one.verdict != "general" for one in told)
    notes = (answer.left_out, None if founded else _GENERAL)
    return replace(answer, sentences=told, left_out=" ".join(filter(None, notes)) or None)


def _without_unsupported(answer: Answer) -> Answer:
    """What stands between two sentences (white space, a bullet) goes with the second of them; the first that stays
    after one that began a line begins it in its place."""
    text, end, opening = "", 0, ""
    kept: list[Sentence] = []
    removed: list[str] = []
    for sentence in answer.sentences:
        between = answer.text[end : sentence.span.start]
        end = sentence.span.end
        if opening and "\n" not in between:
            between = opening
        if sentence.verdict == "not_found":
            removed.append(sentence.text)
            opening = between if "\n" in between or not kept else opening
            continue
        opening = ""
        text += between if kept else between.lstrip()
        kept.append(replace(sentence, span=Span(len(text), len(text) + len(sentence.text))))
        text += sentence.text
    if not removed:
        return answer
    return replace(
        answer,
        text=text,
        sentences=tuple(kept),
        removed=tuple(removed),
        left_out=" ".join(filter(None, (answer.left_out, _told(len(removed))))),
    )


def _told(removed: int) -> str:
    if removed == 1:
        return "One sentence of the model was left out: your documents do not say it."
    return f"{removed} sentences of the model were left out: your documents do not say them."
