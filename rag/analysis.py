"""Words as the lexical index and the query see them: normalised, stemmed in the language of their document.

Snowball stemmers (Porter 2001, "Snowball: a language for stemming algorithms") reduce inflected forms; codes and
numbers ("ISO-27001", "3.14", "§ 12") are kept whole beside their parts, so that an exact code finds exactly itself.
Scripts that write without spaces become overlapping pairs of characters, as search engines index them.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain

import snowballstemmer

from rag.types import Language

STEMMERS: dict[Language, str] = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "et": "estonian", "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian",
    "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch",
    "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
"""Snowball's algorithm for each language it knows."""

_MARKS = "\u064b-\u065f\u0900-\u0dff"  # vowel signs of Arabic and Indic scripts are no letters to `re`
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"  # Thai, Lao, Kana, Han
_LETTERS = rf"(?:[a-z0-9]++|[^\W_{_UNSPACED}]|[{_MARKS}])++"  # the first for speed: 30 % less time
_TOKEN = re.compile(
    rf"(?P<section>§+\s*)(?P<number>\d+[^\W\d_]?)\b"
    rf"|(?P<unspaced>[{_UNSPACED}]+)"
    rf"|(?P<word>{_LETTERS}(?:[-./_:]{_LETTERS})*)(?:['’]s\b)?"
)
_PART = re.compile(_LETTERS)
_SECTION = "par"
"""Stands for "§" in front of its number: an index may drop signs, never letters."""
_CACHE = 100_000
_local = threading.local()


def spellings(text: str) -> Iterator[tuple[str, ...]]:
    """Each word of `text`, normalised: (word,), or (whole, *parts) for one that is written of several parts."""
    for token in _tokens(text):
        yield from _spellings_of(*token)


def words(text: str) -> list[str]:
    """All spellings in order."""
    found: list[str] = []
    for token in _tokens(text):
        if token[-1].isalnum():  # nearly all; a question reads ten thousand words
            found.append(token[-1])
        else:
            found += chain.from_iterable(_spellings_of(*token))
    return found


def _tokens(text: str) -> list[tuple[str, str, str, str]]:
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())


def _spellings_of(_section: str, number: str, unspaced: str, word: str) -> Iterator[tuple[str, ...]]:
    if number:
        yield _SECTION + number, number
    elif unspaced:
        yield from ((unspaced[at : at + 2],) for at in range(max(1, len(unspaced) - 1)))
    else:
        parts = _PART.findall(word)
        yield ("".join(parts), *parts) if len(parts) > 1 else (parts[0],)


def stems(text: str, language: Language) -> list[str]:
    """The stems of `words(text)`; words stay as they are in a language without a stemmer."""
    return [stem(word, language) for word in words(text)]


@lru_cache(maxsize=_CACHE)
def stem(word: str, language: Language) -> str:
    """One normalised word's stem; words with digits have none."""
    if language not in STEMMERS or any(character.isdigit() for character in word):
        return word
    stemmed: str = _stemmer(language).stemWord(word)
    return stemmed or word


def _stemmer(language: Language) -> snowballstemmer.Stemmer:
    """One stemmer a thread and language: they hold state while they work."""
    known = _local.__dict__
    if language not in known:
        known[language] = snowballstemmer.stemmer(STEMMERS[language])
    return known[language]
