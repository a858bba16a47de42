"""Checks an answer while it is written: each sentence gets its verdict and footnotes as soon as it is complete."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag.alignment import Aligner, content_stems
from rag.citations import Footnotes
from rag.facts import facts_of
from rag.grounding import verdict
from rag.languages import detect
from rag.markers import Mark
from rag.sentences import sentences
from rag.types import Citation, Language, Sentence, SentenceChecked, Span
from rag.words import LEAD_IN_WORDS

_LIST_MARK = re.compile(r"\s*(?:[-*•+–]|\d{1,2}[.)])\s+")
_DECORATION = re.compile(r"\*\*|__|`+|^\s*#{1,6}\s+|^\s*>\s+")
_REPORTING = re.compile(
    r"^(?:(?:according to|based on|laut|gemäß|nach|basierend auf)\s+(?:the |your |den |der |dem |ihren )?"
    r"(?:provided |given |above |bereitgestellten |angegebenen |vorliegenden )?"
    r"(?:sources?|documents?|text|passages?|excerpts?|information|quellen?|dokumenten?|textes|informationen)"
    r"(?: provided| given| above)?\s*,?\s+"
    r"|(?:the |der |die |das )?(?:provided |given )?"
    r"(?:sources?|text|passages?|documents?|excerpts?|quellen?|dokumente?)\s+"
    r"(?:also )?(?:states?|says?|mentions?|describes?|explains?|indicates?|notes?|besagt|besagen|sagt|sagen|erwähnt)"
    r"\s*(?:that|,?\s*dass)?\s+)",
    re.IGNORECASE,
)
_HEADING = re.compile(r"\s*(?:#{1,6}\s.*|(?:[-*•]\s+)?\*\*[^*]+\*\*:?|[-_*=]{3,})\s*")
_NEXT_WORD = re.compile(r"\s*\S+\s")
_CLAIMS = 4
"""Content stems from which a line that ends with a colon is a claim of its own; those of the question, of titles and of
phrases like "based on the sources" do not count."""
_HEADING_WORDS = 5
"""Headings are about as long at the most; their capitals are no names."""
_COMMON: Language = "en"
"""Small models fall back into it. Beside it an answer is in the language of the question or of a source; a formula or a
list of names looks like any other."""


class Checker:
    """Feed it the shown text; it gives back the sentences that are complete, checked.

    Models do not wrap lines, so every line break ends a sentence. Inside a line a sentence is complete when the word
    after it is, because that word decides whether "No." or "3." ended anything. A line that claims next to nothing by
    itself (a heading, "Here is a summary:", "Yes.") becomes one sentence with the next, with which it stands or falls;
    facts in it are checked there.
    """

    def __init__(self, aligner: Aligner, footnotes: Footnotes, *, language: Language = "") -> None:
        self._aligner = aligner
        self._footnotes = footnotes
        self._language = language
        self._likely = aligner.languages | {_COMMON, language}
        self._marks: list[Mark] = []
        self._start = 0
        """Where the first sentence that is not checked yet begins."""
        self._scanned = 0
        """Everything before is cut into sentences; between the two places stands a lead-in."""
        self.text = ""
        self.sentences: list[Sentence] = []
        self.comparable = False
        """Whether at least one sentence could be compared with a source in its own language."""

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Every footnote so far."""
        return self._footnotes.citations

    def feed(self, text: str, marks: Sequence[Mark] = ()) -> Iterator[SentenceChecked]:
        """Take more text, with the marks that were removed from it."""
        self.text += text
        self._marks.extend(marks)
        yield from self._complete(final=False)

    def finish(self) -> Iterator[SentenceChecked]:
        """Check what is left: the last sentence, however it ends."""
        yield from self._complete(final=True)
        rest = self.text[self._start :].strip()
        if rest and (content_stems(_claim(rest), self._language) or not self.sentences):
            yield self._check(Span(self._start, len(self.text)), rest)

    def _complete(self, *, final: bool) -> Iterator[SentenceChecked]:
        for span in list(self._ready(final=final)):
            text = self.text[span.start : span.end]
            self._scanned = span.end
            if self._leads_in(text):
                continue
            lead = self.text[self._start : span.start]
            yield self._check(Span(self._start, span.end), lead + text if _states(lead, self._language) else text)

    def _ready(self, *, final: bool) -> Iterator[Span]:
        """Sentences of the text that more text cannot change."""
        place = self._scanned
        for line in self.text[place:].splitlines(keepends=True):
            whole = final or line.endswith("\n")
            for span in sentences(line, self._language):
                if whole or _NEXT_WORD.match(line, span.end):
                    yield Span(place + span.start, place + span.end)
            place += len(line)

    def _leads_in(self, text: str) -> bool:
        claim = _claim(text)
        claimed = content_stems(claim, self._language)
        if text.rstrip("*_ ").endswith(":"):
            hollow = self._aligner.given(self._language) | content_stems(" ".join(LEAD_IN_WORDS), self._language)
            return sum(len(stem) > 1 for stem in claimed - hollow) < _CLAIMS
        return bool(_HEADING.fullmatch(text)) or not claimed

    def _check(self, span: Span, text: str) -> SentenceChecked:
        start, end = span.start, span.end
        while start < end and self.text[start].isspace():
            start += 1
        while end > start and self.text[end - 1].isspace():
            end -= 1
        self._start = self._scanned = span.end
        hints = {number for mark in self._marks if start <= mark.position <= end + 1 for number in mark.numbers}
        claim = _claim(text)
        language = detect(claim, among=self._likely) or self._language
        alignment = self._aligner.align(claim, language, hints=hints)
        self.comparable = self.comparable or alignment.comparable
        found = verdict(alignment)
        numbers, new = self._footnotes.cite(alignment.units) if found != "not_found" else ((), ())
        others = self._aligner.conflicts(claim, language, alignment.units) if found == "supported" else ()
        conflicts, more = self._footnotes.cite(others)
        sentence = Sentence(self.text[start:end], Span(start, end), found, numbers, conflicts)
        self.sentences.append(sentence)
        return SentenceChecked(sentence, (*new, *more))


def _claim(text: str) -> str:
    """What a sentence says, without list marks, decoration and "according to the sources"."""
    text = (
        _LIST_MARK.sub("", _DECORATION.sub("", text), count=1) if _LIST_MARK.match(text) else _DECORATION.sub("", text)
    )
    return _REPORTING.sub("", text.strip())


def _states(lead: str, language: Language) -> bool:
    """Whether a lead-in states facts of its own, which must then be checked too."""
    claim = _claim(lead)
    facts = facts_of(claim, language)
    return bool(facts.quantities or facts.dates or (facts.names and len(claim.split()) > _HEADING_WORDS))
