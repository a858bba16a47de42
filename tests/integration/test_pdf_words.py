"""Nothing of a PDF is lost and its order is kept: four manuals against the text editions their makers published.

The text edition is made from the same source, not from the PDF. What it says and the PDF does not is left out of it
before the two are compared: a table of contents above every chapter, and the titles in cross-references ("Section 3.1,
"Boot stages""). What the PDF has besides (page numbers, running headers) does not count for or against it.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

import pytest

from ingest.loaders import assemble
from ingest.loaders.pdf import PdfLoader
from tests.conftest import EVAL_DIR, needs_eval

MANUALS = EVAL_DIR / "debian-docs" / "files"
CONTENTS = re.compile(
    r"^(?:Table of Contents|Inhaltsverzeichnis|List of \w+|\w+verzeichnis)\n\n.*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL
)
LEADERS = re.compile(r"^.*(?:\. ){3}.*$", re.MULTILINE)
"""Lines of the contents as the PDF prints them."""
TITLE_OF_REFERENCE = re.compile(
    r"((?:Section|Table|Chapter|Appendix|Figure|Abschnitt|Tabelle|Kapitel|Anhang|Abbildung)\s+[\dA-F][\d.]*),?\s+"
    r"[„“\"«](?:[^„“”\"«»]|\"[^\"\n]{1,40}\"){1,140}?[“”\"»]"
)
LEAST_RECALL = 0.99
RUN = 5
"""Words in a row that occur once in both texts show where a place of the one is in the other."""


def words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def recall(wanted: Sequence[str], found: Sequence[str]) -> float:
    """The share of the words that are found, each as often as it is wanted."""
    return 1 - (Counter(wanted) - Counter(found)).total() / len(wanted)


def order(wanted: Sequence[str], found: Sequence[str]) -> float:
    """The longest rising run of the places at which the wanted text is found, as a share of them (Fredman 1975)."""
    wanted_runs, found_runs = runs(wanted), runs(found)
    once, here = Counter(wanted_runs), Counter(found_runs)
    places = {run: place for place, run in enumerate(found_runs) if here[run] == 1}
    sequence = [places[run] for run in wanted_runs if once[run] == 1 and run in places]
    assert len(sequence) > len(wanted) / 2
    ends: list[int] = []
    for place in sequence:
        index = bisect_left(ends, place)
        ends[index : index + 1] = [place]
    return len(ends) / len(sequence)


def runs(text: Sequence[str]) -> list[tuple[str, ...]]:
    return list(zip(*(text[start:] for start in range(RUN)), strict=False))


@needs_eval
@pytest.mark.parametrize(
    ("name", "least_order"),  # tables float: this one has 190 of them, set a page before or after their paragraph
    [("debian-reference.de", 0.94), ("debian-reference.en", 0.95), ("install.de", 0.985), ("install.en", 0.985)],
)
def test_the_words_of_a_manual_are_there_and_in_order(name: str, least_order: float) -> None:
    document = assemble(PdfLoader().load(MANUALS / f"{name}.pdf", title=None))
    edition = (MANUALS / f"{name}.txt").read_text()
    wanted = words(TITLE_OF_REFERENCE.sub(r"\1", CONTENTS.sub("", edition)))
    assert len(wanted) > 0.9 * len(words(edition))
    found = words(LEADERS.sub("", document.text))
    assert recall(wanted, found) >= LEAST_RECALL
    assert order(wanted, found) >= least_order


def test_lost_words_and_swapped_columns_would_show() -> None:
    text = [f"word{number}" for number in range(2000)]
    assert recall(text, text) == order(text, text) == 1.0
    assert recall(text, [word for number, word in enumerate(text) if number % 50]) < LEAST_RECALL
    across = [word for left, right in zip(text[:1000], text[1000:], strict=True) for word in (left, right)]
    assert recall(text, across) == 1.0
    by_lines = [word for start in range(0, 1000, 10) for half in (0, 1000) for word in text[half + start :][:10]]
    assert order(text, by_lines) < 0.6
    with pytest.raises(AssertionError):
        order(text, across)
