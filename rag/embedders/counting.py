"""How many tokens a text has, without cutting it into tokens again: a word has as many wherever it stands.

That holds for tokenizers that part texts at white space before anything else, as BERT's does ("WordPiece", Devlin et
al. 2019, section 3). A document says most of its words many times, so they are counted once each.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_BETWEEN_WORDS = re.compile(r"[ \t\n\r]+")
"""White space to every tokenizer of this kind; what else is white is left to it."""
_KNOWN_WORDS = 50_000
"""Remembered, about 10 MB: the different words of two long books."""
_LONG_WORD = 40
"""Characters; longer ones are seldom met twice."""


class TokenCounter:
    """Counts what `tokenizer` makes of texts, special tokens included. Thread-safe."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        from tokenizers.pre_tokenizers import BertPreTokenizer

        self._tokenizer = tokenizer
        self._special = tokenizer.num_special_tokens_to_add(False)
        self._by_word = isinstance(tokenizer.pre_tokenizer, BertPreTokenizer)
        self._of_known = lru_cache(_KNOWN_WORDS)(self._of)

    def count(self, text: str) -> int:
        """Length of `tokenizer.encode(text)`."""
        if not self._by_word:
            return self._special + self._of(text)
        known = self._of_known
        return self._special + sum(
            known(word) if len(word) <= _LONG_WORD else self._of(word) for word in _BETWEEN_WORDS.split(text)
        )

    def _of(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)
