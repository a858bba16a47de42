"""The checkable facts of a sentence: quantities with units, dates, names; and whether a source says the same.

English and German spellings are read alike ("1,000" and "1.000", "3. Oktober 2023" and "2023-10-03"), because question,
answer and source may be in different languages. Where a spelling is ambiguous every reading is kept and two facts agree
when they share one: a checker must rather miss an odd case than accuse a correct sentence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from rag.types import Language
from rag.words import ABBREVIATIONS, MONTHS, MULTIPLIERS, NUMBER_WORDS, STOP_WORDS, UNITS

_MONTH = "|".join(sorted((re.escape(name) for name in MONTHS), key=len, reverse=True))
_YEAR = r"[12]\d{3}"
_DATES = (
    re.compile(rf"\b(?P<y>{_YEAR})-(?P<m>\d\d)-(?P<d>\d\d)\b"),
    re.compile(rf"\b(?P<d>\d\d?)\.\s?(?P<m>\d\d?)\.\s?(?P<y>{_YEAR}|\d\d)\b"),
    re.compile(rf"\b(?P<a>\d\d?)/(?P<b>\d\d?)/(?P<y>{_YEAR}|\d\d)\b"),
    re.compile(rf"\b(?P<d>\d\d?)(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?P<name>{_MONTH})\b\.?(?:,?\s+(?P<y>{_YEAR})\b)?"),
    re.compile(rf"\b(?P<name>{_MONTH})\b\.?\s+(?P<d>\d\d?)(?:st|nd|rd|th)?\b(?!\.\d)(?:\s?,?\s+(?P<y>{_YEAR})\b)?"),
    re.compile(rf"\b(?P<name>{_MONTH})\b\.?,?\s+(?P<y>{_YEAR})\b"),
    re.compile(rf"(?<=[\w,;] )(?P<name>{_MONTH})\b(?!\.\w| [A-ZÄÖÜ][a-zäöü])"),  # but not "April Kepner"
)
_UNIT = "|".join(sorted((re.escape(unit) for unit in UNITS), key=len, reverse=True))
_FACTOR = "|".join(sorted((re.escape(word) for word in MULTIPLIERS), key=len, reverse=True))
_QUANTITY = re.compile(
    r"(?P<before>US\$|USD|EUR|GBP|[$€£¥])?\s?"
    r"(?<![\w.,'])(?P<number>\d{1,3}(?:[.,'\u00a0\u202f ]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    r"(?P<ordinal>(?:st|nd|rd|th|s)\b)?"
    rf"(?:[\s-]?(?P<factor>{_FACTOR})(?!\w))?(?:[\s-]?(?P<after>{_UNIT})(?!\w))?(?![\w])",
)
_IDENTIFIER = re.compile(
    r"\b(?=\w*[^\W\d_])(?=[\w./-]*\d)\w+(?:[-./]\w+)*\b|\b(?!\d{1,3}(?:\.\d{3})+\b)\d+(?:\.\d+){2,}\b"
)
_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*")
_TOKEN = re.compile(r"\w+")
_SPELLED = re.compile(rf"(?P<word>{_WORD.pattern})(?:[\s-](?P<factor>{_FACTOR})(?!\w))?")
_FEW = {"one": 1, "two": 2, "a": 1, "eine": 1, "zwei": 2}
"""Counted only in front of "million" and the like."""

_SAME = 1e-9
_PREFIX_SHARE = 0.8
"""Two names agree when their common beginning is this share of the shorter ("Canada", "Canadian")."""
_PREFIX_LEAST = 4


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in every reading its spelling allows, and its unit ("" where none is written)."""

    text: str
    values: frozenset[float]
    unit: str = ""
    spelled: bool = False
    """Written as a word ("seven")."""

    def agrees(self, other: Quantity) -> bool:
        """A shared reading, and no two different units."""
        if self.unit and other.unit and self.unit != other.unit:
            return False
        return any(math.isclose(mine, theirs, rel_tol=_SAME) for mine in self.values for theirs in other.values)


@dataclass(frozen=True, slots=True)
class Date:
    """A date or part of one; `alternatives` holds (year, month, day) readings, None where not written."""

    text: str
    alternatives: tuple[tuple[int | None, int | None, int | None], ...]

    def agrees(self, other: Date) -> bool:
        """No component that both write differs, and they share the month."""
        return any(
            all(a is None or b is None or a == b for a, b in zip(mine, theirs, strict=True)) and mine[1] == theirs[1]
            for mine in self.alternatives
            for theirs in other.alternatives
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a text can be checked without understanding it."""

    quantities: tuple[Quantity, ...]
    dates: tuple[Date, ...]
    names: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.quantities or self.dates or self.names)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a source offers to be compared with: its quantities and dates, and all of its words."""

    quantities: tuple[Quantity, ...]
    dates: tuple[Date, ...]
    words: frozenset[str]

    def __or__(self, other: Ground) -> Ground:
        return Ground(self.quantities + other.quantities, self.dates + other.dates, self.words | other.words)


NOTHING = Ground((), (), frozenset())


def facts_of(text: str, language: Language, *, known: Collection[str] = ()) -> Facts:
    """The facts a sentence states. `known`: words that are names even where they open it (`telling_names`)."""
    dates, rest = _dates(text)
    return Facts(tuple(_quantities(rest)), tuple(dates), tuple(_names(rest, language, known)))


def telling_names(texts: Iterable[str]) -> frozenset[str]:
    """Words that stand with a capital inside the sentences of these texts, but nowhere in small letters, months left
    out. Not for German, where every noun has a capital."""
    capital, small = set[str](), set[str]()
    for text in texts:
        for match in _WORD.finditer(text):
            word = match.group()
            if word[0].islower():
                small.add(word)
            elif _capitalised(word) and not _opens(text, match.start()):
                capital.add(word)
    return frozenset(word for word in capital - MONTHS.keys() if word.casefold() not in small)


def ground_of(text: str) -> Ground:
    """What a source says, read generously: parts of dates count as numbers too, initials as an abbreviation."""
    dates, rest = _dates(text)
    parts = (part for date in dates for reading in date.alternatives for part in (reading[0], reading[2]))
    loose = (Quantity(str(part), frozenset({float(part)})) for part in parts if part is not None)
    words = {plain(token) for token in _TOKEN.findall(text)}
    words |= {plain(token) for token in _IDENTIFIER.findall(text)} | {plain(token) for token in _WORD.findall(text)}
    return Ground((*_quantities(rest), *loose), tuple(dates), frozenset(words | _initials(text)))


def openings(text: str) -> frozenset[str]:
    """Words with a capital that open a sentence: where one of them takes the place of a name, it is one."""
    found = (one.group() for one in _WORD.finditer(text) if _capitalised(one.group()) and _opens(text, one.start()))
    return frozenset(found)


def missing(facts: Facts, ground: Ground) -> Facts:
    """The facts that the ground does not hold."""
    years = [quantity for quantity in ground.quantities if quantity.text.isdigit()]
    return Facts(
        tuple(fact for fact in facts.quantities if not any(fact.agrees(other) for other in ground.quantities)),
        tuple(fact for fact in facts.dates if not _date_holds(fact, ground.dates, years)),
        tuple(name for name in facts.names if not has_name(name, ground.words)),
    )


def has_name(name: str, words: Iterable[str]) -> bool:
    """Whether a name stands among the words, whole, in all its parts, or inflected."""
    words = words if isinstance(words, frozenset) else frozenset(words)
    wanted = plain(name)
    if any(map(str.isdigit, wanted)):
        return wanted in words  # "ISO-27001" is not nearly "ISO-27002"
    if wanted in words or all(_known(part, words) for part in _TOKEN.findall(wanted)):
        return True
    return _known(wanted, words)


def plain(word: str) -> str:
    """A word as names are compared: folded, without a possessive ending or the stops of an abbreviation."""
    word = word.casefold().replace(".", "") if not any(map(str.isdigit, word)) else word.casefold()
    for ending in ("'s", "’s", "'", "’"):
        word = word.removesuffix(ending)
    return word


def readings(number: str) -> frozenset[float]:
    """Every value that "1.000", "12,5" or "1'234.5" may stand for."""
    number = re.sub(r"['\s\u00a0\u202f]", "", number)
    separators = [character for character in number if character in ".,"]
    if not separators:
        return frozenset({float(number)})
    grouped = float(number.replace(".", "").replace(",", ""))
    if len(set(separators)) == 2:
        whole, _, fraction = number.rpartition(separators[-1])
        return frozenset({float(whole.replace(".", "").replace(",", "") + "." + fraction)})
    if len(separators) > 1:
        return frozenset({grouped})
    whole, _, fraction = number.partition(separators[0])
    decimal = float(f"{whole}.{fraction}")
    thousands = len(fraction) == 3 and len(whole) <= 3 and not whole.startswith("0")
    if thousands and fraction == "000":
        return frozenset({grouped})  # nobody writes seven as "7,000"
    return frozenset({decimal, grouped}) if thousands else frozenset({decimal})


def _dates(text: str) -> tuple[list[Date], str]:
    """The dates of a text, and the text with them blanked out."""
    found: list[Date] = []
    for pattern in _DATES:
        for match in pattern.finditer(text):
            reading = _reading(match)
            if reading:
                found.append(Date(match.group(), reading))
                text = text[: match.start()] + " " * len(match.group()) + text[match.end() :]
    return found, text


def _reading(match: re.Match[str]) -> tuple[tuple[int | None, int | None, int | None], ...]:
    parts = match.groupdict()
    year = int(parts["y"]) if parts.get("y") else None
    years = [year] if year is None or year > 99 else [1900 + year, 2000 + year]
    if parts.get("a"):
        pairs = [(int(parts["a"]), int(parts["b"])), (int(parts["b"]), int(parts["a"]))]
    else:
        month = MONTHS[parts["name"]] if parts.get("name") else int(parts["m"])
        pairs = [(month, int(parts["d"]) if parts.get("d") else 0)]
    return tuple((y, month, day or None) for y in years for month, day in pairs if 1 <= month <= 12 and day <= 31)


def _date_holds(date: Date, dates: Iterable[Date], years: Iterable[Quantity]) -> bool:
    year = date.alternatives[0][0]
    for other in dates:
        if date.agrees(other):
            written = any(reading[0] is not None for reading in other.alternatives)
            if year is None or written or any(float(year) in quantity.values for quantity in years):
                return True
    return False


def _quantities(text: str) -> Iterable[Quantity]:
    blocked = {place for match in _IDENTIFIER.finditer(text) for place in range(*match.span())}
    for match in _QUANTITY.finditer(text):
        if match.start("number") in blocked and not (match["ordinal"] or match["after"] or match["factor"]):
            continue
        factor = MULTIPLIERS.get(match["factor"] or "", (1.0,))
        unit = UNITS.get(match["before"] or "") or UNITS.get(match["after"] or "") or ""
        values = frozenset(value * times for value in readings(match["number"]) for times in factor)
        yield Quantity(match.group().strip(), values, unit)
    for match in _SPELLED.finditer(text):
        value = NUMBER_WORDS.get(match["word"].casefold()) or (match["factor"] and _FEW.get(match["word"].casefold()))
        if value:
            factor = MULTIPLIERS.get(match["factor"] or "", (1.0,))
            yield Quantity(match.group(), frozenset(value * times for times in factor), spelled=True)


def _names(text: str, language: Language, known: Collection[str]) -> Iterable[str]:
    """Identifiers ("ISO-27001", "v2.3.1"), and words whose capitals say that they are names.

    German writes every noun with a capital: there a name is a capitalised word beside another one, or with capitals
    inside it. The first word of a sentence shows nothing by itself, unless a second capitalised word follows.
    """
    for match in _IDENTIFIER.finditer(text):
        if not _QUANTITY.fullmatch(match.group()):
            yield match.group()
    words = [(match.group(), match.start()) for match in _WORD.finditer(text)]
    capital = [_capitalised(word) for word, _ in words]
    for index, (word, start) in enumerate(words):
        if not capital[index] or word.casefold() in NUMBER_WORDS or word in UNITS or word in MULTIPLIERS:
            continue
        beside = any(
            0 <= other < len(words)
            and capital[other]
            and abs(words[other][1] - start) <= max(len(word), 24) + 1
            and _joined(text, words[min(index, other)], words[max(index, other)])
            for other in (index - 1, index + 1)
        )
        inner = sum(map(str.isupper, word)) > 1
        first = _opens(text, start)
        if inner or beside or word in known or (not first and language != "de"):
            yield word


def _capitalised(word: str) -> bool:
    return word[0].isupper() and len(word) > 1 and word.casefold() not in STOP_WORDS and word not in ABBREVIATIONS


def _joined(text: str, left: tuple[str, int], right: tuple[str, int]) -> bool:
    return text[left[1] + len(left[0]) : right[1]] in (" ", ". ", "\n")


def _opens(text: str, start: int) -> bool:
    """Whether the word at `start` opens a sentence, a quotation or a list item."""
    before = text[:start].rstrip(" \"'“„«‚‘(*_#>-")
    return not before or before[-1] in ".:!?\n"


def _initials(text: str) -> set[str]:
    """Abbreviations that the capitalised word sequences of a text may be known by ("UN" for "United Nations")."""
    runs = re.findall(r"(?:\b[A-ZÄÖÜ][\w-]+(?:\s+(?:of|for|and|the|der|die|für|und)\b)?\s*){2,6}", text)
    letters = ["".join(word[0] for word in run.split() if word[0].isupper()).casefold() for run in runs]
    return {run[start:end] for run in letters for start in range(len(run)) for end in range(start + 2, len(run) + 1)}


def _known(part: str, words: frozenset[str]) -> bool:
    if part in words or part.removesuffix("s") in words or part + "s" in words:
        return True
    return any(_share_beginning(part, word) for word in words)


def _share_beginning(one: str, other: str) -> bool:
    shorter = min(len(one), len(other))
    if shorter < _PREFIX_LEAST or one[0] != other[0]:
        return False
    common = next((i for i in range(shorter) if one[i] != other[i]), shorter)
    return common >= _PREFIX_LEAST and common >= _PREFIX_SHARE * shorter
