from __future__ import annotations

import pytest

from rag.substitution import substitutes

SAME = [
    ("It was recorded in 1974 by Jim Haas.", "The song was recorded in 1974 by Jim Haas.", "en"),
    ("It was recorded in 1,000 copies.", "It was recorded in 1000 copies.", "en"),
    ("The fund holds 7,270,000 dollars.", "At the end of May the fund holds 7.27 million dollars.", "en"),
    ("The region has five million people.", "The region has 5 million people.", "en"),
    ("It opened on 24 May 1998 in Ulm.", "It opened on May 24th, 1998 in Ulm.", "en"),
    ("Weber signed the lease for the city.", "Maria Weber signed the lease for the city.", "en"),
    ("The lease was signed by Maria Weber.", "Maria Weber signed the lease.", "en"),
    ("The choir visited Paris, Oslo and Rome.", "The choir visited Rome, Paris and Oslo.", "en"),
    ("It is not possible to enter the vault.", "It is impossible to enter the vault.", "en"),
    ("The old mill burned down in March.", "In March, the old mill burned down.", "en"),
    ("Die Pest traf Oslo im Jahr 1654.", "Der letzte Ausbruch der Pest traf Oslo im Jahr 1654.", "de"),
    ("Der Verein zählt 1.200 Mitglieder.", "Der Verein zählt rund 1,2 Tausend Mitglieder.", "de"),
]
"""(answer, source, language): the answer says what the source says."""

OTHER = [
    ("It was recorded in 1983 by Jim Haas.", "The song was recorded in 1974 by Jim Haas.", "en"),
    ("They came from the South Sea.", "They came from the French Sea.", "en"),
    ("The boat is 40 feet long and made of oak.", "The boat is 40 metres long and made of oak.", "en"),
    ("The rent is paid for three months in advance.", "The rent is paid for two months in advance.", "en"),
    ("The loan of the town is 5 billion crowns.", "The loan of the town is 5 million crowns.", "en"),
    ("The rate of the loan was higher in winter.", "The rate of the loan was lower in winter.", "en"),
    ("The council rejected the plan of the harbour.", "The council accepted the plan of the harbour.", "en"),
    ("The terms of the loan are unknown to the town.", "The terms of the loan are known to the town.", "en"),
    ("Guests leave the hall before the concert.", "Guests leave the hall after the concert.", "en"),
    ("The old mill burned down in early May.", "In early March, the old mill burned down.", "en"),
    ("Kate and Beth are close friends.", "Kate and Beth are not close friends.", "en"),
    ("Ulm sold the northern mill to Bonn.", "Bonn sold the northern mill to Ulm.", "en"),
    ("Interest is paid each year at Interstate 8; a fee is due.", "Interest is paid each year at Interstate 9.", "en"),
    ("Die Pest traf Bergen im Jahr 1654.", "Die Pest traf Oslo im Jahr 1654.", "de"),
    ("Die Einnahmen der Stadt sanken im Sommer.", "Die Einnahmen der Stadt stiegen im Sommer.", "de"),
    ("Der Vertrag läuft zwölf Monate weiter.", "Der Vertrag läuft zwölf Wochen weiter.", "de"),
    ("Im Keller ist ein Lager erlaubt.", "Im Keller ist kein Lager erlaubt.", "de"),
    ("Ulm verkaufte die alte Mühle an Bonn.", "Bonn verkaufte die alte Mühle an Ulm.", "de"),
]
"""The answer fills one place otherwise."""


@pytest.mark.parametrize(("answer", "source", "language"), SAME)
def test_the_same_in_other_words_is_no_substitution(answer: str, source: str, language: str) -> None:
    assert not substitutes(answer, [source], answer_language=language, source_language=language)


@pytest.mark.parametrize(("answer", "source", "language"), OTHER)
def test_another_fact_in_the_same_place_is_a_substitution(answer: str, source: str, language: str) -> None:
    assert substitutes(answer, [source], answer_language=language, source_language=language)
    assert not substitutes(source, [source], answer_language=language, source_language=language), "the control"


def test_a_similar_sentence_about_something_else_accuses_nobody() -> None:
    sources = ["In spring the harbour office took in 40 crowns.", "In autumn the harbour office took in 70 crowns."]
    assert not substitutes(sources[1], sources, answer_language="en", source_language="en")
    wrong = "In autumn the harbour office took in 40 crowns."
    assert substitutes(wrong, sources, answer_language="en", source_language="en")
