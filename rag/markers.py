"""Takes the footnote marks that a model types itself out of its stream: the application writes its own.

Removed, with the space before them:

* marks that name their kind, wherever they stand: "(Source 2)", "[Quelle 1, 3]", "【1†source】", "[^2]";
* bare numbers in square brackets that name offered sources: "[1]", "[1, 3]", "[1-2]", "[1][2]";
* bare numbers that point nowhere ("[7]" with four sources), of one or two digits, at the end of a clause.

Kept: years and other long numbers ("[2019]"), zero ("array[0]"), bracketed numbers glued to a word inside a sentence
("items[1] = x"), everything in code, and numbers in round brackets, which are mostly enumerations. A mark glued to the
last word of a clause ("in 1985[1].") is taken for a footnote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_KIND = r"(?:sources?|src|ref(?:erence)?s?|documents?|docs?|passages?|quellen?|dokumente?)"
_NUMBERS = r"\d{1,3}(?:\s*(?:,|;|-|–|and|und|&)\s*(?:" + _KIND + r"\s*)?\d{1,3})*"
_MARK = re.compile(
    rf"[^\S\n]*(?:"
    rf"[\[(]\s*{_KIND}\s*:?\s*(?:no\.?|nr\.?|number|#)?\s*(?P<named>{_NUMBERS})\s*[\])]"
    rf"|【\s*(?:{_KIND}\s*)?(?P<wide>{_NUMBERS})[^】\n]{{0,30}}】"
    rf"|\[\^(?P<caret>{_NUMBERS})\]"
    rf"|\[\s*(?P<bare>{_NUMBERS})\s*\](?!\()"
    rf")",
    re.IGNORECASE,
)
_OPENING = re.compile(r"[^\S\n]*(?:[\[(【][^\])】\n]{0,40})?$|[^\S\n]*[\[【][^\])】\n]{0,40}[\]】]\s?$")
"""The end of a text that could still become a mark, or a mark whose right neighbour is not known yet."""
_CLAUSE_ENDS = re.compile(r"(?:\s*(?:\[\s*\d[\d,;\s–-]*\]\s*)*)(?:[.,;:!?]|\n|$|\s[A-ZÄÖÜ\"'*-])")
_LONGEST_HELD = 60


@dataclass(frozen=True, slots=True)
class Mark:
    """A removed mark: where it stood in the cleaned text, and the numbers of offered sources it named."""

    position: int
    numbers: tuple[int, ...]


class MarkerFilter:
    """Feed it the stream; it returns the text to show, holding back what could still become a mark."""

    def __init__(self, offered: int) -> None:
        self._offered = offered
        self._held = ""
        self._shown = 0
        self._line = ""
        self._fenced = False
        self.marks: list[Mark] = []

    def feed(self, text: str) -> str:
        """The part of the stream that is now certain, without marks."""
        self._held += text
        undecided = _OPENING.search(self._held)
        keep = undecided.start() if undecided else len(self._held)
        if len(self._held) - keep > _LONGEST_HELD:
            keep = len(self._held)
        return self._release(keep)

    def flush(self) -> str:
        """What was held back, when the stream has ended."""
        return self._release(len(self._held))

    def _release(self, until: int) -> str:
        certain, shown, place = self._held[:until], "", 0
        for match in _MARK.finditer(self._held):
            if match.start() >= until:
                break
            before = certain[place : match.start()]
            if self._is_mark(match, before):
                shown += before
                self.marks.append(Mark(self._shown + len(shown), self._named(match)))
                place = match.end()
        shown += certain[place:]
        self._held = self._held[max(until, place) :]
        self._remember(shown)
        return shown

    def _is_mark(self, match: re.Match[str], before: str) -> bool:
        if self._in_code(before):
            return False
        if match["bare"] is None:
            return True
        glued = match.group().startswith("[") and (self._line + before)[-1:].isalnum()
        ends = _CLAUSE_ENDS.match(self._held, match.end()) is not None
        numbers = _numbers(match["bare"])
        if all(1 <= number <= self._offered for number in numbers):
            return ends or not glued
        return ends and not glued and all(1 <= number < 100 for number in numbers)

    def _named(self, match: re.Match[str]) -> tuple[int, ...]:
        written = match["named"] or match["wide"] or match["caret"] or match["bare"] or ""
        return tuple(number for number in _numbers(written) if 1 <= number <= self._offered)

    def _in_code(self, before: str) -> bool:
        line = self._line + before
        fenced = self._fenced ^ (line.count("```") % 2 == 1)
        return fenced or line.rpartition("\n")[2].replace("```", "").count("`") % 2 == 1

    def _remember(self, shown: str) -> None:
        """Keep the current line, and whether a code fence is open before it."""
        self._shown += len(shown)
        finished, newline, rest = (self._line + shown).rpartition("\n")
        if newline:
            self._fenced ^= finished.count("```") % 2 == 1
        self._line = rest


def _numbers(written: str) -> list[int]:
    """ "1, 3-5" as [1, 3, 4, 5]; a range is spelled out up to ten numbers."""
    found: list[int] = []
    for low, high in re.findall(r"(\d+)(?:\s*[-–]\s*(\d+))?", written):
        first, last = int(low), int(high or low)
        found.extend(range(first, min(last, first + 9) + 1) if last >= first else [first, last])
    return found
