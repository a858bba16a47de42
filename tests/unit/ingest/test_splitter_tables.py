from __future__ import annotations

import random
import re
from itertools import pairwise

import pytest

from ingest.splitter import StructureSplitter
from rag.types import Block, Chunk, Document, Place, Span
from tests.unit.ingest.test_splitter import SENTENCE, WINDOW, check, count, document, split

HEADER = "Name | Town | Price"
ROWS = [f"pump {index} | Bonn | {index}.50" for index in range(30)]
TABLE = "\n".join([HEADER, *ROWS])


def rows_of(source: Document, table: Block) -> list[str]:
    return source.text[table.span.start : table.span.end].split("\n")


def test_header_stands_above_the_rows_of_every_chunk_after_the_first() -> None:
    chunks = split(document(("table", TABLE, 1)))
    assert len(chunks) > 3
    assert chunks[0].text.startswith(f"{HEADER}\npump 0 ")
    assert [chunk.header for chunk in chunks] == ["", *[HEADER] * (len(chunks) - 1)]
    assert [row for chunk in chunks for row in chunk.text.split("\n")] == [HEADER, *ROWS]


def test_all_header_rows_are_repeated_and_none_is_parted_from_the_first_row() -> None:
    header = "| 2020 |\nName | Net | Gross"
    chunks = split(document(("paragraph", SENTENCE), ("table", "\n".join([header, *ROWS]), 2)))
    assert all(chunk.header == header for chunk in chunks if chunk.text.startswith("pump"))
    [first] = [chunk for chunk in chunks if header in chunk.text]
    assert "\npump 0 " in first.text


def test_delimiter_line_of_a_markdown_table_is_text_but_no_header() -> None:
    head = "| Name | Town |\n|:-----|-----:|"
    chunks = split(document(("table", "\n".join([head, *(f"| pump {index} | Bonn |" for index in range(30))]), 2)))
    assert chunks[0].text.startswith(head)
    assert {chunk.header for chunk in chunks[1:]} == {"| Name | Town |"}


def test_table_without_header_rows_gives_chunks_without_header() -> None:
    assert {chunk.header for chunk in split(document(("table", "\n".join(ROWS))))} == {""}


def test_rows_of_two_tables_never_share_a_header() -> None:
    second = "\n".join(["City | People", *(f"Town {index} | {index}000" for index in range(9))])
    chunks = split(document(("table", TABLE, 1), ("table", second, 1)))
    assert {chunk.header for chunk in chunks if "Town 8" in chunk.text} <= {"", "City | People"}
    assert not any(chunk.header == HEADER and "City | People" in chunk.text for chunk in chunks)


def test_text_after_a_table_may_share_the_chunk_of_its_last_rows() -> None:
    chunks = split(document(("table", "\n".join([HEADER, *ROWS[:6]]), 1), ("paragraph", "Prices without tax.")))
    assert "Prices without tax." in chunks[-1].text


def test_long_header_is_shortened_between_its_cells() -> None:
    header = " | ".join(f"column number {index}" for index in range(12))
    rows = [" | ".join([f"row {index}", "x"]) for index in range(30)]
    chunks = split(document(("table", "\n".join([header, *rows]), 1)))
    shortened = {chunk.header for chunk in chunks if chunk.text.startswith("row")}
    assert all(text.startswith("column number 0 | ") and text.endswith(" | …") for text in shortened)
    assert all(count(text) - count("") <= WINDOW // 3 for text in shortened)


def test_header_of_one_endless_cell_is_shortened_at_a_word() -> None:
    chunks = split(document(("table", "\n".join([" ".join(["word"] * 60), *ROWS]), 1)))
    assert {chunk.header for chunk in chunks if chunk.text.startswith("pump 2")} == {" ".join([*["word"] * 12, "…"])}


def test_row_longer_than_the_window_is_cut_between_cells_under_the_labels_of_its_columns() -> None:
    header = " | ".join(f"label{index}" for index in range(60))
    row = " | ".join(f"cell{index}" for index in range(60))
    chunks = split(document(("table", f"{header}\n{row}\n{row}", 1)))
    pieces = [chunk for chunk in chunks if chunk.text.startswith("cell")]
    assert len(pieces) > 6
    for piece in pieces:
        cells = piece.text.removesuffix(" |").split(" | ")
        assert piece.header.split(" | ") == [cell.replace("cell", "label") for cell in cells]


def test_labels_stay_with_their_columns_where_cells_are_empty() -> None:
    header = " | ".join(["", *(f"label{index}" for index in range(1, 40))])
    row = " | ".join("" if index % 3 == 0 else f"cell{index}" for index in range(40))
    chunks = split(document(("table", f"{header}\n{row}", 1)))
    for chunk in chunks:
        if chunk.header:
            expected = [cell.strip(" |").replace("cell", "label") for cell in chunk.text.split() if "cell" in cell]
            assert set(expected) <= set(chunk.header.split(" | "))


def test_cell_longer_than_the_window_is_cut_at_words_under_its_label() -> None:
    cell = " ".join(f"w{index}" for index in range(120))
    chunks = split(document(("table", f"Name | Remark | Price\npump | {cell} | 3", 1)))
    inside = [chunk for chunk in chunks if chunk.text.startswith("w")]
    assert len(inside) >= 3
    assert all(chunk.header.split(" | ")[0] == "Remark" for chunk in inside)
    assert " ".join(" ".join(chunk.text for chunk in chunks).split()).endswith(f"{cell} | 3")


def test_label_that_spans_columns_stands_above_the_pieces_of_all_of_them() -> None:
    header = "Key | 2020\n" + " | ".join(["", *(f"m{index}" for index in range(30))])
    row = " | ".join(f"cell{index}" for index in range(31))
    pieces = [c for c in split(document(("table", f"{header}\n{row}", 2))) if c.text.startswith("cell")]
    assert all("2020" in piece.header.split("\n")[0] for piece in pieces)


def test_new_slide_or_message_begins_a_new_chunk_unless_both_are_tiny() -> None:
    text = f"{SENTENCE}\n\n{SENTENCE}"
    half = len(SENTENCE) + 2
    places = (Place("slide", Span(0, half), "", 1), Place("slide", Span(half, len(text)), "", 2))
    blocks = (Block("paragraph", Span(0, half - 2)), Block("paragraph", Span(half, len(text))))
    plain = Document(text, "", "en", blocks=blocks)
    assert len(split(plain)) == 1
    assert [chunk.places[0].number for chunk in split(Document(text, "", "en", blocks=blocks, places=places))] == [1, 2]


def test_chunk_knows_the_rows_it_holds() -> None:
    place = Place("rows", Span(0, len(TABLE)), "Prices", 7)
    source = Document(TABLE, "", "en", blocks=(Block("table", place.span, 1),), places=(place,))
    number = 7
    for chunk in split(source):
        assert [(found.number, found.span) for found in chunk.places] == [(number, chunk.span)]
        number += chunk.text.count("\n") + 1
    assert number == 7 + 31


def test_hidden_rows_do_not_part_a_table() -> None:
    starts = [match.start() for match in re.finditer("pump", TABLE)]
    spans = [Span(0, starts[0] - 1), *(Span(one, other - 1) for one, other in pairwise([*starts, len(TABLE) + 1]))]
    places = tuple(Place("rows", span, "Prices", 2 * number) for number, span in enumerate(spans, 1))
    whole = Document(TABLE, "", "en", blocks=(Block("table", Span(0, len(TABLE)), 1),), places=places)
    assert [c.span for c in split(whole)] == [c.span for c in split(document(("table", TABLE, 1)))]


def test_halves_of_a_chunk_that_counts_more_than_its_parts_carry_the_header_too() -> None:
    def superlinear(text: str) -> int:
        return count(text) + len(text) // 20

    source = document(("table", TABLE, 1))
    chunks = StructureSplitter(count_tokens=superlinear, window=60, recipe="odd").split(source)
    assert all(superlinear(chunk.embedding_text("")) <= 60 for chunk in chunks)
    assert all(chunk.header == HEADER for chunk in chunks if chunk.text.startswith("pump"))
    assert [row for chunk in chunks for row in chunk.text.split("\n")] == [HEADER, *ROWS]


@pytest.mark.parametrize("seed", range(4))
def test_any_table_is_covered_within_the_window_and_no_row_is_cut_that_fits(seed: int) -> None:
    source = random.Random(seed)
    contents = ("", "Bonn", "12.50", "a | b", SENTENCE, "x" * 90, "你好。", "two words", "|", "- ")
    for _ in range(100):
        width, level, window = source.randrange(1, 15), source.randrange(0, 4), source.choice([24, 40, 90])
        rows = [" | ".join(source.choices(contents, k=width)) for _ in range(source.randrange(1, 12))]
        made = document(("heading", "Sheet", 1), ("table", "\n".join(rows), level), ("table", TABLE, 1), title="Title")
        chunks = split(made, window=window)
        for block in made.blocks[1:]:
            _check_rows(made, block, chunks, window)


def _check_rows(source: Document, table: Block, chunks: list[Chunk], window: int) -> None:
    """A row that fits under its header is whole in one chunk; a chunk that begins with it has a header."""
    header = "\n".join(line.strip() for line in rows_of(source, table)[: table.level])
    start = table.span.start
    for number, row in enumerate(rows_of(source, table)):
        text = row.strip()
        begins = start + row.find(text)
        start += len(row) + 1
        if not text or number < table.level or count(f"Title > Sheet\n{header}\n{text}") > window - 2:
            continue
        if count(f"Title > Sheet\n{header}") > 4 + window // 3:
            continue  # the header is shortened
        [holding] = [chunk for chunk in chunks if chunk.span.start <= begins and chunk.span.end >= begins + len(text)]
        if holding.span.start == begins and header.strip():
            assert holding.header


def test_check_finds_a_row_that_was_cut() -> None:
    source = document(("table", "a b c\nd e f"))
    halves = [Chunk(0, Span(0, 7), "a b c\nd"), Chunk(1, Span(8, 11), "e f")]
    check(source, halves, window=WINDOW)
    with pytest.raises(ValueError, match="not enough"):
        _check_rows(source, source.blocks[0], halves, WINDOW)
