from __future__ import annotations

import pytest

from rag.tasks import Task, calls_a_document, task_of


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("Summarise this document", ""),
        ("Please summarize the document in three sentences.", ""),
        ("Summarise", ""),
        ("Can you give me a short summary?", ""),
        ("What is this document about?", ""),
        ("What are the key points?", ""),
        ("What are the main topics of this file?", ""),
        ("Summarise the installation guide", "the installation guide"),
        ("Give me an overview of the handbook", "the handbook"),
        ("What is the harbour lease about?", "the harbour lease"),
        ("Fasse das Dokument zusammen", ""),
        ("Bitte fasse den Text kurz zusammen.", ""),
        ("Kannst du das Dokument zusammenfassen?", ""),
        ("Worum geht es in diesem Dokument?", ""),
        ("Worum geht es?", ""),
        ("Wovon handelt der Mietvertrag?", "der Mietvertrag"),
        ("Gib mir eine kurze Zusammenfassung", ""),
        ("Was sind die wichtigsten Punkte?", ""),
        ("Gib mir einen Überblick über das Handbuch", "das Handbuch"),
    ],
)
def test_summaries(question: str, subject: str) -> None:
    task = task_of(question)
    assert task is not None
    assert (task.kind, task.subject) == ("summary", subject)


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("List all error codes", "error codes"),
        ("List the members of the board", "members of the board"),
        ("Show me every deadline in the contract", "deadline in the contract"),
        ("Which error codes are there?", "error codes"),
        ("What are all the fees?", "fees"),
        ("Name all countries mentioned", "countries mentioned"),
        ("Liste alle Fristen auf", "Fristen"),
        ("Nenne mir bitte alle Mitglieder des Vorstands", "Mitglieder des Vorstands"),
        ("Alle Gebühren auflisten", "Gebühren"),
        ("Welche Fehlercodes gibt es?", "Fehlercodes"),
        ("Welche Ausnahmen gibt es für Haustiere?", "Ausnahmen für Haustiere"),
    ],
)
def test_lists(question: str, subject: str) -> None:
    task = task_of(question)
    assert task is not None
    assert (task.kind, task.subject) == ("list", subject)


@pytest.mark.parametrize(
    ("question", "respect", "sides"),
    [
        ("Compare LVM and RAID", "", ("LVM", "RAID")),
        ("Compare the rent of the old lease and the new lease", "the rent", ("the old lease", "the new lease")),
        ("What is the difference between apt and dpkg?", "", ("apt", "dpkg")),
        ("How do the stable and the testing branch differ?", "", ("the stable", "the testing branch")),
        ("How does ext4 differ from XFS?", "", ("ext4", "XFS")),
        ("Compare the offers with the contract in terms of price", "price", ("the offers", "the contract")),
        ("Compare and", "", ()),
        ("Compare and on the notice period", "the notice period", ()),
        ("Vergleiche LVM und RAID", "", ("LVM", "RAID")),
        ("Was ist der Unterschied zwischen apt und dpkg?", "", ("apt", "dpkg")),
        ("Worin unterscheiden sich Miete und Pacht?", "", ("Miete", "Pacht")),
        ("Was unterscheidet den alten Vertrag vom neuen Vertrag?", "", ("den alten Vertrag", "neuen Vertrag")),
        ("Compare research and development of Apple and NVIDIA", "research and development", ("Apple", "NVIDIA")),
        (
            "Compare the rent of the old lease with the fees of the new lease",
            "",
            ("the rent of the old lease", "the fees of the new lease"),
        ),
        (
            "Compare the number of employees of Apple, Amazon and NVIDIA",
            "the number of employees",
            ("Apple", "Amazon", "NVIDIA"),
        ),
        (
            "Compare the rent of the shop with the fees of the flat and the garage",
            "",
            ("the rent of the shop", "the fees of the flat", "the garage"),
        ),
        ("Compare the rents and fees", "", ("the rents", "fees")),
        ("Compare the sales of Apple and Amazon in 2023", "the sales in 2023", ("Apple", "Amazon")),
        ("Compare the sales of Apple in 2022 and 2023", "the sales of Apple", ("2022", "2023")),
        (
            "Compare Apple and Amazon in the second quarter of 2023",
            "in the second quarter of 2023",
            ("Apple", "Amazon"),
        ),
        ("Compare the sales in 2022 and the sales in 2023", "", ("the sales in 2022", "the sales in 2023")),
        ("What is the difference between Apple's and NVIDIA's gross margin?", "gross margin", ("Apple", "NVIDIA")),
        (
            "What is the difference between Apple's margin and NVIDIA's margin?",
            "",
            ("Apple's margin", "NVIDIA's margin"),
        ),
        ("Vergleiche den Umsatz von Apple und Amazon", "den Umsatz", ("Apple", "Amazon")),
        ("Vergleiche den Umsatz von Apple und Amazon im Jahr 2023", "den Umsatz im Jahr 2023", ("Apple", "Amazon")),
        ("Vergleiche die Miete von 2019 mit der Miete von 2020", "", ("die Miete von 2019", "der Miete von 2020")),
        ("Worin unterscheidet sich ext4 von XFS?", "", ("ext4", "XFS")),
    ],
)
def test_comparisons(question: str, respect: str, sides: tuple[str, ...]) -> None:
    task = task_of(question)
    assert task is not None
    assert (task.kind, task.subject, task.sides) == ("comparison", respect, sides)


@pytest.mark.parametrize(
    "question",
    [
        "What is the monthly rent?",
        "Who signed the lease?",
        "When was the summary published?",
        "What did she think about?",
        "How many error codes are there?",
        "Is there a difference?",
        "What is the total of all fees?",
        "Which members voted against the budget?",
        "List price of the pump?",
        "What is the list price of all pumps sold in 2019?",
        "Tell me about the harbour office.",
        "Why was the delay not mentioned in the summary?",
        "Who compared the offers?",
        "How did the two sides differ in 1989?",
        "Wie hoch ist die Miete?",
        "Wer hat den Vertrag zusammengefasst?",
        "Welche Farbe hat das Haus?",
        "Wie viele Fristen gibt es?",
        "Worum bat der Mieter?",
        "Warum geht es nicht?",
        "Mit wem wurde das Angebot verglichen?",
        "Gibt es einen Unterschied?",
        "",
    ],
)
def test_a_question_for_one_fact_is_no_task(question: str) -> None:
    assert task_of(question) is None


def test_a_summary_of_a_matter_names_it_and_calls_no_document() -> None:
    task = task_of("Summarise the reasons for the delay")
    assert task == Task("summary", "en", "the reasons for the delay")
    assert not calls_a_document(task.subject)
    assert calls_a_document("the whole manual")
    assert calls_a_document("das ganze Handbuch")


def test_it_after_other_questions_is_not_the_document() -> None:
    assert task_of("Summarise it") is not None
    assert task_of("Summarise it", leans=True) is None
    assert task_of("Summarise the document", leans=True) is not None
