from __future__ import annotations

import pytest

from rag.chat_models.tokens import lower_bound, upper_bound

# tokens as counted by the tokenizers themselves: (text, SmolLM2's, Qwen2.5's)
COUNTED = [
    ("The warranty lasts two years from the day of purchase.", 11, 11),
    ("Die Gewährleistung beträgt zwei Jahre ab dem Tag der Übergabe des Fahrzeugs.", 31, 22),
    ("Rechtsschutzversicherungsgesellschaften haften gemäß § 12 Abs. 3.", 27, 25),
    ("In 2024, revenue rose 12.5 % to €1,234,567.89.", 30, 30),
    ("THE QUICK BROWN FOX", 8, 5),
    ("这是一个测试文本，用来检查中文的词元数量。", 28, 12),
    ("Привет, это проверка длины текста.", 25, 13),
]


@pytest.mark.parametrize(("text", "english", "multilingual"), COUNTED)
def test_the_bounds_hold_for_an_english_and_a_multilingual_tokenizer(
    text: str, english: int, multilingual: int
) -> None:
    assert lower_bound(text) <= multilingual
    assert upper_bound(text) >= max(english, multilingual)


def test_english_prose_is_not_counted_at_more_than_about_twice_its_tokens() -> None:
    text, _, tokens = COUNTED[0]
    assert upper_bound(text * 20) <= 2.4 * tokens * 20


def test_a_key_has_a_token_for_each_of_its_characters() -> None:
    key = "8f14e45fceea167a5a36dedd4bea2543"
    assert upper_bound(key) >= len(key)


@pytest.mark.parametrize("text", ["", " ", "\n\n\n", "\ud800", "\x00", "a" * 10_000, "." * 10_000, "🚀" * 1000])
def test_any_text_has_a_bound_and_it_is_never_absurd(text: str) -> None:
    assert lower_bound(text) <= upper_bound(text) <= 2 + 4 * len(text)
