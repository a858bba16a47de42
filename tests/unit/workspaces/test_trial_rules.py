"""Questions made by rules."""

from __future__ import annotations

import pytest

from workspaces.trial_rules import of_heading, of_names, of_sentence


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("The harbour wall was built of copper in 1881.", "When was the harbour wall built of copper?"),
        ("The lease of the office began on 3 October 2021.", "When did the lease of the office begin?"),
        ("The turbine was built by Siemens in Berlin.", "By whom was the turbine built?"),
        ("The maintenance interval is 18 months.", "What is the maintenance interval?"),
        ("The turbine delivers about 12 megawatts at full load.", "How many megawatts does the turbine deliver?"),
        ("The pressure valve is used to protect the boiler.", "What is the pressure valve used for?"),
        ("A gmina is the smallest unit of local government.", "What is a gmina?"),
        ("In 1884, Nikola Tesla moved to New York.", "What did Nikola Tesla do in 1884?"),
        ("To compute the checksum of an image, use sha256sum.", "How can one compute the checksum of an image?"),
        ("If your machine has no network card, the installation stops.", "What if your machine has no network card?"),
    ],
)  # fmt: skip
def test_an_english_sentence_becomes_the_question_that_it_answers(sentence: str, question: str | None) -> None:
    assert of_sentence(sentence, "en") == question


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("Die monatliche Miete beträgt 1.250 Euro.", "Wie viel beträgt die monatliche Miete?"),
        ("Die Hafenmauer wurde im Jahr 1881 aus Kupfer gebaut.", "Wann wurde die Hafenmauer aus Kupfer gebaut?"),
        ("Eine Turbine ist eine Maschine mit einem Laufrad.", "Was ist eine Turbine?"),
        ("Das Ventil dient dem Schutz des Kessels.", "Wozu dient das Ventil?"),
        ("Um den Filter gründlich zu reinigen, nehmen Sie ihn heraus.", "Wie kann man den Filter gründlich reinigen?"),
    ],
)
def test_a_german_sentence_becomes_the_question_that_it_answers(sentence: str, question: str | None) -> None:
    assert of_sentence(sentence, "de") == question


@pytest.mark.parametrize(
    "sentence",
    [
        "It is the smallest unit of local government.",
        "There are 18 months between two inspections.",
        "Deciding whether a number is prime is a problem of its own.",
        "The tool that is described here is a small program.",
        "Name | 12 | 18 | The interval is 18 months",
        "THE PROGRAM IS PROVIDED WITHOUT ANY WARRANTY.",
        "Contents ........ is 12",
    ],
)
def test_a_sentence_that_names_nothing_makes_no_question(sentence: str) -> None:
    assert of_sentence(sentence, "en") is None


def test_a_sentence_of_a_language_without_rules_makes_no_question() -> None:
    assert of_sentence("La turbine est une machine qui tourne.", "fr") is None


def test_names_make_a_question_in_english_only() -> None:
    assert of_names("The letter was sent by Maria Weber to the mayor.", "en") == "What is said about Maria Weber?"
    assert of_names("Der Brief kam von Maria Weber an die Stadt.", "de") is None


@pytest.mark.parametrize(
    ("heading", "language", "question"),
    [
        ("4.3.1 Preparing a USB stick", "en", "What is said about “Preparing a USB stick”?"),
        ("Kapitel 3: Reinigung des Filters", "de", "Was steht über „Reinigung des Filters“?"),
        ("Nettoyage du filtre", "fr", "Nettoyage du filtre?"),
        ("How is the filter cleaned?", "en", "How is the filter cleaned?"),
        ("1. Introduction", "en", None),
        ("Inhaltsverzeichnis", "de", None),
        ("A.2", "en", None),
    ],
)
def test_a_heading_becomes_a_question_if_it_says_something(heading: str, language: str, question: str | None) -> None:
    assert of_heading(heading, language) == question
