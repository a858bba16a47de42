"""Tokens counted word by word are the tokens of the whole text."""

from __future__ import annotations

import random
from collections.abc import Sequence
from string import ascii_lowercase

import pytest
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordPiece
from tokenizers.processors import TemplateProcessing

from rag.embedders.counting import TokenCounter

PARTS = [*" \n\t\r\0", "\x1c", "\u00a0", "\u2003", "\u200b", "\ufeff", "[CLS]", "[UNK]", "[", "ä", "ß", "é"]
PARTS += ["e\u0301", "中", "文", "😀", ".", "-", "##", "a", "B", "reading", "Lesung", "x" * 39, "y" * 130, "unhappily"]


def bert(pre_tokenizer: object = None) -> Tokenizer:
    letters = [*ascii_lowercase, *(f"##{letter}" for letter in ascii_lowercase)]
    vocabulary = ["[UNK]", "[CLS]", "[SEP]", *letters, "read", "##ing", "un", "##happ", ".", "-", "#", "[", "]", "中"]
    tokenizer = Tokenizer(WordPiece({token: number for number, token in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizer or pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    tokenizer.add_special_tokens(["[CLS]", "[SEP]", "[UNK]"])
    return tokenizer


def texts(count: int) -> Sequence[str]:
    chance = random.Random(7)
    return ["".join(chance.choices(PARTS, k=chance.randrange(14))) for _ in range(count)]


@pytest.mark.parametrize(
    "pre_tokenizer", [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Metaspace(), pre_tokenizers.ByteLevel()]
)
def test_a_text_has_as_many_tokens_as_its_tokenizer_makes_of_it(pre_tokenizer: object) -> None:
    tokenizer = bert(pre_tokenizer)
    counter = TokenCounter(tokenizer)
    for text in texts(3_000):
        assert counter.count(text) == len(tokenizer.encode(text).ids), repr(text)


def test_words_of_other_tokenizers_cannot_be_counted_one_by_one() -> None:
    tokenizer = bert(pre_tokenizers.Metaspace())
    by_word = [sum(len(tokenizer.encode(word).ids) - 2 for word in text.split()) + 2 for text in texts(300)]
    assert by_word != [len(tokenizer.encode(text).ids) for text in texts(300)]
