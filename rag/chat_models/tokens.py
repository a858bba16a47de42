"""How many tokens a text has for a tokenizer nobody here can run: bounds from its characters alone."""

from __future__ import annotations

import re

LETTERS = 2.5
"""Letters a token holds at least, on average, in words of more than three letters. Measured on 1,900 English and German
texts of 300 to 1,500 characters (encyclopedia, manuals, reports): with 2.5 the bound was never below the tokens of an
English-only tokenizer with 49,000 entries (German is its worst case: 1.04 times its count and more) nor of a
multilingual one with 151,000 (1.21 and more). For the latter, English comes out near 1.9 times its tokens, German near
1.6."""

CAPITALS = 1.5
"""The same for words in capitals."""

SHORT = 3
"""Words up to this length are one token."""

_PIECE = re.compile(
    r"(?P<key>(?=[A-Za-z+/_=-]*\d)[A-Za-z0-9+/_=-]{20,})"  # hashes, keys: nothing in them is a word
    r"|(?P<capitals>[A-Z]{2,}(?![a-z]))"
    r"|(?P<word>[A-Z]?[a-z]+|[A-Z])"
    r"|(?P<joint> (?=[A-Za-z]))"  # belongs to the word after it
    r"|(?P<spaces> +)"
    r"|(?P<other>.)",
    re.DOTALL,
)


def upper_bound(text: str) -> int:
    """At least as many tokens as `text` has in any of today's tokenizers, for prose in any language.

    Digits, punctuation and line breaks count as one token each, everything outside ASCII as one per UTF-8 byte: no
    byte-level or byte-fallback tokenizer needs more.
    """
    return 2 + sum(_tokens(match) for match in _PIECE.finditer(text))


def lower_bound(text: str) -> int:
    """At most as many tokens as `text` has: no tokenizer of today joins words across a space."""
    return len(text.split())


def _tokens(match: re.Match[str]) -> int:
    length = match.end() - match.start()
    match match.lastgroup:
        case "capitals":
            return _up(length / CAPITALS)
        case "word":
            return 1 if length <= SHORT else _up(length / LETTERS)
        case "joint":
            return 0
        case "spaces":
            return 1 + length // 4
        case "key":
            return length
        case _:
            return len(match.group().encode(errors="surrogatepass"))


def _up(number: float) -> int:
    return -int(-number // 1)
