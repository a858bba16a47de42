from __future__ import annotations

from ingest.layout import Composed, Line, compose
from ingest.tables import find_tables


def row(y: float, *cells: tuple[float, str], bold: bool = False) -> Line:
    """A line with cells that begin at x."""
    words = []
    for x, text in cells:
        for word in text.split():
            width = sum(3.5 + ord(letter) % 4 for letter in word)  # as in print, letters differ
            words.append((word, x, y, x + width, y + 10))
            x += width + 3
    return Line(words, bold=bold)


def composed(lines: list[Line]) -> Composed:
    return compose(lines, (), find_tables(lines, ()), offset=0, vocabulary=())


def prices() -> list[Line]:
    return [
        row(700, (60, "Product name"), (250, "Colour"), (400, "Price")),
        row(686, (60, "Garden bench of oak"), (250, "brown"), (400, "129.00")),
        row(672, (60, "Bucket"), (250, "light grey"), (400, "9.50")),
        row(658, (60, "Rake"), (250, "green"), (400, "24.90")),
    ]


def test_rows_are_lines_and_cells_are_parted() -> None:
    page = composed(prices())
    assert page.text == (
        "Product name | Colour | Price\nGarden bench of oak | brown | 129.00\nBucket | light grey | 9.50\n"
        "Rake | green | 24.90"
    )
    assert [(block.kind, block.level) for block in page.blocks] == [("table", 1)]
    assert [page.text[word.start : word.end] for word in page.words if word.x0 >= 250] == [
        "Colour", "Price", "brown", "129.00", "light", "grey", "9.50", "green", "24.90"
    ]  # fmt: skip


def test_text_around_a_table_stays_text() -> None:
    page = composed(
        [row(730, (60, "These are the prices of the year:")), *prices(), row(600, (60, "They may change."))]
    )
    assert [block.kind for block in page.blocks] == ["paragraph", "table", "paragraph"]


def test_empty_cells_keep_the_others_in_their_columns() -> None:
    lines = prices()
    lines[2] = row(672, (60, "Bucket"), (400, "9.50"))
    assert "\nBucket | | 9.50\n" in composed(lines).text


def test_cells_of_several_lines_are_one_cell() -> None:
    lines = [
        row(700, (60, "ls"), (200, "list the files of")),
        row(686, (200, "a folder")),
        row(672, (60, "cp"), (200, "copy a file")),
        row(658, (60, "mv"), (200, "move it in one")),
        row(644, (200, "step")),
        row(630, (60, "rm"), (200, "delete it")),
    ]
    assert (
        composed(lines).text
        == "ls | list the files of a folder\ncp | copy a file\nmv | move it in one step\nrm | delete it"
    )


def test_currency_signs_belong_to_their_numbers_and_labels_stand_alone() -> None:
    lines = [
        row(714, (250, "2022"), (400, "2021")),
        row(700, (60, "Net sales:")),
        row(686, (60, "Products"), (240, "$"), (270, "63,355"), (390, "$"), (420, "63,948")),
        row(672, (60, "Services"), (270, "19,604"), (420, "17,486")),
        row(658, (60, "Total"), (240, "$"), (270, "82,959"), (390, "$"), (420, "81,434")),
    ]
    page = composed(lines)
    assert page.text == (
        "| 2022 | 2021\nNet sales:\nProducts | $ 63,355 | $ 63,948\nServices | 19,604 | 17,486\n"
        "Total | $ 82,959 | $ 81,434"
    )
    assert page.blocks[0].level == 1


def test_two_rows_prose_code_and_leaders_are_no_tables() -> None:
    words = ["one", "three", "seven", "eleven", "of", "sixteen", "a", "hundred", "four", "fourteen"]
    texts = [" ".join([*words[n:], *words[:n]]) for n in range(6)]
    prose = [row(700 - 14 * n, (60, text), (330, text)) for n, text in enumerate(texts)]
    code = [
        Line(
            [
                (word, x, 700 - 14 * n, x + 6 * len(word), 710 - 14 * n)
                for word, x in ((f"call{n}", 60), ("remark", 200))
            ]
        )
        for n in range(6)
    ]
    contents = [row(700 - 14 * n, (60, f"Chapter {n} . . . . . . ."), (400, str(n))) for n in range(6)]
    formula = [row(700 - 14 * n, (60, "a"), (100, "+"), (150, "b")) for n in range(4)]
    for lines in (prices()[:2], prose, code, contents, formula):
        assert find_tables(lines, ()) == []
    assert len(find_tables(prices(), ())) == 1


def test_headings_end_a_table() -> None:
    lines = prices()
    assert find_tables([*lines, *lines], {4})
    assert find_tables([*lines, *lines], {4})[0].last == 3


def test_a_bold_first_row_is_its_head() -> None:
    lines = prices()
    words = [row(y, (60, "Rake"), (250, "green"), (400, "wood")) for y in (686, 672, 658)]
    assert find_tables([lines[0], *words], ())[0].headers == 0
    lines[0].bold = True
    assert find_tables([lines[0], *words], ())[0].headers == 1
