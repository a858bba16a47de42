from __future__ import annotations

import random
from itertools import pairwise

import pytest

from rag.sentences import sentences


def split(text: str, language: str = "") -> list[str]:
    return [text[span.start : span.end] for span in sentences(text, language)]


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        (
            "de",
            ["Am 3. Oktober 1990 kam die Einheit.", "Im Jahr 1990.", "Die Zahl war 42.", "Das 19. Jahrhundert endete."],
        ),
        (
            "de",
            [
                "Dr. Müller sagte z. B. nichts.",
                "Das kostet 3.5 Euro, d. h. zu viel.",
                "Nach § 5 Abs. 2 Nr. 3 BGB gilt es.",
            ],
        ),
        ("de", ["Er lebte 100 v. Chr. in Rom.", "Wilhelm II. war Kaiser.", "Am 3. 10. 1990 war es.", "Usw. usf."]),
        (
            "de",
            ["Er sagte: „Ich komme.“", "Dann ging er.", "„Kommst du?“ fragte sie.", "Die Müller GmbH.", "Sie ist alt."],
        ),
        (
            "en",
            ["Mr. J. R. Smith lives in the U.S.", "The U.S. Army, e.g. the 3rd, does not.", "It was 5.", "Ten people."],
        ),
        (
            "en",
            [
                "See Fig. 3 and No. 5 on p. 12.",
                "She said no.",
                "Version 3.11 is out!",
                "Really?",
                'He said "go."',
                "Then he left.",
            ],
        ),
        (
            "en",
            ["In 1990.", "Then 2 a.m. came.", "Wait... what?", "Yes…", "No."],
        ),
        ("en", ["First claim.[1]", "Second claim.[2][3]", "Third claim [4].", "(In brackets.)", "Last."]),
        ("en", ["Any pattern recurs every calendar year .", "It is a `` season '' of 3.5 weeks ."]),
        ("ru", ["Это первое предложение.", "Это второе!"]),
        ("el", ["Πού είναι;"]),
        ("", ["你好。", "我是人。", "नमस्ते।", "هل أنت هنا؟", "نعم."]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(language: str, parts: list[str]) -> None:
    assert split(" ".join(parts), language) == parts


def test_wrapped_lines_stay_one_sentence() -> None:
    text = "This is a wrapped line that goes on\nand on over the end of a line with Dr.\nSmith until here. Next\none."
    assert split(text) == [text[: text.index(" Next")], "Next\none."]


def test_headings_list_items_and_blank_lines_end_sentences() -> None:
    parts = [
        "# Title",
        "A heading",
        "This is a long line of running text that stands below the heading and says\nmore on the next line.",
        "1. First item of a list",
        "2. Second item.",
        "- third",
        "• fourth",
        "1.2 Subsection",
        "Alone without a full stop",
        "End",
    ]
    text = "\n".join(parts[:8]) + "\n\n" + "\n\n".join(parts[8:])
    assert split(text) == [part.strip() for part in parts]


def test_leader_lines_are_not_cut_at_every_dot() -> None:
    assert split("Contents . . . . . . . 12\n\nIndex ........ 15") == ["Contents . . . . . . . 12", "Index ........ 15"]


def test_spans_cover_all_text_but_white_space_in_order() -> None:
    pieces = [
        "Dr. ",
        "3. ",
        "A.",
        " b",
        "!? ",
        "\n",
        "\n\n",
        "- ",
        "„Zitat.“ ",
        "…",
        ". ",
        "\t",
        "1.2 ",
        "x" * 30,
        "。",
        "[1]",
        "\f",
    ]
    source = random.Random(7)
    for _ in range(400):
        text = "".join(source.choice(pieces) for _ in range(source.randrange(40)))
        spans = sentences(text, source.choice(["de", "en", ""]))
        assert "".join("".join(text[span.start : span.end] for span in spans).split()) == "".join(text.split())
        assert all(before.end <= after.start for before, after in pairwise(spans))
        assert all(text[span.start : span.end].strip() == text[span.start : span.end] != "" for span in spans)


@pytest.mark.parametrize("text", ["", " \n\t ", "\n\n\n"])
def test_nothing_has_no_sentences(text: str) -> None:
    assert sentences(text) == []


def test_one_long_line_takes_linear_time() -> None:
    assert len(sentences("a. B " * 50_000)) > 0
    assert sentences("x" * 1_000_000 + "\n" + "y" * 1_000_000)
    assert sentences("\n" * 200_000 + "z")[0].start == 200_000


def test_each_row_of_a_table_is_a_sentence() -> None:
    rows = ["Name | Town | Price", "pump | Bonn | 1.50", "valve | a town far away from here | 2.25"]
    assert split("\n".join(rows)) == rows


def test_a_closing_quote_that_stands_apart_ends_nothing_by_itself() -> None:
    text = 'The song "Where Am I Going? " was released in 1965. " Not now ! " She left.'
    assert split(text, "en")[0] == 'The song "Where Am I Going? " was released in 1965.'
    assert split('What is it? " Yes, " he said.', "en") == ["What is it?", '" Yes, " he said.']
