"""Plants one error in a correct sentence. Each rule gives None where the sentence offers no place for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random

from rag.types import Language
from tests.support.planted.sources import Source, names_of, repaired
from tests.support.planted.tables import ANTONYMS, MONTHS, ORDER, PREFIXES, SMALL_NUMBERS, UNITS, Pairs

Planting = Callable[[str, Source, Random], str | None]
"""(correct sentence, its source, chance) -> the sentence with one error."""

_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)*(?![\w-]|[.,]\d)")
_YEAR = re.compile(r"(?<![\w.,–-])(?:1\d{3}|20\d\d)(?![\w–-]|[.,]\d)")
_AUXILIARY = {
    "en": r"\b(is|was|are|were|has|have|had|can|could|will|would|may|must|should|did|does)\b(?! not)",
    "de": r"\b(ist|war|sind|waren|wurden?|hat|haben|hatten?|kann|können|konnten?|wird|werden|muss|müssen)\b(?! nicht)",
}
_DENIALS = {"en": ("not", "never", "no longer"), "de": ("nicht", "nie", "nicht mehr")}


def number_other(text: str, source: Source, random: Random) -> str | None:
    """Another number of the same length."""

    def change(number: str) -> str:
        return "".join(
            character if not character.isdigit() else str(random.randint(1 if place == 0 else 0, 9))
            for place, character in enumerate(number)
        )

    return _number_changed(text, random, change)


def number_next(text: str, source: Source, random: Random) -> str | None:
    """One more or one less."""

    def change(number: str) -> str:
        last = int(number[-1])
        return number[:-1] + str(last - 1 if last == 9 or (last > 1 and random.random() < 0.5) else last + 1)

    return _number_changed(text, random, change)


def number_swapped(text: str, source: Source, random: Random) -> str | None:
    """Two neighbouring digits in each other's place."""

    def change(number: str) -> str:
        places = [p for p in range(len(number) - 1) if number[p : p + 2].isdigit() and number[p] != number[p + 1]]
        places = [p for p in places if not (p == 0 and number[1] == "0")]
        if not places:
            return number
        place = random.choice(places)
        return number[:place] + number[place + 1] + number[place] + number[place + 2 :]

    return _number_changed(text, random, change)


def number_magnitude(text: str, source: Source, random: Random) -> str | None:
    """Ten or a thousand times as much, or million for billion."""
    words = (("million", "billion"), ("billion", "million"), ("Millionen", "Milliarden"), ("Milliarden", "Millionen"))
    for one, other in words:
        if re.search(rf"\b{one}\b", text):
            return re.sub(rf"\b{one}\b", other, text, count=1)
    group = "," if source.language == "en" else "."

    def change(number: str) -> str:
        digits = number.replace(group, "")
        return f"{int(digits) * random.choice((10, 1000)):,}".replace(",", group) if digits.isdigit() else number

    return _number_changed(text, random, change)


def number_unit(text: str, source: Source, random: Random) -> str | None:
    """The number with another unit."""
    for sign, other in (("$", "€"), ("£", "$"), ("€", "£")):
        if re.search(rf"\{sign}\s?\d", text):
            return text.replace(sign, other, 1)
    pairs = [pair for pair in UNITS[source.language] if re.search(rf"\d[ -]{pair[0]}\b", text)]
    if not pairs:
        return None
    one, other = random.choice(pairs)
    return re.sub(rf"(?<=\d[ -]){one}\b", other, text, count=1)


def number_word(text: str, source: Source, random: Random) -> str | None:
    """Another small number, written as a word."""
    small = [*SMALL_NUMBERS[source.language]] + (["two"] if source.language == "en" else ["zwei"])
    found = [word for word in small if re.search(rf"\b{word}\b", text)]
    if not found:
        return None
    word = random.choice(found)
    return re.sub(rf"\b{word}\b", random.choice([other for other in small if other not in found]), text, count=1)


def number_near(text: str, source: Source, random: Random) -> str | None:
    """A number of the same passage that stands in another sentence."""
    others = [
        number for number in _NUMBER.findall(source.own.text) if number not in text and not _YEAR.fullmatch(number)
    ]
    return _number_changed(text, random, lambda number: random.choice(others)) if others else None


def year_other(text: str, source: Source, random: Random) -> str | None:
    """Another year, up to thirty years off."""
    return _changed(
        _YEAR, text, random, lambda year: str(int(year) + random.choice([n for n in range(-30, 31) if n])), differs=True
    )


def year_near(text: str, source: Source, random: Random) -> str | None:
    """A year of the same passage that stands in another sentence."""
    others = [year for year in _YEAR.findall(source.own.text) if year not in text]
    return _changed(_YEAR, text, random, lambda year: random.choice(others)) if others else None


def date_other(text: str, source: Source, random: Random) -> str | None:
    """Another day or another month."""
    months = MONTHS[source.language]
    named = [month for month in months if re.search(rf"\b{month}\b(?= \d)|(?<=\d )\b{month}\b|(?<=\. ){month}\b", text)]
    if not named:
        return None
    month = named[0]
    day = re.search(rf"\b(\d\d?)(?=\.? {month})|(?<={month} )(\d\d?)\b", text)
    if day and random.random() < 0.5:
        number = int(day.group())
        return text[: day.start()] + str(number + 1 if number < 28 else number - 3) + text[day.end() :]
    return re.sub(rf"\b{month}\b", random.choice([other for other in months if other != month]), text, count=1)


def name_near(text: str, source: Source, random: Random) -> str | None:
    """A name of the same passage that the sentence does not hold."""
    mine = _names_in(text, source)
    spoken = text.casefold()
    others = [name for name in source.names if not any(part.casefold() in spoken for part in name.split())]
    if not mine or not others:
        return None
    name = random.choice(mine)
    return _put(text, name, random.choice(_alike(name, others)))


def year_beside(text: str, source: Source, random: Random) -> str | None:
    """A year of another passage that is shown."""
    others = [year for year in _YEAR.findall(_beside(source)) if year not in text and year not in source.own.text]
    return _changed(_YEAR, text, random, lambda year: random.choice(others)) if others else None


def number_beside(text: str, source: Source, random: Random) -> str | None:
    """A number of another passage that is shown."""
    own = set(_NUMBER.findall(f"{source.own.text} {text}"))
    others = [one for one in _NUMBER.findall(_beside(source)) if one not in own and not _YEAR.fullmatch(one)]
    return _number_changed(text, random, lambda number: random.choice(others)) if others else None


def name_beside(text: str, source: Source, random: Random) -> str | None:
    """A name of another passage that is shown."""
    mine = _names_in(text, source)
    own = f"{source.own.text} {text}"
    others = [
        name
        for name in names_of(_beside(source), None, source.language)
        if not any(part in own for part in name.split())
    ]
    if not mine or not others:
        return None
    name = random.choice(mine)
    return _put(text, name, random.choice(_alike(name, others)))


def _beside(source: Source) -> str:
    return repaired(" ".join(passage.text for passage in source.passages if passage is not source.own))


def name_elsewhere(names: dict[Language, Sequence[str]]) -> Planting:
    """A name of any document that the shown passages do not hold."""

    def plant(text: str, source: Source, random: Random) -> str | None:
        mine = _names_in(text, source)
        if not mine:
            return None
        name = random.choice(mine)
        return _put(text, name, _alike(name, _unshown(names, source, random))[0])

    return plant


def subject_near(text: str, source: Source, random: Random) -> str | None:
    """Another name of the passage for the one that opens the sentence: what a model does that joins two sentences."""
    others = [name for name in source.names if not any(part in text for part in name.split())]
    return _opened_by(others, text, source, random)


def subject_elsewhere(names: dict[Language, Sequence[str]]) -> Planting:
    """The same with a name that the shown passages do not hold."""

    def plant(text: str, source: Source, random: Random) -> str | None:
        return _opened_by(_unshown(names, source, random), text, source, random)

    return plant


def _opened_by(others: Sequence[str], text: str, source: Source, random: Random) -> str | None:
    opening = [
        name for name in source.names if re.match(rf"(?:The |Der |Die |Das )?{re.escape(name)}(?![\w'’-])", text)
    ]
    if not opening or not others:
        return None
    name = max(opening, key=len)
    return text.replace(name, random.choice(_alike(name, others)), 1)


def _alike(name: str, others: Sequence[str]) -> Sequence[str]:
    """Of other names those of as many words, where there are any."""
    return [other for other in others if len(other.split()) == len(name.split())] or others


def _unshown(names: dict[Language, Sequence[str]], source: Source, random: Random) -> list[str]:
    """Some names that the shown passages do not hold."""
    shown = " ".join(passage.text for passage in source.passages)
    return [other for other in random.sample(names[source.language], 200) if other not in shown]


def roles_swapped(text: str, source: Source, random: Random) -> str | None:
    """Two names of the sentence in each other's place, unless they are listed side by side."""
    mine = sorted(_names_in(text, source), key=text.index)
    for one, other in pairwise(mine):
        between = text[text.index(one) + len(one) : text.index(other)]
        if len(between.split()) > 1 and not re.fullmatch(r"[\s,]*(?:and|or|und|oder)?[\s,]*", between):
            if re.search(r"[,;]|\b(?:and|und|or|oder|between|zwischen)\b", between) or one in other or other in one:
                continue
            return text.replace(one, "\0", 1).replace(other, one, 1).replace("\0", other, 1)
    return None


def denied(text: str, source: Source, random: Random) -> str | None:
    """ "not" and the like behind an auxiliary verb, or "kein" for "ein"."""
    if re.search(r"\b(?:not|never|no|nicht|kein\w*|nie)\b", text):
        return None
    if source.language == "de" and random.random() < 0.3 and re.search(r"\bein(?:e[nmrs]?)?\b", text):
        return re.sub(r"\bein(e[nmrs]?)?\b", lambda match: "k" + match.group(), text, count=1)
    match = re.search(_AUXILIARY[source.language], text)
    return f"{text[: match.end()]} {random.choice(_DENIALS[source.language])}{text[match.end() :]}" if match else None


def affirmed(text: str, source: Source, random: Random) -> str | None:
    """A negation left out."""
    rules = (
        (r"\bno longer\b", "still"), (r"\bcannot\b", "can"), (r"n't\b", ""), (r" not(?! only| just)\b", ""),
        (r"\bnever\b", "always"), (r" nicht(?! nur)(?: mehr)?\b", ""), (r" (?:nie|niemals)\b", " immer"),
        (r"\bkein(e[nmrs]?)?\b", lambda match: match.group()[1:]),
    )  # fmt: skip
    for pattern, plain in rules:
        if re.search(pattern, text):
            return re.sub(pattern, plain, text, count=1)
    return None


def word_turned(tables: dict[Language, Pairs]) -> Planting:
    """A word for its opposite."""

    def plant(text: str, source: Source, random: Random) -> str | None:
        pairs = [pair for pair in tables[source.language] if _places(pair[0], text, source.language)]
        if not pairs:
            return None
        one, other = random.choice(pairs)
        place = random.choice(_places(one, text, source.language))
        return text[: place.start()] + other + text[place.end() :]

    return plant


def _places(word: str, text: str, language: Language) -> list[re.Match[str]]:
    ambiguous = language == "de" and word in ("vor", "nach", "über", "unter", "bis", "seit")
    before = r"(?= (?:dem Jahr )?\d)" if ambiguous or word in ("over", "under", "until", "since") else ""
    return list(re.finditer(rf"(?<![\w-]){word}\b(?!-){before}", text))


def _names_in(text: str, source: Source) -> list[str]:
    """Names of the passage in the sentence, longest first, none inside another, none that opens it."""
    found: list[str] = []
    for name in sorted(source.names, key=len, reverse=True):
        if re.search(rf"(?<!^)(?<![\w-]){re.escape(name)}(?![\w-])", text) and not any(
            name in other for other in found
        ):
            found.append(name)
    return found


def _put(text: str, name: str, other: str) -> str:
    return re.sub(rf"(?<!^)(?<![\w-]){re.escape(name)}(?![\w-])", lambda _: other, text)


def _number_changed(text: str, random: Random, change: Callable[[str], str]) -> str | None:
    return _changed(_NUMBER, text, random, change, keep=_YEAR)


def _changed(
    pattern: re.Pattern[str],
    text: str,
    random: Random,
    change: Callable[[str], str],
    *,
    keep: re.Pattern[str] | None = None,
    differs: bool = False,
) -> str | None:
    """One of the places that match, changed to something that the sentence does not hold."""
    places = [match for match in pattern.finditer(text) if keep is None or not keep.fullmatch(match.group())]
    if not places:
        return None
    place = random.choice(places)
    for _ in range(20):
        new = change(place.group())
        if new != place.group() and not re.search(rf"(?<![\d.,]){re.escape(new)}(?![\d])", text):
            return text[: place.start()] + new + text[place.end() :]
    return None


def plantings(names: dict[Language, Sequence[str]]) -> dict[str, Planting]:
    """Every kind of error; `names` are those to take another one from."""
    return {
        "number: another": number_other,
        "number: off by one": number_next,
        "number: digits swapped": number_swapped,
        "number: magnitude": number_magnitude,
        "number: unit": number_unit,
        "number: small word": number_word,
        "number: of the passage": number_near,
        "number: of another passage": number_beside,
        "date: another year": year_other,
        "date: year of the passage": year_near,
        "date: year of another passage": year_beside,
        "date: day or month": date_other,
        "name: of elsewhere": name_elsewhere(names),
        "name: of the passage": name_near,
        "name: of another passage": name_beside,
        "name: another subject": subject_near,
        "name: subject of elsewhere": subject_elsewhere(names),
        "name: roles swapped": roles_swapped,
        "negation: added": denied,
        "negation: removed": affirmed,
        "negation: prefix": word_turned(PREFIXES),
        "opposite: antonym": word_turned(ANTONYMS),
        "opposite: time, place, order": word_turned(ORDER),
    }
