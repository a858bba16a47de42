"""Questions from sentences and headings, by rules, without a model: English and German sentences; of other languages
the headings only. Every word of a rule's frame is a function word, so that what is asked for is what the text says."""

from __future__ import annotations

import re

from rag.types import CELL_BORDER, Language
from rag.words import MONTHS, STOP_WORDS


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


SHORTEST, LONGEST = 25, 320
"""Characters of a sentence that a question is made of."""

_SUBJECT_WORDS = 7
_HEADING = 90
_LEAST_LETTERS = 0.6
_MOST_CAPITALS = 0.3

_MONTH = "|".join(sorted((re.escape(name) for name in MONTHS), key=len, reverse=True))
_DATE = rf"(?:\d{{1,2}}(?:st|nd|rd|th|\.)?\s)?(?:(?:{_MONTH})\.?,?\s)?(?:\d{{1,2}},\s)?[12]\d{{3}}\b"
_NUMBER = r"(?:about|around|at least|at most|only|up to|roughly|etwa|rund|ca\.|mindestens|höchstens|nur|bis zu)?\s?\d"
_SUBJECT = r"(?P<s>[^,;:()\[\]?!]{2,70}?)"
_PASSIVE = r"\w+(?:ed|en|lt|nt|id|wn|un|ut|nd|ght|orn)\b[^,;:()]{0,70}?"
_DID = r"(?:[a-z]+ed|became|won|went|made|took|gave|left|built|wrote|bought|sold|led|met|held|found|fell|came)"
_VERBS = {
    spelling: base
    for base in _words(
        "allow cause contain cost cover deliver describe employ enable explain hold include last measure need offer",
        "produce provide require support take use weigh",
    )
    for spelling in (base, f"{base}s")
} | {"has": "have", "have": "have"}
_PAST = {
    "began": "begin", "started": "start", "ended": "end", "opened": "open", "closed": "close", "expired": "expire",
    "died": "die", "happened": "happen", "appeared": "appear", "expires": "expire", "ends": "end", "begins": "begin",
    "starts": "start",
}  # fmt: skip
_ARTICLES = _words(
    "the a an der die das ein eine",
)
_NO_SUBJECT = _words(
    "bear keep note see today nowadays another dies thus hence neither please everything nothing anyone"
)
"""First words that name nothing, besides the function words."""
_NOT_INSIDE = _words(
    "is are was were be that which who whose can could may might must will would should not do does did have has had",
    "if unless except because while when where here there than then to ist sind war waren wird werden kann können muss",
    "müssen soll sollte hat haben nicht dass wenn falls weil wo hier dort zu solche solcher such",
)
"""What stands there belongs to a clause, and not to the name of a thing."""
_POINTING = _words("this that these those it them do be dies das es sich diese dieses diesen ihn sie")
_GENERIC = _words(
    "introduction overview contents table index preface foreword summary conclusion appendix references notes",
    "note example examples general about figure figures glossary license copyright misc miscellaneous",
    "background abstract einleitung einführung überblick übersicht inhalt inhaltsverzeichnis index vorwort",
    "zusammenfassung anhang quellen literatur hinweise hinweis beispiel beispiele allgemeines glossar lizenz",
)
_NUMBERING = re.compile(
    r"^(?:(?:chapter|section|part|appendix|annex|item|kapitel|abschnitt|teil|anhang)\s+[\dA-Z][\d.]*[.:]?\s*|"
    r"(?:[A-Z]|\d+)(?:\.\d+)*\.?\s+)",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w&'-]+(?: (?:of |de |van |von )?[A-Z][\w&'-]+)*")

_ENGLISH: tuple[tuple[str, str], ...] = (
    (rf"{_SUBJECT}\s(?P<be>was|were|is|are)\s(?P<rest>{_PASSIVE})\s(?:in|on|at|by|since)\s{_DATE}",
     "When {be} {s} {rest}?"),
    (rf"{_SUBJECT}\s(?P<past>{'|'.join(_PAST)})\s(?:in|on|at)\s{_DATE}", "When {did} {s} {past}?"),
    (rf"{_SUBJECT}\s(?P<be>was|were|is|are)\s(?P<rest>{_PASSIVE})\sby\s[A-Z]\w", "By whom {be} {s} {rest}?"),
    (rf"{_SUBJECT}\s(?P<be>is|was|are|were)\s{_NUMBER}[^,;]*$", "What {be} {s}?"),
    (rf"{_SUBJECT}\s(?P<verb>{'|'.join(_VERBS)})\s{_NUMBER}[\d.,]*\s(?P<noun>[A-Za-z]{{3,}})",
     "How many {noun} {do} {s} {verb}?"),
    (rf"(?:In|On)\s(?P<date>{_DATE}),?\s{_SUBJECT}\s{_DID}\s", "What did {s} do in {date}?"),
    (rf"{_SUBJECT}\s{_DID}\s[^,;:]{{3,80}}?\s(?:in|on)\s(?P<date>{_DATE})", "What did {s} do in {date}?"),
    (rf"{_SUBJECT}\s(?P<be>is|are)\sused\s(?:to|for)\s", "What {be} {s} used for?"),
    (r"To\s(?P<rest>[a-z]+\s[^,;:()]{8,90}),\s", "How can one {rest}?"),
    (rf"{_SUBJECT}\s(?:means|refers to|stands for|denotes)\s", "What is {s}?"),
    (rf"{_SUBJECT}\s(?P<be>is|are)\s(?:an?|the|one of)\s", "What {be} {s}?"),
    (rf"{_SUBJECT}\s(?P<verb>{'|'.join(_VERBS)})\s(?:an?|the|all|any)\s", "What {do} {s} {verb}?"),
    (r"If\s(?P<rest>(?:you|the|an?|your)\s[^,;:()]{10,90}),\s(?:the|you|an?|it|this|your)\s", "What if {rest}?"),
)  # fmt: skip
_GERMAN: tuple[tuple[str, str], ...] = (
    (rf"{_SUBJECT}\s(?P<be>wurde|wurden)\s(?:im\sJahre?\s|am\s|im\s|in\s)?{_DATE}\s(?P<rest>[^,;:]{{3,70}})$",
     "Wann {be} {s} {rest}?"),
    (rf"{_SUBJECT}\s(?P<be>beträgt|betragen)\s{_NUMBER}", "Wie viel {be} {s}?"),
    (rf"{_SUBJECT}\s(?P<be>hat|haben|enthält|enthalten|besitzt|umfasst)\s{_NUMBER}[\d.,]*\s(?P<noun>[A-ZÄÖÜ]\w{{2,}})",
     "Wie viele {noun} {be} {s}?"),
    (rf"{_SUBJECT}\s(?P<be>dient|dienen)\s(?:dazu|der|dem|zum|zur|als)\b", "Wozu {be} {s}?"),
    (rf"{_SUBJECT}\s(?P<be>bedeutet|bezeichnet)\s", "Was {be} {s}?"),
    (r"Um\s(?P<rest>[^,;:()]{5,80}?)\szu\s(?P<verb>\w+n),\s", "Wie kann man {rest} {verb}?"),
    (r"(?:Wenn|Falls)\s(?P<rest>[^,;:()]{12,90}),\s", "Was ist, wenn {rest}?"),
    (rf"{_SUBJECT}\s(?P<be>ist|sind|war|waren)\s(?:eine?|der|die|das)\s", "Was {be} {s}?"),
)  # fmt: skip
_RULES = {
    "en": [(re.compile(f"^{pattern}"), frame) for pattern, frame in _ENGLISH],
    "de": [(re.compile(f"^{pattern}"), frame) for pattern, frame in _GERMAN],
}


def of_sentence(text: str, language: Language) -> str | None:
    """A question that a sentence answers; None where no rule fits."""
    sentence = " ".join(text.split()).rstrip(". ")
    if not _usable(sentence):
        return None
    for pattern, frame in _RULES.get(language, ()):
        match = pattern.match(sentence)
        if match is not None and (question := _filled(frame, match.groupdict())):
            return question
    return None


def of_names(text: str, language: Language) -> str | None:
    """A question about the names in an English sentence; other languages write other words with capitals too."""
    sentence = " ".join(text.split()).rstrip(". ")
    if language != "en" or not _usable(sentence):
        return None
    found = (name.removesuffix("'s") for name in _NAME.findall(sentence))
    names = [name for name in dict.fromkeys(found) if name not in MONTHS][:2]
    return f"What is said about {' and '.join(names)}?" if names else None


def of_heading(heading: str, language: Language) -> str | None:
    """A question about what stands under a heading; None where the heading says too little."""
    line = _NUMBERING.sub("", " ".join(heading.split())).strip(" .:-–")
    told = [word for word in re.findall(r"[^\W\d_]{3,}", line.casefold()) if word not in STOP_WORDS]
    if len(line) > _HEADING or not told or set(told) <= _GENERIC or (len(told) == 1 and len(told[0]) < 6):
        return None
    if line.endswith("?"):
        return line
    return {"en": f"What is said about “{line}”?", "de": f"Was steht über „{line}“?"}.get(language, f"{line}?")


def _usable(sentence: str) -> bool:
    letters = sum(character.isalpha() or character.isspace() for character in sentence)
    return (
        SHORTEST <= len(sentence) <= LONGEST
        and CELL_BORDER not in sentence
        and ".." not in sentence
        and sentence[0].isupper()
        and letters >= _LEAST_LETTERS * len(sentence)
        and sum(character.isupper() for character in sentence) < _MOST_CAPITALS * len(sentence)
    )


def _filled(frame: str, parts: dict[str, str]) -> str | None:
    subject = _subject(parts["s"]) if "s" in parts else ""
    if subject is None or not _POINTING.isdisjoint(parts.get("rest", "").casefold().split()[:2]):
        return None
    verb = parts.get("verb", "")
    past = parts.get("past", "")
    return frame.format(
        s=subject,
        date=parts.get("date", ""),
        be=parts.get("be", ""),
        rest=parts.get("rest", ""),
        noun=parts.get("noun", ""),
        do="does" if verb.endswith("s") else "do",
        verb=_VERBS.get(verb, verb),
        did="does" if past.endswith("s") else "did",
        past=_PAST.get(past, past),
    )


def _subject(text: str) -> str | None:
    """What a sentence is about, as it stands inside a question; None where it only points at something."""
    words = text.split()
    plain = [word.casefold() for word in words]
    if not words or len(words) > _SUBJECT_WORDS or not _NOT_INSIDE.isdisjoint(plain):
        return None
    first, last = plain[0], plain[-1]
    if first not in _ARTICLES and (first in STOP_WORDS or first in _NO_SUBJECT or first.endswith(("ing", "ly"))):
        return None
    if last in STOP_WORDS or last.endswith("ly"):
        return None
    return " ".join([first if first in _ARTICLES else words[0], *words[1:]])
