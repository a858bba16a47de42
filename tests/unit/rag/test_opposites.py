from __future__ import annotations

import pytest

from rag.opposites import opposed


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("Increased", "decreases", "en"),
        ("rose", "fell", "en"),
        ("known", "unknown", "en"),
        ("careful", "careless", "en"),
        ("first", "third", "en"),
        ("kilometres", "miles", "en"),
        ("April", "May", "en"),
        ("million", "billion", "en"),
        ("stieg", "sank", "de"),
        ("möglich", "unmöglich", "de"),
        ("erfolgreich", "erfolglos", "de"),
        ("nördlich", "südlichen", "de"),
        ("Montag", "Dienstag", "de"),
    ],
)
def test_words_that_exclude_one_another(one: str, other: str, language: str) -> None:
    assert opposed(one, other, language)
    assert opposed(other, one, language)


@pytest.mark.parametrize(
    ("one", "other", "language"),
    [
        ("increased", "rose", "en"),
        ("come", "income", "en"),
        ("kilometres", "km", "en"),
        ("metre", "meters", "en"),
        ("first", "initial", "en"),
        ("north", "northern", "en"),
        ("stieg", "wuchs", "de"),
        ("Januar", "Jan", "de"),
        ("erster", "ersten", "de"),
    ],
)
def test_words_that_may_stand_for_one_another(one: str, other: str, language: str) -> None:
    assert not opposed(one, other, language)
