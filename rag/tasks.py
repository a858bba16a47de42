"""Questions that ask for more than a few passages hold: a summary, a complete list, a comparison.

They are told by how they begin, in English and German, without a model. Rather too few than too many: whoever asks for
one fact gets it from the best passages in a fraction of the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rag.questions import DOCUMENT_WORDS, INSTRUCTIONS, word_set
from rag.types import Language
from rag.words import STOP_WORDS

TaskKind = Literal["summary", "list", "comparison"]

MOST_SIDES = 4
"""Of a comparison; each gets its share of what can be read."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a question wants done."""

    kind: TaskKind
    language: Language
    """In which it is written."""
    subject: str = ""
    """Of a summary, what it calls the document ("" where it only says "this document"); of a list, what is listed; of a
    comparison, in which respect."""
    sides: tuple[str, ...] = ()
    """What is compared; empty where only names of documents stood there, which are in the scope."""


_KINDS_OF_DOCUMENTS = word_set(
    "manual report contract book handbook guide letter minutes whole entire full following handbuch bericht vertrag",
    "buch leitfaden brief protokoll ganze ganzen gesamte gesamten vorliegende vorliegenden folgende folgenden",
)
_POLITE = re.compile(
    r"^(?:please|bitte|(?:can|could|would|will) you(?: please)?|(?:kannst|könntest) du(?: bitte)?(?: mir)?"
    r"|(?:können|könnten) sie(?: bitte)?(?: mir)?|(?:i (?:want|need)|i would like)(?: you)? to)\s+",
    re.IGNORECASE,
)
_MANNER = re.compile(
    r"(?:\s*,)?\s+(?:please|bitte|briefly|for me|für mich|kurz|in (?:\w+|a few|ein paar) (?:short |kurzen )?"
    r"(?:sentences?|words?|(?:bullet )?points|lines|paragraphs?|sätzen|worten|stichpunkten|zeilen|absätzen)"
    r"|in (?:english|german)|(?:auf|in) (?:deutsch|englisch))$",
    re.IGNORECASE,
)

_SUMMARIES: tuple[tuple[Language, str], ...] = (
    ("en", r"(?:briefly )?(?:summari[sz]e|sum up)(?: (?P<o>.+))?"),
    ("en", r"(?:give |write |make |show )?(?:me )?(?:an? |the )?(?:(?:short|brief|quick) )?(?:summary|overview)"
           r"(?: (?:of|over) (?P<o>.+))?"),
    ("en", r"what(?:'s|’s| is| are) (?P<o>.+?) (?:all )?about"),
    ("en", r"what (?:do|does) (?P<o>(?:this|these|the|my) \w+) (?:cover|contain|deal with)"),
    ("en", r"(?:what are |give me |list |name |tell me )?(?:all )?(?:the )?(?:key|main|most important|central) "
           r"(?:points|topics|ideas|takeaways|messages|findings|contents)(?: (?:of|in|from) (?P<o>.+))?"),
    ("de", r"fass(?:e|t|en sie)?(?: mir)?(?: (?P<o>.+?))?(?: kurz)? zusammen"),
    ("de", r"(?P<o>.+?)(?: kurz)? zusammenfassen"),
    ("de", r"(?:gib|gebe|geben sie|erstelle|schreibe?)?(?: ?mir)? ?(?:eine )?(?:kurze )?zusammenfassung"
           r"(?: (?:von|vom|zu|zum|der|des|über) (?P<o>.+))?"),
    ("de", r"(?:gib|gebe|geben sie)?(?: ?mir)? ?(?:einen )?(?:kurzen )?überblick(?: (?:über|zu|von) (?P<o>.+))?"),
    ("de", r"(?:worum|um was) geht(?: es|['’]s)(?: (?:hier|in|im|bei|beim) ?(?P<o>.*))?"),
    ("de", r"wovon handel(?:t|n) (?P<o>.+)"),
    ("de", r"(?:was sind |nenne (?:mir )?)?die (?:wichtigsten|zentralen) "
           r"(?:punkte|aussagen|themen|inhalte|erkenntnisse)"
           r"(?: (?:in|im|von|vom|aus|des|der|dieses|dieser) (?P<o>.+))?"),
)  # fmt: skip
_LISTS: tuple[tuple[Language, str], ...] = (
    ("en", r"(?:list|name|enumerate|show|give|find|identify|what are|which are)(?: me| us)? "
           r"(?:all|every|each|a complete list)(?: of)?(?: the| my)? (?P<o>(?!about\b|details|information|you\b).+)"),
    ("en", r"list (?:the |my )?(?P<o>\w+s(?<!ss)(?: .+)?|\w+ \w+s(?<!ss)(?: .+)?)"),
    ("en", r"(?:which|what) (?P<o>.+?) (?:are there|are (?:listed|mentioned|named|defined))"
           r"(?P<r>(?: (?:in|for|on|about) .+)?)"),
    ("de", r"(?:liste|nenne|zeige?|finde|gib|zähle|zähl|nennen sie|listen sie)(?: mir| uns)?(?: bitte)? "
           r"(?:alle|sämtliche|jeden|jede|jedes) (?P<o>.+?)(?: auf| an)?"),
    ("de", r"(?:alle|sämtliche) (?P<o>.+?) (?:auflisten|aufzählen|nennen|aufführen)"),
    ("de", r"liste(?: mir)?(?: bitte)? die (?P<o>.+?) auf"),
    ("de", r"welche (?P<o>.+?) (?:gibt es|existieren|werden (?:genannt|erwähnt|aufgeführt))"
           r"(?P<r>(?: (?:in|im|für|bei|zu|zum|zur) .+)?)"),
)  # fmt: skip
_ASKS = r"(?:what(?:'s|’s| is| are) |(?:explain|describe|show|tell)(?: me)? |list )?(?:all )?(?:the )?"
_COMPARISONS: tuple[tuple[Language, str], ...] = (
    ("en", r"(?:make a comparison (?:of|between)|compare) (?P<s>.+)"),
    ("en", _ASKS + r"(?:(?:main|key|biggest|exact) )?differences? (?:is |are )?between (?P<s>.+)"),
    ("en", r"how (?:do|does|did|are|is) (?P<s>.+? and .+?) (?:differ|different)(?: (?P<r>in .+))?"),
    ("en", r"how (?:do|does|did|is|are) (?P<s>.+? differ(?:ent)? from .+)"),
    ("de", r"vergleiche?(?:n sie)?(?: mir)? (?P<s>.+)"),
    ("de", r"(?P<s>.+ (?:und|mit) .+) (?:miteinander )?vergleichen"),
    ("de", r"(?:was (?:ist|sind) |erkläre? (?:mir )?|nenne (?:mir )?|worin (?:besteh|lieg)(?:t|en) )?"
           r"(?:der |die |den )?(?:wichtigsten )?unterschiede? zwischen (?P<s>.+)"),
    ("de", r"(?:worin|wie|wodurch) unterscheide(?:t|n) sich (?P<s>.+ (?:und|von|vom) .+)"),
    ("de", r"was unterscheidet (?P<s>.+ (?:von|vom) .+)"),
)  # fmt: skip
_RESPECT = re.compile(
    r"(?:^|\s+)(?:in terms of|with (?:respect|regard) to|regarding|concerning|on|hinsichtlich|bezüglich"
    r"|in bezug auf)\s+(?P<respect>.+)$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    r"\s*(?:\band\b|\bwith\b|\bto\b|\bversus\b|\bvs\b\.?|\bagainst\b|\bdiffer(?:ent)? from\b|\bund\b|\bmit\b)\s*",
    re.IGNORECASE,
)
_FROM = re.compile(r"\s+vo[nm]\s+", re.IGNORECASE)
"""Stands between sides where nothing else does: "was unterscheidet X von Y"."""
_SHARED = re.compile(r"(?P<respect>.+)\s+(?P<of>of|in|for|by|at|von|bei|für)\s+(?P<sides>.+)", re.IGNORECASE)
"""The last such word; what follows holds all sides."""
_OWNED = re.compile(r"(?P<side>.+?)['’]s?\s+(?P<respect>.+)")
_OWNER = re.compile(r"['’]s?$")
_WHEN = re.compile(
    r"\s+(?P<when>(?:in|for|during|im|für|während)\s+(?:(?!of\b|von\b)\w+\s+){0,3}(?:(?:of|von)\s+)?\d{4})$",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


def task_of(question: str, *, leans: bool = False) -> Task | None:
    """What a question wants done beyond finding passages; None for most. `leans`: other questions came before it, so
    that "it" and "that" mean something else than the document."""
    text = " ".join(question.split()).rstrip("?.! ")
    text = _MANNER.sub("", _POLITE.sub("", text))
    return _comparison(text) or _summary(text, leans=leans) or _listing(text)


def content_words(text: str) -> list[str]:
    """The words, in small letters, that tell one thing from another."""
    return [word for word in _WORD.findall(text.casefold()) if word not in STOP_WORDS]


def calls_a_document(subject: str) -> bool:
    """Whether it only says what sort of document it is: "the report", "das ganze Handbuch"."""
    return set(content_words(subject)) <= DOCUMENT_WORDS | INSTRUCTIONS | _KINDS_OF_DOCUMENTS


def _summary(text: str, *, leans: bool) -> Task | None:
    for language, found in _matches(text, _SUMMARIES):
        subject = (found["o"] or "").strip()
        words = set(content_words(subject))
        if leans and subject and not words:
            return None
        return Task("summary", language, "" if words <= DOCUMENT_WORDS | INSTRUCTIONS else subject)
    return None


def _listing(text: str) -> Task | None:
    for language, found in _matches(text, _LISTS):
        subject = found["o"] + found.groupdict().get("r", "")
        if content_words(found["o"]):
            return Task("list", language, subject.strip())
    return None


def _comparison(text: str) -> Task | None:
    for language, found in _matches(text, _COMPARISONS):
        rest, respect = found["s"], (found.groupdict().get("r") or "").strip()
        if told := _RESPECT.search(rest):
            rest, respect = rest[: told.start()], told["respect"]
        shared, sides = ("", _apart(rest)) if respect else _shared(rest)
        if not any(content_words(side) for side in sides):
            return Task("comparison", language, respect)
        if not 2 <= len(sides) <= MOST_SIDES or not all(content_words(side) for side in sides):
            return None
        return Task("comparison", language, respect or shared, tuple(sides))
    return None


def _shared(text: str) -> tuple[str, list[str]]:
    """In which respect, and what is compared: "the rent of A and B" asks for the rent of both."""
    when = _WHEN.search(text)
    if when and not _WHEN.search(_apart(text)[0]) and len(_apart(text[: when.start()])) > 1:
        respect, sides = _shared(text[: when.start()])
        return f"{respect} {when['when']}".strip(), sides
    found = _SHARED.fullmatch(text)
    if found and len(sides := _apart(found["sides"])) > 1 and not _has_its_own(found):
        return found["respect"], sides
    *first, last = _apart(text)
    owned = _OWNED.fullmatch(last)
    if owned and first and all(map(_OWNER.search, first)):
        return owned["respect"], [*(_OWNER.sub("", side) for side in first), owned["side"]]
    return "", [*first, last]


def _has_its_own(found: re.Match[str]) -> bool:
    """Whether an earlier side has a respect of its own: "the rent of A with the fees of B and C"."""
    earlier = re.split(rf"\b{found['of']}\b", found["respect"], flags=re.IGNORECASE)
    return any(len(_BETWEEN.split(part)) > 1 for part in earlier[1:])


def _apart(text: str) -> list[str]:
    """The sides."""
    parts = _BETWEEN.split(text)
    if len(parts) == 1:
        parts = _FROM.split(text)
    *first, last = parts
    return [*(side.strip() for part in first for side in part.split(",")), last.strip()]


def _matches(text: str, forms: Iterable[tuple[Language, str]]) -> Iterable[tuple[Language, re.Match[str]]]:
    for language, form in forms:
        if found := re.fullmatch(form, text, re.IGNORECASE):
            yield language, found
