from __future__ import annotations

import pytest

from rag.facts import facts_of, ground_of, has_name, missing, openings, readings, telling_names


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("The rent is 12,5 euros.", "Die Miete beträgt 12.5 Euro."),
        ("It has 1000 parts.", "It has 1,000 parts."),
        ("It has 1.000 parts.", "It has 1,000 parts."),
        ("It has 1 000 000 parts.", "Es hat 1.000.000 Teile."),
        ("2.5 million people", "2,500,000 people"),
        ("3,5 Milliarden Euro", "3.5 billion euros"),
        ("40 percent", "40 %"),
        ("$1,200", "1200 dollars"),
        ("7 parts", "seven parts"),
        ("sieben davon", "7 parts"),
        ("on 2023-10-03", "am 3. Oktober 2023"),
        ("October 3, 2023", "3 October 2023"),
        ("3.10.2023", "October 3rd, 2023"),
        ("in October 2023", "on 3 October 2023"),
        ("in 2023", "on 3 October 2023"),
        ("3/10/2023", "2023-10-03"),
        ("im Oktober", "in October"),
        ("15 km", "15 Kilometer"),
    ],
)
def test_the_same_fact_in_another_spelling_agrees(answer: str, source: str) -> None:
    assert not missing(facts_of(answer, "en"), ground_of(source))


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("The rent is 12.5 euros.", "The rent is 125 euros."),
        ("40 percent", "40 kg"),
        ("40 dollars", "40 euros"),
        ("2.5 million people", "2.5 billion people"),
        ("seven parts", "eight parts"),
        ("3 October 2023", "4 October 2023"),
        ("3 October 2023", "3 October 2022"),
        ("3 October 2023", "3 November 2023"),
        ("October 2023", "October 2022"),
        ("in 1985", "in 1986"),
        ("ISO-27001 applies", "ISO-27002 applies"),
        ("version 2.3.1", "version 2.3.2"),
        ("It was Maria Weber.", "It was Anna Weber."),
    ],
)
def test_another_fact_is_missing(answer: str, source: str) -> None:
    assert missing(facts_of(answer, "en"), ground_of(source))


def test_one_separator_before_three_digits_has_two_readings() -> None:
    assert readings("1.250") == {1.25, 1250.0}
    assert readings("1.250,5") == {1250.5}
    assert readings("0.125") == {0.125}
    assert readings("12,50") == {12.5}


def test_english_names_are_capitalised_words_inside_a_sentence() -> None:
    assert facts_of("Yesterday the harbour of Hamburg closed.", "en").names == ("Hamburg",)


def test_the_first_word_of_a_sentence_is_a_name_where_the_sources_say_so() -> None:
    known = telling_names(["The council met Kibaki in May. Officials of the town came.", "Signed by officials in Ulm."])
    assert known == {"Kibaki", "Ulm"}
    assert facts_of("Kibaki signed it.", "en", known=known).names == ("Kibaki",)
    assert facts_of("Officials signed it.", "en", known=known).names == ()


def test_words_that_open_a_sentence_may_be_names() -> None:
    assert openings("Malindi signed it. The treaty holds.") == {"Malindi"}


def test_german_nouns_are_not_names_but_pairs_and_capitals_are() -> None:
    facts = facts_of("Gestern schloss der Hafen nach einem Brief von Anna Weber an die IHK.", "de")
    assert set(facts.names) == {"Anna", "Weber", "IHK"}


@pytest.mark.parametrize("name", ["Canadian", "Weber's", "UN", "Rhine-Main", "weber"])
def test_a_name_is_recognised_inflected_abbreviated_or_in_parts(name: str) -> None:
    assert has_name(name, ground_of("Canada, Weber, the United Nations and Rhine Main.").words)


def test_a_date_is_not_read_as_numbers_too() -> None:
    assert facts_of("Signed on 3 October 2021.", "en").quantities == ()
