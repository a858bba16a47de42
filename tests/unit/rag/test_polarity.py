from __future__ import annotations

from functools import partial

import pytest

from rag.analysis import stems
from rag.polarity import contradicts

english = partial(stems, language="en")
german = partial(stems, language="de")


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("Smoking is permitted in the building.", "Smoking is not permitted in the building."),
        ("The device isn't waterproof.", "The device is waterproof."),
        (
            "California does tax lottery winnings.",
            "California does not tax lottery winnings, however it taxes other income.",
        ),
    ],
)
def test_a_sentence_that_denies_its_source_contradicts_it(answer: str, source: str) -> None:
    assert contradicts(answer, source, english)


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("Smoking is not permitted.", "Smoking is not permitted in the building."),
        ("It was recorded by the trio in 1963.", "It was recorded by the trio in 1963 for their album No. 16."),
        ("Not only students may apply.", "Students may apply."),
        ("The minimum age is 16.", "The minimum age is 16, while in 18 states there is no minimum age set by statute."),
        ("The number denotes the protons.", "This is not the same as the number which denotes the protons."),
    ],
)
def test_a_negation_of_something_else_does_not_contradict(answer: str, source: str) -> None:
    assert not contradicts(answer, source, english)


def test_german_negation_is_seen() -> None:
    assert contradicts("Das Rauchen ist gestattet.", "Das Rauchen ist nicht gestattet.", german)
    assert not contradicts("Das Rauchen ist nicht gestattet.", "Das Rauchen ist nicht gestattet.", german)
