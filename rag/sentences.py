"""Where sentences begin and end. A marker for evidence and footnotes, so a missed end is cheaper than a false one.

One pass over the text looks at every place where a sentence could end (a terminator, a line break, a blank line) and
decides it from what stands left and right. Abbreviations follow the idea of Punkt (Kiss and Strunk 2006, "Unsupervised
multilingual sentence boundary detection"): after an abbreviation a sentence ends only where the next word is one that
often opens sentences. The word lists are English and German; other languages fall back on both.
"""

from __future__ import annotations

import re

from rag.types import CELL_BORDER, Language, Span


def _words(*lists: str) -> frozenset[str]:
    return frozenset(word for line in lists for word in line.split())


_CLOSERS = "\"'”’»“)\\]*_"
_CANDIDATE = re.compile(
    rf"(?P<blank>\n[^\S\n]*\n\s*)"
    rf"|(?P<line>\n)"
    rf"|(?P<wide>[。！？｡]+[」』”’）]*)"
    rf"|(?P<stop>[.!?…؟।।]+[{_CLOSERS}]*(?:\[[\d,\s]{{1,12}}\])*)(?=\s|$)"
)
_NEXT = re.compile(r"\s*([\"'„“«»‚‘(\[*_`#¿¡-]*)(\w*)(\.?)")
_LAST_WORD = re.compile(r"(?:(?<=\s)|(?<=[(\[\"'„“«‚‘/-])|^)([^\s(\[\"'„“«‚‘/]*)$")
_DOTTED = re.compile(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}")
_ROMAN = re.compile(r"[IVX]+")

_LOOK_BACK = 48
"""Characters left of a full stop that can decide it: the longest abbreviation and the word before it."""

_BULLET = re.compile(r"[^\S\n]*(?:[•‣▪●◦*+|#]|-\s|\(?[a-z]\)\s|\(?\d{1,3}\)\s|\d+(?:\.\d+)+\.?\s+[^\W\d_a-zäöüß])")
"""A line that opens with one of these begins something new, whatever stands before it."""
_NUMBERED = re.compile(r"[^\S\n]*(?:\d{1,3}\.|[–—])\s")
"""These may also be the rest of a wrapped sentence ("am / 3. Oktober"), so the line before must look finished."""
_HEADING = re.compile(r"[^\S\n]*#{1,6}\s")
_SHORT_LINE = 0.7
"""A line break is deliberate where the next word would have fitted: the line with that word is still shorter than
this share of its longer neighbour. Proportional fonts wrap between .8 and 1 of the longest line."""

_NEVER_LAST = _words(
    "mr mrs ms dr prof st mt rev hon gen col sgt capt lt gov sen rep pres e.g i.e eg ie vs cf viz approx ca resp incl",
    "excl esp al dept est jan feb mar apr jun jul aug sept sep oct nov dec",
    "hr fr frl dipl ing habil med phil nr str tel abs abschn art kap anm abb tab vgl bzw ggf evtl sog bes insb inkl",
    "exkl zzgl max min ggü gem geb gest verh jh jhd jhdt okt dez mrz zb dh z.b d.h z.t u.a u.u v.a s.o s.u i.d.r i.a",
    "i.d i.s.d o.ä o.g u.ä m.e a.a.o b.a.w bspw urspr allg eigtl usf hrsg hg bd aufl ausg einschl entspr betr bez lfd",
    "mind",
)
_WITH_NUMBER = _words("no nos p pp vol vols fig figs sec ch eq par para op s ss z rn rz bl ziff lit")
"""Abbreviations only where a number follows: "No. 5", but "She said no." """

_SOMETIMES_LAST = _words(
    "etc inc ltd co corp llc plc jr sr bros u.s u.k u.n e.u d.c a.m p.m am pm ph.d b.c a.d b.sc m.sc",
    "usw uvm u.v.m mio mrd tsd chr v.chr n.chr ag gmbh std sek",
)
_OPENERS = _words(
    "the a an this that these those it its he she they we you i there here in on at by for from with to as if when",
    "while where who what why how after before since because although however but and or so then thus also not no yes",
    "his her their our my your some many most all both each one two several other another during under over between",
    "among despite according unlike until once only even such",
    "der die das den dem des ein eine einer eines einem einen dies diese dieser dieses diesen es er sie wir ihr ich du",
    "man sein seine ihre unser mein dein kein keine in im am an auf bei mit nach von vom vor zu zum zur für durch über",
    "unter aus seit während wegen trotz ohne um als wenn wann wo wer was wie warum weil da dann dort hier so auch aber",
    "doch jedoch oder und sondern denn daher deshalb dabei damit danach darin davon dazu bereits noch nur nun heute",
    "obwohl nachdem bevor sobald falls alle viele einige beide jede jeder jedes andere nicht weitere",
)
_ORDINAL_DOT = frozenset({"de", "da", "no", "nb", "cs", "fi", "et", "hu", "sr", "lt", "tr", "pl", "is", "sk", "hr", ""})
"""Languages that write ordinals with a full stop ("3. Oktober"); an unknown language is treated as one of them."""


def sentences(text: str, language: Language = "") -> list[Span]:
    """Spans of the sentences of `text`, in order, free of outer white space; together they hold every other character.

    A single line break ends a sentence only where the break looks deliberate (a heading, a list item, a short line);
    a blank line always does.
    """
    spans: list[Span] = []
    start = 0
    for match in _CANDIDATE.finditer(text):
        if _ends(text, start, match, language):
            _append_trimmed(spans, text, start, match.end())
            start = match.end()
    _append_trimmed(spans, text, start, len(text))
    return spans


def _append_trimmed(spans: list[Span], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append(Span(start, end))


def _ends(text: str, start: int, match: re.Match[str], language: Language) -> bool:
    if match["blank"] or match["wide"]:
        return True
    if match["line"]:
        return _deliberate_break(text, match.start())
    stop = match["stop"]
    following = _NEXT.match(text, match.end())
    if following and following[1] and not following[2] and text[following.end() :][:1].isspace():
        stop += following[1]  # a closing quote that stands apart, as in tokenised text
        following = _NEXT.match(text, following.end())
    opening, word = (following[1], following[2]) if following else ("", "")
    opens = following is not None and not following[3] and word.lower() in _OPENERS
    if not opening and not word:
        # A symbol or the end of the text; a row of dots is a leader line, not a row of sentences.
        after = text[match.end() : match.end() + 16].lstrip()
        return not after or after[0] not in ".…!?,;"
    if stop.startswith("....") and word[:1].isdigit():
        return False  # a leader line and its page number
    if stop[0] != "." or stop.startswith(".."):
        closed = stop[-1] not in ".!?…؟।"
        return not word[:1].islower() or (not closed and stop[0] in "!?؟")
    return _full_stop_ends(text[max(start, match.start() - _LOOK_BACK) : match.start()], word, opens, language)


def _full_stop_ends(before: str, following: str, opens: bool, language: Language) -> bool:
    """Whether a full stop between `before` (the sentence so far, or its tail) and the word `following` ends it."""
    if before[-1:].isspace():
        return not before.rstrip().endswith(".")  # tokenised text ("a calendar year . Any") or a leader line (". . .")
    if following[:1].islower():
        return False
    found = _LAST_WORD.search(before)
    word = found[1] if found else ""
    lowered = word.lower().lstrip("*_")
    if lowered.isdigit():
        return _number_ends(before, word, following, opens=opens, language=language)
    if lowered in _NEVER_LAST or (lowered in _WITH_NUMBER and following[:1].isdigit()):
        return False
    if lowered in _SOMETIMES_LAST or len(word) == 1 or _DOTTED.fullmatch(word):
        return opens
    if _ROMAN.fullmatch(word) and language in _ORDINAL_DOT:
        return opens
    return True


def _number_ends(before: str, number: str, following: str, *, opens: bool, language: Language) -> bool:
    if not before[: -len(number)].strip():
        return False  # the number of a list item
    if following[:1].isdigit():
        return len(number) > 2  # "am 3. 10. 1990"
    if language in _ORDINAL_DOT and len(number) <= 3:
        return opens
    return True


def _deliberate_break(text: str, newline: int) -> bool:
    """Whether the line break at `newline` separates, or only wraps a running sentence."""
    if _BULLET.match(text, newline + 1):
        return True
    line_start = text.rfind("\n", 0, newline) + 1
    if _HEADING.match(text, line_start):
        return True
    next_end = text.find("\n", newline + 1)
    following = text[newline + 1 : next_end if next_end >= 0 else len(text)].strip()
    line = text[line_start:newline].strip()
    if CELL_BORDER in line and CELL_BORDER in following:
        return True  # each row of a table says something of its own
    previous = text[text.rfind("\n", 0, line_start - 1) + 1 : line_start].strip() if line_start else ""
    width = max(len(previous), len(following))
    next_word = following.split(maxsplit=1)[0] if following else ""
    short = len(line) + 1 + len(next_word) < _SHORT_LINE * width
    if following[:1].islower() and not line.endswith((".", ":", "!", "?")):
        return False
    finished = line.endswith((".", ":", "!", "?", ";")) or _NUMBERED.match(line) is not None
    return short or (finished and _NUMBERED.match(text, newline + 1) is not None)
