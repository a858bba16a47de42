"""Titles and names out of metadata: cleaned, and refused where they are a program's leftovers."""

from __future__ import annotations

import re

_PROGRAM = re.compile(r"^(?:Microsoft (?:Word|PowerPoint|Excel)|Print|Document) - ", re.IGNORECASE)
_FILE = re.compile(
    r"\.(?:docx?|pptx?|xlsx?|odt|od[ps]|rtf|pdf|tex|dvi|ps|eps|indd|qxd|pages|txt|html?|fm|pmd|cdr|ai)$", re.I
)
_EMPTY_WORDS = re.compile(
    r"^(?:untitled|unbenannt|title|titel|document|dokument|slide|folie|layout|presentation|präsentation|page|seite|"
    r"microsoft word|powerpoint[ -](?:presentation|präsentation)|none|null|no title|kein titel|scan)[\s\d._-]*$",
    re.IGNORECASE,
)
_FEWEST_LETTERS = 3
_LONGEST = 200


def clean(text: str) -> str:
    """One line of storable text: control characters and broken halves of pairs out, white space to single spaces."""
    return " ".join("".join(c if c.isprintable() or c.isspace() else "" for c in text).split())


def sensible_title(text: str) -> str:
    """A title that a person would recognise, or "": no file names, no numbers, no "Untitled1"."""
    title = _PROGRAM.sub("", clean(text)).strip()
    letters = sum(character.isalpha() for character in title)
    unlike = _FILE.search(title) or _EMPTY_WORDS.match(title) or "\\" in title or title.startswith("/")
    if unlike or letters < _FEWEST_LETTERS or letters * 2 < len(title.replace(" ", "")):
        return ""
    return title[:_LONGEST]
