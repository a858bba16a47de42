"""Notes that a model took of what it read in parts: the sentences that their part carries, with its footnotes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from rag.digest_prompts import Noted
from rag.polarity import is_negation
from rag.slots import words_of
from rag.types import Answer, AnswerEvent, Citation, Passage, Sentence, SentenceChecked, Span, Timings, Token
from rag.words import STOP_WORDS

_LIST_MARK = re.compile(r"^\s*(?:[-*•+–]|\d{1,2}[.)])\s+")
_ENDED = re.compile(r"[.!?…:;)\]\"'”“»]\**$")
_FEWEST_WORDS = 2
"""Of a note; "None." is none."""


@dataclass(frozen=True, slots=True)
class _Part:
    about: str
    passages: tuple[Passage, ...]
    sentences: tuple[Sentence, ...]


class Notes:
    """Collects notes part by part. Its text is an answer by itself: a list with a line for each, or paragraphs."""

    def __init__(self, *, listed: bool) -> None:
        """`listed`: a line for each note."""
        self._listed = listed
        self._known: list[list[str]] = []
        """The telling words of each note."""
        self._numbers: dict[tuple[str, Span], int] = {}
        self._citations: list[Citation] = []
        self._sentences: list[Sentence] = []
        self._parts: list[_Part] = []
        self._text = ""
        self.prompt_tokens = 0
        self.output_tokens = 0
        """Reported for all requests together."""
        self.dropped = 0
        """Sentences that their part does not carry."""

    @property
    def empty(self) -> bool:
        """Whether nothing was kept."""
        return not self._sentences

    def add(
        self, about: str, passages: Sequence[Passage], answer: Answer, *, comparable: bool, cut_short: bool
    ) -> Iterator[AnswerEvent]:
        """Take what a model wrote of one part; the events show what is kept of it.

        Args:
            about: of the part.
            passages: as far as the model read them.
            answer: its checked sentences.
            comparable: whether they could be compared with the passages at all; if not, all of them stay.
            cut_short: the last one may lack its end.
        """
        kept: list[Sentence] = []
        for place, sentence in enumerate(answer.sentences):
            if comparable and sentence.verdict == "not_found":
                self.dropped += 1
                continue
            text = " ".join(_LIST_MARK.sub("", sentence.text).split())
            unfinished = cut_short and place == len(answer.sentences) - 1 and not _ENDED.search(text)
            if unfinished or len(text.split()) < _FEWEST_WORDS or self._repeats(text):
                continue
            lead = self._lead(first=not kept)
            start = len(self._text) + len(lead)
            new = [one for one in answer.citations if one.number in sentence.citations + sentence.conflicts]
            fresh = [cited for one in new if (cited := self._cited(one)) is not None]
            numbers = {one.number: self._numbers[one.version_id, one.span] for one in new}
            stated = replace(
                sentence,
                text=text,
                span=Span(start, start + len(text)),
                citations=tuple(numbers[one] for one in sentence.citations),
                conflicts=tuple(numbers[one] for one in sentence.conflicts),
            )
            self._text += lead + text
            kept.append(stated)
            self._sentences.append(stated)
            yield Token(lead + text)
            yield SentenceChecked(stated, tuple(fresh))
        self._parts.append(_Part(about, tuple(passages), tuple(kept)))

    def answer(self, model: str, timings: Timings, left_out: str | None) -> Answer:
        """The notes as the answer."""
        return Answer(
            text=self._text,
            sentences=tuple(self._sentences),
            citations=tuple(self._citations),
            model=model,
            timings=timings,
            prompt_tokens=self.prompt_tokens or None,
            output_tokens=self.output_tokens or None,
            left_out=left_out,
        )

    def noted(self, present: Collection[str]) -> list[Noted]:
        """The notes of each part that rest on documents that are still there. `present`: ids of versions."""
        gone = {one.number for one in self._citations if one.version_id not in present}
        found = []
        for part in self._parts:
            texts = [one.text for one in part.sentences if not one.citations or not gone.issuperset(one.citations)]
            if texts:
                found.append(Noted(part.about, tuple(texts)))
        return found

    def passages(self, present: Collection[str]) -> list[Passage]:
        """What the notes rest on, as far as it is still there."""
        cited = {one.chunk_id for one in self._citations}
        held = [one for part in self._parts for one in part.passages if one.version_id in present]
        return [one for one in held if one.chunk_id in cited]

    def _repeats(self, text: str) -> bool:
        """Whether an earlier note says the same, or in the same order more; in a list only the same, as each thing has
        its line."""
        words = [word for word in words_of(text.casefold()) if word not in STOP_WORDS or is_negation(word)]
        if any(words == known if self._listed else _within(words, known) for known in self._known):
            return True
        self._known.append(words)
        return False

    def _lead(self, *, first: bool) -> str:
        """What stands before a note."""
        if self._listed:
            return "\n- " if self._text else "- "
        return "" if not self._text else "\n\n" if first else " "

    def _cited(self, citation: Citation) -> Citation | None:
        """A footnote under its number here; None where it has one already."""
        place = (citation.version_id, citation.span)
        if place in self._numbers:
            return None
        self._numbers[place] = len(self._numbers) + 1
        self._citations.append(replace(citation, number=self._numbers[place]))
        return self._citations[-1]


def _within(words: Sequence[str], known: Sequence[str]) -> bool:
    """Whether all words stand in the other note in their order, and it denies no more."""
    left = iter(known)
    return all(word in left for word in words) and sum(map(is_negation, words)) == sum(map(is_negation, known))
