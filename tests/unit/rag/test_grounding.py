from __future__ import annotations

from dataclasses import replace

import pytest

from rag.alignment import Aligner
from rag.citations import Footnotes
from rag.grounding import verdict
from rag.testing import HashEmbedder
from rag.types import Verdict
from tests.support.answers import ENGINE, LEASE, NumberedPages, passage, quotes_stand

PASSAGES = [passage(LEASE, start=90), passage(ENGINE, name="b", title="Turbine")]


def judged(text: str, *, question: str = "What does it say?", language: str = "en") -> Verdict:
    return verdict(Aligner(HashEmbedder(), question=question, passages=PASSAGES).align(text, language))


@pytest.mark.parametrize(
    "sentence",
    [
        "The monthly rent is 1250.50 euros.",
        "The monthly rent of the harbour office is €1,250.50.",
        "Maria Weber signed the lease of the harbour office for the city.",
        "The lease began on 2021-10-03.",
        "Smoking in the building is not permitted.",
        "The turbine delivers 12,5 MW at full load.",
        "The turbine was built by Siemens in Berlin.",
    ],
)
def test_what_the_sources_say_is_supported(sentence: str) -> None:
    assert judged(sentence) == "supported"


@pytest.mark.parametrize(
    "sentence",
    [
        "The monthly rent is 1,350.50 euros.",
        "The monthly rent is 1,250.50 dollars.",
        "The lease of the harbour office began on 3 October 2022.",
        "The lease of the harbour office began on 3 November 2021.",
        "Anna Weber signed it for the city.",
        "Smoking is permitted in the building.",
        "The turbine was built by Siemens in Munich.",
        "The turbine was not built by Siemens in Berlin.",
        "The maintenance interval is 12 months.",
    ],
)
def test_a_planted_error_is_partly(sentence: str) -> None:
    assert judged(sentence) == "partly"


@pytest.mark.parametrize(
    "sentence", ["Bananas grow in tropical countries.", "The committee elected a new treasurer on Friday."]
)
def test_what_no_source_says_is_not_found(sentence: str) -> None:
    assert judged(sentence) == "not_found"


def test_across_languages_without_an_embedder_for_both_facts_carry_a_sentence() -> None:
    aligner = Aligner(HashEmbedder(languages=frozenset({"en"})), question="", passages=PASSAGES)
    assert verdict(aligner.align("Die Turbine von Siemens leistet 12,5 MW.", "de")) == "partly"
    assert verdict(aligner.align("Das Wetter bleibt wechselhaft und kühl.", "de")) == "not_found"
    assert not aligner.align("Die Turbine von Siemens leistet 12,5 MW.", "de").comparable


def test_a_sentence_of_two_sources_cites_both_and_quotes_exactly() -> None:
    aligner = Aligner(HashEmbedder(), question="", passages=PASSAGES)
    alignment = aligner.align("The monthly rent is 1,250.50 euros and the turbine delivers 12.5 MW at full load.", "en")
    numbers, new = Footnotes(NumberedPages()).cite(alignment.units)
    assert verdict(alignment) == "supported"
    assert {citation.chunk_id for citation in new} == {"a", "b"}
    assert numbers == (1, 2)
    assert quotes_stand(new, PASSAGES)


def test_a_word_that_a_sentence_of_another_source_happens_to_hold_is_not_cited() -> None:
    aligner = Aligner(HashEmbedder(), question="", passages=PASSAGES)
    alignment = aligner.align("The monthly rent of the harbour office is 1,250.50 euros at full price.", "en")
    assert "full" in " ".join(one.text for one in PASSAGES)
    assert {unit.passage.chunk_id for unit in alignment.units} == {"a"}


@pytest.mark.parametrize("subject", ["Siemens", "Ulm", "Zephyr"])
def test_another_name_at_the_beginning_of_a_sentence_is_seen(subject: str) -> None:
    passages = [passage("Ulm has ratified both of the treaties on labour. Siemens and the town of Ulm met in Bonn.")]
    aligner = Aligner(HashEmbedder(), question="", passages=passages)
    verdicts = {
        name: verdict(aligner.align(f"{name} has ratified both of the treaties on labour.", "en"))
        for name in ("Ulm", subject)
    }
    assert verdicts == {"Ulm": "supported", subject: "supported" if subject == "Ulm" else "partly"}


def test_neighbouring_sentences_become_one_quote_with_the_page_of_its_first_character() -> None:
    aligner = Aligner(HashEmbedder(), question="", passages=PASSAGES)
    alignment = aligner.align("The lease began on 3 October 2021 and Maria Weber signed it for the city.", "en")
    (citation,) = Footnotes(NumberedPages()).cite(alignment.units)[1]
    assert citation.quote == LEASE[: LEASE.index(" The monthly")]
    assert citation.page == 1
    assert quotes_stand([citation], PASSAGES)


def test_a_place_that_is_quoted_again_keeps_its_number() -> None:
    aligner, footnotes = Aligner(HashEmbedder(), question="", passages=PASSAGES), Footnotes()
    first = footnotes.cite(aligner.align("The monthly rent is 1,250.50 euros.", "en").units)
    again = footnotes.cite(aligner.align("The rent is 1,250.50 euros.", "en").units)
    assert first[0] == again[0] == (1,)
    assert again[1] == ()


def test_a_source_without_sentences_longer_than_the_window_is_still_compared() -> None:
    table = passage(" ".join(f"row {number} rent {number * 7}" for number in range(200)), name="c")
    aligner = Aligner(HashEmbedder(window=64), question="", passages=[table])
    assert aligner.align("A wholly different matter of bananas.", "en").similarity is not None


def test_a_row_is_read_under_its_header_but_quoted_alone() -> None:
    rows = passage("pump | Bonn | 12.50\nvalve | Ulm | 3.75")
    sentence = "The delivery price of the valve in 2021 is 3.75."
    verdicts, quotes = [], []
    for header in ("", "Article | Warehouse | Delivery price 2021"):
        aligner = Aligner(HashEmbedder(), question="How much?", passages=[replace(rows, header=header)])
        alignment = aligner.align(sentence, "en")
        verdicts.append(verdict(alignment))
        quotes.append(Footnotes().cite(alignment.units)[1][0].quote)
    assert verdicts[0] != "supported"
    assert verdicts[1] == "supported"
    assert quotes[1] == "valve | Ulm | 3.75"
