"""Says a sentence again without changing what it claims, as language models do. Each rule gives None where it finds
nothing to do, so that a case of a kind really is one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from rag.types import Language
from tests.support.planted.sources import Source
from tests.support.planted.tables import ACTIVE, MONTHS, SMALL_NUMBERS, SYNONYMS

Rewriting = Callable[[Source, Random], str | None]
_Item = TypeVar("_Item")

_FRONTED = {
    "en": re.compile(
        r"(?P<head>(?:In|On|At|During|After|Before|Since|By|From|Under|Within|Throughout|Between) [^,]{3,60}), "
        r"(?P<tail>(?:the|a|an|it|he|she|they|this|these|[A-Z]\w+) (?!would,)[^;]+)\."
    ),
    "de": re.compile(
        r"(?P<head>(?:Im|In|Am|Bei|Nach|Vor|Während|Seit|Von|Zwischen) [^,]{3,50}?) "
        r"(?P<verb>wurden?|waren?|ist|sind|hat|haben|hatten?|begann|kam|gab) "
        r"(?P<subject>(?:(?:der|die|das|ein|eine) )?[A-ZÄÖÜ]\w+(?: [A-ZÄÖÜ]\w+)*) (?P<tail>[^,;]+)\."
    ),
}
_TRAILING = {
    "en": re.compile(
        r"(?P<head>.{30,}?), (?:which|who|where|including|such as|although|while|whereas|making|leading|with|but) "
        r"[^,]*\."
    ),
    "de": re.compile(
        r"(?P<head>.{30,}?), (?:der|die|das|welcher|welche|welches|wobei|wodurch|während|obwohl|darunter|wie etwa|aber)"
        r" [^,]*\."
    ),
}
_PASSIVE = {
    "en": re.compile(
        r"(?P<patient>[^,;]+?) (?:was|were) (?P<verb>\w+) by "
        r"(?P<agent>(?:the |a |an )?[A-Z]\w+(?: [A-Z]\w+)*)(?P<rest>.*)\."
    ),
    "de": re.compile(
        r"(?P<patient>[^,;]+?) (?:wurden?) (?P<before>[^,;]*?)von (?P<agent>[A-ZÄÖÜ]\w+(?: [A-ZÄÖÜ]\w+)*) "
        r"(?P<rest>[^,;]*?)(?P<verb>\w*ge\w+(?:t|en)|\w+iert)\."
    ),
}


def verbatim(source: Source, random: Random) -> str | None:
    """As it stands."""
    return source.text


def shortened(source: Source, random: Random) -> str | None:
    """Without what stands in brackets, and without its last relative clause or what follows a semicolon."""
    text = re.sub(r"\s*\([^()]*\)", "", source.text)
    if ";" in text:
        text = text.split(";")[0].rstrip() + "."
    elif match := _TRAILING[source.language].fullmatch(text):
        text = match["head"] + "."
    return text if text != source.text and len(text.split()) > 5 else None


def reordered(source: Source, random: Random) -> str | None:
    """What opens the sentence goes to its end, or in German behind the verb."""
    match = _FRONTED[source.language].fullmatch(source.text)
    if match is None:
        return None
    head = match["head"][0].lower() + match["head"][1:]
    if source.language == "de":
        subject = match["subject"]
        return f"{subject[0].upper()}{subject[1:]} {match['verb']} {head} {match['tail']}."
    return f"{match['tail'][0].upper()}{match['tail'][1:]} {head}."


def active(source: Source, random: Random) -> str | None:
    """ "A was written by B" as "B wrote A"."""
    match = _PASSIVE[source.language].match(source.text)
    if match is None:
        return None
    patient = match["patient"]
    if re.search(r"\b(?:was|were|is|are|has|have|had|and|durch|und)\b", patient + match.groupdict().get("before", "")):
        return None  # not one simple clause
    if patient.split()[0] in (
        "The",
        "A",
        "An",
        "It",
        "He",
        "She",
        "They",
        "Der",
        "Die",
        "Das",
        "Ein",
        "Eine",
        "Er",
        "Es",
    ):
        patient = patient[0].lower() + patient[1:]
    agent = match["agent"][0].upper() + match["agent"][1:]
    if source.language == "de":
        return f"{agent} hat {patient} {match['before']}{match['rest']}{match['verb']}."
    verb = ACTIVE.get(match["verb"], match["verb"] if match["verb"].endswith("ed") else "")
    return f"{agent} {verb} {patient}{match['rest']}." if verb else None


def paraphrased(source: Source, random: Random) -> str | None:
    """Up to three words put in other words."""
    text, count = source.text, 0
    for one, other in _shuffled(SYNONYMS[source.language], random):
        changed = re.sub(rf"\b{one}\b", other, text, count=1)
        if changed != text:
            text, count = changed, count + 1
        if count == 3:
            break
    return text if count else None


def number_spelled(source: Source, random: Random) -> str | None:
    """The same number in another spelling."""
    for rule in _shuffled(_NUMBERS[source.language], random):
        changed = re.sub(rule[0], rule[1], source.text, count=1)
        if changed != source.text:
            return changed
    return None


def date_spelled(source: Source, random: Random) -> str | None:
    """The same date in another spelling."""
    if source.language == "de":
        pattern = rf"\b(\d\d?)\. ({'|'.join(MONTHS['de'])}) ([12]\d{{3}})\b"
        return _replaced(pattern, source.text, lambda m: f"{int(m[1]):02}.{MONTHS['de'].index(m[2]) + 1:02}.{m[3]}")
    months = "|".join(MONTHS["en"])
    changed = _replaced(rf"\b({months}) (\d\d?),? ([12]\d{{3}})\b,?", source.text, lambda m: f"{m[2]} {m[1]} {m[3]}")
    return changed or _replaced(
        rf"\b(\d\d?) ({months}),? ([12]\d{{3}})\b",
        source.text,
        lambda m: random.choice((f"{m[2]} {m[1]}, {m[3]}", f"{int(m[1]):02}.{MONTHS['en'].index(m[2]) + 1:02}.{m[3]}")),
    )


def surname(source: Source, random: Random) -> str | None:
    """A person by the last name alone, where the passage does so too."""
    for name in source.names:
        first, _, last = name.rpartition(" ")
        alone = re.search(rf"(?<![A-ZÄÖÜ]\w\s)(?<!\w\. )\b{re.escape(last)}\b", source.own.text.replace(name, ""))
        whole = re.search(rf"\b{re.escape(name)}\b(?! [A-ZÄÖÜ])", source.text)
        if first and " " not in first and whole and alone:
            return source.text.replace(name, last)
    return None


def merged(source: Source, random: Random) -> str | None:
    """Two sentences as one."""
    after = source.following
    if not after.endswith(".") or len(after.split()) > 30 or not after.split()[0].istitle():
        return None
    opens = after.split()[0] in _OPENERS
    tail = after[0].lower() + after[1:] if opens else after
    return f"{source.text[:-1]}{'; ' if not opens else ', and ' if source.language == 'en' else ', und '}{tail}"


def _replaced(pattern: str, text: str, change: Callable[[re.Match[str]], str]) -> str | None:
    changed = re.sub(pattern, change, text, count=1)
    return changed if changed != text else None


def _shuffled(items: Sequence[_Item], random: Random) -> list[_Item]:
    return random.sample(items, len(items))


def _full(match: re.Match[str], *, group: str, point: str) -> str:
    """ "1.2 million" as "1,200,000"."""
    whole, _, fraction = match[1].partition(point)
    zeros = 6 if match[2][0].lower() == "m" and "ill" in match[2].lower() and "ard" not in match[2] else 9
    return f"{int(whole + fraction.ljust(zeros, '0')):,}".replace(",", group)


def _thousands(match: re.Match[str], *, point: str, word: str) -> str:
    value = int(re.sub(r"\D", "", match.group()))
    if value % 100 or not 1_000 <= value < 1_000_000:
        return re.sub(r"\D", "", match.group())
    return f"{value / 1000:g}".replace(".", point) + f" {word}"


_WORDS: dict[Language, dict[str, str]] = {
    language: {str(value): word for value, word in enumerate(words, 3)} for language, words in SMALL_NUMBERS.items()
}
_GROUPED = r"(?<![\d.,])[1-9]\d{0,2}(?:[.,]\d{3})+(?![\d.,]\d|-)"
_NUMBERS: dict[Language, list[tuple[str, Callable[[re.Match[str]], str]]]] = {
    "en": [
        (r"\b(\d+(?:\.\d{1,3})?) (million|billion)\b", lambda m: _full(m, group=",", point=".")),
        (_GROUPED, lambda m: _thousands(m, point=".", word="thousand")),
        (r"(?<=\d)%", lambda m: " percent"),
        (r"(?<=\d) ?per ?cent\b", lambda m: "%"),
        (r"\b(?:three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b(?!-)",
         lambda m: str(SMALL_NUMBERS["en"].index(m.group()) + 3)),
        (r"(?<![\d.,$£€-])\b([3-9]|1[0-2])\b(?![\d.,%:/-])(?= [a-z])", lambda m: _WORDS["en"][m[1]]),
    ],
    "de": [
        (r"\b(\d+(?:,\d{1,3})?) (Millionen|Milliarden)\b", lambda m: _full(m, group=".", point=",")),
        (_GROUPED, lambda m: _thousands(m, point=",", word="Tausend")),
        (r"(?<=\d) ?%", lambda m: " Prozent"),
        (r"(?<=\d) ?Prozent\b", lambda m: " %"),
        (r"\b(?:drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf)\b",
         lambda m: str(SMALL_NUMBERS["de"].index(m.group()) + 3)),
        (r"(?<![\d.,$£€-])\b([3-9]|1[0-2])\b(?![\d.,%:/-])(?= [A-ZÄÖÜ])", lambda m: _WORDS["de"][m[1]]),
    ],
}  # fmt: skip
_OPENERS = frozenset(
    [
        "The",
        "A",
        "An",
        "This",
        "That",
        "These",
        "It",
        "Its",
        "He",
        "She",
        "They",
        "In",
        "On",
        "At",
        "Der",
        "Die",
        "Das",
        "Ein",
        "Eine",
        "Dies",
        "Diese",
        "Es",
        "Er",
        "Sie",
        "Im",
    ]
)

CORRECT: dict[str, Rewriting] = {
    "verbatim": verbatim,
    "shortened": shortened,
    "clause moved": reordered,
    "active for passive": active,
    "other words": paraphrased,
    "number respelled": number_spelled,
    "date respelled": date_spelled,
    "surname": surname,
    "two sentences merged": merged,
}
